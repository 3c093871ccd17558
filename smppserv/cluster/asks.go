package cluster

import (
	"context"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// AskTime is how long an ask has if its context says nothing shorter.
	AskTime = 2 * time.Second
	// MaxBody bounds what is asked and what is answered, in octets.
	MaxBody = 1 << 20
)

var (
	// ErrNoAnswer means that a node has not answered in time; what was asked is void, unless it was begun just before.
	ErrNoAnswer = errors.New("the other node does not answer")
	// ErrTooLong means that an ask or its answer has more than MaxBody octets.
	ErrTooLong = errors.New("more than fits between nodes")
)

// RefusedError is what a handler returned on another node, in its words.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// Handler does what another node asks, and returns its answer, both at most MaxBody octets. The context ends when nobody waits for the answer any more.
type Handler func(ctx context.Context, from sms.Epoch, body []byte) ([]byte, error)

// Handle has h answer asks for what. It is called before Run.
func (n *Node) Handle(what string, h Handler) {}

// Ask has another node do something, and returns its answer. It has until the deadline of ctx, or AskTime where that has none. The error is
// ErrNoAnswer, ErrTooLong, a *RefusedError, or that of the database.
func (n *Node) Ask(ctx context.Context, to sms.Epoch, what string, body []byte) ([]byte, error) {
	return nil, errors.ErrUnsupported
}

// Answer is what one node said.
type Answer struct {
	Name string
	Body []byte
	Err  error
}

// AskAll asks all other nodes at the same time.
func (n *Node) AskAll(ctx context.Context, what string, body []byte) map[sms.Epoch]Answer { return nil }
