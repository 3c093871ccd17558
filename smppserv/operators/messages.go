package operators

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// maxNumber bounds what is looked for in numbers: none is longer.
const maxNumber = 64

var (
	finalFailures = []sms.State{sms.Expired, sms.Undeliverable, sms.Rejected}
	states        = map[string][]sms.State{"waiting": {sms.Scheduled, sms.Enroute}, "failed": finalFailures}
	directions    = map[string]store.Direction{"": store.Either, "in": store.In, "out": store.Out}
	kinds         = map[string][]sms.Kind{"": nil, "text": {sms.KindText}, "receipt": {sms.KindReceipt, sms.KindIntermediate}}
)

// searchFor reads a Search.
func searchFor(q adminapi.Search) (s store.Search, err error) {
	bad := func(format string, args ...any) (store.Search, error) {
		return store.Search{}, fmt.Errorf("%w: "+format, append([]any{adminapi.ErrBadRequest}, args...)...)
	}
	s = store.Search{Client: q.Client, From: q.From, To: q.To, Limit: q.Limit}
	if s.Client == adminapi.Hermes {
		return bad("hermes is no client; direction tells what is from and for it")
	}
	number := strings.TrimPrefix(strings.TrimSpace(q.Number), "+")
	s.Number, s.Beginning = strings.CutSuffix(number, "*")
	switch {
	case len(s.Number) > maxNumber || strings.Contains(s.Number, "*"):
		return bad("number is digits or a name, with a * at its end for its beginning")
	case s.Beginning && s.Number == "":
		s.Beginning = false
	}
	s.Campaign = strings.TrimPrefix(strings.TrimSpace(q.Campaign), "+")
	if q.State != "" {
		var known bool
		if s.States, known = states[strings.ToLower(q.State)]; !known {
			state, ok := stateNamed(q.State)
			if !ok {
				return bad("state is one of %s", strings.Join(adminapi.States, ", "))
			}
			s.States = []sms.State{state}
		}
	}
	var ok bool
	if s.Direction, ok = directions[q.Direction]; !ok {
		return bad("direction is in or out")
	}
	if s.Kinds, ok = kinds[q.Kind]; !ok {
		return bad("kind is text or receipt")
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return bad("from is not before to")
	}
	switch {
	case s.Limit < 0 || s.Limit > adminapi.MaxLimit:
		return bad("limit is 1 to %d", adminapi.MaxLimit)
	case s.Limit == 0:
		s.Limit = adminapi.DefaultLimit
	}
	if q.Cursor != "" {
		below, err := strconv.ParseUint(q.Cursor, 10, 63)
		if err != nil || below == 0 {
			return bad("cursor is not one that a page before had as its next")
		}
		s.Below = sms.ID(below)
	}
	return s, nil
}

func stateNamed(name string) (sms.State, bool) {
	for s := sms.Scheduled; s <= sms.Rejected; s++ {
		if strings.EqualFold(s.String(), name) {
			return s, true
		}
	}
	return 0, false
}

// Messages implements admin.Operators.
func (ops *Operators) Messages(ctx context.Context, q adminapi.Search) (adminapi.Page, error) {
	s, err := searchFor(q)
	if err != nil {
		return adminapi.Page{}, err
	}
	found, err := ops.parts.Store.Search(ctx, s)
	if err != nil {
		return adminapi.Page{}, failed(err)
	}
	p := adminapi.Page{Messages: ops.list(ctx, found.Messages), SearchedTo: found.SearchedTo}
	if found.Next != 0 {
		p.Next = found.Next.String()
	}
	return p, nil
}

// list shows messages, with the times at which they are tried next, as the queue knows them.
func (ops *Operators) list(ctx context.Context, ms []*sms.Message) []adminapi.Message {
	waits, names := ops.waitsOf(ctx, ms)
	return ops.listed(ms, waits, func(m *sms.Message) string {
		if m.Holder == 0 {
			return ops.here()
		}
		return names[m.Holder]
	})
}

// listed shows messages that wait so; node names the one that holds a message.
func (ops *Operators) listed(ms []*sms.Message, waits map[sms.ID]sms.Wait, node func(*sms.Message) string) []adminapi.Message {
	all := make([]adminapi.Message, 0, len(ms))
	for _, m := range ms {
		one := shown(m)
		if !m.State.Final() {
			one.Node = node(m)
		}
		if w, ok := waits[m.ID]; ok {
			one.Next = w.Due
			if w.Scheduled {
				one.State = sms.Scheduled.String()
			}
		}
		all = append(all, one)
	}
	return all
}

