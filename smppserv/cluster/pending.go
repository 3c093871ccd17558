package cluster

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/sms"
)

const (
	pendingEvery = time.Second
	// maxSaid bounds the owners whose counts are published at a time: those that changed most go first.
	maxSaid = 1000
)

// pending is how many undelivered messages owners have.
type pending struct {
	said   map[string]int // by this node, inDoubt = the database may have what was said last, or not; the goroutine's
	number int64          // of the saying; the goroutine's

	mu     sync.RWMutex
	others map[sms.Epoch]*counts
	sum    map[string]int // of all others
}

// inDoubt is a count that nobody has: it is said again.
const inDoubt = -1

type counts struct {
	heard int64 // the number of the saying
	by    map[string]int
}

// Pending counts the undelivered messages of an owner on all other nodes, as they last said: about two seconds ago.
func (n *Node) Pending(owner string) int {
	n.pend.mu.RLock()
	defer n.pend.mu.RUnlock()
	return n.pend.sum[owner]
}

// exchangePending says what waits here, and reads what waits elsewhere. A node that is alone does neither.
func (n *Node) exchangePending(ctx context.Context) error {
	others := n.others()
	n.pend.forget(others)
	if len(others) == 0 {
		return nil
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	if err := n.sayPending(ctx); err != nil {
		return err
	}
	return n.hearPending(ctx)
}

func (n *Node) sayPending(ctx context.Context) error {
	if n.o.Waiting == nil || !n.Holds() {
		return nil
	}
	p := &n.pend
	owners, now := p.news(n.o.Waiting())
	if len(owners) == 0 {
		return nil
	}
	values := make([]int32, len(owners))
	for i, owner := range owners {
		values[i] = int32(now[owner])
	}
	p.number++ // also when it fails: it may be written, and heard, and that late
	_, err := n.o.Pool.Exec(ctx, `INSERT INTO pending (epoch, owner, waiting, said)
		SELECT (SELECT epoch FROM nodes WHERE epoch = $1 FOR KEY SHARE), owner, waiting, $4 FROM unnest($2::text[], $3::integer[]) AS now (owner, waiting)
		ON CONFLICT (epoch, owner) DO UPDATE SET waiting = excluded.waiting, said = excluded.said WHERE pending.said < excluded.said`, int64(n.epoch), owners, values, p.number)
	if p.said == nil {
		p.said = map[string]int{}
	}
	for _, owner := range owners {
		p.said[owner] = now[owner]
		if err != nil {
			p.said[owner] = inDoubt
		}
	}
	return err
}

// news are the owners with other counts than were said, in ascending order.
func (p *pending) news(now map[string]int) (owners []string, counts map[string]int) {
	for owner, n := range now {
		if p.said[owner] != n {
			owners = append(owners, owner)
		}
	}
	for owner, n := range p.said {
		if _, ok := now[owner]; !ok && n != 0 {
			owners = append(owners, owner)
		}
	}
	if len(owners) > maxSaid {
		by := func(owner string) int { return max(now[owner]-p.said[owner], p.said[owner]-now[owner]) }
		slices.SortFunc(owners, func(a, b string) int { return cmp.Compare(by(b), by(a)) })
		owners = owners[:maxSaid]
	}
	slices.Sort(owners)
	return owners, now
}

func (n *Node) hearPending(ctx context.Context) error {
	p := &n.pend
	var epochs, heard []int64
	p.mu.RLock()
	for e, c := range p.others {
		epochs, heard = append(epochs, int64(e)), append(heard, c.heard)
	}
	p.mu.RUnlock()
	rows, err := n.o.Pool.Query(ctx, `SELECT p.epoch, p.owner, p.waiting, p.said
		FROM unnest($1::bigint[], $2::bigint[]) AS last (epoch, said) JOIN pending p ON p.epoch = last.epoch AND p.said > last.said`, epochs, heard)
	if err != nil {
		return err
	}
	type saying struct {
		epoch   sms.Epoch
		owner   string
		waiting int
		said    int64
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (s saying, err error) {
		return s, r.Scan((*int64)(&s.epoch), &s.owner, &s.waiting, &s.said)
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range all {
		if c := p.others[s.epoch]; c != nil {
			p.sum[s.owner] += s.waiting - c.by[s.owner]
			c.by[s.owner], c.heard = s.waiting, max(c.heard, s.said)
		}
	}
	return nil
}

// forget leaves out what nodes said that are gone.
func (p *pending) forget(there []sms.Epoch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.others == nil {
		p.others, p.sum = map[sms.Epoch]*counts{}, map[string]int{}
	}
	for e, c := range p.others {
		if !slices.Contains(there, e) {
			for owner, n := range c.by {
				p.sum[owner] -= n
			}
			delete(p.others, e)
		}
	}
	for _, e := range there {
		if p.others[e] == nil {
			p.others[e] = &counts{by: map[string]int{}}
		}
	}
}
