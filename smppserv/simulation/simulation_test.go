package simulation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/memory"
)

var (
	seeds  = flag.Int("seeds", 0, "how many seeds are run; 0 = a thousand, or 10 000 where CI is set")
	one    = flag.Uint64("seed", 0, "the seed to run, and to tell of with -v; 0 = some")
	repeat = flag.Int("repeat", 1, "how often each is run")
	length = flag.Int("steps", 40, "how many things happen in each")
)

const (
	// settled is how long everything may take when all is well again: the longest validity, and some.
	settled = 30 * time.Hour
	// standstill is how much real time a seed may take: a wait that simulated time cannot end would be for ever.
	standstill = time.Minute
	// budget is how much real time as many seeds may take as nobody asked for: on a machine that has others to serve they are fewer.
	budget = 3 * time.Minute
	told   = 5 // seeds that failed and are told of
)

// run lives one seed.
func run(t *testing.T, seed uint64) (c counts, failed, history []string) {
	stands := time.AfterFunc(standstill, func() { panic(fmt.Sprintf("seed %d stands still: see what its goroutines wait for", seed)) })
	defer stands.Stop()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, seed: seed, dice: rand.New(rand.NewPCG(seed, 0)), started: time.Now(), disk: memory.NewDisk(), adding: make(chan struct{}, 1)}
		w.model.init()
		w.asks, w.cache = w.dice.IntN(2) == 0, []int{0, 1, 1000}[w.dice.IntN(3)]
		w.faults.outcomes = true
		w.start()
		for range *length {
			time.Sleep(time.Duration(w.dice.Int64N(int64(2 * time.Second))))
			w.step()
			if w.dice.IntN(8) == 0 {
				w.look()
			}
		}
		w.heal()
		w.settle()
		w.end()
		c, failed, history = w.model.counts, w.failed, w.history
	})
	return c, failed, history
}

// settle lets time pass until nothing waits any more.
func (w *world) settle() {
	for wait := time.Second; w.now() < settled*2; wait = min(2*wait, 10*time.Minute) {
		time.Sleep(wait)
		w.life.hermes.Resume()
		w.sweep()
		if w.quiet() && w.disk.Waiting() == 0 {
			return
		}
	}
}

// quiet tells whether nothing is on its way to disk.
func (w *world) quiet() bool {
	w.mu.Lock()
	idle := w.model.pending == 0 && w.model.calls == 0
	w.mu.Unlock()
	return idle && w.life.q.Stats().Unwritten == 0
}

// look compares what the queue has with what is on disk (I8).
func (w *world) look() {
	all := w.sweep()
	synctest.Wait()
	if !all || !w.quiet() {
		return
	}
	stats := w.life.q.Stats()
	if waiting := w.disk.Waiting(); stats.Waiting != waiting {
		w.mu.Lock()
		w.fail("the queue has %d messages, and %d wait on disk", stats.Waiting, waiting)
		w.mu.Unlock()
	}
	w.overdue()
}

// overdue looks for what should have expired.
func (w *world) overdue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now()-w.model.sick < 40*time.Second || w.faults.write+w.faults.doubt+w.faults.read > 0 {
		return
	}
	for _, o := range w.model.order {
		if late := w.now() - o.handed - o.m.ExpiresAt.Sub(o.m.ReceivedAt); o.m.Period && !o.m.Scheduled() && !o.meddled && !o.flying && !o.ended &&
			!o.state.Final() && !w.model.shifted && late > 3*time.Second && o.m.Kind == sms.KindText {
			w.fail("message %d waits %v after its validity", o.m.ID, late)
		}
	}
}

// end stops everything and looks at what is left.
func (w *world) end() {
	l := w.life
	stats := l.q.Stats()
	stopping := l.q.Stop(context.Background())
	closing := l.store.Close(context.Background())
	l.callers.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if stopping != nil || closing != nil {
		w.fail("it stops with %v, %v", stopping, closing)
	}
	if (stats != sms.QueueStats{}) {
		w.fail("the queue is not empty: %+v", stats)
	}
	w.model.stopped(w)
	w.model.counts.Stops--
	receipts := map[sms.ID]int{}
	w.disk.Messages(func(m *sms.Message) {
		if !m.State.Final() {
			w.fail("message %d is %v at the end", m.ID, m.State)
		}
		if o := w.model.all[m.ID]; o == nil || o.state != m.State {
			w.fail("message %d is %v on disk, and was not told so", m.ID, m.State)
		}
		if m.Kind == sms.KindReceipt {
			receipts[m.Receipt.Of]++
			w.model.counts.Receipts++
		}
	})
	w.disk.Messages(func(m *sms.Message) {
		o := w.model.all[m.ID]
		owed := 0
		if m.OwesReceipt(m.State, w.asks) && !(o.refused && m.State == sms.Deleted) {
			owed = 1
		}
		if n := receipts[m.ID]; n != owed {
			w.fail("message %d became %v and has %d receipts, want %d", m.ID, m.State, n, owed)
		}
		if s := o.submission; s != nil && s.awaits && s.life == l && s.concluded != 1 && m.Part.Total == 0 {
			w.fail("who waited for message %d was told %d times", m.ID, s.concluded)
		}
	})
}

func TestWhateverHappensMessagesEndOnceAndInOrder(t *testing.T) {
	within := 24 * time.Hour
	n, first := *seeds, uint64(time.Now().UnixNano())<<8>>1
	switch {
	case *one != 0:
		n, first = 1, *one
	case n == 0 && os.Getenv("CI") != "":
		n, within = 10_000, budget
	case n == 0 && !testing.Short():
		n, within = 1000, budget
	case n == 0:
		n = 100
	}
	var mu sync.Mutex
	var sum counts
	var next, ran, failures atomic.Int64
	began := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // each life has tables for a long one
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for {
					i := next.Add(1) - 1
					if i >= int64(n**repeat) || failures.Load() >= told || time.Since(began) > within {
						return
					}
					ran.Add(1)
					seed := first + uint64(i)/uint64(*repeat)
					c, failed, history := run(t, seed)
					mu.Lock()
					add(&sum, &c)
					mu.Unlock()
					if *one != 0 && testing.Verbose() && (len(failed) > 0 || *repeat == 1) {
						fmt.Println(strings.Join(history, "\n"))
					}
					if len(failed) > 0 {
						failures.Add(1)
						fmt.Printf("seed %d: %s\n", seed, failed[0])
						t.Errorf("seed %d (go test ./smppserv/simulation -seed %d -steps %d -repeat 20 -v):\n%s", seed, seed, *length, strings.Join(failed[:min(len(failed), 5)], "\n"))
					}
				}
			})
		}
	})
	t.Logf("%d seeds in %v: %+v", ran.Load(), time.Since(began).Round(time.Millisecond), sum)
	for i, v := 0, reflect.ValueOf(sum); i < v.NumField() && n >= 100; i++ {
		if v.Field(i).Int() == 0 && !t.Failed() {
			t.Errorf("of %s there was nothing in %d seeds", v.Type().Field(i).Name, n)
		}
	}
}

func add(sum, c *counts) {
	for i, s, v := 0, reflect.ValueOf(sum).Elem(), reflect.ValueOf(c).Elem(); i < s.NumField(); i++ {
		s.Field(i).SetInt(s.Field(i).Int() + v.Field(i).Int())
	}
}
