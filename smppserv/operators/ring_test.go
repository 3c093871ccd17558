package operators

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// ring is some nodes in one process, which ask each other as those of a cluster do.
type ring struct {
	mu    sync.Mutex
	nodes []*member
}

// member is a node of a ring. It implements Others.
type member struct {
	ring *ring
	rig  *rig

	Neighbour
	mute, lost bool               // it answers nothing; it does not hold its lease
	estates    []sms.Epoch        // it has taken over
	answers    map[string]Handler // in the place of its own
}

const testLease = 10 * time.Second

func (m *member) change(change func()) {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	change()
}

func (m *member) Nodes() []Neighbour {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	var all []Neighbour
	for _, o := range m.ring.nodes {
		n := o.Neighbour
		n.Self, n.Facts = o == m, []byte(`{"sessions":1,"waiting":7}`)
		all = append(all, n)
	}
	return all
}

func (m *member) Leader() bool {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	return m.Neighbour.Leader
}

func (m *member) Holds() bool {
	m.ring.mu.Lock()
	defer m.ring.mu.Unlock()
	return !m.lost
}

// lapsedAt is when a lease was lost.
var lapsedAt = time.Date(2026, 11, 30, 1, 2, 3, 0, time.Local)

func (m *member) LapsedAt() (at time.Time) {
	if !m.Holds() {
		at = lapsedAt
	}
	return at
}

func (m *member) Ask(ctx context.Context, to sms.Epoch, what string, body []byte) ([]byte, error) {
	m.ring.mu.Lock()
	at := slices.IndexFunc(m.ring.nodes, func(o *member) bool { return o.Epoch == to })
	if at < 0 {
		at = slices.IndexFunc(m.ring.nodes, func(o *member) bool { return slices.Contains(o.estates, to) })
	}
	var other *member
	var h Handler
	if at >= 0 && !m.ring.nodes[at].mute {
		other = m.ring.nodes[at]
		h = other.answers[what]
	}
	m.ring.mu.Unlock()
	if other == nil {
		return nil, fmt.Errorf("ask %d: %w", to, ErrNoAnswer) // at once: no test waits for it
	}
	if h == nil {
		h = other.rig.ops.Handlers()[what]
	}
	if h == nil {
		return nil, errors.New("no such question: " + what)
	}
	answer, err := h(ctx, m.Epoch, body)
	if err == nil && len(answer) > 1<<20 {
		err = errors.New("too long")
	}
	return answer, err
}

// sharedStore is one store as a node sees it: a message that another one's queue has, that one holds.
type sharedStore struct {
	*store.Store
	own *member
}

func (s sharedStore) mark(ms ...*sms.Message) {
	for _, m := range ms {
		if m.State.Final() || len(s.own.rig.queue.HowWait([]sms.ID{m.ID})) > 0 {
			continue
		}
		s.own.ring.mu.Lock()
		others := slices.Clone(s.own.ring.nodes)
		s.own.ring.mu.Unlock()
		for _, o := range others {
			if len(o.rig.queue.HowWait([]sms.ID{m.ID})) > 0 {
				m.Holder = o.Epoch
				if len(o.estates) > 0 {
					m.Holder = o.estates[0]
				}
			}
		}
	}
}

func (s sharedStore) Get(ctx context.Context, id sms.ID) (*sms.Message, error) {
	m, err := s.Store.Get(ctx, id)
	if err == nil {
		s.mark(m)
	}
	return m, err
}

func (s sharedStore) Search(ctx context.Context, q store.Search) (store.Found, error) {
	f, err := s.Store.Search(ctx, q)
	s.mark(f.Messages...)
	return f, err
}

// twoNodes are two rigs on one store: here, the leader, and there.
func twoNodes(t *testing.T) (here, there *member) {
	t.Helper()
	first := newRigOf(t, "here", nil)
	second := newRigOf(t, "there", first.rig)
	r := &ring{nodes: []*member{first, second}}
	for i, m := range r.nodes {
		m.ring = r
		m.Neighbour = Neighbour{Name: m.rig.node, Address: "10.0.0." + fmt.Sprint(i+1) + ":8346", Version: "test", Epoch: sms.Epoch(10 + i), Since: time.Now(), Lease: testLease, Leader: i == 0}
		if i > 0 {
			m.rig.store = first.rig.store
		}
		m.rig.open()
	}
	t.Cleanup(func() {
		second.rig.close()
		first.rig.close()
	})
	return first, second
}

func newRigOf(t *testing.T, name string, host *rig) *member {
	m := &member{rig: &rig{t: t, lines: NewLines(), node: name, guest: host != nil}}
	if host == nil {
		m.rig.file = t.TempDir() + "/messages.db"
	} else {
		m.rig.file = host.file
	}
	m.rig.configured()
	m.rig.others = m
	m.rig.seen = func() Store { return sharedStore{m.rig.store, m} }
	return m
}

// gathering is what is asked for, and what the answer lacks.
func gathering(t *testing.T) (context.Context, func() string) {
	ctx := adminapi.Gathering(t.Context())
	return ctx, func() string {
		var all []string
		for _, what := range adminapi.Lacks(ctx) {
			all = append(all, what.String())
		}
		return strings.Join(all, "\n")
	}
}

// silence has a node answer nothing, and everybody ask anew.
func silence(m *member, on bool) {
	m.change(func() { m.mute = on })
	for _, o := range m.ring.nodes {
		o.rig.ops.forget()
		o.rig.ops.absent.mu.Lock()
		o.rig.ops.absent.all = nil
		o.rig.ops.absent.mu.Unlock()
	}
}
