package operators

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/sms"
)

// Message implements admin.Operators.
func (ops *Operators) Message(ctx context.Context, by adminapi.Actor, id string, text bool) (adminapi.Detail, error) {
	m, err := ops.find(ctx, id)
	if err != nil {
		return adminapi.Detail{}, err
	}
	if text && !by.Texts {
		return adminapi.Detail{}, forbidden("read the texts of messages")
	}
	if text { // no look without its entry in the audit
		if err := ops.writable(); err != nil {
			return adminapi.Detail{}, err
		}
	}
	tries, err := ops.parts.Store.Tries(ctx, m.ID)
	if err != nil {
		return adminapi.Detail{}, failed(err)
	}
	receipts, err := ops.receiptsOf(ctx, m, tries)
	if err != nil {
		return adminapi.Detail{}, err
	}
	parts, err := ops.partsOf(ctx, m)
	if err != nil {
		return adminapi.Detail{}, err
	}
	h := ops.held(ctx, m)
	wait := map[sms.ID]sms.Wait{}
	if h.Waits {
		wait[m.ID] = h.Wait
	}
	d := adminapi.Detail{Message: ops.listed([]*sms.Message{m}, wait, func(*sms.Message) string { return h.Node })[0], Fields: fields(m), ExternalID: m.ExternalID, PushKey: m.PushKey, Octets: len(m.Content),
		Receipts: ops.list(ctx, receipts), Parts: ops.list(ctx, parts), Why: h.Why, Can: h.Can}
	if m.Recipient == sms.Hermes && d.PushKey == "" {
		d.PushKey = m.Key()
	}
	d.Timeline = timeline(m, tries, receipts)
	if !m.State.Final() {
		d.Timeline = append(d.Timeline, adminapi.Step{At: h.Wait.Due, Kind: "waiting", Text: d.Why})
	}
	if text {
		said := ops.parts.Text([]*sms.Message{m})
		if said.Data == nil {
			d.Text = &said.Text
		} else {
			d.Data = said.Data
		}
		ops.note(by, "show text", id, "")
	}
	return d, nil
}

// can tells which actions apply.
func can(m *sms.Message, w sms.Wait, waits bool) []string {
	all := []string{}
	if waits && !w.Trying {
		all = append(all, "retry", "cancel")
	}
	if m.Kind == sms.KindText {
		all = append(all, "send-again")
	}
	return all
}

// whyMessage says why a message waits, or what became of it.
func (ops *Operators) whyMessage(m *sms.Message, w sms.Wait, waits bool) adminapi.Text {
	reason := saying(m.Reason)
	switch {
	case m.State.Final():
		return became(m)
	case !waits:
		return adminapi.Say("what came of it is on its way to disk")
	case w.Trying:
		return adminapi.Say("it is being tried at this moment")
	case w.Scheduled:
		return adminapi.Say("its sender wants it sent at %s", w.Due)
	case w.Parts:
		return adminapi.Say("it waits for the other parts of its text, until %s at most", w.Due)
	}
	own := !w.Due.IsZero() || w.Behind != 0
	if m.Recipient == sms.Hermes && own && ops.parts.Push.Facts().State == hermes.Silent { // Hermès is pushed to: what the message itself waits for tells more
	} else if why := ops.whyRecipient(m.Recipient); !why.IsZero() {
		return why
	}
	switch {
	case !w.Due.IsZero() && !reason.IsZero():
		return adminapi.Say("the last try failed (%s); the next one is at %s", reason, w.Due)
	case !w.Due.IsZero():
		return adminapi.Say("the next try is at %s", w.Due)
	case w.Behind != 0:
		return adminapi.Say("message %s of the same conversation goes first", w.Behind.String())
	}
	return adminapi.Say("its turn comes as soon as those before it have had theirs")
}

// became says what a final state means.
func became(m *sms.Message) adminapi.Text {
	reason := saying(m.Reason)
	switch m.State {
	case sms.Delivered:
		if m.Recipient == sms.Hermes {
			return adminapi.Say("Hermès took it at %s", m.FinalAt)
		}
		return adminapi.Say("%s took it at %s", m.Recipient, m.FinalAt)
	case sms.Expired:
		return adminapi.Say("it was not delivered within its validity, which ended at %s (%s)", m.FinalAt, reason)
	case sms.Deleted:
		return adminapi.Say("it was taken back at %s (%s)", m.FinalAt, reason)
	case sms.Rejected:
		return adminapi.Say("it was rejected at %s (%s)", m.FinalAt, reason)
	}
	return adminapi.Say("it could not be delivered: %s", reason)
}

