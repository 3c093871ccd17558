package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// Options are what a node is to be.
type Options struct {
	// Pool leads to the database, whose schema is there. What must not wait for others, as the renewals of the lease do not, goes on
	// connections of its own, made as those of the pool are.
	Pool *pgxpool.Pool
	Name string // unique among the nodes on the store, whatever the case of its letters
	// Address is where operators find the node; Version is its program's.
	Address, Version string
	// Lease is how long a node that is silent still counts; at least MinLease.
	Lease time.Duration
	// Clock is nil for the machine's.
	Clock Clock
	// Configuration is a hash for each part of config.toml that is to be the same on all nodes; asked for with each renewal. May be nil.
	Configuration func() map[string]string
	// Facts are what operators are shown of the node on others, as JSON, at most MaxFacts octets; asked for each second. May be nil.
	Facts func() []byte
	// Waiting counts the undelivered messages of each owner here; asked for at most once a second. May be nil.
	Waiting func() map[string]int
	Log     zerolog.Logger
}

const (
	// MinLease is the shortest lease.
	MinLease = time.Second
	// MaxFacts bounds Options.Facts, in octets; longer ones are not published.
	MaxFacts = 16 << 10
)

// ErrLost means that another node has taken over from this one.
var ErrLost = fmt.Errorf("%w: the lease is another's", store.ErrFenced)

// Duties are what the parts of a worker do because of other nodes. What returns an error is called again at the next look.
type Duties interface {
	// Lapsed has no try begin, breaks off pushes under way, and sends no more of what sessions were given: the lease is not held. It
	// returns at once.
	Lapsed()
	// Regained undoes Lapsed. It returns at once.
	Regained()
	// Away unbinds the clients: the lease was not renewed for three of its lengths. It is called once until it is, and returns at once.
	Away()
	// Inherit takes up the waiting messages of these epochs, which are over and this node's from now on.
	Inherit(ctx context.Context, estates []sms.Epoch) error
	// Arrived takes up messages that others have handed to this node, in ascending order. Some it may have already.
	Arrived(ctx context.Context, ids []sms.ID) error
	// Ended looks which of the messages that this node has handed on have ended. It is called at each look, and when one has.
	Ended(ctx context.Context) error
	// Displaced unbinds a session: the database has forgotten its place, and another one has it. It returns at once.
	Displaced(client string, session uint64)
	// Reshared looks at how many nodes clients have sessions that transmit (Node.Transmitters): that has changed. It returns at once.
	Reshared()
}

// HeldError is a store.ErrHeld that says by whom.
type HeldError struct {
	Name, Address string
	Since         time.Time // by the database's clock
	As            string    // the name that is refused: Name, but for upper and lower case
}

func (e *HeldError) Error() string {
	same := ""
	if e.As != e.Name {
		same = fmt.Sprintf(", which %q is too, as upper and lower case do not count", e.As)
	}
	return fmt.Sprintf("another worker is running under the name %q (store.node)%s: at %s, since %s: give this one a name of its own", e.Name, same, e.Address, e.Since.Format(time.RFC3339))
}

// Unwrap is store.ErrHeld.
func (e *HeldError) Unwrap() error { return store.ErrHeld }

// Node is this worker among those on the store. Its methods may be called from any goroutine.
type Node struct {
	o     Options
	epoch sms.Epoch

	term     atomic.Pointer[term]
	lost     chan struct{}
	loseOnce sync.Once
	renewing struct {
		link
		stop func() // ends the renewals; returns when they have
		now  chan struct{}
	}
	published struct {
		next atomic.Pointer[[]byte] // facts; the rest is the renewals'
		last *[]byte

		unfit    bool        // the database refuses facts
		failing  atomic.Bool // the lease cannot be renewed, as is said
		refusals []string    // of that, since then
	}

	mu         sync.Mutex
	neighbours neighbours
	changed    chan struct{} // closed when neighbours, or what they said, are others
	self       row
	estates    []sms.Epoch
	inherited  map[sms.Epoch]bool
	settled    []sms.Epoch // of estates, those of which that is said; the goroutine's that looks at them

	leader   atomic.Int64
	retiring atomic.Bool
	looks    looks
	tell     teller
	asking   asking
	served   served
	slots    slots
	pend     pending
}

// Epoch is this node's.
func (n *Node) Epoch() sms.Epoch { return n.epoch }

// Holds tells whether the lease is this node's now, with a margin: tries may begin, binds be granted.
func (n *Node) Holds() bool {
	t, now := n.term.Load(), n.o.Clock.read()
	if t.holds(now) {
		return !n.isLost()
	}
	n.term.CompareAndSwap(t, t.over(now))
	return false
}

// LapsedAt is since when the lease is not this node's, zero = it is, or another took over.
func (n *Node) LapsedAt() time.Time {
	if n.Holds() {
		return time.Time{}
	}
	return n.term.Load().lapsed
}

// Lost is closed when another node has taken over from this one: nothing can be written any more, and a new Join is due.
func (n *Node) Lost() <-chan struct{} { return n.lost }

// lose is for who finds that the node has been taken over.
func (n *Node) lose() {
	n.loseOnce.Do(func() {
		n.o.Log.Error().Str("node", n.o.Name).Int64("epoch", int64(n.epoch)).
			Msg("another worker has taken over from this one, which was silent for its lease: it begins afresh")
		close(n.lost)
	})
}

func (n *Node) isLost() bool {
	select {
	case <-n.lost:
		return true
	default:
		return false
	}
}

// longestStatement is when one is given up, however long the lease: what hangs is most often a connection, and the next one does not.
const longestStatement = 10 * time.Second

// bound is how long a statement may take that is not a renewal.
func (n *Node) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, min(max(n.o.Lease/2, time.Second), longestStatement))
}

// altered wakes whoever waits for what is known of other nodes; n.mu is held.
func (n *Node) altered() {
	close(n.changed)
	n.changed = make(chan struct{})
}

func (o *Options) check() error {
	switch {
	case o.Lease < MinLease:
		return fmt.Errorf("a lease of %v is shorter than %v", o.Lease, MinLease)
	case o.Name == "":
		return errors.New("the node has no name")
	}
	if o.Clock == nil {
		o.Clock = systemClock()
	}
	return nil
}

// configuration is what is published of config.toml, as JSON.
func (n *Node) configuration() (string, error) {
	if n.o.Configuration == nil {
		return "{}", nil
	}
	b, err := json.Marshal(n.o.Configuration())
	return string(b), err
}

// factsEvery is how often Options.Facts are asked for.
const factsEvery = time.Second

// gatherFacts asks what operators are to see of this node on others; the renewals take it along, and never wait for it.
func (n *Node) gatherFacts(context.Context) error {
	if n.o.Facts == nil {
		return nil
	}
	f := n.o.Facts()
	if len(f) > MaxFacts || !json.Valid(f) {
		return fmt.Errorf("they are too long (%d octets), or no JSON", len(f))
	}
	n.published.next.Store(&f)
	return nil
}

// news are the facts that are to be published, nil = none.
func (n *Node) news() *[]byte {
	if p := &n.published; !p.unfit {
		if f := p.next.Load(); f != p.last {
			return f
		}
	}
	return nil
}
