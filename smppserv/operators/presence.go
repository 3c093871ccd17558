package operators

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/smsc"
)

// presence is what is known of a client beside what config.toml says and what waits for it.
type presence struct {
	standing
	Sessions []adminapi.Session
	Events   []adminapi.Event // the last ones, newest first
	Traced   bool
}

const (
	// maxPresences is how many go to another node at once.
	maxPresences = 800
	// maxEvents is how many events of a client are shown.
	maxEvents = 20
)

// presenceHere is what this node knows.
func (ops *Operators) presenceHere(systemID string) presence {
	f, _ := ops.parts.SMSC.Client(systemID)
	p := presence{standing: ops.standingOf(systemID, &f), Traced: ops.parts.Traces != nil && ops.parts.Traces.On(systemID)}
	for _, e := range f.Events {
		p.Events = append(p.Events, *event(e))
	}
	for _, s := range f.Sessions {
		p.Sessions = append(p.Sessions, ops.session(s))
	}
	return p
}

func (ops *Operators) presencesHere(context.Context) func(string) presence { return ops.presenceHere }

// wirePresence is one on its way to another node.
type wirePresence struct {
	Standing standing
	Sessions []adminapi.Session
	Events   []adminapi.Event
	Traced   bool
}

func (w *wirePresence) join(p *presence, node string) {
	p.standing.join(&w.Standing)
	ofNode(node, w.Sessions)
	p.Sessions = append(p.Sessions, w.Sessions...)
	for i := range w.Events {
		w.Events[i].Node = node
	}
	p.Events = append(p.Events, w.Events...)
	p.Traced = p.Traced || w.Traced
}

// clientsAsked are the clients of which this node knows more than the store keeps.
func (ops *Operators) clientsAsked(_ context.Context, q page[string]) (paged[wirePresence], error) {
	var ids []string
	for _, c := range ops.o.Config().Clients {
		if c.SystemID > q.After {
			ids = append(ids, c.SystemID)
		}
	}
	slices.Sort(ids)
	var all []wirePresence
	for i, id := range ids {
		p := ops.presenceHere(id)
		newer := slices.ContainsFunc([]smsc.Event{p.Bound, p.Unbound, p.Refused}, func(e smsc.Event) bool { return !e.At.Before(ops.o.Started) })
		if len(p.Sessions) > 0 || p.Rate > 0 || p.Traced || newer {
			all = append(all, wirePresence{Standing: p.standing, Sessions: p.Sessions, Traced: p.Traced})
		}
		if len(all) == maxPresences {
			return paged[wirePresence]{all, len(ids) - i - 1}, nil
		}
	}
	return paged[wirePresence]{Rows: all}, nil
}

type clientName struct{ SystemID string }

func (ops *Operators) clientAsked(_ context.Context, q clientName) (wirePresence, error) {
	p := ops.presenceHere(q.SystemID)
	return wirePresence{p.standing, p.Sessions, p.Events, p.Traced}, nil
}

// presences is what all nodes know of each client.
func (ops *Operators) presences(ctx context.Context) func(string) presence {
	if !ops.several() {
		return ops.presenceHere
	}
	others := map[string]*presence{}
	showAll(ctx, ops, askClients, func(w wirePresence) string { return w.Standing.SystemID }, func(n *Neighbour, w wirePresence) {
		p := others[w.Standing.SystemID]
		if p == nil {
			p = &presence{}
			others[w.Standing.SystemID] = p
		}
		w.join(p, n.Name)
	})
	return func(systemID string) presence {
		p := ops.presenceHere(systemID)
		p.standing = ops.withKept(p.standing)
		ofNode(ops.o.Node, p.Sessions)
		if o := others[systemID]; o != nil {
			p.standing.join(&o.standing)
			p.Sessions, p.Traced = append(p.Sessions, o.Sessions...), p.Traced || o.Traced
		}
		return sortedPresence(p)
	}
}

// presence is what all nodes know of a client, with its events.
func (ops *Operators) presence(ctx context.Context, systemID string) presence {
	p := ops.presenceHere(systemID)
	if !ops.several() {
		return p
	}
	p.standing = ops.withKept(p.standing)
	ofNode(ops.o.Node, p.Sessions)
	for i := range p.Events {
		p.Events[i].Node = ops.o.Node
	}
	for _, a := range show[wirePresence](ctx, ops, askClient, clientName{systemID}) {
		a.answer.join(&p, a.node.Name)
	}
	return sortedPresence(p)
}

func sortedPresence(p presence) presence {
	slices.SortStableFunc(p.Sessions, func(a, b adminapi.Session) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(p.Events, func(a, b adminapi.Event) int { return b.At.Compare(a.At) })
	p.Events = p.Events[:min(len(p.Events), maxEvents)]
	return p
}
