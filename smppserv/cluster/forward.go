package cluster

import (
	"context"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Outlets is the queue that messages are forwarded from.
type Outlets interface {
	Attach(road.OutletOptions) road.Outlet
}

// Hands gives messages to another holder; see store.Store.HandOn.
type Hands interface {
	HandOn(ids []sms.ID, to sms.Epoch, done func(error))
}

// Forwarder hands what waits here on to the node where its client can be written to.
type Forwarder struct{}

// NewForwarder makes the one of a node.
func NewForwarder(n *Node, queue Outlets, store Hands) *Forwarder { return &Forwarder{} }

// Run attaches an outlet for each client that is written to elsewhere, until ctx ends; then all are detached.
func (f *Forwarder) Run(ctx context.Context) {}
