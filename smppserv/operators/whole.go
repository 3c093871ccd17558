package operators

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// Status implements admin.Operators.
func (ops *Operators) Status(ctx context.Context) (adminapi.Status, error) {
	if ops.parts.Others == nil {
		return ops.statusHere(ctx)
	}
	s, err := gather(ctx, &ops.whole, statusGood, ops.statusOfAll)
	s.Now = time.Now()
	return s, err
}

// Nodes implements admin.Operators.
func (ops *Operators) Nodes(ctx context.Context) ([]adminapi.Node, error) {
	if ops.parts.Others == nil {
		return []adminapi.Node{{Name: ops.o.Node, Self: true, Leader: true, Since: ops.o.Started, Sessions: len(ops.parts.SMSC.Sessions()),
			Waiting: ops.parts.Queue.Stats().Waiting, Version: ops.o.Version}}, nil
	}
	s, err := ops.Status(ctx)
	return s.Nodes, err
}

// statusOfAll is this node's status, with what all nodes are together.
func (ops *Operators) statusOfAll(ctx context.Context) (adminapi.Status, error) {
	s, err := ops.statusHere(ctx)
	if err != nil {
		return s, err
	}
	now, cfg := time.Now(), ops.o.Config()
	glances := ops.glancesNow(ctx)
	s.Nodes = ops.nodeRows(&s, glances)
	if !ops.several() {
		s.Attention = append(slices.Clone(s.Attention), ops.sorted("node ", ops.nodeNotices(now), now)...)
		slices.SortStableFunc(s.Attention, byRank)
		return s, nil
	}
	whole, err := ops.waitingWhole(ctx)
	if err != nil {
		return s, err
	}
	waiting, bound := whole.rows, whole.bound
	for _, g := range glances {
		l := &g.answer.Load
		s.Load.Waiting, s.Load.Texts, s.Load.Receipts = s.Load.Waiting+l.Waiting, s.Load.Texts+l.Texts, s.Load.Receipts+l.Receipts
		s.Load.InFlight, s.Load.Sessions, s.Load.Unwritten = s.Load.InFlight+l.InFlight, s.Load.Sessions+l.Sessions, s.Load.Unwritten+l.Unwritten
	}
	s.Load.Oldest = oldestOf(waiting)
	s.Parts = ops.worstParts(&cfg, s.Parts, glances, len(bound), s.Load.Sessions)

	all := ops.noticesOfAll(&cfg, s.Nodes, glances, now)
	all = append(all, ops.clientsToSeeTo(&cfg, waiting, func(id string) standing {
		if st, ok := whole.unbound[id]; ok {
			return st
		}
		return standing{Receives: bound[id], Sessions: 1}
	})...)
	s.Attention = ops.sorted("whole ", all, now)
	s.Lacks = adminapi.Lacks(ctx)
	return s, nil
}

// unboundOf are the recipients that something waits for and that cannot be written to.
func unboundOf(waiting []adminapi.Waiting, bound map[string]bool) (all []string) {
	for i := range waiting {
		if id := waiting[i].Recipient; id != adminapi.Hermes && !bound[id] {
			all = append(all, id)
		}
	}
	return all
}

// nodeRows lists the nodes.
func (ops *Operators) nodeRows(s *adminapi.Status, glances []asked[glance]) []adminapi.Node {
	rows := []adminapi.Node{}
	for _, n := range ops.nodes() {
		row := adminapi.Node{Name: n.Name, Self: n.Self, Leader: n.Leader, Epoch: int64(n.Epoch), Address: n.Address, Since: n.Since,
			Lag: float64(n.Silent.Milliseconds()), Version: n.Version, Differs: n.Differs}
		at := slices.IndexFunc(glances, func(g asked[glance]) bool { return g.node.Epoch == n.Epoch })
		switch {
		case n.Self:
			row.Sessions, row.Waiting, row.Parts = s.Load.Sessions, s.Load.Waiting, s.Parts
		case at >= 0:
			g := &glances[at].answer
			row.Sessions, row.Waiting, row.Parts = g.Load.Sessions, g.Load.Waiting, g.Parts
		default:
			var f facts
			_ = json.Unmarshal(n.Facts, &f) // of another version: then it is not known
			row.Sessions, row.Waiting = f.Sessions, f.Waiting
			row.Missing = adminapi.Say("it does not answer; sessions and what waits are as it said last")
		}
		rows = append(rows, row)
	}
	return rows
}

