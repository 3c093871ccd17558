package operators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// Others are the nodes on the store. Its methods are called from any goroutine; but for Ask they return at once.
type Others interface {
	// Nodes are all that there are, this one included, in the order of their names.
	Nodes() []Neighbour
	// Leader tells whether this node does what one does for all.
	Leader() bool
	// Holds tells whether this node's lease is its own now.
	Holds() bool
	// LapsedAt is since when it is not, zero = it is, or that is not known.
	LapsedAt() time.Time
	// Ask has another node do what one of its Operators' Handlers does, within the time of ctx. The error wraps ErrNoAnswer where the
	// node did not answer in time: then it does not begin it any more. An epoch that has ended is that of whoever took over from it.
	Ask(ctx context.Context, to sms.Epoch, what string, body []byte) ([]byte, error)
}

// ErrNoAnswer is that another node did not answer in time.
var ErrNoAnswer = errors.New("the other node does not answer")

// Neighbour is a node as it is known here.
type Neighbour struct {
	Name, Address, Version string
	Epoch                  sms.Epoch
	Since                  time.Time     // when it joined
	Silent                 time.Duration // since its last renewal that was seen
	Lease                  time.Duration // how long it may be silent: store.lease there
	Differs                []string      // parts of config.toml that are not as here
	Facts                  []byte        // what its Operators.Facts said
	Self, Leader           bool
}

const (
	// answerTime is how long another node may take for an answer; handOverTime is for what takes long.
	answerTime, handOverTime = 2 * time.Second, 20 * time.Second
	// absentTime is how long a node that did not answer is not asked again for what is only to be shown.
	absentTime = 3 * time.Second
	// maxPages bounds how often one node is asked for the rest of a list.
	maxPages = 20
)

// facts are what other nodes are told of this one with each renewal of its lease: what they show when it does not answer.
type facts struct {
	Sessions int `json:"sessions"`
	Waiting  int `json:"waiting"`
}

// Facts are a few octets of JSON. There are none before Open.
func (ops *Operators) Facts() []byte {
	if !ops.opened.Load() {
		return []byte("{}")
	}
	data, _ := json.Marshal(facts{len(ops.parts.SMSC.Sessions()), ops.parts.Queue.Stats().Waiting})
	return data
}

// Lease tells why this node must not work: its lease is not its own. Without Others there is none.
func (ops *Operators) Lease() error {
	if o := ops.parts.Others; o != nil && !o.Holds() {
		since := ""
		if at := o.LapsedAt(); !at.IsZero() {
			since = " since " + at.Format(time.DateTime)
		}
		return fmt.Errorf("the lease is not held%s: nothing is accepted and nothing delivered here until the database renews it", since)
	}
	return nil
}

// Leader tells whether this node does what one does for all.
func (ops *Operators) Leader() bool { return ops.parts.Others == nil || ops.parts.Others.Leader() }

// nodes are all on the store; nil = this one has it to itself.
func (ops *Operators) nodes() []Neighbour {
	if ops.parts.Others == nil {
		return nil
	}
	return ops.parts.Others.Nodes()
}

// others are the nodes besides this one.
func (ops *Operators) others() []Neighbour {
	return slices.DeleteFunc(slices.Clone(ops.nodes()), func(n Neighbour) bool { return n.Self })
}

// several tells whether there are others.
func (ops *Operators) several() bool { return len(ops.nodes()) > 1 }

// here is this node's name where there are several, else "".
func (ops *Operators) here() string {
	if ops.several() {
		return ops.o.Node
	}
	return ""
}

// holder is the node that has an epoch's messages. Its name is not known where it has taken them over from one that has ended.
func (ops *Operators) holder(e sms.Epoch) Neighbour {
	for _, n := range ops.nodes() {
		if n.Epoch == e {
			return n
		}
	}
	return Neighbour{Epoch: e}
}

// missing tells that a node gave no answer, and why.
func missing(n *Neighbour, err error) adminapi.Text {
	if n.Name == "" {
		return adminapi.Say("a node has ended, and another one takes over what it held: that is left out")
	}
	if errors.Is(err, ErrNoAnswer) || errors.Is(err, context.DeadlineExceeded) {
		return adminapi.Say("the node %s does not answer: what it alone knows is left out", n.Name)
	}
	return adminapi.Say("the node %s could not be asked, and what it alone knows is left out: %s", n.Name, oneLine(err.Error()))
}

// absences are nodes that did not answer not long ago.
type absences struct {
	mu  sync.Mutex
	all map[sms.Epoch]absence
}