// timeline is what happened to a message, oldest first.
func timeline(m *sms.Message, tries []sms.Try, receipts []*sms.Message) []adminapi.Step {
	steps := []adminapi.Step{{At: m.FirstReceived(), Kind: "accepted", Text: accepted(m)}}
	if m.ReceivedAt.After(m.FirstReceived()) {
		steps = append(steps, adminapi.Step{At: m.ReceivedAt, Kind: "accepted", Text: adminapi.Say("replaced by its submitter (replace_sm)")})
	}
	for _, t := range tries {
		s := adminapi.Step{At: t.At, Kind: "try", Through: t.Through, Code: t.Error, Took: float64(t.Took) / float64(time.Millisecond)}
		switch {
		case t.Reason == "" && t.Error == 0:
			s.Text = adminapi.Say("taken")
		case t.Unjudged > 1:
			s.Text = adminapi.Say("%s (the last of %d alike, which say nothing of the message)", saying(t.Reason), t.Unjudged)
		default:
			s.Text = saying(t.Reason)
		}
		steps = append(steps, s)
	}
	if m.State.Final() {
		steps = append(steps, adminapi.Step{At: m.FinalAt, Kind: "final", Text: adminapi.Say("%s: %s", m.State.String(), became(m))})
	}
	for _, r := range receipts {
		id := r.ID.String()
		s := adminapi.Step{At: r.FirstReceived(), Kind: "receipt", ID: id, Text: adminapi.Say("a receipt for %s says %s", named(r.Recipient), r.Receipt.State.String())}
		if r.Kind != sms.KindIntermediate && s.At.Before(m.FinalAt) { // both were written at once
			s.At = m.FinalAt
		}
		if r.Kind == sms.KindAlert {
			s.Text = adminapi.Say("%s is told that the number can be reached again", named(r.Recipient))
		}
		steps = append(steps, s)
		switch {
		case r.State == sms.Delivered:
			steps = append(steps, adminapi.Step{At: r.FinalAt, Kind: "receipt", ID: id, Through: r.Through, Took: float64(r.Took) / float64(time.Millisecond),
				Text: adminapi.Say("%s acknowledged the receipt", named(r.Recipient))})
		case r.State.Final():
			steps = append(steps, adminapi.Step{At: r.FinalAt, Kind: "receipt", ID: id, Code: r.Error, Text: adminapi.Say("the receipt is %s: %s", r.State.String(), became(r))})
		default:
			steps = append(steps, adminapi.Step{At: r.DueAt, Kind: "receipt", ID: id, Text: adminapi.Say("the receipt waits for %s", named(r.Recipient))})
		}
	}
	slices.SortStableFunc(steps, func(a, b adminapi.Step) int { return cmp.Compare(a.At.UnixMilli(), b.At.UnixMilli()) })
	return steps
}

// What Acceptance.Remote says of messages that an operator handed in; and before the number of the one that is sent again.
const (
	byOperator = "operator"
	againAs    = "operator again "
)

// accepted says how a message came.
func accepted(m *sms.Message) adminapi.Text {
	a := m.Accepted
	switch {
	case m.Receipt != nil:
		return adminapi.Say("written by the message centre, about message %s", m.Receipt.Of.String())
	case strings.HasPrefix(a.Remote, againAs):
		return adminapi.Say("sent again by an operator, as message %s had been", a.Remote[len(againAs):])
	case a.Remote == byOperator && m.Submitter == sms.Hermes:
		return adminapi.Say("sent by an operator in the place of Hermès")
	case a.Remote == byOperator:
		return adminapi.Say("sent by an operator in the place of %s", m.Submitter)
	case a.Session != 0:
		return adminapi.Say("accepted from %s: %s %s on session %s from %s", m.Submitter, smpp.CommandID(a.Command).String(),
			strconv.FormatUint(uint64(a.Sequence), 10), strconv.FormatUint(a.Session, 10), a.Remote)
	case m.Submitter == sms.Hermes && a.Remote != "":
		return adminapi.Say("accepted from Hermès: a line on the TCP port from %s", a.Remote)
	case m.Submitter == sms.Hermes:
		return adminapi.Say("accepted from Hermès")
	}
	return adminapi.Say("accepted from %s", m.Submitter)
}
