package operators

import (
	"cmp"
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/smsc"
)

// glance is what a node tells of itself to those that show all nodes together.
type glance struct {
	Parts   []adminapi.Part
	Notices []adminapi.Notice // but for those about clients, which are a matter of all nodes
	Ready   bool
	Why     string
	Load    adminapi.Load
	Started time.Time
	Bound   []boundClient      // those with a session, at most maxBound
	Waiting []adminapi.Waiting // the recipients with most, at most maxWaiting
	Left    int                // recipients that are left out
	Counted int64              // messages that were accepted or have ended, and tries: it changes with them
	Acts    int64              // what was noted in the audit: likewise
}

type boundClient struct {
	SystemID string
	Receives bool
}

const (
	maxBound, maxWaiting = 20_000, 1000
	// gatherTime bounds what all who ask meanwhile wait for.
	gatherTime = 8 * time.Second
	// glanceGood is how long what others said is good.
	glanceGood = time.Second
	// abroadEvery is how often it is looked whether something has changed at others, while somebody watches.
	abroadEvery = 2 * time.Second
)

// nothing is the question of whoever asks for all.
type nothing struct{ Nothing bool }

func (ops *Operators) glanceHere(ctx context.Context, _ nothing) (glance, error) {
	s, err := ops.statusHere(ctx)
	if err != nil {
		return glance{}, err
	}
	waiting, err := ops.waitingHere(ctx)
	if err != nil {
		return glance{}, err
	}
	cfg, t := ops.o.Config(), ops.parts.Store.Totals()
	g := glance{Parts: s.Parts, Notices: ops.sorted("own ", ops.ownNotices(&cfg, s.Parts, time.Now()), time.Now()), Ready: s.Ready, Why: s.Why, Load: s.Load, Started: s.Started,
		Counted: t.Received + t.Pushed + t.Delivered + t.Failed + t.Deleted + t.Receipts, Acts: ops.acts.Load()}
	part := cutRows(waiting, maxWaiting)
	g.Waiting, g.Left = part.Rows, part.Left
	bound := ops.boundHere()
	for _, id := range slices.Sorted(maps.Keys(bound))[:min(len(bound), maxBound)] {
		g.Bound = append(g.Bound, boundClient{id, bound[id]})
	}
	return g, nil
}

// boundHere are the clients that have a session at this node, and whether one of them can be written to.
func (ops *Operators) boundHere() map[string]bool {
	bound := map[string]bool{}
	for _, s := range ops.parts.SMSC.Sessions() {
		if f := s.Facts(); f.SystemID != "" && (f.State.Receives() || f.State.Transmits()) {
			bound[f.SystemID] = bound[f.SystemID] || f.State.Receives()
		}
	}
	return bound
}

// gathered is something with what it lacks.
type gathered[T any] struct {
	value T
	lacks []adminapi.Text
}

// gather is an answer that is kept for a moment, with what it lacks.
func gather[T any](ctx context.Context, c *cached[gathered[T]], good time.Duration, make func(context.Context) (T, error)) (T, error) {
	g, err := c.get(func() (gathered[T], time.Duration, error) {
		within, cancel := context.WithTimeout(adminapi.Gathering(context.WithoutCancel(ctx)), gatherTime) // others may wait for it, too
		defer cancel()
		value, err := make(within)
		if err != nil {
			return gathered[T]{}, 0, err
		}
		return gathered[T]{value, adminapi.Lacks(within)}, good, nil
	})
	for _, what := range g.lacks {
		adminapi.NoteLack(ctx, what)
	}
	return g.value, err
}

// glancesNow is what the others tell of themselves.
func (ops *Operators) glancesNow(ctx context.Context) []asked[glance] {
	if !ops.several() {
		return nil
	}
	all, _ := gather(ctx, &ops.glances, glanceGood, func(ctx context.Context) ([]asked[glance], error) {
		all := show[glance](ctx, ops, askGlance, nothing{})
		for _, a := range all {
			if a.answer.Left > 0 {
				adminapi.NoteLack(ctx, adminapi.Say("of the node %s, %d recipients with less that waits are left out", a.node.Name, a.answer.Left))
			}
		}
		return all, nil
	})
	return all
}

// forget has what is shown be made anew.
func (ops *Operators) forget() {
	ops.status.forget()
	ops.waiting.forget()
	ops.glances.forget()
	ops.whole.forget()
	ops.waits.forget()
}

// abroad is what is remembered of others.
type abroad struct {
	looking sync.Mutex // is held by a look, and guards these
	looked  time.Time
	said    map[string]sighting // by node
	read    time.Time           // when what the store keeps of clients was

	mu      sync.Mutex
	present map[string]Neighbour // by name
	gone    map[string]time.Time // nodes that ended without a word: when, by name
	kept    map[string]standing  // what the store keeps of clients
}

// sighting tells with what it changes what pages show.
type sighting struct{ status, clients, messages, audit uint64 }

func sightingOf(g *glance) sighting {
	status, clients := fnv.New64a(), fnv.New64a()
	for _, p := range g.Parts {
		_, _ = status.Write([]byte(p.Name + string(p.Level) + p.Text.Format))
	}
	for _, b := range g.Bound {
		_, _ = clients.Write([]byte(b.SystemID + "\n"))
	}
	return sighting{status.Sum64(), clients.Sum64() + uint64(g.Load.Sessions), uint64(g.Counted)<<20 + uint64(g.Load.Waiting), uint64(g.Acts)}
}

