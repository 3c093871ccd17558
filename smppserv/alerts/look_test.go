package alerts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
)

// world is a server whose state the test sets.
type world struct {
	mu      sync.Mutex
	hermes  *int64 // up, nil = not known
	since   time.Time
	free    int64
	clients []adminapi.Client
	waiting []adminapi.Waiting
	asked   int
	err     error
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

func (w *world) Status(context.Context) (adminapi.Status, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	p := adminapi.Part{Name: adminapi.PartHermes, Since: w.since, Figures: map[string]int64{}}
	if w.hermes != nil {
		p.Figures["up"] = *w.hermes
	}
	return adminapi.Status{Parts: []adminapi.Part{p, {Name: adminapi.PartDisk, Figures: map[string]int64{"disk_free": w.free}}}}, w.err
}

func (w *world) Clients(context.Context) ([]adminapi.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clients, nil
}

func (w *world) Waiting(context.Context) ([]adminapi.Waiting, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting, nil
}

func (w *world) up(up int64) {
	w.set(func() { w.hermes, w.since = &up, time.Now() })
}

// told is what a receiver was told.
type told struct {
	mu    sync.Mutex
	all   []Notice
	fails int // so many first tries
	tries int
	final bool
}

func (d *told) send(_ context.Context, _ *receiver, n Notice) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tries++; d.tries <= d.fails {
		return d.final, errors.New("nobody is there")
	}
	d.all = append(d.all, n)
	return false, nil
}

// kinds lists what was told: "notice hermes_silent, recovery hermes_silent".
func (d *told) kinds() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []string
	for _, n := range d.all {
		all = append(all, string(n.Kind)+" "+string(n.Alert))
	}
	return strings.Join(all, ", ")
}

func (d *told) nth(i int) Notice {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[i]
}

func (d *told) tried() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tries
}

func (w *world) looks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// run lets alerts run until the end of the test, or the call of stop.
func run(t *testing.T, w *world, d *told, file string, rules ...Rule) (a *Alerts, stop func()) {
	a = New(Options{Node: "n", Source: w, File: file, Log: zerolog.Nop()})
	a.send = d.send
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	a.Configure(Settings{Rules: rules})
	go func() { a.Run(ctx); close(ended) }()
	return a, func() {
		cancel()
		<-ended
		synctest.Wait()
	}
}

var silent = Rule{When: HermesSilent, Lasts: 10 * time.Minute, Limit: "10m", Webhook: "http://example.com/"}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func wantTold(t *testing.T, d *told, want string) {
	t.Helper()
	if got := d.kinds(); got != want {
		t.Errorf("told: %q, want %q", got, want)
	}
}

func TestHermesSilentIsToldOnceAndItsRecoveryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{}, &told{}
		_, stop := run(t, w, d, "", silent)
		defer stop()
		pass(time.Hour) // it is not known
		w.up(1)
		pass(time.Hour)
		w.up(0)
		w.set(func() { w.waiting = []adminapi.Waiting{{Recipient: adminapi.Hermes, Count: 45}} })
		pass(10*time.Minute - lookEvery)
		wantTold(t, d, "")
		pass(2 * lookEvery)
		wantTold(t, d, "notice hermes_silent")
		if n := d.nth(0); !strings.Contains(n.Text, "45 messages wait") || n.Limit != "10m" || n.Node != "n" || time.Since(n.Since) < 10*time.Minute {
			t.Errorf("got %+v", n)
		}
		pass(5 * time.Hour)
		wantTold(t, d, "notice hermes_silent")
		w.up(1)
		pass(2*quiet + lookEvery)
		wantTold(t, d, "notice hermes_silent, recovery hermes_silent")
		pass(5 * time.Hour)
		wantTold(t, d, "notice hermes_silent, recovery hermes_silent")
	})
}