type absence struct {
	until time.Time
	err   error
}

func (a *absences) of(e sms.Epoch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one, ok := a.all[e]; ok && time.Now().Before(one.until) {
		return one.err
	}
	return nil
}

func (a *absences) note(e sms.Epoch, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		delete(a.all, e)
	case errors.Is(err, ErrNoAnswer):
		if a.all == nil {
			a.all = map[sms.Epoch]absence{}
		}
		for other, one := range a.all {
			if time.Now().After(one.until) {
				delete(a.all, other)
			}
		}
		a.all[e] = absence{time.Now().Add(absentTime), err}
	}
}

// asked is what one node answered.
type asked[A any] struct {
	node   Neighbour
	answer A
	err    error
}

// askOne asks a node. What it refuses is refused in its words.
func askOne[A any](ctx context.Context, ops *Operators, n Neighbour, what string, question any) (a A, err error) {
	body, err := encode(question)
	if err != nil {
		return a, err
	}
	answer, err := ops.parts.Others.Ask(ctx, n.Epoch, what, body)
	ops.absent.note(n.Epoch, err)
	if err != nil {
		return a, err
	}
	err = replied(answer, &a)
	return a, err
}

// askAll asks all others at the same time. Who did not answer just now is not waited for again, unless must is set.
func askAll[A any](ctx context.Context, ops *Operators, must bool, what string, question any) []asked[A] {
	others := ops.others()
	all := make([]asked[A], len(others))
	var wait sync.WaitGroup
	for i, n := range others {
		all[i].node = n
		if err := ops.absent.of(n.Epoch); err != nil && !must {
			all[i].err = err
			continue
		}
		wait.Go(func() { all[i].answer, all[i].err = askOne[A](ctx, ops, n, what, question) })
	}
	wait.Wait()
	return all
}

// show asks all others for something to be shown, and notes who did not answer.
func show[A any](ctx context.Context, ops *Operators, what string, question any) []asked[A] {
	if !ops.several() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	all := askAll[A](bounded, ops, false, what, question)
	return slices.DeleteFunc(all, func(a asked[A]) bool {
		if a.err != nil {
			adminapi.NoteLack(ctx, missing(&a.node, a.err))
		}
		return a.err != nil
	})
}

// page asks for a part of a list; After is the key that the part before ended with.
type page[K any] struct{ After K }

// paged is a part of a list. Left is how many come behind it.
type paged[T any] struct {
	Rows []T
	Left int
}

// showAll asks all others for a list, part by part; each is given to take with its node. What is too long is left out, and noted.
func showAll[T, K any](ctx context.Context, ops *Operators, what string, key func(T) K, take func(n *Neighbour, row T)) {
	if !ops.several() {
		return
	}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, n := range ops.others() {
		wait.Go(func() {
			var from page[K]
			for i := 0; ; i++ {
				err := ops.absent.of(n.Epoch)
				var part paged[T]
				if err == nil {
					bounded, cancel := context.WithTimeout(ctx, answerTime)
					part, err = askOne[paged[T]](bounded, ops, n, what, from)
					cancel()
				}
				if err != nil {
					adminapi.NoteLack(ctx, missing(&n, err))
					return
				}
				mu.Lock()
				for _, row := range part.Rows {
					take(&n, row)
				}
				mu.Unlock()
				if part.Left == 0 || len(part.Rows) == 0 {
					return
				}
				if i == maxPages-1 {
					adminapi.NoteLack(ctx, adminapi.Say("%d more of the node %s are left out: ask that node for them", part.Left, n.Name))
					return
				}
				from.After = key(part.Rows[len(part.Rows)-1])
			}
		})
	}
	wait.Wait()
}

// cutRows keeps a part of a list that fits between nodes.
func cutRows[T any](all []T, most int) paged[T] {
	n := min(len(all), most)
	return paged[T]{all[:n], len(all) - n}
}

// silentOn names those that did not do what they were asked to: "" = all did.
func silentOn[A any](all []asked[A]) string {
	var names []string
	for _, a := range all {
		if a.err != nil {
			names = append(names, a.node.Name)
		}
	}
	return strings.Join(names, ", ")
}

// noAnswer is the error of something that only the node could have done; it certainly has not where that is written with the answer.
func noAnswer(n *Neighbour, what string, written bool) error {
	outcome := "it may be done all the same"
	if written {
		outcome = "nothing was done"
	}
	return fmt.Errorf("%w: %s, and the node %s did not answer within %d s: %s", adminapi.ErrNoAnswer, what, n.Name, int(answerTime/time.Second), outcome)
}
