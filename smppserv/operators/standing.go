package operators

import (
	"context"
	"slices"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/smsc"
)

// standing is what is known of a client's sessions.
type standing struct {
	SystemID                string
	Bound, Unbound, Refused smsc.Event // the last one of its kind; a zero At = there was none
	Sessions                int
	Receives                bool // one of them can be written to
	Rate                    int  // submits in the last whole second
	// Outlived is that the client was bound when the server before this one ended, and could not say so any more.
	Outlived bool
}

// standingHere is what this node knows of a client.
func (ops *Operators) standingHere(systemID string) standing {
	f, _ := ops.parts.SMSC.Client(systemID)
	return ops.standingOf(systemID, &f)
}

func (ops *Operators) standingOf(systemID string, f *smsc.ClientFacts) standing {
	return standing{SystemID: systemID, Bound: f.Bound, Unbound: f.Unbound, Refused: f.Refused, Sessions: len(f.Sessions), Receives: receives(f.Sessions),
		Rate: f.Rate, Outlived: f.Bound.At.After(f.Unbound.At) && f.Bound.At.Before(ops.o.Started)}
}

// join has what another node knows, too.
func (st *standing) join(o *standing) {
	for _, e := range []struct{ to, from *smsc.Event }{{&st.Bound, &o.Bound}, {&st.Unbound, &o.Unbound}, {&st.Refused, &o.Refused}} {
		if e.from.At.After(e.to.At) {
			*e.to = *e.from
		}
	}
	st.Sessions += o.Sessions
	st.Receives = st.Receives || o.Receives
	st.Rate += o.Rate
	st.Outlived = st.Sessions == 0 && st.Bound.At.After(st.Unbound.At)
}

// whyUnbound tells why there is no session that receives.
func (ops *Operators) whyUnbound(st standing) adminapi.Text {
	switch {
	case st.Sessions > 0:
		return adminapi.Say("the client is bound only to submit: to receive it must bind as a receiver or a transceiver")
	case st.Refused.At.After(st.Unbound.At) && st.Refused.At.After(st.Bound.At):
		return adminapi.Say("not bound: its bind from %s at %s was refused: %s", host(st.Refused.Remote), st.Refused.At, saying(st.Refused.Reason))
	case st.Outlived && ops.parts.Others != nil:
		return adminapi.Say("not bound: the node that it had bound to at %s ended without a word to the client", st.Bound.At)
	case st.Outlived:
		return adminapi.Say("not bound since the server started at %s: the one before ended without a word to the client, which had bound at %s", ops.o.Started, st.Bound.At)
	case !st.Unbound.At.IsZero():
		return adminapi.Say("not bound since %s: %s", st.Unbound.At, saying(st.Unbound.Reason))
	}
	return adminapi.Say("not bound, and never was as far as is known")
}

// unboundSince is since when there is no session; zero = it is not known.
func (ops *Operators) unboundSince(st standing) time.Time {
	switch {
	case st.Outlived && ops.parts.Others != nil:
		return time.Time{}
	case st.Outlived:
		return ops.o.Started
	}
	return st.Unbound.At
}

// withKept has what the store keeps of a client from other nodes, too: one of them may have ended since.
func (ops *Operators) withKept(st standing) standing {
	ops.abroad.mu.Lock()
	defer ops.abroad.mu.Unlock()
	if kept, ok := ops.abroad.kept[st.SystemID]; ok {
		st.join(&kept)
	}
	return st
}

// maxStandings is of how many clients another node is asked at once.
const maxStandings = 2000

type clientNames struct{ SystemIDs []string }

// standingsAsked is what this node knows of some clients; of one of which nothing is known it says nothing.
func (ops *Operators) standingsAsked(_ context.Context, q clientNames) (paged[standing], error) {
	var all []standing
	for _, id := range q.SystemIDs[:min(len(q.SystemIDs), maxStandings)] {
		if st := ops.standingHere(id); st != (standing{SystemID: id}) {
			all = append(all, st)
		}
	}
	return cutRows(all, maxStandings), nil
}

// standings is what all nodes know of clients.
func (ops *Operators) standings(ctx context.Context, systemIDs []string) map[string]standing {
	all := make(map[string]standing, len(systemIDs))
	for _, id := range systemIDs {
		all[id] = ops.withKept(ops.standingHere(id))
	}
	if len(systemIDs) == 0 || !ops.several() {
		return all
	}
	for some := range slices.Chunk(systemIDs, maxStandings) {
		for _, a := range show[paged[standing]](ctx, ops, askStandings, clientNames{some}) {
			for _, o := range a.answer.Rows {
				if st, ok := all[o.SystemID]; ok {
					st.join(&o)
					all[o.SystemID] = st
				}
			}
		}
	}
	return all
}
