package cluster

import (
	"context"
	"errors"
	"fmt"
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
	Name string // unique among the nodes on the store
	// Address is where operators find the node; Version is its program's.
	Address, Version string
	// Lease is how long a node that is silent still counts; at least a second.
	Lease time.Duration
	// Clock is nil for the machine's.
	Clock Clock
	// Configuration is a hash for each part of config.toml that is to be the same on all nodes.
	Configuration map[string]string
	// Facts are what operators are shown of the node on others, as JSON, at most MaxFacts octets; asked for with each renewal. May be nil.
	Facts func() []byte
	// Waiting counts the undelivered messages of each owner here; asked for at most once a second. May be nil.
	Waiting func() map[string]int
	Log     zerolog.Logger
}

// Clock reads the wall clock and, at the same moment, the time elapsed since some other one, which setting the clock does not change.
type Clock func() (wall time.Time, elapsed time.Duration)

// MaxFacts bounds Options.Facts, in octets; longer ones are not published.
const MaxFacts = 16 << 10

// ErrLost means that another node has taken over from this one.
var ErrLost = fmt.Errorf("%w: the lease is another's", store.ErrFenced)

// Duties are what the parts of a worker do because of other nodes. What returns an error is called again at the next look.
type Duties interface {
	// Lapsed has no try begin, and breaks off pushes under way: the lease is not held. It returns at once.
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
}

// HeldError is a store.ErrHeld that says by whom.
type HeldError struct {
	Name, Address string
	Since         time.Time // by the database's clock
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("another worker is running under the name %q (store.node): at %s, since %s", e.Name, e.Address, e.Since.Format(time.RFC3339))
}

func (e *HeldError) Unwrap() error { return store.ErrHeld }

// Node is this worker among those on the store. Its methods may be called from any goroutine.
type Node struct{ o Options }

// Join takes an epoch and a lease, which is renewed from then on until Leave or Lost. Where the name has a node, it waits until that one
// has been silent for its lease, and takes over from it; if it was renewed meanwhile, the error is a *HeldError. Estates without an owner are
// taken, too: all that is this node's when Join returns is in the store's Waiting, and Duties.Inherit is not called for it.
func Join(ctx context.Context, o Options) (*Node, error) { return nil, errors.ErrUnsupported }

// Epoch is this node's.
func (n *Node) Epoch() sms.Epoch { return 0 }

// Holds tells whether the lease is this node's now, with a margin: tries may begin, binds be granted.
func (n *Node) Holds() bool { return false }

// Lost is closed when another node has taken over from this one: nothing can be written any more, and a new Join is due.
func (n *Node) Lost() <-chan struct{} { return nil }

// Run looks, hears notices, takes over and serves asks until ctx ends or the node is lost.
func (n *Node) Run(ctx context.Context, d Duties) {}

// Leave gives everything away at once: rows, slots, name. All that is to be written is on disk before, and nothing is written
// afterwards. The context bounds the wait for a database that is away; then others take over as from a dead node.
func (n *Node) Leave(ctx context.Context) error { return nil }
