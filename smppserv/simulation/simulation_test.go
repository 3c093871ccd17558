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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/memory"
	"hnetsmpp/smppserv/testkit"
)

var (
	seeds  = flag.Int("seeds", 0, "how many seeds are run; 0 = as many as each test has, more where CI is set")
	one    = flag.Uint64("seed", 0, "the seed to run, and to tell of with -v; 0 = some")
	repeat = flag.Int("repeat", 1, "how often each is run")
	length = flag.Int("steps", 40, "how many things happen in each")
)

const (
	// settled is how long everything may take when all is well again: the longest validity, and some.
	settled = 30 * time.Hour
	// standstill is how much real time a seed may take: a wait that simulated time cannot end would be for ever.
	standstill = time.Minute
	told       = 5 // seeds that failed and are told of
)

// run lives one seed.
func run(t *testing.T, seed uint64, live func(*world)) (c counts, failed, history []string) {
	stands := time.AfterFunc(standstill, func() { panic(fmt.Sprintf("seed %d stands still: see what its goroutines wait for", seed)) })
	defer stands.Stop()
	var w *world
	defer func() {
		if stuck := recover(); stuck != nil { // by synctest, when goroutines wait for what never comes; most often because of what failed before
			w.mu.Lock()
			defer w.mu.Unlock()
			w.fail("%v:\n%s", stuck, waiting())
			failed, history = w.failed, w.history
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		w = &world{t: t, seed: seed, dice: rand.New(rand.NewPCG(seed, 0)), started: time.Now(), disk: memory.NewDisk(), told: *one != 0}
		w.model.init()
		w.asks, w.cache = w.dice.IntN(2) == 0, []int{0, 1, 1000}[w.dice.IntN(3)]
		w.faults.outcomes = true
		live(w)
		c, failed, history = w.model.counts, w.failed, w.history
	})
	return c, failed, history
}

// waiting are the goroutines of seeds that wait.
func waiting() string {
	all := make([]byte, 1<<20)
	all = all[:runtime.Stack(all, true)]
	var some []string
	for _, g := range strings.Split(string(all), "\n\n") {
		if head, _, _ := strings.Cut(g, "\n"); strings.Contains(head, "synctest bubble") && strings.Contains(head, "durable") {
			some = append(some, g)
		}
	}
	return strings.Join(some[:min(len(some), 5)], "\n\n")
}

// alone lives a seed with one worker.
func (w *world) alone() {
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
	w.ended(w.life)
	w.examine()
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
	idle := w.life.pending == 0 && w.life.calls == 0
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
		if late := w.now() - o.handed - o.m.ExpiresAt.Sub(o.m.ReceivedAt); o.m.Period && !o.m.Scheduled() && !o.meddled && o.flying == nil && !o.ended &&
			!o.state.Final() && !w.model.shifted && late > 3*time.Second && o.m.Kind == sms.KindText {
			w.fail("message %d waits %v after its validity", o.m.ID, late)
		}
	}
}

// ended stops a life that has nothing left to do.
func (w *world) ended(l *life) {
	stats := l.q.Stats()
	ctx, cancel := context.WithTimeout(context.Background(), endless)
	defer cancel()
	stopping := l.q.Stop(ctx)
	closing := l.store.Close(ctx)
	l.answered()
	w.mu.Lock()
	defer w.mu.Unlock()
	if stopping != nil || closing != nil {
		w.fail("it stops with %v, %v", stopping, closing)
	}
	if (stats != sms.QueueStats{}) {
		w.fail("the queue is not empty: %+v", stats)
	}
	w.model.stopped(w, l)
	w.model.counts.Stops--
}

// examine looks at what is on disk when all has ended.
func (w *world) examine() {
	w.mu.Lock()
	defer w.mu.Unlock()
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
		if s := o.submission; s != nil && s.awaits && !s.gone() && s.concluded != 1 && m.Part.Total == 0 {
			w.fail("who waited for message %d was told %d times", m.ID, s.concluded)
		}
	})
}

func TestASeedThatFailsWhileSomebodyWaitsForEverIsToldOf(t *testing.T) {
	for _, broken := range []bool{true, false} {
		_, failed, _ := run(t, 1, func(w *world) {
			go func() { <-make(chan struct{}) }()
			w.mu.Lock()
			defer w.mu.Unlock()
			if broken {
				w.fail("a promise is broken")
			}
		})
		if broken && (len(failed) == 0 || failed[0] != "a promise is broken") {
			t.Errorf("what failed is not told: %q", failed)
		}
		if n := len(failed); n == 0 || !strings.Contains(failed[n-1], "blocked goroutines remain") || !strings.Contains(failed[n-1], t.Name()) {
			t.Errorf("who waits is not told: %q", failed)
		}
	}
}

func TestWhateverHappensMessagesEndOnceAndInOrder(t *testing.T) {
	live(t, (*world).alone, sample{short: 100, usual: 1000, ci: 10_000, least: 200})
}

// sample is how many seeds are run.
type sample struct {
	short, usual, ci int
	least            int  // of so many some have each kind
	several          bool // workers
}

// kinds are the fields of counts.
var kinds = slices.DeleteFunc(reflect.VisibleFields(reflect.TypeFor[counts]()), func(f reflect.StructField) bool { return f.Anonymous })

func (c *counts) add(more *counts) {
	sum, by := reflect.ValueOf(c).Elem(), reflect.ValueOf(more).Elem()
	for _, f := range kinds {
		sum.FieldByIndex(f.Index).SetInt(sum.FieldByIndex(f.Index).Int() + by.FieldByIndex(f.Index).Int())
	}
}

// live runs seeds.
func live(t *testing.T, life func(*world), of sample) {
	n, first := *seeds, uint64(time.Now().UnixNano())<<8>>1
	switch {
	case *one != 0:
		n, first = 1, *one
	case n == 0 && os.Getenv("CI") != "":
		n, first = of.ci, 1
	case n == 0 && !testing.Short():
		n = of.usual
	case n == 0:
		n = of.short
	}
	if testkit.RaceDetector && *seeds == 0 && *one == 0 {
		n /= 30
	}
	name := t.Name()
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
					if i >= int64(n**repeat) || failures.Load() >= told {
						return
					}
					ran.Add(1)
					seed := first + uint64(i)/uint64(*repeat)
					c, failed, history := run(t, seed, life)
					mu.Lock()
					sum.add(&c)
					mu.Unlock()
					if *one != 0 && testing.Verbose() && (len(failed) > 0 || *repeat == 1) {
						fmt.Println(strings.Join(history, "\n"))
					}
					if len(failed) > 0 {
						failures.Add(1)
						fmt.Printf("seed %d: %s\n", seed, failed[0])
						t.Errorf("seed %d (go test ./smppserv/simulation -run %s -seed %d -steps %d -repeat 20 -v):\n%s", seed, name, seed, *length, strings.Join(failed[:min(len(failed), 5)], "\n"))
					}
				}
			})
		}
	})
	if wanted := int64(n * *repeat); ran.Load() < wanted {
		t.Errorf("%d of %d seeds ran", ran.Load(), wanted)
	}
	t.Logf("%d seeds in %v: %+v", ran.Load(), time.Since(began).Round(time.Millisecond), sum)
	for _, f := range kinds {
		if shared := len(f.Index) > 1; int(ran.Load()) < of.least || t.Failed() || shared && !of.several || f.Name == "Steps" && of.several {
			continue
		}
		if reflect.ValueOf(sum).FieldByIndex(f.Index).Int() == 0 {
			t.Errorf("of %s there was nothing in %d seeds", f.Name, ran.Load())
		}
	}
}
