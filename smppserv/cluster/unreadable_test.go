package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

func TestARowOfADeadWorkerThatCannotBeReadHoldsUpNoneOfItsOthers(t *testing.T) {
	r := newRig(t)
	var log testkit.Log
	r.log = zerolog.New(&log)
	var sa, sb, sc *store.Store
	a := r.joinWithStore("a", &sa)
	b := r.joinWithStore("b", &sb)
	q := queue.New(queue.Options{Store: sb, Log: zerolog.Nop()})
	if err := q.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.note(func() { b.rows = NewRows(q, sb, func() {}, zerolog.Nop()) })
	var ids []sms.ID
	for range 5 {
		now := time.Now()
		m := &sms.Message{Recipient: "acme", State: sms.Enroute, ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour)}
		one := addition{m, make(chan error, 1)}
		sa.Add(one)
		if err := <-one.done; err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	r.exec(`UPDATE messages SET attributes = '\x07' WHERE id = $1`, int64(ids[1]))
	r.knows(b, a)
	a.die()
	testkit.Await(t, "it is all taken up", func() bool { return r.value(`SELECT settled FROM estates WHERE epoch = $1`, int64(a.epoch)) == "true" })
	if n := q.Stats().Waiting; n != 4 {
		t.Errorf("%d were taken up, of 5 one of which cannot be read", n)
	}
	said := func(want int) {
		t.Helper()
		if n := strings.Count(log.String(), fmt.Sprintf(`"message_id":"%d"`, ids[1])); n != want {
			t.Errorf("it was said %d times, want %d: %s", n, want, log.String())
		}
	}
	said(1)
	if err := b.rows.Inherit(t.Context(), []sms.Epoch{a.epoch}); err != nil { // again, as after a fault
		t.Error(err)
	}
	said(1)
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := q.Stop(ctx); err != nil {
		t.Error(err)
	}
	b.die()
	c := r.joinWithStore("b", &sc)
	testkit.Await(t, "it has what both had", func() bool { return len(c.Estates()) == 2 })
	again := queue.New(queue.Options{Store: sc, Log: zerolog.Nop()})
	if err := again.Start(t.Context()); err != nil {
		t.Fatalf("it does not start anew: %v", err)
	}
	if n := again.Stats().Waiting; n != 4 {
		t.Errorf("after a restart it has %d", n)
	}
	said(2)
	if left := waiting(t, sc); !slices.Equal(left, slices.Delete(slices.Clone(ids), 1, 2)) || r.value(`SELECT count(*) FROM messages WHERE final_at IS NULL`) != "5" {
		t.Errorf("%v wait", left)
	}
	if err := again.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// heads are reads of messages one of which is damaged.
type heads struct {
	Reads
	damaged sms.ID
	reads   int
}

func (h *heads) LoadHeads(_ context.Context, ids []sms.ID) (ms []*sms.Message, err error) {
	h.reads++
	for _, id := range ids {
		switch {
		case id == h.damaged:
			return nil, fmt.Errorf("message %d: %w", id, sms.ErrUnreadable)
		case id%2 == 0: // the others are gone
			ms = append(ms, &sms.Message{ID: id, State: sms.Delivered})
		}
	}
	return ms, nil
}

// looked is a queue that waits for what became of messages elsewhere.
type looked struct {
	Queue
	abroad      []sms.ID
	ended, gone []sms.ID
}

func (q *looked) Abroad() []sms.ID                                { return slices.Clone(q.abroad) }
func (q *looked) Apart(bool) []sms.ID                             { return nil }
func (q *looked) Located([]sms.ID, map[sms.ID]sms.Epoch) (w bool) { return false }
func (q *looked) Ended(ms []*sms.Message, gone []sms.ID) {
	for _, m := range ms {
		q.ended = append(q.ended, m.ID)
	}
	q.gone = append(q.gone, gone...)
}

func TestARowElsewhereThatCannotBeReadIsNeitherGoneNorInTheWayOfOthers(t *testing.T) {
	var log testkit.Log
	s, q := &heads{damaged: 4}, &looked{abroad: []sms.ID{1, 2, 3, 4, 5, 6, 7}}
	rows := NewRows(q, s, func() {}, zerolog.New(&log))
	for look := range 2 {
		q.ended, q.gone, s.reads = nil, nil, 0
		if err := rows.Ended(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(q.ended)
		slices.Sort(q.gone)
		if !slices.Equal(q.ended, []sms.ID{2, 6}) || !slices.Equal(q.gone, []sms.ID{1, 3, 5, 7}) {
			t.Errorf("%v have ended, %v are gone", q.ended, q.gone)
		}
		if look == 1 && s.reads != 2 {
			t.Errorf("once it is known there are %d reads", s.reads)
		}
	}
	if n := strings.Count(log.String(), `"message_id":"4"`); n != 1 {
		t.Errorf("it was said %d times", n)
	}
	s.damaged = 0
	if err := rows.Ended(t.Context()); err != nil || !slices.Contains(q.ended, 4) {
		t.Errorf("mended: %v have ended, %v", q.ended, err)
	}
}