// worstParts are this node's, each but SMPP's in the place of one that stands worse elsewhere.
func (ops *Operators) worstParts(cfg *Config, own []adminapi.Part, glances []asked[glance], bound, sessions int) []adminapi.Part {
	all := slices.Clone(own)
	for i := range all {
		p, node := &all[i], ops.o.Node
		if p.Name == adminapi.PartSMPP {
			since := p.Since
			*p = smppPart(cfg, bound, sessions)
			p.Since = since
			continue
		}
		for _, g := range glances {
			at := slices.IndexFunc(g.answer.Parts, func(o adminapi.Part) bool { return o.Name == p.Name })
			if at >= 0 && rank(g.answer.Parts[at].Level) < rank(p.Level) {
				*p, node = g.answer.Parts[at], g.node.Name
			}
		}
		if rank(p.Level) < len(ranks) {
			p.Text = adminapi.Say("on %s: %s", node, p.Text)
		}
	}
	return all
}

// noticesOfAll are what each node tells of itself: once what all of them do, else with the node's name.
func (ops *Operators) noticesOfAll(cfg *Config, nodes []adminapi.Node, glances []asked[glance], now time.Time) []adminapi.Notice {
	own := slices.DeleteFunc(slices.Clone(nodes), func(n adminapi.Node) bool { return !n.Self })
	said := map[string][]adminapi.Notice{}
	for _, n := range own {
		said[n.Name] = ops.sorted("own ", ops.ownNotices(cfg, n.Parts, now), now)
	}
	for _, g := range glances {
		said[g.node.Name] = g.answer.Notices
	}
	key := func(n *adminapi.Notice) string { return n.Code + "\n" + n.About + "\n" + n.Text.String() }
	times := map[string]int{}
	for _, notices := range said {
		for i := range notices {
			times[key(&notices[i])]++
		}
	}
	all, told := ops.nodeNotices(now), map[string]bool{}
	for i := range nodes {
		for _, n := range said[nodes[i].Name] {
			switch k := key(&n); {
			case told[k]:
				continue
			case times[k] == len(said):
				told[k] = true
			default:
				n.Node, n.Text = nodes[i].Name, adminapi.Say("on %s: %s", nodes[i].Name, n.Text)
			}
			all = append(all, n)
		}
	}
	return all
}

// nodeNotices tells of nodes that are silent, have ended, or are not configured alike.
func (ops *Operators) nodeNotices(now time.Time) []adminapi.Notice {
	all := []adminapi.Notice{}
	lost := ops.Lease() != nil // then this node hears of nobody, and the silence is its own
	for _, n := range ops.nodes() {
		notice := adminapi.Notice{About: n.Name, Level: adminapi.Warning, Link: "/nodes"}
		if !n.Self && !lost && n.Silent > n.Lease/2 {
			notice.Code, notice.Since = CodeNodeSilent, now.Add(-n.Silent)
			notice.Text = adminapi.Say("the node %s has not renewed its lease for %s", n.Name, n.Silent)
			notice.ToDo = adminapi.Say("see whether its machine runs and reaches the database; what it holds is taken over when its lease of %s is over", n.Lease)
			all = append(all, notice)
		}
		if !n.Self && len(n.Differs) > 0 {
			notice.Code, notice.Since = CodeNodesDiffer, time.Time{}
			notice.Text = adminapi.Say("config.toml of the node %s is not as here: %s", n.Name, strings.Join(n.Differs, ", "))
			notice.ToDo = adminapi.Say("have all nodes say the same there, else a message fares otherwise on each")
			all = append(all, notice)
		}
	}
	for name, at := range ops.goneNow() {
		all = append(all, adminapi.Notice{Code: CodeNodeGone, About: name, Level: adminapi.Warning, Since: at, Link: "/nodes",
			Text: adminapi.Say("the node %s ended without a word at %s; the others have taken over what it held", name, at),
			ToDo: adminapi.Say("start it again, or see to its machine; if it is not to come back, this line goes after a day")})
	}
	slices.SortFunc(all, func(a, b adminapi.Notice) int { return cmp.Compare(a.About, b.About) })
	return all
}

// Waiting implements admin.Operators.
func (ops *Operators) Waiting(ctx context.Context) ([]adminapi.Waiting, error) {
	if !ops.several() {
		return ops.waitingHere(ctx)
	}
	whole, err := ops.waitingWhole(ctx)
	return whole.rows, err
}

// waitingWhole is what waits at all nodes.
type waitingWhole struct {
	rows    []adminapi.Waiting
	bound   map[string]bool     // clients that have a session at one of them, and whether one can be written to
	unbound map[string]standing // recipients of which none can
}

