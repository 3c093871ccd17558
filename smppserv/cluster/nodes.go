package cluster

import (
	"cmp"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// NodeInfo is a node as operators see it.
type NodeInfo struct {
	Name, Address, Version string
	Epoch                  sms.Epoch
	Since                  time.Time     // when it joined, by the database's clock
	Silent                 time.Duration // since its last renewal, as far as this node knows
	Lease                  time.Duration // how long it may be silent, by what it says of itself
	Differs                []string      // parts of config.toml that are not as here, sorted
	Facts                  []byte        // Options.Facts
	Self, Leader           bool
}

// Nodes are all nodes, sorted by name, as of the last renewal.
func (n *Node) Nodes() []NodeInfo {
	now := n.o.Clock.read().elapsed
	var own map[string]string
	if n.o.Configuration != nil {
		own = n.o.Configuration()
	}
	leader := sms.Epoch(n.leader.Load())
	n.mu.Lock()
	defer n.mu.Unlock()
	self := n.o
	all := []NodeInfo{{Name: self.Name, Address: self.Address, Version: self.Version, Epoch: n.epoch, Since: n.self.since,
		Silent: now - n.term.Load().sent.elapsed, Lease: n.o.Lease, Facts: n.self.facts, Self: true, Leader: leader == n.epoch}}
	for e, o := range n.neighbours {
		all = append(all, NodeInfo{Name: o.name, Address: o.address, Version: o.version, Epoch: e, Since: o.since, Silent: max(now-o.heard, 0), Lease: o.lease,
			Differs: differing(own, o.configuration), Facts: o.facts, Leader: leader == e})
	}
	slices.SortFunc(all, func(a, b NodeInfo) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// differing are the keys of what is not the same.
func differing(a, b map[string]string) (keys []string) {
	for key, value := range a {
		if b[key] != value {
			keys = append(keys, key)
		}
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// NameOf is the name of a node that is there, "" = none.
func (n *Node) NameOf(e sms.Epoch) string {
	if e == n.epoch {
		return n.o.Name
	}
	o, _, _ := n.other(e)
	return o.name
}
