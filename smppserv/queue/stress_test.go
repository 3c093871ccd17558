package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// counting is a Deliverer that reports at once.
type counting struct {
	tries   atomic.Int64
	verdict func(n int) sms.Outcome
}

func (d *counting) Deliver(_ []*sms.Message, _ bool, report func(sms.Outcome)) {
	report(d.verdict(int(d.tries.Add(1))))
}

func (d *counting) count() int { return int(d.tries.Load()) }

// countedSender hears of many messages.
type countedSender struct {
	accepted, concluded       atomic.Int64
	want                      int64
	allAccepted, allConcluded chan struct{}
}

func newCountedSender(want int) *countedSender {
	return &countedSender{want: int64(want), allAccepted: make(chan struct{}), allConcluded: make(chan struct{})}
}

func (s *countedSender) Accepted(*sms.Message, bool, error) {
	if s.accepted.Add(1) == s.want {
		close(s.allAccepted)
	}
}

func (s *countedSender) Concluded(*sms.Message, sms.Outcome) {
	if s.concluded.Add(1) == s.want {
		close(s.allConcluded)
	}
}

func (s *countedSender) Awaits() bool { return true }

func (s *countedSender) Answered() (uint64, time.Time, bool) { return 0, time.Time{}, false }

// witness sees every first try, and every receipt, of a stress.
type witness struct {
	mu       sync.Mutex
	seen     map[sms.ID]bool
	last     map[conversation]sms.ID // that was tried first
	disorder []string
	receipts map[sms.ID]map[sms.ID]bool // by the message that they are of
	final    map[sms.ID]bool
	flying   map[conversation]int

	answered         map[sms.ID]*submitting // from when they were accepted
	onOwn, elsewhere int                    // receipts, by session
}

func (w *witness) tried(ms []*sms.Message, serial bool, session uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(ms) == 0 {
		w.disorder = append(w.disorder, "a try of nothing")
		return
	}
	k := conversationOf(ms[0])
	if w.flying[k]++; serial && w.flying[k] > 1 {
		w.disorder = append(w.disorder, fmt.Sprintf("%d tries of lane %v", w.flying[k], k))
	}
	for _, m := range ms {
		if w.final[m.ID] {
			w.disorder = append(w.disorder, fmt.Sprintf("%d was tried after its end", m.ID))
		}
		if why := w.early(m, session); why != "" {
			w.disorder = append(w.disorder, why)
		}
		if m.Kind == sms.KindReceipt {
			if w.receipts[m.Receipt.Of] == nil {
				w.receipts[m.Receipt.Of] = map[sms.ID]bool{}
			}
			w.receipts[m.Receipt.Of][m.ID] = true
		}
		if !w.seen[m.ID] && m.Part.Total == 0 {
			if m.ID < w.last[k] {
				w.disorder = append(w.disorder, fmt.Sprintf("%d after %d", m.ID, w.last[k]))
			}
			w.last[k] = m.ID
		}
		w.seen[m.ID] = true
	}
}

func (w *witness) over(ms []*sms.Message, o sms.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying[conversationOf(ms[0])]--
	if o.FinalState().Final() {
		for _, m := range ms {
			w.final[m.ID] = true
		}
	}
}

// chaos is a Deliverer with random outcomes.
type chaos struct {
	w       *witness
	dice    *dice
	serial  bool
	session uint64
}

func (c *chaos) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	c.w.tried(ms, c.serial, c.session)
	o := sms.Outcome{Verdict: sms.Done}
	switch n := c.dice.IntN(100); {
	case n < 10:
		o = sms.Outcome{Verdict: sms.TryAgain, Code: 8}
	case n < 13:
		o = sms.Outcome{Verdict: sms.TryAgain, After: time.Duration(c.dice.IntN(5)) * time.Millisecond}
	case n < 20:
		o = sms.Outcome{Verdict: sms.Failed, Code: 400}
	case n < 28:
		o.Verdict = sms.Returned
	}
	ms = append([]*sms.Message(nil), ms...)
	end := func() {
		c.w.over(ms, o)
		report(o)
	}
	if c.dice.IntN(4) == 0 {
		end()
		return
	}
	time.AfterFunc(time.Duration(c.dice.IntN(2000))*time.Microsecond, end)
}

// once counts what its message was told.
type once struct {
	*submission
	m *sms.Message
}

