package operators

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

func forbidden(what string) error {
	return fmt.Errorf("%w: %s", adminapi.ErrForbidden, what)
}

// writable tells why nothing may be done that is to be kept, or is to leave an entry in the audit.
func (ops *Operators) writable() error {
	if err := ops.parts.Store.Check(); err != nil {
		return fmt.Errorf("%w: %w", adminapi.ErrUnavailable, err)
	}
	return nil
}

// Unbind implements admin.Operators. It does not wait for the client.
func (ops *Operators) Unbind(_ context.Context, by adminapi.Actor, id uint64) (adminapi.Done, error) {
	for _, s := range ops.parts.SMSC.Sessions() {
		if s.ID() != id {
			continue
		}
		systemID := s.SystemID()
		go ops.parts.SMSC.Unbind(s)
		ops.note(by, "unbind", systemID, fmt.Sprintf("session %d from %s", id, s.RemoteAddr()))
		return adminapi.Done{Count: 1, Text: adminapi.Say("session %s of %s is being unbound", strconv.FormatUint(id, 10), systemID)}, nil
	}
	return adminapi.Done{}, fmt.Errorf("%w: there is no session %d", adminapi.ErrNotFound, id)
}

// Pause implements admin.Operators.
func (ops *Operators) Pause(ctx context.Context, by adminapi.Actor, systemID string) (adminapi.Done, error) {
	if err := ops.isClient(ctx, systemID); err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	if p, paused := ops.paused(systemID); paused {
		return adminapi.Done{}, fmt.Errorf("%w: %s is paused already, by %s", adminapi.ErrConflict, systemID, p.By)
	}
	p := adminapi.Pause{Since: time.Now(), By: by.Name}
	if err := ops.keepPause(ctx, systemID, store.Pause{Since: p.Since, By: p.By}); err != nil {
		return adminapi.Done{}, err
	}
	ops.mu.Lock()
	ops.pauses[systemID] = p
	ops.mu.Unlock()
	ops.parts.Queue.Hold(systemID, true)
	ops.parts.SMSC.Note(systemID, smsc.EventPaused, by.Name)
	ops.acted(by, "pause", systemID, "")
	return adminapi.Done{Text: adminapi.Say("nothing is sent to %s until it is resumed; its sessions and submits go on", systemID)}, nil
}