// What holds every other minute makes no storm.
func TestWhatComesAndGoesMakesNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{free: 10 << 30}, &told{}
		_, stop := run(t, w, d, "", Rule{When: DiskFree, Octets: 5 << 30, Limit: "5GB", Webhook: "http://example.com/"})
		defer stop()
		for range 120 { // every 30 s: no recovery; an hour
			w.set(func() { w.free = 1 << 30 })
			pass(30 * time.Second)
			w.set(func() { w.free = 10 << 30 })
			pass(30 * time.Second)
		}
		wantTold(t, d, "notice disk_free")
		pass(2 * quiet)
		wantTold(t, d, "notice disk_free, recovery disk_free")
		for range 60 { // two minutes each, for four hours: a notice in a quarter of an hour at most
			w.set(func() { w.free = 1 << 30 })
			pass(2 * time.Minute)
			w.set(func() { w.free = 10 << 30 })
			pass(2 * time.Minute)
		}
		if n := strings.Count(d.kinds(), "notice"); n < 2 || n > 1+4*4 {
			t.Errorf("%d notices", n)
		}
	})
}

func TestACrashLoopRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "alerts.json")
		w, d := &world{}, &told{}
		w.up(0)
		for n := range 20 {
			if n > 0 {
				w.set(func() { w.hermes = nil }) // not known after a start
			}
			_, stop := run(t, w, d, file, silent)
			pass(time.Minute)
			w.up(0)
			pass(time.Minute)
			stop()
		}
		wantTold(t, d, "notice hermes_silent") // since the first start: the restarts do not begin anew
		w.up(1)
		_, stop := run(t, w, d, file, silent)
		pass(2 * quiet)
		stop()
		wantTold(t, d, "notice hermes_silent, recovery hermes_silent")
		if err := os.WriteFile(file, []byte(`{"x": nul`), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stop = run(t, w, d, file, silent)
		pass(2 * quiet)
		stop()
		wantTold(t, d, "notice hermes_silent, recovery hermes_silent")
	})
}

// A notice that nobody could be given before the server ended is given after the next start.
func TestANoticeThatWasNotGivenIsGivenAfterTheRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "alerts.json")
		w, d := &world{free: 1}, &told{fails: 1}
		rule := Rule{When: DiskFree, Octets: 5 << 30, Limit: "5GB", Webhook: "http://example.com/"}
		_, stop := run(t, w, d, file, rule)
		pass(time.Second)
		stop()
		wantTold(t, d, "")
		_, stop = run(t, w, d, file, rule)
		pass(time.Minute)
		stop()
		_, stop = run(t, w, d, file, rule)
		pass(time.Minute)
		stop()
		wantTold(t, d, "notice disk_free")
	})
}

func TestTriesAreRepeatedWithPausesAndGivenUp(t *testing.T) {
	for _, c := range []struct {
		fails int
		final bool
		tries int
		want  string
	}{
		{3, false, 4, "notice disk_free"},
		{100, false, 1 + len(pauses), ""},
		{100, true, 1, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, d := &world{free: 1}, &told{fails: c.fails, final: c.final}
			_, stop := run(t, w, d, "", Rule{When: DiskFree, Octets: 5 << 30, Limit: "5GB", Webhook: "http://example.com/"})
			defer stop()
			pass(24 * time.Hour)
			wantTold(t, d, c.want)
			if tries := d.tried(); tries != c.tries {
				t.Errorf("%d tries, want %d", tries, c.tries)
			}
		})
	}
}

func TestAClientIsToldOfWhenItIsUnboundAndMessagesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{}, &told{}
		some := adminapi.Waiting{Count: 3}
		w.clients = []adminapi.Client{
			{SystemID: "bound", Configured: true, State: "BOUND_TRX", Waiting: some}, {SystemID: "tx", Configured: true, State: "BOUND_TX", Waiting: some},
			{SystemID: "gone", Configured: true, State: "UNBOUND", Waiting: some, Since: time.Now().Add(-5 * time.Minute)},
			{SystemID: "idle", Configured: true, State: "UNBOUND"}, {SystemID: "off", Configured: true, Disabled: true, State: "UNBOUND", Waiting: some},
			{SystemID: "removed", State: "UNBOUND", Waiting: some}}
		_, stop := run(t, w, d, "", Rule{When: ClientUnbound, Lasts: 10 * time.Minute, Limit: "10m", Email: []string{"a@example.com"}})
		defer stop()
		pass(6 * time.Minute)
		wantTold(t, d, "notice client_unbound")
		if n := d.nth(0); len(n.About) != 1 || n.About[0] != "gone" {
			t.Errorf("got %+v", n)
		}
		pass(time.Hour)
		wantTold(t, d, "notice client_unbound, notice client_unbound")
		if n := d.nth(1); len(n.About) != 1 || n.About[0] != "tx" {
			t.Errorf("got %+v", n)
		}
		w.set(func() { w.clients = w.clients[:1] })
		pass(time.Hour)
		wantTold(t, d, "notice client_unbound, notice client_unbound, recovery client_unbound")
		if n := d.nth(2); len(n.About) != 2 {
			t.Errorf("got %+v", n)
		}
	})
}