func TestUnderStressEveryMessageEndsOnceAndInOrder(t *testing.T) {
	lanes, each := 60, 40
	if testing.Short() {
		each = 10
	}
	r := newRig(t, func(o *Options) {
		o.CacheOctets, o.StatusToHermes = 300*messageOctets, true
		o.Reassemble = 300 * time.Millisecond // parts are cancelled
	})
	q := r.q
	w := &witness{seen: map[sms.ID]bool{}, last: map[conversation]sms.ID{}, receipts: map[sms.ID]map[sms.ID]bool{},
		final: map[sms.ID]bool{}, flying: map[conversation]int{}, answered: map[sms.ID]*submitting{}}
	seed := stressSeed(t)
	outcomes := newDice(seed, 0)
	retry := []time.Duration{time.Millisecond, 3 * time.Millisecond}
	hermes := q.Attach(road.OutletOptions{Window: 8, Serial: true, Retry: retry, Deliverer: &chaos{w, outcomes, true, 0}})
	client := func(session uint64) road.Outlet {
		return q.Attach(road.OutletOptions{Recipient: "admin", Session: session, Window: 3, Retry: retry, Deliverer: &chaos{w, outcomes, false, session}})
	}
	stop := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() {
		outlets, random := []road.Outlet{client(1), client(2)}, newDice(seed, 1)
		var set time.Duration
		for n := 0; ; n++ {
			select {
			case <-stop:
				hermes.Resume()
				for _, o := range outlets {
					o.SetWindow(3)
					o.Resume()
				}
				return
			case <-time.After(2 * time.Millisecond):
			}
			switch o := outlets[n%2]; random.IntN(6) {
			case 0:
				o.Detach()
				outlets[n%2] = client(uint64(1 + n%2))
			case 1:
				o.Pause(3 * time.Millisecond)
				hermes.Pause(time.Millisecond)
			case 2:
				o.Resume()
			case 3:
				o.SetWindow(random.IntN(4))
			case 4:
				to := time.Duration(random.IntN(40)-20) * time.Minute
				r.clock.step(to - set)
				set = to
			case 5:
				if _, err := q.Sweep(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}
	})
	all := make([][]once, lanes)
	var adding sync.WaitGroup
	for l := range lanes {
		adding.Go(func() {
			random := newDice(seed, uint64(2+l))
			for i := range each {
				for _, m := range r.random(random, l, i) {
					s := &submitting{submission: newSubmission(), w: w, writing: time.Duration(random.IntN(20)) * time.Millisecond}
					if random.IntN(16) == 0 {
						s.making, s.writing = time.Millisecond, 100*time.Millisecond
					}
					if m.Submitter != sms.Hermes {
						s.own = uint64(1 + random.IntN(3)) // the third one does not receive
					}
					all[l] = append(all[l], once{s.submission, m})
					if err := q.Add(m, 0, s); err != nil {
						t.Error(err)
						return
					}
				}
				if random.IntN(3) > 0 {
					continue
				}
				victim := all[l][random.IntN(len(all[l]))]
				victim.accepted <- <-victim.accepted
				var err error
				if random.IntN(2) == 0 {
					err = q.Cancel(context.Background(), victim.m.ID)
				} else {
					err = q.Replace(context.Background(), victim.m.ID, replaceText("replaced"))
				}
				if err != nil && !errors.Is(err, sms.ErrBeingTried) && !errors.Is(err, sms.ErrNotWaiting) {
					t.Error(err)
				}
			}
		})
	}
	adding.Wait()
	for _, lane := range all {
		for _, s := range lane {
			testkit.Receive(t, s.concluded, "Concluded")
		}
	}
	close(stop)
	background.Wait()
	r.emptied()
	r.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.disorder) > 0 {
		t.Fatalf("%d faults: %q", len(w.disorder), w.disorder[:min(10, len(w.disorder))])
	}
	if w.onOwn == 0 || w.elsewhere == 0 {
		t.Errorf("%d receipts on the sessions of their submits, %d on others", w.onOwn, w.elsewhere)
	}
	for _, lane := range all {
		for _, s := range lane {
			got, err := r.store.Get(context.Background(), s.m.ID)
			if err != nil || !got.State.Final() || got.State != s.state || s.calls != 1 {
				t.Fatalf("message %d: %v on disk, told %v %d times, %v", s.m.ID, got.State, s.state, s.calls, err)
			}
			owed := 0
			if got.OwesReceipt(got.State, true) {
				owed = 1
			}
			if n := len(w.receipts[s.m.ID]); n != owed {
				t.Fatalf("message %d became %v and has %d receipts, want %d", s.m.ID, got.State, n, owed)
			}
		}
	}
}

// random is the next message of a lane, or the parts of one.
func (r *rig) random(dice *dice, lane, i int) []*sms.Message {
	number := fmt.Sprint("336", lane)
	change := func(m *sms.Message) *sms.Message {
		m.RegisteredDelivery = byte(dice.IntN(4)) | byte(dice.IntN(2))<<4
		if lane%2 == 0 {
			m.Source.Number = number
		} else {
			m.Dest.Number = number
		}
		return m
	}
	switch {
	case lane%2 == 1:
		return []*sms.Message{change(r.answerTo("to a client"))}
	case lane%4 == 0 && dice.IntN(4) == 0:
		ms := []*sms.Message{change(r.part("a", uint16(i), 3, 1)), change(r.part("b", uint16(i), 3, 2)), change(r.part("c", uint16(i), 3, 3))}
		dice.Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
		return ms
	}
	return []*sms.Message{change(r.text("to Hermes"))}
}
