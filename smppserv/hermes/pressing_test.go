package hermes

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
)

// logged counts what the log says.
type logged struct{ testkit.Log }

func (l *logged) count(s string) int { return strings.Count(l.String(), s) }

// startQueue runs the real queue over the real store.
func startQueue(t testing.TB) *queue.Queue {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: sqlitetest.Blank(t, t.TempDir()), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	q := queue.New(queue.Options{Settings: queue.Settings{ReceiptValidity: time.Hour}, Store: s, Log: zerolog.Nop()})
	if err := q.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

// waiter is a sender that waits for the end of its messages.
type waiter struct {
	sync.WaitGroup
	t testing.TB
}

func (w *waiter) Accepted(_ *sms.Message, _ bool, err error) {
	if err != nil {
		w.t.Error(err)
	}
}

func (w *waiter) Concluded(m *sms.Message, o sms.Outcome) {
	if o.Verdict != sms.Done {
		w.t.Errorf("message %d: %+v", m.ID, o)
	}
	w.Done()
}

func (w *waiter) Awaits() bool { return true }

func (w *waiter) Answered() (uint64, time.Time, bool) { return 0, time.Time{}, false }

func TestADeadHermesIsProbedByOneRequestAtATimeAndThenGetsEverything(t *testing.T) {
	const conversations, each, probes = 200, 2, 6
	var (
		mu       sync.Mutex
		active   int
		begun    int
		overlaps int
		accepted = map[string][]string{} // texts by sender
		probed   = make(chan struct{})
		dead     = true
	)
	o := options("")
	at := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		active++
		begun++
		if dead && active > 1 { // nothing was ever taken: also before it counts as dead
			overlaps++
		}
		if begun == deadAfter+probes {
			close(probed)
		}
		down := dead
		mu.Unlock()
		if down {
			<-time.After(3 * time.Millisecond) // long enough for others to overlap
		}
		mu.Lock()
		active--
		mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, text, _ := strings.Cut(string(body), `"text":"`)
		text, _, _ = strings.Cut(text, `"`)
		from, text, _ := strings.Cut(text, " ")
		mu.Lock()
		defer mu.Unlock()
		accepted[from] = append(accepted[from], text)
	}))
	defer at.Close()
	var log logged
	o.URL, o.Retry, o.Log = at.URL, []time.Duration{10 * time.Millisecond, 20 * time.Millisecond}, zerolog.New(&log)
	o.Text = func(ms []*sms.Message) sms.Text {
		return sms.Text{Text: string(ms[0].Content)}
	}
	p := newPush(t, o)
	q := startQueue(t)
	all := &waiter{t: t}
	for n := range each {
		for c := range conversations {
			m := message(0, fmt.Sprintf("c%d %d", c, n))
			m.Source.Number = fmt.Sprint(33600000000 + c)
			m.ReceivedAt = time.Now()
			m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt.Add(time.Hour)
			all.Add(1)
			if err := q.Add(m, 0, all); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Attach(q)
	testkit.Receive(t, probed, "the last probe")
	mu.Lock()
	dead = false
	mu.Unlock()
	arrived := make(chan struct{})
	go func() { all.Wait(); close(arrived) }()
	testkit.Receive(t, arrived, "the end of every message")
	mu.Lock()
	defer mu.Unlock()
	if overlaps > 0 {
		t.Errorf("%d requests began while another was probing", overlaps)
	}
	for c := range conversations {
		if got := strings.Join(accepted[fmt.Sprintf("c%d", c)], " "); got != "0 1" {
			t.Errorf("conversation %d: accepted %q", c, got)
		}
	}
	if log.count("does not answer") != 1 || log.count("answers again") != 1 {
		t.Errorf("the log says\n%s", log.String())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
}

// outlets stands for the queue and notes what becomes of the outlet.
type outlets struct {
	mu    sync.Mutex
	calls []string
}

func (q *outlets) note(format string, args ...any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, fmt.Sprintf(format, args...))
}

func (q *outlets) take() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := strings.Join(q.calls, ", ")
	q.calls = nil
	return s
}

func (q *outlets) Attach(w road.OutletOptions) road.Outlet {
	q.note("attach %d %v %v", w.Window, w.Retry, w.Serial)
	return q
}
func (q *outlets) SetWindow(n int)       { q.note("window %d", n) }
func (q *outlets) Pause(d time.Duration) { q.note("pause %v", d) }
func (q *outlets) Resume()               { q.note("resume") }
func (q *outlets) Rest(time.Duration)    { q.note("rest") }
func (q *outlets) Avoid(bool)            { q.note("avoid") }

func (q *outlets) Overtakes(*sms.Message) bool { return false }

