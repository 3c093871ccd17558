package operators

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// Between nodes go values of package gob: a field that the other version does not know is left out, and sentences stay such as can be
// translated for the reader of another node.

// maxWire bounds an answer, in octets: what nodes take from each other is at most 1 MiB.
const maxWire = 1<<20 - 4<<10

// registered has gob know what a Text is filled in with.
var registered = sync.OnceFunc(func() {
	for _, v := range []any{time.Time{}, time.Duration(0), adminapi.Size(0), adminapi.Text{}} {
		gob.Register(v)
	}
})

func encode(v any) ([]byte, error) {
	registered()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("write what goes to another node: %w", err)
	}
	return b.Bytes(), nil
}

func decode(data []byte, v any) error {
	registered()
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(v); err != nil {
		return fmt.Errorf("what another node says makes no sense here, which may be another version: %w", err)
	}
	return nil
}

// reply is an answer, or why there is none.
type reply struct {
	Kind  int // of the refusal, a place in refusals + 1; 0 = it was done
	Words string
	Body  []byte
}

// errMoved is that the node which is asked does not hold the message any more.
var errMoved = errors.New("another node has the message")

// refusals are the kinds of errors that keep their meaning between nodes. The order stays.
var refusals = [...]error{errMoved, errLater, adminapi.ErrNotFound, adminapi.ErrConflict, adminapi.ErrBadRequest, adminapi.ErrForbidden, adminapi.ErrTooSlow,
	adminapi.ErrUnavailable, adminapi.ErrNoAnswer}

// refused is an error of another node.
type refused struct {
	words string
	kind  error
}

func (r *refused) Error() string { return r.words }
func (r *refused) Unwrap() error { return r.kind }

// replied reads an answer.
func replied(data []byte, v any) error {
	var r reply
	if err := decode(data, &r); err != nil {
		return err
	}
	switch {
	case r.Kind == 0 && r.Words == "":
		return decode(r.Body, v)
	case r.Kind > 0 && r.Kind <= len(refusals):
		return &refused{r.Words, refusals[r.Kind-1]}
	}
	return &refused{words: r.Words}
}

// Handler does what another node asks for.
type Handler = func(ctx context.Context, from sms.Epoch, body []byte) ([]byte, error)

// answering makes a Handler. What is refused is an answer, too.
func answering[Q, A any](ops *Operators, do func(context.Context, Q) (A, error)) Handler {
	return func(ctx context.Context, _ sms.Epoch, body []byte) ([]byte, error) {
		if !ops.opened.Load() || ops.closed.Load() {
			return encode(reply{Kind: kindOf(adminapi.ErrUnavailable), Words: "the node starts or stops"})
		}
		var q Q
		if err := decode(body, &q); err != nil {
			return encode(reply{Kind: kindOf(adminapi.ErrBadRequest), Words: err.Error()})
		}
		a, err := do(ctx, q)
		if err != nil {
			return encode(reply{Kind: kindOf(err), Words: err.Error()})
		}
		data, err := encode(a)
		if err == nil && len(data) > maxWire {
			err = fmt.Errorf("the answer has %d octets, which is more than fits between nodes", len(data))
		}
		if err != nil {
			return encode(reply{Words: err.Error()})
		}
		return encode(reply{Body: data})
	}
}

func kindOf(err error) int {
	for i, kind := range refusals {
		if errors.Is(err, kind) {
			return i + 1
		}
	}
	return 0
}

// What nodes ask each other.
const (
	askGlance    = "operators glance"
	askSessions  = "operators sessions"
	askClients   = "operators clients"
	askClient    = "operators client"
	askStandings = "operators standings"
	askUnbind    = "operators unbind"
	askHold      = "operators hold"
	askTrace     = "operators trace"
	askRecord    = "operators record"
	askHandOver  = "operators hand-over"
	askWaits     = "operators waits"
	askMessage   = "operators message"
	askRetry     = "operators retry"
	askCancel    = "operators cancel"
	askTold      = "operators told"
	askErase     = "operators erase"
)

// Handlers are what other nodes' Operators ask for, by its name: whoever wires the nodes has them answered.
func (ops *Operators) Handlers() map[string]Handler {
	return map[string]Handler{
		askGlance:    answering(ops, ops.glanceHere),
		askSessions:  answering(ops, ops.sessionsAsked),
		askClients:   answering(ops, ops.clientsAsked),
		askClient:    answering(ops, ops.clientAsked),
		askStandings: answering(ops, ops.standingsAsked),
		askUnbind:    answering(ops, ops.unbindHere),
		askHold:      answering(ops, ops.holdAsked),
		askTrace:     answering(ops, ops.traceAsked),
		askRecord:    answering(ops, ops.recordAsked),
		askHandOver:  answering(ops, ops.handOverAsked),
		askWaits:     answering(ops, ops.waitsAsked),
		askMessage:   answering(ops, ops.messageAsked),
		askRetry:     answering(ops, ops.retryAsked),
		askCancel:    answering(ops, ops.cancelAsked),
		askTold:      answering(ops, ops.toldAsked),
		askErase:     answering(ops, ops.eraseAsked),
	}
}
