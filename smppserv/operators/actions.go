package operators

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
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

// sessionName is a session of a node.
type sessionName struct{ ID uint64 }

// unbinding is a session that is being unbound.
type unbinding struct{ SystemID, Remote string }

// Unbind implements admin.Operators. It does not wait for the client.
func (ops *Operators) Unbind(ctx context.Context, by adminapi.Actor, node string, id uint64) (adminapi.Done, error) {
	var s unbinding
	var err error
	at := slices.IndexFunc(ops.nodes(), func(n Neighbour) bool { return strings.EqualFold(n.Name, node) && !n.Self })
	switch {
	case at >= 0:
		n := ops.nodes()[at]
		bounded, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		if s, err = askOne[unbinding](bounded, ops, n, askUnbind, sessionName{id}); errors.Is(err, ErrNoAnswer) {
			err = noAnswer(&n, fmt.Sprintf("session %d is there", id), false)
		}
	case node == "" || strings.EqualFold(node, ops.o.Node):
		s, err = ops.unbindHere(ctx, sessionName{id})
	default:
		err = fmt.Errorf("%w: there is no node %q", adminapi.ErrNotFound, cut(node, 80))
	}
	if err != nil {
		return adminapi.Done{}, err
	}
	more := fmt.Sprintf("session %d from %s", id, s.Remote)
	if at >= 0 {
		more += " at " + ops.nodes()[at].Name
	}
	ops.note(by, "unbind", s.SystemID, more)
	return adminapi.Done{Count: 1, Text: adminapi.Say("session %s of %s is being unbound", strconv.FormatUint(id, 10), s.SystemID)}, nil
}

func (ops *Operators) unbindHere(_ context.Context, q sessionName) (unbinding, error) {
	for _, s := range ops.parts.SMSC.Sessions() {
		if s.ID() == q.ID {
			go ops.parts.SMSC.Unbind(s)
			return unbinding{s.SystemID(), s.RemoteAddr().String()}, nil
		}
	}
	if ops.several() {
		return unbinding{}, fmt.Errorf("%w: the node %s has no session %d; each node has its own numbers: name the node that has it", adminapi.ErrNotFound, ops.o.Node, q.ID)
	}
	return unbinding{}, fmt.Errorf("%w: there is no session %d", adminapi.ErrNotFound, q.ID)
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
	silent, err := ops.setPause(ctx, systemID, p)
	if err != nil {
		return adminapi.Done{}, err
	}
	ops.parts.SMSC.Note(systemID, smsc.EventPaused, by.Name)
	ops.acted(by, "pause", systemID, "")
	return adminapi.Done{Text: ops.butNot(silent, adminapi.Say("nothing is sent to %s until it is resumed; its sessions and submits go on", systemID))}, nil
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
	silent, err := ops.setPause(ctx, systemID, adminapi.Pause{})
	if err != nil {
		return adminapi.Done{}, err
	}
	ops.parts.SMSC.Note(systemID, smsc.EventResumed, by.Name)
	ops.acted(by, "resume", systemID, "")
	return adminapi.Done{Text: ops.butNot(silent, adminapi.Say("what waits for %s is sent again", systemID))}, nil
}

// butNot says that some nodes do not yet what the others do.
func (ops *Operators) butNot(silent string, done adminapi.Text) adminapi.Text {
	if silent == "" {
		return done
	}
	return adminapi.Say("%s; not yet on %s, which did not answer, and takes it up when it does", done, silent)
}

// setPause writes a pause, or with the zero Pause its end, and has it hold on all nodes; silent names those that did not answer.
func (ops *Operators) setPause(ctx context.Context, systemID string, p adminapi.Pause) (silent string, err error) {
	if err := ops.keepPause(ctx, systemID, store.Pause{Since: p.Since, By: p.By}); err != nil {
		return "", err
	}
	ops.hold(systemID, p)
	if !ops.several() {
		return "", nil
	}
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return silentOn(askAll[nothing](bounded, ops, true, askHold, holding{systemID, p})), nil
}

// holding is that a client is paused, or with the zero Pause that it is not.
type holding struct {
	SystemID string
	Pause    adminapi.Pause
}

func (ops *Operators) holdAsked(_ context.Context, q holding) (nothing, error) {
	ops.hold(q.SystemID, q.Pause)
	ops.forget()
	ops.Changed(TopicStatus | TopicClients | TopicWaiting)
	return nothing{}, nil
}

// hold has a pause, or its end, hold here.
func (ops *Operators) hold(systemID string, p adminapi.Pause) {
	ops.mu.Lock()
	defer ops.mu.Unlock()
	ops.holds++
	ops.holdLocked(systemID, p)
}

// holdLocked is hold; the caller has ops.mu.
func (ops *Operators) holdLocked(systemID string, p adminapi.Pause) {
	_, was := ops.pauses[systemID]
	is := !p.Since.IsZero()
	if is {
		ops.pauses[systemID] = p
	} else {
		delete(ops.pauses, systemID)
	}
	if is != was {
		ops.parts.Queue.Hold(systemID, is)
	}
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

// fromTo is a hand-over.
type fromTo struct{ From, To string }

// handedOver is how many a hand-over concerned, and why it ended early.
type handedOver struct {
	N, Left int
	Words   string
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
	elsewhere := make(chan []asked[handedOver], 1)
	go func() {
		bounded, cancel := context.WithTimeout(ctx, handOverTime)
		defer cancel()
		elsewhere <- askAll[handedOver](bounded, ops, true, askHandOver, fromTo{from, to})
	}()
	n, left, err := ops.parts.Queue.HandOver(ctx, from, to, nil)
	err = failed(err)
	for _, a := range <-elsewhere {
		n, left = n+a.answer.N, left+a.answer.Left
		switch {
		case err != nil:
		case a.err != nil:
			err = fmt.Errorf("%w: the node %s does not answer; what it holds for %s may still be for it: do it again when the node does", adminapi.ErrNoAnswer, a.node.Name, from)
		case a.answer.Words != "":
			err = fmt.Errorf("%s: %s", a.node.Name, a.answer.Words)
		}
	}
	if n > 0 || err == nil {
		ops.acted(by, "hand-over", from, fmt.Sprintf("%d messages to %s", n, to))
	}
	switch {
	case err != nil:
		return adminapi.Done{Count: n}, fmt.Errorf("%d messages were handed over, then: %w", n, err)
	case left > 0:
		return adminapi.Done{Count: n, Text: adminapi.Say("%d messages are for %s now; %d more are being tried: do it again when their tries are over", n, to, left)}, nil
	}
	return adminapi.Done{Count: n, Text: adminapi.Say("%d messages are for %s now", n, to)}, nil
}

func (ops *Operators) handOverAsked(ctx context.Context, q fromTo) (handedOver, error) {
	ctx, cancel := earlier(ctx)
	defer cancel()
	n, left, err := ops.parts.Queue.HandOver(ctx, q.From, q.To, nil)
	h := handedOver{N: n, Left: left}
	if err != nil {
		h.Words = failed(err).Error()
	}
	ops.forget()
	ops.Changed(TopicStatus | TopicClients | TopicWaiting | TopicMessages)
	return h, nil
}

// acted notes in the audit what somebody did, and has what may show it be made anew.
func (ops *Operators) acted(by adminapi.Actor, what, on, more string) {
	ops.note(by, what, on, more)
	ops.forget()
	ops.Changed(TopicStatus | TopicClients | TopicMessages | TopicWaiting)
}