func (q *outlets) Detach() { q.note("detach") }

// answers is a transport that answers with the next of its statuses.
type answers chan int

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: <-a, Body: http.NoBody}, nil
}

func scripted(t *testing.T, change func(*PushOptions)) (*Push, *outlets, PushOptions, func(status int) string) {
	a, q := make(answers, 1), &outlets{}
	o := options("http://hermes/")
	o.Transport, o.Retry = a, []time.Duration{time.Second, 5 * time.Second, time.Minute}
	if change != nil {
		change(&o)
	}
	p := newPush(t, o)
	p.Attach(q)
	if got := q.take(); got != "attach 1 [1s 5s 1m0s] true" {
		t.Fatal(got)
	}
	return p, q, o, func(status int) string {
		t.Helper()
		a <- status
		// What the report finds done: it gives the queue room for another try.
		calls := make(chan string, 1)
		p.Deliver([]*sms.Message{message(1, "hi")}, false, func(sms.Outcome) { calls <- q.take() })
		return testkit.Receive(t, calls, "the outcome of a push")
	}
}

// rounded makes of a pause with its jitter the pause that it is made of.
func rounded(calls string) string {
	before, pause, paused := strings.Cut(calls, "pause ")
	d, err := time.ParseDuration(pause)
	if !paused || err != nil {
		return calls
	}
	for _, whole := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second} {
		if d <= whole && d >= whole*4/5 {
			return before + "pause about " + whole.String()
		}
	}
	return calls
}

func TestTheQueueIsToldHowHardHermesMayBePressed(t *testing.T) {
	_, _, _, answered := scripted(t, nil)
	for i, c := range []struct {
		status int
		want   string
	}{
		{503, ""}, {502, ""}, {200, "window 2"}, {504, "window 1"}, {503, ""}, {404, "window 2"}, // not in a row
		{500, ""}, {500, ""}, {500, ""}, {408, ""}, {425, ""}, // answers that are about this message; two were never in flight
		{429, "window 1, pause about 1s"}, {429, "rest, pause about 2s"}, {407, "rest, pause about 4s"}, {200, "rest"}, // one by one
		{429, "rest, window 2, window 1, pause about 1s"}, {503, "rest, window 2, window 1"}, {502, "rest"}, {504, "rest, pause about 1s"}, {503, "pause about 2s"}, {503, "pause about 4s"}, {503, "pause about 8s"},
		{503, "pause about 15s"}, {503, "pause about 15s"},
		{404, "resume"}, {503, ""}, {503, ""}, {500, "window 2"}, {503, "window 1"}, {503, ""}, {200, "window 2"},
	} {
		if got := rounded(answered(c.status)); got != c.want {
			t.Errorf("%d: after %d: %q, want %q", i, c.status, got, c.want)
		}
	}
}

func TestPushesThatBeganBeforeItDiedAreNoProbes(t *testing.T) {
	p, q, _, _ := scripted(t, nil)
	a := p.settings.Load().push.transport.(answers)
	outcome := make(chan sms.Outcome, 8)
	for range 8 {
		p.Deliver([]*sms.Message{message(1, "hi")}, false, func(o sms.Outcome) { outcome <- o })
	}
	for range 8 {
		a <- 503
		testkit.Receive(t, outcome, "the outcome")
	}
	if got := rounded(q.take()); got != "pause about 1s" {
		t.Error(got)
	}
}

