package operators

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// What only the node knows whose queue has a message, and what only it can do.

// messageID is a message that the node which is asked is to have.
type messageID struct{ ID sms.ID }

// messageIDs are several.
type messageIDs struct{ IDs []sms.ID }

// waitsAt is how messages wait at a node.
type waitsAt struct {
	Node  string
	Waits map[sms.ID]sms.Wait
}

func (ops *Operators) waitsAsked(_ context.Context, q messageIDs) (waitsAt, error) {
	return waitsAt{ops.o.Node, ops.parts.Queue.HowWait(q.IDs)}, nil
}

// waitsOf tells how messages wait, wherever they do, and the names of the nodes that hold them.
func (ops *Operators) waitsOf(ctx context.Context, ms []*sms.Message) (waits map[sms.ID]sms.Wait, names map[sms.Epoch]string) {
	var here []sms.ID
	elsewhere := map[sms.Epoch][]sms.ID{}
	for _, m := range ms {
		switch {
		case m.State.Final():
		case m.Holder != 0:
			elsewhere[m.Holder] = append(elsewhere[m.Holder], m.ID)
		default:
			here = append(here, m.ID)
		}
	}
	waits = ops.parts.Queue.HowWait(here)
	if len(elsewhere) == 0 {
		return waits, nil
	}
	if waits == nil {
		waits = map[sms.ID]sms.Wait{}
	}
	names = map[sms.Epoch]string{}
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for e, ids := range elsewhere {
		n := ops.holder(e)
		names[e] = n.Name
		all.Go(func() {
			err := ops.absent.of(e)
			var answer waitsAt
			if err == nil {
				answer, err = askOne[waitsAt](bounded, ops, n, askWaits, messageIDs{ids})
			}
			if err != nil {
				adminapi.NoteLack(ctx, missing(&n, err))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			names[e] = answer.Node
			for id, w := range answer.Waits {
				waits[id] = w
			}
		})
	}
	all.Wait()
	return waits, names
}

// held is a message of one node: how it waits, why, and what can be done with it.
type held struct {
	Node  string // "" = there is one alone
	Wait  sms.Wait
	Waits bool
	Why   adminapi.Text
	Can   []string
}

// heldHere is how a message waits at this node.
func (ops *Operators) heldHere(m *sms.Message) held {
	wait, waits := ops.parts.Queue.HowWait([]sms.ID{m.ID})[m.ID]
	return held{ops.here(), wait, waits, ops.whyMessage(m, wait, waits), can(m, wait, waits)}
}

func (ops *Operators) messageAsked(ctx context.Context, q messageID) (held, error) {
	m, err := ops.parts.Store.Get(ctx, q.ID)
	if err != nil {
		return held{}, failed(err)
	}
	return ops.heldHere(m), nil
}

// held is how a message waits, wherever it does.
func (ops *Operators) held(ctx context.Context, m *sms.Message) held {
	if m.Holder == 0 || m.State.Final() {
		return ops.heldHere(m)
	}
	n := ops.holder(m.Holder)
	h := held{Node: n.Name, Can: can(m, sms.Wait{}, false)}
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := askOne[held](bounded, ops, n, askMessage, messageID{m.ID})
	if err != nil {
		adminapi.NoteLack(ctx, missing(&n, err))
		if h.Why = adminapi.Say("the node %s holds it, and does not answer: why it waits, and until when, is not known", n.Name); n.Name == "" {
			h.Why = adminapi.Say("the node that held it has ended: another one is taking it over")
		}
		return h
	}
	if answer.Can == nil {
		answer.Can = []string{}
	}
	return answer
}

// atHolder does something to a message where it waits: here, or at the node that holds it, which is asked for what. at is that node's name.
func (ops *Operators) atHolder(ctx context.Context, id, what string, here func(context.Context, *sms.Message) (adminapi.Done, error)) (d adminapi.Done, at string, err error) {
	for range 3 { // it may be handed on meanwhile
		m, err := ops.find(ctx, id)
		if err != nil {
			return adminapi.Done{}, "", err
		}
		if err := ops.writable(); err != nil {
			return adminapi.Done{}, "", err
		}
		if m.Holder == 0 || m.State.Final() {
			if d, err = here(ctx, m); errors.Is(err, errMoved) {
				continue
			}
			return d, "", err
		}
		n := ops.holder(m.Holder)
		bounded, cancel := context.WithTimeout(ctx, answerTime)
		done, err := askOne[doneAt](bounded, ops, n, what, messageID{m.ID})
		cancel()
		switch {
		case errors.Is(err, errMoved):
			continue
		case errors.Is(err, ErrNoAnswer) && n.Name == "":
			return adminapi.Done{}, "", fmt.Errorf("%w: the node that held message %s has ended, and another one is taking it over: ask again in a moment", adminapi.ErrConflict, m.ID)
		case errors.Is(err, ErrNoAnswer), err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			return adminapi.Done{}, n.Name, noAnswer(&n, fmt.Sprintf("message %s is at another node", m.ID), what == askCancel)
		case errors.Is(err, sms.ErrUnavailable): // it may be done
			return adminapi.Done{}, n.Name, failed(err)
		}
		return done.Done, done.Node, err
	}
	return adminapi.Done{}, "", fmt.Errorf("%w: message %s goes from node to node at this moment", adminapi.ErrConflict, id)
}

// forOther does something to a message that another node has asked something for.
func (ops *Operators) forOther(ctx context.Context, q messageID, do func(context.Context, *sms.Message) (adminapi.Done, error)) (doneAt, error) {
	m, err := ops.parts.Store.Get(ctx, q.ID)
	switch {
	case err != nil:
		return doneAt{}, failed(err)
	case m.Holder != 0 && !m.State.Final():
		return doneAt{}, errMoved
	}
	d, err := do(ctx, m)
	if err == nil {
		ops.forget()
		ops.Changed(TopicStatus | TopicClients | TopicMessages | TopicWaiting)
	}
	return doneAt{d, ops.o.Node}, err
}

// doneAt is what a node did.
type doneAt struct {
	Done adminapi.Done
	Node string
}

func (ops *Operators) retryAsked(ctx context.Context, q messageID) (doneAt, error) {
	return ops.forOther(ctx, q, ops.retryHere)
}

func (ops *Operators) cancelAsked(ctx context.Context, q messageID) (doneAt, error) {
	taken := func(int) []byte { // on disk with its end
		data, _ := encode(doneAt{takenBack(q.ID.String()), ops.o.Node})
		data, _ = encode(reply{Body: data})
		return data
	}
	return ops.forOther(road.WithAnswer(ctx, taken), q, ops.cancelHere)
}

func atNode(name string) string {
	if name == "" {
		return ""
	}
	return "at " + name
}

// Retry implements admin.Operators.
func (ops *Operators) Retry(ctx context.Context, by adminapi.Actor, id string) (adminapi.Done, error) {
	d, at, err := ops.atHolder(ctx, id, askRetry, ops.retryHere)
	if err != nil {
		return adminapi.Done{}, err
	}
	ops.acted(by, "retry", id, atNode(at))
	return d, nil
}

func (ops *Operators) retryHere(ctx context.Context, m *sms.Message) (adminapi.Done, error) {
	if err := ops.parts.Queue.RetryNow(m.ID); err != nil {
		return adminapi.Done{}, ops.notWaiting(ctx, m, err)
	}
	if m.Recipient == sms.Hermes {
		if f := ops.parts.Push.Facts(); f.State == hermes.Dead || !f.Next.IsZero() {
			ops.parts.Push.Resume()
		}
	}
	id := m.ID.String()
	done := adminapi.Done{ID: id, Count: 1, Text: adminapi.Say("message %s is tried with its next turn", id)}
	if m.Recipient != sms.Hermes {
		if why := ops.whyRecipient(m.Recipient); !why.IsZero() {
			done.Text = adminapi.Say("message %s does not wait for a time any more, but nothing goes to its recipient now: %s", id, why)
		}
	}
	return done, nil
}

// Cancel implements admin.Operators.
func (ops *Operators) Cancel(ctx context.Context, by adminapi.Actor, id string) (adminapi.Done, error) {
	d, at, err := ops.atHolder(ctx, id, askCancel, ops.cancelHere)
	switch {
	case errors.Is(err, errLater):
		ops.acted(by, "cancel", id, "not on disk yet")
		return adminapi.Done{}, err
	case err != nil:
		return adminapi.Done{}, err
	}
	ops.acted(by, "cancel", id, atNode(at))
	return d, nil
}

// errLater is that it is done when it can be written.
var errLater = fmt.Errorf("%w", adminapi.ErrUnavailable)

// answerMargin is how long before the end of its time whoever waits is told how far it has come.
const answerMargin = 200 * time.Millisecond

func earlier(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, end.Add(-answerMargin))
	}
	return context.WithCancel(ctx)
}

