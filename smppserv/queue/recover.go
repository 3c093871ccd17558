package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hnetsmpp/smppserv/sms"
)

// recoverStep is how many messages are taken up together.
const recoverStep = 1024

// recovery takes up the waiting messages of the store in the order in which they came.
type recovery struct {
	q     *Queue
	rows  []row // that wait for the texts of parts among them
	now   int64
	total int
	// open are the long texts of each lane that wait for parts, oldest first.
	// Those whose time was up when the next message came were in the line before it.
	open map[ref][]*group
}

// row is what is needed of one.
type row struct {
	m    sms.Message
	keys keys
}

// recover takes up every waiting message of the store.
func (q *Queue) recover(ctx context.Context) error {
	r := recovery{q: q, open: map[ref][]*group{}}
	steps, err := q.readSteps(ctx, 0)
	if err != nil {
		return fmt.Errorf("take up the waiting messages: %w", err)
	}
	q.mu.Lock()
	q.steps, q.noted = steps, len(steps)
	q.mu.Unlock()
	err = q.o.Store.Waiting(ctx, 0, func(m *sms.Message) error { return r.take(ctx, m) })
	if err == nil {
		err = r.step(ctx)
	}
	r.end()
	if err != nil {
		return fmt.Errorf("take up the waiting messages: %w", err)
	}
	if r.total > 0 {
		q.log.Info().Int("messages", r.total).Msg("waiting messages taken up")
	}
	return nil
}

// end puts the texts into their lines. What stands first in one now may have been in flight when the worker ended.
func (r *recovery) end() {
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closeTaken(q.now())
	for lead := range q.leads {
		if e := q.entries.at(lead); q.lanes.at(e.lane).line == lead {
			e.flags |= untold
		}
	}
}

// take takes up the next message, which is only good until take returns: at once, unless the text of a part must be read before.
func (r *recovery) take(ctx context.Context, m *sms.Message) error {
	q := r.q
	q.mu.Lock()
	if r.total%recoverStep == 0 {
		r.now = q.now()
	}
	r.total++
	if len(r.rows) == 0 && (!q.isPart(m) || m.Holder != 0) {
		r.enter(m, keysOf(m))
		q.mu.Unlock()
		return nil
	}
	c := *m
	c.Submitter, c.Recipient, c.PushKey = q.named(m.Submitter), q.named(m.Recipient), strings.Clone(m.PushKey)
	c.Source, c.Dest, c.ServiceType, c.Alphabet, c.Reason, c.ExternalID = sms.Address{}, sms.Address{}, "", "", strings.Clone(m.Reason), ""
	c.Content, c.TLVs, c.First = nil, nil, nil
	if m.Receipt != nil {
		c.Receipt = &sms.Receipt{Away: m.Receipt.Away}
	}
	r.rows = append(r.rows, row{c, keysOf(m)})
	q.mu.Unlock()
	if len(r.rows) < recoverStep {
		return nil
	}
	return r.step(ctx)
}

// named is a name that stays.
func (q *Queue) named(name string) string {
	if p := q.parties.byName[name]; p != nil {
		return p.name
	}
	return strings.Clone(name)
}

func (r *recovery) step(ctx context.Context) error {
	if err := r.readParts(ctx); err != nil {
		return err
	}
	q := r.q
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range r.rows {
		r.enter(&r.rows[i].m, r.rows[i].keys)
	}
	clear(r.rows)
	r.rows = r.rows[:0]
	return nil
}

// enter takes up one message.
func (r *recovery) enter(m *sms.Message, k keys) {
	q := r.q
	switch {
	case q.isHere(m.ID):
		return
	case m.Holder != 0:
		q.passTaken(m, r.now)
		return
	}
	came := q.came(m, r.now)
	var lr ref
	var groups []*group
	if len(r.open) > 0 {
		lr = q.lane(k.conversation, m.Recipient)
		groups = r.open[lr]
	}
	for len(groups) > 0 && (!q.isOpen(groups[0]) || groups[0].until <= came) {
		if q.isOpen(groups[0]) {
			q.closeGroup(groups[0], r.now)
		}
		groups = groups[1:]
	}
	e := q.takeUp(m, k, came, r.now)
	if m.Transaction() {
		q.end(e, restart)
	}
	if q.entries.at(e).flags&grouped != 0 {
		if g := q.partOf[e]; g.single() && !g.tried() {
			groups = append(groups, g)
			lr = q.entries.at(e).lane
		}
	}
	if len(groups) > 0 {
		r.open[lr] = groups
	} else if lr != 0 {
		delete(r.open, lr)
	}
}

// readParts reads the texts of parts: texts that have the same reference are told apart by them.
func (r *recovery) readParts(ctx context.Context) error {
	var ids []sms.ID
	byID := map[sms.ID]*sms.Message{}
	r.q.mu.Lock()
	for i := range r.rows {
		if m := &r.rows[i].m; r.q.isPart(m) {
			ids = append(ids, m.ID)
			byID[m.ID] = m
		}
	}
	r.q.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	parts, damaged, err := r.q.readable(ctx, ids, r.q.o.Store.Load)
	for _, p := range parts {
		byID[p.ID].Content = p.Content
	}
	if len(damaged) > 0 { // they stay where they are, and hold up nothing
		r.rows = slices.DeleteFunc(r.rows, func(o row) bool { return slices.Contains(damaged, o.m.ID) })
		r.total -= len(damaged)
	}
	return err
}

func (q *Queue) takeUp(m *sms.Message, k keys, came, now int64) ref {
	q.parties.get(m.Owner()).pending++
	return q.enter(m, k, came, now, true)
}