func TestAReloadEndsPausesAndProbesAtOnce(t *testing.T) {
	p, q, o, answered := scripted(t, nil)
	reload := func(want string) {
		t.Helper()
		if err := p.Reload(o); err != nil {
			t.Fatal(err)
		}
		if got := q.take(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	reload("")
	answered(429)
	reload("resume")
	if got := answered(429); got != "pause 1s" { // a reload begins anew
		t.Error(got)
	}
	answered(200)
	for range 3 {
		answered(503)
	}
	reload("resume")
	o.Retry = []time.Duration{2 * time.Second}
	reload("detach, attach 1 [2s] true")
	if got := rounded(answered(503)); got != "pause about 2s" {
		t.Error(got)
	}
	if got := answered(200); got != "resume" {
		t.Error(got)
	}
	answered(200)
	o.Concurrency = 1
	reload("window 1")
}

func TestAnOperatorEndsAPause(t *testing.T) {
	p, q, _, answered := scripted(t, nil)
	answered(429)
	p.Resume()
	if got := q.take(); got != "resume" {
		t.Error(got)
	}
	if got := answered(429); got != "pause 1s" {
		t.Error(got)
	}
}

func TestADeadStatusURLElsewhereDoesNotHoldUpPushes(t *testing.T) {
	var log logged
	p, q, _, answered := scripted(t, func(o *PushOptions) { o.StatusURL, o.Log = "http://elsewhere/", zerolog.New(&log) })
	a := p.settings.Load().push.transport.(answers)
	receipt := &sms.Message{ID: 5, Kind: sms.KindReceipt, Receipt: &sms.Receipt{Of: 1}}
	for range 3 {
		a <- 503
		if got := deliver(t, p, receipt); got.Unjudged {
			t.Errorf("it would be tried again without a pause: %+v", got)
		}
	}
	// Now the next one is not even made: nobody would answer it.
	if got := deliver(t, p, receipt); got.Verdict != sms.TryAgain || got.Code != 0 {
		t.Errorf("%+v", got)
	}
	if got := answered(200); got != "window 2" {
		t.Error(got)
	}
	p.mu.Lock()
	p.statuses.pausing.until = time.Now()
	p.mu.Unlock()
	a <- 200
	if got := deliver(t, p, receipt); got.Verdict != sms.Done || q.take() != "" {
		t.Errorf("%+v", got)
	}
	if log.count("hermes.status_url does not answer") != 1 || log.count("hermes.status_url answers again") != 1 {
		t.Error(log.String())
	}
}

func TestWhatHermesSaysOfItselfSaysNothingOfTheMessage(t *testing.T) {
	p, _, _, _ := scripted(t, nil)
	a := p.settings.Load().push.transport.(answers)
	for _, c := range []struct {
		status   int
		unjudged bool
	}{{407, true}, {429, true}, {408, false}, {425, false}, {500, false}, {501, false}, {502, true}, {503, true}, {504, true}} {
		a <- c.status
		if got := deliver(t, p, message(sms.ID(c.status), "hi")); got.Verdict != sms.TryAgain || got.Unjudged != c.unjudged {
			t.Errorf("%d: %+v", c.status, got)
		}
	}
}

func TestOneThatMeetsSilenceThreeTimesWhileOthersAreTakenTakesTheStep(t *testing.T) {
	p, _, _, _ := scripted(t, nil)
	a := p.settings.Load().push.transport.(answers)
	try := func(id sms.ID, status int) bool {
		t.Helper()
		a <- status
		return deliver(t, p, message(id, "hi")).Unjudged
	}
	for range 5 {
		if !try(1, 503) { // with nobody taken, it may be anybody's fault
			t.Fatal("a step while nothing was taken")
		}
	}
	try(2, 200)
	if !try(1, 503) {
		t.Fatal("a step the second time")
	}
	try(2, 200)
	if try(1, 503) {
		t.Error("no step the third time")
	}
	if !try(1, 503) {
		t.Error("a step, with nothing taken since")
	}
	try(2, 200)
	if try(1, 503) {
		t.Error("no step after that")
	}
	try(1, 200)
	try(2, 200)
	if !try(1, 503) {
		t.Error("what was taken is suspect no more")
	}
	for range 5 {
		try(2, 200)
		if !try(3, 429) {
			t.Error("a refusal is never the message's doing")
		}
	}
}

func TestWhatIsSuspectIsBounded(t *testing.T) {
	var s suspects
	for id := range sms.ID(3 * maxSuspects) {
		s.met(id)
	}
	if len(s.byID) != maxSuspects {
		t.Errorf("%d messages are known", len(s.byID))
	}
}

// A client in transaction mode waits for the answer, and not for longer than response_timeout.
func TestPushesInTransactionModeNeedNoRoomUnlessHermesRefuses(t *testing.T) {
	p, q, _, answered := scripted(t, nil)
	a := p.settings.Load().push.transport.(answers)
	outcomes := make(chan sms.Outcome, 20)
	var want string
	for i := range 10 {
		m := message(sms.ID(i+1), "hi")
		m.ESMClass = 0x02
		p.Deliver([]*sms.Message{m}, false, func(o sms.Outcome) { outcomes <- o })
		if i < 7 { // up to concurrency
			want += fmt.Sprintf(", window %d", i+2)
		}
	}
	if got := q.take(); ", "+got != want {
		t.Errorf("%s, want%s", got, want)
	}
	for range 10 {
		a <- 404
		testkit.Receive(t, outcomes, "an outcome")
	}
	q.take()
	if got := p.pushes.now(); got != p.pushes.window || p.pushes.awaited != 0 {
		t.Errorf("%d may be in flight when none is", got)
	}
	answered(429)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushes.awaited = 5
	if got := p.pushes.now(); got != p.pushes.window {
		t.Errorf("%d may be in flight of a server that refuses", got)
	}
}
