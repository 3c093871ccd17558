package operators

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

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