// Resume implements admin.Operators.
func (ops *Operators) Resume(ctx context.Context, by adminapi.Actor, systemID string) (adminapi.Done, error) {
	if _, paused := ops.paused(systemID); !paused {
		if err := ops.isClient(ctx, systemID); err != nil {
			return adminapi.Done{}, err
		}
		return adminapi.Done{}, fmt.Errorf("%w: %s is not paused", adminapi.ErrConflict, systemID)
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.keepPause(ctx, systemID, store.Pause{}); err != nil {
		return adminapi.Done{}, err
	}
	ops.mu.Lock()
	delete(ops.pauses, systemID)
	ops.mu.Unlock()
	ops.parts.Queue.Hold(systemID, false)
	ops.parts.SMSC.Note(systemID, smsc.EventResumed, by.Name)
	ops.acted(by, "resume", systemID, "")
	return adminapi.Done{Text: adminapi.Say("what waits for %s is sent again", systemID)}, nil
}

func (ops *Operators) keepPause(ctx context.Context, systemID string, p store.Pause) error {
	written := make(chan error, 1)
	ops.parts.Store.PauseClient(systemID, p, func(err error) { written <- err })
	select {
	case err := <-written:
		return failed(err)
	case <-ctx.Done():
		return failed(ctx.Err())
	}
}

// isClient tells whether config.toml has a client, or something waits for one of this name.
func (ops *Operators) isClient(ctx context.Context, systemID string) error {
	if systemID == adminapi.Hermes || systemID == "" {
		return fmt.Errorf("%w: %q is no client", adminapi.ErrNotFound, systemID)
	}
	_, err := ops.Client(ctx, systemID)
	return err
}

// HandOver implements admin.Operators.
func (ops *Operators) HandOver(ctx context.Context, by adminapi.Actor, from, to string) (adminapi.Done, error) {
	cfg := ops.o.Config()
	c, known := cfg.client(to)
	switch {
	case from == "" || to == "" || from == adminapi.Hermes || to == adminapi.Hermes:
		return adminapi.Done{}, fmt.Errorf("%w: what waits is handed over from one client to another", adminapi.ErrBadRequest)
	case from == to:
		return adminapi.Done{}, fmt.Errorf("%w: %s has it already", adminapi.ErrBadRequest, to)
	case !known:
		return adminapi.Done{}, fmt.Errorf("%w: config.toml has no client %q to hand over to", adminapi.ErrNotFound, to)
	case c.Disabled:
		return adminapi.Done{}, fmt.Errorf("%w: %s is disabled in config.toml", adminapi.ErrConflict, to)
	}
	if err := ops.isClient(ctx, from); err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	n, left, err := ops.parts.Queue.HandOver(ctx, from, to, nil)
	if n > 0 || err == nil {
		ops.acted(by, "hand-over", from, fmt.Sprintf("%d messages to %s", n, to))
	}
	switch {
	case err != nil:
		return adminapi.Done{Count: n}, fmt.Errorf("%d messages were handed over, then: %w", n, failed(err))
	case left > 0:
		return adminapi.Done{Count: n, Text: adminapi.Say("%d messages are for %s now; %d more are being tried: do it again when their tries are over", n, to, left)}, nil
	}
	return adminapi.Done{Count: n, Text: adminapi.Say("%d messages are for %s now", n, to)}, nil
}

// Retry implements admin.Operators.
func (ops *Operators) Retry(ctx context.Context, by adminapi.Actor, id string) (adminapi.Done, error) {
	m, err := ops.find(ctx, id)
	if err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.parts.Queue.RetryNow(m.ID); err != nil {
		return adminapi.Done{}, ops.notWaiting(m, err)
	}
	if m.Recipient == sms.Hermes {
		if f := ops.parts.Push.Facts(); f.State == hermes.Dead || !f.Next.IsZero() {
			ops.parts.Push.Resume()
		}
	}
	ops.acted(by, "retry", id, "")
	done := adminapi.Done{ID: id, Count: 1, Text: adminapi.Say("message %s is tried with its next turn", id)}
	if m.Recipient != sms.Hermes {
		if why := ops.whyRecipient(m.Recipient); !why.IsZero() {
			done.Text = adminapi.Say("message %s does not wait for a time any more, but its recipient is not there: %s", id, why)
		}
	}
	return done, nil
}

// notWaiting says why nothing can be done with a message.
func (ops *Operators) notWaiting(m *sms.Message, err error) error {
	switch {
	case errors.Is(err, sms.ErrBeingTried):
		return fmt.Errorf("%w: message %s is being tried at this moment", adminapi.ErrConflict, m.ID)
	case errors.Is(err, sms.ErrNotWaiting) && m.State.Final():
		return fmt.Errorf("%w: message %s is %s, which is final; send it again as a new message", adminapi.ErrConflict, m.ID, m.State)
	case errors.Is(err, sms.ErrNotWaiting):
		return fmt.Errorf("%w: message %s does not wait any more", adminapi.ErrConflict, m.ID)
	}
	return failed(err)
}

// Cancel implements admin.Operators.
func (ops *Operators) Cancel(ctx context.Context, by adminapi.Actor, id string) (adminapi.Done, error) {
	m, err := ops.find(ctx, id)
	if err != nil {
		return adminapi.Done{}, err
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	switch err := ops.parts.Queue.CancelBy(ctx, m.ID, "cancelled by an operator"); {
	case err != nil && ctx.Err() != nil: // it is taken back when it can be written
		ops.acted(by, "cancel", id, "not on disk yet")
		return adminapi.Done{}, fmt.Errorf("%w: message %s is taken back as soon as that can be written", adminapi.ErrUnavailable, m.ID)
	case err != nil:
		return adminapi.Done{}, ops.notWaiting(m, err)
	}
	ops.acted(by, "cancel", id, "")
	return adminapi.Done{ID: id, Count: 1, Text: adminapi.Say("message %s is taken back", id)}, nil
}

// SendAgain implements admin.Operators. Of a long text in parts, one part is sent again as a part of a text of its own.
func (ops *Operators) SendAgain(ctx context.Context, by adminapi.Actor, id string) (adminapi.Done, error) {
	m, err := ops.find(ctx, id)
	if err != nil {
		return adminapi.Done{}, err
	}
	if m.Kind != sms.KindText {
		return adminapi.Done{}, fmt.Errorf("%w: message %s is no text, but %s; only texts are sent again", adminapi.ErrConflict, m.ID, kindName(m.Kind))
	}
	if err := ops.writable(); err != nil {
		return adminapi.Done{}, err
	}
	parts, err := ops.partsOf(ctx, m)
	if err != nil {
		return adminapi.Done{}, err
	}
	ids := []sms.ID{m.ID}
	seen := map[byte]bool{m.Part.Seq: true}
	for _, p := range parts {
		if !seen[p.Part.Seq] {
			seen[p.Part.Seq] = true
			ids = append(ids, p.ID)
		}
	}
	all, err := ops.parts.Store.Load(ctx, ids)
	if err != nil {
		return adminapi.Done{}, failed(err)
	}
	ref := uint16(rand.Uint32())
	var first sms.ID
	for _, one := range all {
		n, err := ops.hand(ctx, func(s *handed) error { return ops.parts.Queue.Add(again(one, ref, time.Now()), 0, s) })
		if err != nil {
			return adminapi.Done{}, err
		}
		if first == 0 {
			first = n
		}
	}
	ops.acted(by, "send-again", id, fmt.Sprintf("as message %s, %d in all", first, len(all)))
	return adminapi.Done{ID: first.String(), Count: len(all), Text: adminapi.Say("message %s is sent again as message %s", id, first.String())}, nil
}

// again is a new message that says what m does, and of which nobody is told.
func again(m *sms.Message, ref uint16, now time.Time) *sms.Message {
	n := &sms.Message{Kind: m.Kind, Submitter: m.Submitter, Recipient: m.Recipient, Source: m.Source, Dest: m.Dest, ServiceType: m.ServiceType,
		ESMClass: m.ESMClass &^ 0x03, ProtocolID: m.ProtocolID, Priority: m.Priority, DataCoding: m.DataCoding, InterfaceVersion: m.InterfaceVersion,
		Alphabet: m.Alphabet, Content: m.Content, TLVs: m.TLVs, Part: m.Part, PartForm: m.PartForm,
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(validityOf(m)), Period: true, State: sms.Enroute,
		Accepted: sms.Acceptance{Remote: againAs + m.ID.String()}}
	if n.Part.Total > 1 {
		n.Part.Ref = ref
	}
	return n
}

// validityOf is how long a message was to be tried.
func validityOf(m *sms.Message) time.Duration {
	const least, most = time.Hour, 30 * 24 * time.Hour
	return min(max(m.ExpiresAt.Sub(m.FirstReceived()), least), most)
}

// handed is a message that an operator hands in. It implements road.Submission.
type handed struct{ accepted chan result }

type result struct {
	id        sms.ID
	duplicate bool
	err       error
}

func (h *handed) Accepted(m *sms.Message, duplicate bool, err error) {
	h.accepted <- result{m.ID, duplicate, err}
}

func (h *handed) Awaits() bool                        { return false }
func (h *handed) Concluded(*sms.Message, sms.Outcome) {}

func (h *handed) Answered() (session uint64, since time.Time, ok bool) {
	return 0, time.Time{}, false
}

// hand hands a message in, and waits until it is on disk.
func (ops *Operators) hand(ctx context.Context, add func(*handed) error) (sms.ID, error) {
	h := &handed{accepted: make(chan result, 1)}
	if err := add(h); err != nil {
		return 0, failed(err)
	}
	select {
	case r := <-h.accepted:
		return r.id, failed(r.err)
	case <-ctx.Done():
		return 0, failed(ctx.Err())
	}
}

// Submit implements admin.Operators.
func (ops *Operators) Submit(ctx context.Context, by adminapi.Actor, line []byte) ([]byte, error) {
	answer, err := ops.parts.Port.Submit(ctx, line)
	if err != nil {
		return nil, failed(err)
	}
	ops.acted(by, "send", adminapi.Hermes, cut(strings.TrimSpace(string(answer)), 200))
	return answer, nil
}

// SubmitAs implements admin.Operators.
func (ops *Operators) SubmitAs(ctx context.Context, by adminapi.Actor, systemID, from, to, text string) (adminapi.Done, error) {
	cfg := ops.o.Config()
	if _, known := cfg.client(systemID); !known {
		return adminapi.Done{}, fmt.Errorf("%w: config.toml has no client %q", adminapi.ErrNotFound, systemID)
	}
	id, err := ops.hand(ctx, func(h *handed) error {
		if err := ops.parts.SMSC.SubmitAs(ctx, systemID, from, to, text, h); err != nil {
			return fmt.Errorf("%w: %w", adminapi.ErrBadRequest, err)
		}
		return nil
	})
	if err != nil {
		return adminapi.Done{}, err
	}
	ops.acted(by, "send", systemID, "message "+id.String())
	return adminapi.Done{ID: id.String(), Count: 1, Text: adminapi.Say("message %s was accepted as if %s had submitted it", id.String(), systemID)}, nil
}

// acted notes in the audit what somebody did, and has what may show it be made anew.
func (ops *Operators) acted(by adminapi.Actor, what, on, more string) {
	ops.note(by, what, on, more)
	ops.status.forget()
	ops.waiting.forget()
	ops.Changed(TopicStatus | TopicClients | TopicMessages | TopicWaiting)
}
