package cluster

import (
	"context"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"
)

// ProbeTime is how long a node has to probe a session that is in the way of a bind on another one.
const ProbeTime = 6 * time.Second

// Place is what a session of a client takes.
type Place struct {
	Client              string // system_id
	Session             uint64
	Receives, Transmits bool
	Pair                bool   // two of any kind; else one that receives and one that transmits
	Remote              string // host:port
	// Lost ends the session: its place is another's, as after a database that forgot. May be nil.
	Lost func()
}

// Prober tells whether a session of this node's is gone, having probed it for at most ctx.
type Prober func(ctx context.Context, client string, session uint64) (gone bool)

// Probe has p answer for the sessions of this node. It is called before Run.
func (n *Node) Probe(p Prober) {}

// Take takes a place for a session, over all nodes; release gives it back, and returns at once. Who is in the way on another node is
// probed first. The error is sms.ErrNoPlace, or sms.ErrUnavailable where that cannot be known now; ctx bounds the wait.
func (n *Node) Take(ctx context.Context, p Place) (release func(), err error) {
	return nil, errors.ErrUnsupported
}

// Transmitters counts the nodes, this one included, on which a client has a session that transmits.
func (n *Node) Transmitters(client string) int { return 0 }

// Receiver is the node that writes to a client: this one, if the client has a session here that receives.
func (n *Node) Receiver(client string) (sms.Epoch, bool) { return 0, false }