func (ops *Operators) cancelHere(ctx context.Context, m *sms.Message) (adminapi.Done, error) {
	within, leave := earlier(ctx)
	defer leave()
	switch err := ops.parts.Queue.CancelBy(within, m.ID, "cancelled by an operator"); {
	case err != nil && within.Err() != nil && road.AskOf(ctx, 1) != nil:
		return adminapi.Done{}, fmt.Errorf("%w: message %s could not be taken back in time, and waits as before", adminapi.ErrUnavailable, m.ID)
	case err != nil && within.Err() != nil: // it is taken back when it can be written
		return adminapi.Done{}, fmt.Errorf("%w: message %s is taken back as soon as that can be written", errLater, m.ID)
	case err != nil:
		return adminapi.Done{}, ops.notWaiting(ctx, m, err)
	}
	return takenBack(m.ID.String()), nil
}

func takenBack(id string) adminapi.Done {
	return adminapi.Done{ID: id, Count: 1, Text: adminapi.Say("message %s is taken back", id)}
}

// notWaiting says why nothing can be done with a message; errMoved where another node has it by now.
func (ops *Operators) notWaiting(ctx context.Context, m *sms.Message, err error) error {
	if errors.Is(err, sms.ErrNotWaiting) && !m.State.Final() && ops.several() {
		if now, err := ops.parts.Store.Get(ctx, m.ID); err == nil && now.Holder != 0 && !now.State.Final() {
			return errMoved
		}
	}
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
