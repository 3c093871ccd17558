package alerts

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
)

// nodes is a world of two workers on one store, in which Hermès may be silent at each.
type nodes struct {
	world
	silent map[string]time.Time
	lacks  bool
}

func (n *nodes) Status(ctx context.Context) (adminapi.Status, error) {
	s, err := n.world.Status(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range []string{"a", "b"} {
		p := adminapi.Part{Name: adminapi.PartHermes, Figures: map[string]int64{"up": 1}}
		if since, is := n.silent[name]; is {
			p.Since, p.Figures["up"] = since, 0
		}
		node := adminapi.Node{Name: name, Parts: []adminapi.Part{p, {Name: adminapi.PartDisk, Figures: map[string]int64{"disk_free": n.free}}}}
		if n.lacks && name == "b" {
			node.Parts, node.Missing = nil, adminapi.Say("it does not answer")
			s.Lacks = []adminapi.Text{node.Missing}
		}
		s.Nodes = append(s.Nodes, node)
	}
	return s, err
}

// team are the alerts of two workers, of which one leads.
type team struct {
	leader atomic.Int32
	away   atomic.Bool // the leader does not tell what it has told
	all    [2]*Alerts
	stop   [2]func()
}

func newTeam(t *testing.T, n *nodes, d *told, rules ...Rule) *team {
	x := &team{}
	for i := range x.all {
		a := New(Options{Node: string(rune('a' + i)), Source: n, Log: zerolog.Nop(), Leader: func() bool { return int(x.leader.Load()) == i },
			Told: func(context.Context, []byte) ([]byte, error) {
				if x.away.Load() {
					return nil, errors.New("it does not answer")
				}
				return x.all[x.leader.Load()].Told(), nil
			}})
		a.send = d.send
		a.Configure(Settings{Rules: rules})
		x.all[i] = a
	}
	for i, a := range x.all {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { a.Run(ctx); close(ended) }()
		x.stop[i] = func() { cancel(); <-ended; synctest.Wait() }
	}
	return x
}

func TestTheLeaderTellsAndTheNextOneGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := &nodes{silent: map[string]time.Time{}}, &told{}
		n.free = 1 << 40
		x := newTeam(t, n, d, silent)
		defer x.stop[1]()
		pass(time.Minute)
		n.set(func() { n.silent["b"] = time.Now() })
		pass(11 * time.Minute)
		wantTold(t, d, "notice hermes_silent")
		if got := d.nth(0); !strings.Contains(got.Text, "of b since") || got.Node != "a" {
			t.Errorf("got %+v", got)
		}
		n.set(func() { n.silent["a"] = time.Now() }) // of another node there is another notice
		pass(11 * time.Minute)
		wantTold(t, d, "notice hermes_silent, notice hermes_silent")
		x.stop[0]() // the leader ends, and is not asked any more
		x.away.Store(true)
		pass(time.Minute)
		x.leader.Store(1)
		pass(time.Hour)
		wantTold(t, d, "notice hermes_silent, notice hermes_silent")
		n.set(func() { clear(n.silent) })
		pass(2*quiet + lookEvery)
		wantTold(t, d, "notice hermes_silent, notice hermes_silent, recovery hermes_silent")
		if got := d.nth(2); got.Node != "b" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOfANodeThatDoesNotAnswerNothingIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, d := &nodes{silent: map[string]time.Time{}}, &told{}
		n.free = 1 << 40
		n.clients = []adminapi.Client{{SystemID: "acme", Configured: true, State: "UNBOUND", Waiting: adminapi.Waiting{Count: 3}}}
		x := newTeam(t, n, d, silent, Rule{When: ClientUnbound, Lasts: time.Minute, Limit: "1m", Webhook: "http://example.com/"})
		defer x.stop[0]()
		defer x.stop[1]()
		n.set(func() { n.silent["b"] = time.Now() })
		pass(11 * time.Minute)
		wantTold(t, d, "notice client_unbound, notice hermes_silent")
		n.set(func() { n.lacks, n.clients = true, nil })
		pass(10 * time.Minute)
		wantTold(t, d, "notice client_unbound, notice hermes_silent")
		n.set(func() { n.lacks = false; clear(n.silent) })
		pass(2*quiet + lookEvery)
		if got := d.kinds(); strings.Count(got, "recovery") != 2 {
			t.Errorf("told: %s", got)
		}
	})
}