func (ops *Operators) waitingWhole(ctx context.Context) (waitingWhole, error) {
	return gather(ctx, &ops.waits, statusGood, ops.waitingOfAll)
}

// waitingOfAll puts together what waits at each node.
func (ops *Operators) waitingOfAll(ctx context.Context) (waitingWhole, error) {
	own, err := ops.waitingHere(ctx)
	if err != nil {
		return waitingWhole{}, err
	}
	bound := ops.boundHere()
	sums := map[string]*adminapi.Waiting{}
	add := func(node string, rows []adminapi.Waiting) {
		for _, w := range rows {
			sum := sums[w.Recipient]
			if sum == nil {
				sum = &adminapi.Waiting{Recipient: w.Recipient}
				sums[w.Recipient] = sum
			}
			sum.Count, sum.Texts, sum.Receipts = sum.Count+w.Count, sum.Texts+w.Texts, sum.Receipts+w.Receipts
			sum.InFlight, sum.Scheduled = sum.InFlight+w.InFlight, sum.Scheduled+w.Scheduled
			if !w.Oldest.IsZero() && (sum.Oldest.IsZero() || w.Oldest.Before(sum.Oldest)) {
				sum.Oldest, sum.OldestID = w.Oldest, w.OldestID
			}
			if !w.Next.IsZero() && (sum.Next.IsZero() || w.Next.Before(sum.Next)) {
				sum.Next = w.Next
			}
			sum.Nodes = append(sum.Nodes, adminapi.WaitingAt{Node: node, Count: w.Count, Oldest: w.Oldest, Why: w.Why})
		}
	}
	add(ops.o.Node, own)
	for _, g := range ops.glancesNow(ctx) {
		add(g.node.Name, g.answer.Waiting)
		for _, c := range g.answer.Bound {
			bound[c.SystemID] = bound[c.SystemID] || c.Receives
		}
	}
	all := []adminapi.Waiting{}
	for _, w := range sums {
		slices.SortStableFunc(w.Nodes, func(a, b adminapi.WaitingAt) int { return cmp.Compare(b.Count, a.Count) })
		w.Why = w.Nodes[0].Why
		if slices.ContainsFunc(w.Nodes, func(o adminapi.WaitingAt) bool { return o.Why.Format != w.Why.Format }) {
			w.Why = adminapi.Say("on %s: %s", w.Nodes[0].Node, w.Why)
		}
		all = append(all, *w)
	}
	slices.SortFunc(all, func(a, b adminapi.Waiting) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Recipient, b.Recipient))
	})
	unbound := ops.standings(ctx, unboundOf(all, bound))
	ops.whyNowhere(all, unbound)
	return waitingWhole{all, bound, unbound}, nil
}

// whyNowhere says of clients that are bound at no node why, by what all nodes know.
func (ops *Operators) whyNowhere(waiting []adminapi.Waiting, standings map[string]standing) {
	cfg := ops.o.Config()
	for i := range waiting {
		w := &waiting[i]
		c, known := cfg.client(w.Recipient)
		_, paused := ops.paused(w.Recipient)
		if st, unbound := standings[w.Recipient]; unbound && known && !c.Disabled && !paused {
			w.Why = ops.whyUnbound(st)
		}
	}
}

// Here are the answers of this node alone: what its metrics tell.
func (ops *Operators) Here() Here { return Here{ops} }

// Here answers for one node.
type Here struct{ ops *Operators }

// Status is how the node stands.
func (h Here) Status(ctx context.Context) (adminapi.Status, error) { return h.ops.statusHere(ctx) }

// Clients are the clients with their sessions at this node.
func (h Here) Clients(ctx context.Context) ([]adminapi.Client, error) {
	return h.ops.clients(ctx, h.ops.waitingHere, h.ops.presencesHere)
}

// Waiting lists what waits at this node.
func (h Here) Waiting(ctx context.Context) ([]adminapi.Waiting, error) { return h.ops.waitingHere(ctx) }

// Sessions are those of this node.
func (h Here) Sessions(context.Context) ([]adminapi.Session, error) { return h.ops.sessionsHere(), nil }

// Settings are those in force.
func (h Here) Settings(ctx context.Context) (adminapi.Settings, error) { return h.ops.Settings(ctx) }

// Membership is this node among others; ok is false where it has the store to itself.
func (h Here) Membership() (nodes int, leader, holds, ok bool) {
	o := h.ops.parts.Others
	if o == nil {
		return 0, false, false, false
	}
	return len(o.Nodes()), o.Leader(), o.Holds(), true
}