// lookAbroad sees to what has changed at other nodes: it is called each second, and returns at once.
func (ops *Operators) lookAbroad(ctx context.Context, now time.Time) {
	if ops.parts.Others == nil {
		return
	}
	a := &ops.abroad
	ops.seeWhoIsThere(now)
	if !a.looking.TryLock() {
		return // the look before goes on
	}
	again := now.Sub(a.read) >= notesEvery
	watched := ops.listeners.Load() > 0 && now.Sub(a.looked) >= abroadEvery
	if !ops.several() || !again && !watched {
		a.looking.Unlock()
		return
	}
	go func() {
		defer a.looking.Unlock()
		if again {
			a.read = now
			ops.readNotes(ctx)
		}
		if watched {
			a.looked = now
			ops.tellOfOthers(ctx)
		}
	}()
}

// tellOfOthers tells pages that are open what has changed at other nodes.
func (ops *Operators) tellOfOthers(ctx context.Context) {
	said := map[string]sighting{}
	var changed Topic
	for _, g := range ops.glancesNow(ctx) {
		now := sightingOf(&g.answer)
		said[g.node.Name] = now
		was, ok := ops.abroad.said[g.node.Name]
		for _, one := range []struct {
			different bool
			topic     Topic
		}{{was.status != now.status, TopicStatus}, {was.clients != now.clients, TopicStatus | TopicClients},
			{was.messages != now.messages, TopicStatus | TopicMessages | TopicWaiting | TopicClients}, {was.audit != now.audit, TopicAudit | TopicClients}} {
			if !ok || one.different {
				changed |= one.topic
			}
		}
	}
	if len(said) != len(ops.abroad.said) {
		changed |= TopicStatus | TopicClients | TopicWaiting
	}
	if ops.abroad.said = said; changed != 0 {
		ops.Changed(changed)
	}
}

const (
	// goneFor is how long it is said that a node ended without a word, unless it comes back.
	goneFor = 24 * time.Hour
	maxGone = 100
)

// seeWhoIsThere notes nodes that have ended without a word: those that were silent, and are not there any more.
func (ops *Operators) seeWhoIsThere(now time.Time) {
	a := &ops.abroad
	present := map[string]Neighbour{}
	nodes := ops.nodes()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range nodes {
		present[n.Name] = n
		delete(a.gone, n.Name)
	}
	for name, was := range a.present {
		if _, still := present[name]; !still && was.Silent >= was.Lease/2 && len(a.gone) < maxGone {
			if a.gone == nil {
				a.gone = map[string]time.Time{}
			}
			a.gone[name] = now.Add(-was.Silent)
		}
		if _, still := present[name]; !still {
			ops.Changed(TopicStatus | TopicClients | TopicWaiting)
		}
	}
	for name, at := range a.gone {
		if now.Sub(at) > goneFor {
			delete(a.gone, name)
		}
	}
	a.present = present
}

// goneNow are the nodes that ended without a word, and when.
func (ops *Operators) goneNow() map[string]time.Time {
	a := &ops.abroad
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.gone)
}

// notesEvery is how often it is read what the store keeps of clients, where several nodes write it: who was away hears of pauses so.
const notesEvery = 10 * time.Second

// readNotes takes up what other nodes have written of clients.
func (ops *Operators) readNotes(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	ops.mu.Lock()
	before := ops.holds
	ops.mu.Unlock()
	notes, err := ops.parts.Store.ClientNotes(ctx)
	if err != nil {
		ops.o.Log.Debug().Err(err).Msg("what is known of clients cannot be read")
		return
	}
	kept, paused := make(map[string]standing, len(notes)), map[string]adminapi.Pause{}
	for _, n := range notes {
		kept[n.Client] = standing{SystemID: n.Client, Bound: recalled(smsc.EventBound, n.Bound), Unbound: recalled(smsc.EventUnbound, n.Unbound), Refused: recalled(smsc.EventRefused, n.Refused)}
		if !n.Paused.Since.IsZero() {
			paused[n.Client] = adminapi.Pause{Since: n.Paused.Since, By: n.Paused.By}
		}
	}
	ops.abroad.mu.Lock()
	ops.abroad.kept = kept
	ops.abroad.mu.Unlock()
	ops.mu.Lock()
	defer ops.mu.Unlock()
	if ops.holds != before { // somebody paused or resumed meanwhile: what was read may be older
		return
	}
	for id := range ops.pauses {
		if _, still := paused[id]; !still {
			ops.holdLocked(id, adminapi.Pause{})
		}
	}
	for id, p := range paused {
		ops.holdLocked(id, p)
	}
}

// ranks of levels, the worst first.
var ranks = map[adminapi.Level]int{adminapi.Bad: 0, adminapi.Warning: 1}

func rank(l adminapi.Level) int {
	if r, ok := ranks[l]; ok {
		return r
	}
	return len(ranks)
}

func byRank(a, b adminapi.Notice) int { return cmp.Compare(rank(a.Level), rank(b.Level)) }