var kindNames = [...]string{sms.KindText: "text", sms.KindReceipt: "receipt", sms.KindIntermediate: "intermediate", sms.KindDPF: "pending", sms.KindAlert: "alert"}

func kindName(k sms.Kind) string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return strconv.Itoa(int(k))
}

// shown is a message as a list has it.
func shown(m *sms.Message) adminapi.Message {
	a := adminapi.Message{ID: m.ID.String(), Kind: kindName(m.Kind), Direction: direction(m), From: m.Source.Number, To: m.Dest.Number,
		Submitter: named(m.Submitter), Recipient: named(m.Recipient), State: m.State.String(), Error: m.Error, Tries: m.Attempts,
		Received: m.FirstReceived(), Final: m.FinalAt}
	if m.Reason != "" {
		a.Reason = saying(m.Reason)
	}
	if m.KnownBy != 0 && m.KnownBy != m.ID {
		a.KnownBy = m.KnownBy.String()
	}
	if !m.State.Final() {
		a.Expires = m.ExpiresAt
	}
	if m.Part.Total > 1 {
		a.Part = fmt.Sprintf("%d/%d", m.Part.Seq, m.Part.Total)
	}
	if m.Receipt != nil {
		a.Of = m.Receipt.Of.String()
	}
	return a
}

func direction(m *sms.Message) string {
	if m.Submitter == sms.Hermes && m.Recipient != sms.Hermes {
		return "out"
	}
	return "in"
}

// find reads the message with an id that an operator gave.
func (ops *Operators) find(ctx context.Context, id string) (*sms.Message, error) {
	id = strings.TrimSpace(id)
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil { // as a client with message_id_format = "hex" has it
		n, err = strconv.ParseUint(strings.TrimPrefix(id, "0x"), 16, 63)
	}
	if err != nil || n == 0 {
		return nil, fmt.Errorf("%w: a message_id is a decimal number, or a hexadecimal one, not %q", adminapi.ErrBadRequest, cut(id, 40))
	}
	m, err := ops.parts.Store.Get(ctx, sms.ID(n))
	if err != nil {
		return nil, failed(err)
	}
	return m, nil
}

// cut is at most n octets of a text.
func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}

const (
	// aboutTime is how far around a moment it is looked for what belongs to a message.
	aboutTime = 5 * time.Second
	// partsTime is how far apart the parts of a text may have come.
	partsTime = 5 * time.Minute
)

// receiptsOf finds what told the submitter of a message what became of it: it was written when the message ended, or, of a try that
// failed, with that.
func (ops *Operators) receiptsOf(ctx context.Context, m *sms.Message, tries []sms.Try) (all []*sms.Message, err error) {
	var moments []time.Time
	for _, t := range tries[:min(len(tries), 1)] {
		moments = append(moments, t.At.Add(t.Took))
	}
	if !m.FinalAt.IsZero() {
		moments = append(moments, m.FinalAt)
	}
	seen := map[sms.ID]bool{}
	for _, at := range moments {
		found, err := ops.parts.Store.Search(ctx, store.Search{Number: m.Source.Number, Kinds: []sms.Kind{sms.KindReceipt, sms.KindIntermediate, sms.KindAlert},
			From: at.Add(-aboutTime), To: at.Add(aboutTime), Limit: store.MaxFound})
		if err != nil {
			return nil, failed(err)
		}
		for _, r := range found.Messages {
			if r.Receipt != nil && r.Receipt.Of == m.PublicID() && r.Recipient == m.Submitter && r.Source.Number == m.Dest.Number && !seen[r.ID] {
				seen[r.ID] = true
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// partsOf finds the other parts of a message's text.
func (ops *Operators) partsOf(ctx context.Context, m *sms.Message) (all []*sms.Message, err error) {
	if m.Part.Total < 2 {
		return nil, nil
	}
	at := m.FirstReceived()
	found, err := ops.parts.Store.Search(ctx, store.Search{Number: m.Source.Number, Kinds: []sms.Kind{sms.KindText}, From: at.Add(-partsTime), To: at.Add(partsTime),
		Limit: store.MaxFound})
	if err != nil {
		return nil, failed(err)
	}
	for _, o := range found.Messages {
		if o.ID != m.ID && o.Submitter == m.Submitter && o.Dest.Number == m.Dest.Number && o.Part.Ref == m.Part.Ref && o.Part.Total == m.Part.Total && o.PartForm == m.PartForm {
			all = append(all, o)
		}
	}
	return all, nil
}
