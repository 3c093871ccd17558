package cluster

import (
	"context"
	"time"

	"hnetsmpp/smppserv/sms"
)

// NodeInfo is a node as operators see it.
type NodeInfo struct {
	Name, Address, Version string
	Epoch                  sms.Epoch
	Since                  time.Time     // when it joined, by the database's clock
	Silent                 time.Duration // since its last renewal that this node has seen
	Differs                []string      // parts of config.toml that are not as here, sorted
	Facts                  []byte        // Options.Facts
	Self, Leader           bool
}

// Nodes are all nodes, sorted by name, as of the last renewal.
func (n *Node) Nodes() []NodeInfo { return nil }

// NameOf is the name of a node that is there, "" = none.
func (n *Node) NameOf(e sms.Epoch) string { return "" }

// Pending counts the undelivered messages of an owner on all other nodes, as they last said: a second or two ago.
func (n *Node) Pending(owner string) int { return 0 }

// Leader tells whether this node does the jobs that are done once for all.
func (n *Node) Leader() bool { return false }

// Once tells whether this node does a job, such as calling a client: nobody else does for ttl, by the database's clock. The node that
// has it may ask again, and has it for ttl from then on.
func (n *Node) Once(ctx context.Context, key string, ttl time.Duration) bool { return false }

// TellRows tells a node that messages were handed to it.
func (n *Node) TellRows(to sms.Epoch) {}

// TellEnded tells a node that messages which it handed on have ended.
func (n *Node) TellEnded(to sms.Epoch) {}