// A thousand clients that go at once are one notice, which names some.
func TestManyClientsAtOnceAreOneNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{}, &told{}
		for n := range 5000 {
			w.clients = append(w.clients, adminapi.Client{SystemID: "c" + strings.Repeat("x", n%7) + time.Duration(n).String(), Configured: true, State: "UNBOUND", Waiting: adminapi.Waiting{Count: 1}})
		}
		a, stop := run(t, w, d, "", Rule{When: ClientUnbound, Lasts: time.Minute, Limit: "1m", Webhook: "http://example.com/"})
		defer stop()
		pass(time.Hour)
		wantTold(t, d, "notice client_unbound")
		if n := d.nth(0); len(n.About) != maxNamed || !strings.Contains(n.Text, "980 more clients") || len(n.Text) > 4000 {
			t.Errorf("got %d clients, %d octets", len(n.About), len(n.Text))
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.states) > maxStates {
			t.Errorf("%d states", len(a.states))
		}
	})
}

func TestWhatWaitsIsToldByNumberAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{}, &told{}
		_, stop := run(t, w, d, "",
			Rule{When: Waiting, Count: 100, Limit: "100", Client: adminapi.Hermes, Webhook: "http://example.com/1"},
			Rule{When: OldestWaiting, Lasts: 10 * time.Minute, Limit: "10m", Webhook: "http://example.com/2"})
		defer stop()
		w.set(func() {
			w.waiting = []adminapi.Waiting{{Recipient: adminapi.Hermes, Count: 100, Oldest: time.Now()}, {Recipient: "a", Count: 5000, Oldest: time.Now()},
				{Recipient: "later", Count: 2, Scheduled: 2, Oldest: time.Now().Add(-time.Hour)}}
		})
		for range 20 { // something always waits, but nothing for long
			pass(time.Minute)
			w.set(func() {
				for i := range 2 {
					w.waiting[i].Oldest = time.Now()
				}
			})
		}
		wantTold(t, d, "")
		w.set(func() { w.waiting[0].Count = 101 })
		pass(lookEvery)
		wantTold(t, d, "notice waiting")
		pass(10 * time.Minute)
		wantTold(t, d, "notice waiting, notice oldest_waiting")
		w.set(func() { w.waiting = nil })
		pass(2 * quiet)
		if got := d.kinds(); !strings.Contains(got, "recovery waiting") || !strings.Contains(got, "recovery oldest_waiting") || strings.Count(got, ",") != 3 {
			t.Errorf("told: %s", got)
		}
	})
}

func TestNothingIsAskedWhileThereAreNoAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := &world{free: 1}, &told{}
		a, stop := run(t, w, d, "")
		defer stop()
		pass(time.Hour)
		if n := w.looks(); n != 0 {
			t.Errorf("asked %d times", n)
		}
		a.Configure(Settings{Rules: []Rule{{When: DiskFree, Octets: 5, Limit: "5", Webhook: "http://example.com/"}}})
		pass(time.Minute)
		wantTold(t, d, "notice disk_free")
		a.Configure(Settings{})
		pass(lookEvery)
		before := w.looks()
		pass(time.Hour)
		if n := w.looks(); n != before {
			t.Errorf("asked %d times more", n-before)
		}
		wantTold(t, d, "notice disk_free")
	})
}
