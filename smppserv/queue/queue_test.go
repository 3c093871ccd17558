package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
)

// rig is a queue on a real store.
type rig struct {
	t     testing.TB
	file  string
	o     Options
	store *store.Store
	fault *faulty
	clock *handClock
	q     *Queue
}

func newRig(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	r := &rig{t: t, file: sqlitetest.Blank(t, t.TempDir()), clock: newHandClock()}
	r.o = Options{Log: zerolog.Nop(), Clock: r.clock.read, Settings: Settings{ReceiptValidity: time.Hour, Reassemble: time.Minute}}
	if change != nil {
		change(&r.o)
	}
	r.open()
	t.Cleanup(func() {
		if r.q != nil {
			r.close()
		}
	})
	return r
}

func (r *rig) open() {
	r.t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{File: r.file, Log: zerolog.Nop()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.store, r.fault = s, &faulty{Store: s}
	r.o.Store = r.fault
	r.q = New(r.o)
	if err := r.q.Start(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// close stops everything as the program does, but does not wait long for tries that nobody reports.
func (r *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	r.q.Stop(ctx)
	closing, end := context.WithTimeout(context.Background(), testkit.Patience) // the next one opens the same file
	defer end()
	r.store.Close(closing)
	r.q = nil
}

// restart loses what is in memory.
func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.open()
}

// emptied checks that the queue has let go of everything.
func (r *rig) emptied() {
	r.t.Helper()
	var left string
	defer func() {
		if r.t.Failed() {
			r.t.Log("left:", left)
		}
	}()
	testkit.Await(r.t, "the queue is empty", func() bool {
		q := r.q
		q.mu.Lock()
		defer q.mu.Unlock()
		turns, size, lined, failed := 0, 0, 0, 0
		for _, p := range q.parties.byName {
			to := p.recipient
			if to == nil {
				continue
			}
			if to.turns.first != nil || to.texts != 0 || to.trying != 0 {
				turns++
			}
			for _, o := range to.outlets {
				if o.turns.first != nil || o.taken != 0 {
					turns++
				}
			}
			size, lined, failed = size+to.size, lined+to.lined, failed+len(to.failed)+len(to.releasing)
			if len(to.outlets) == 0 || p.entries > 0 || p.pending > 0 {
				turns++
			}
		}
		left = fmt.Sprint("entries ", q.entries.n, q.byID.n, " lanes ", q.lanes.n, q.byHash.n, " groups ", len(q.groups.byKey), q.groups.fresh,
			len(q.partOf), len(q.leads), " deadlines ", q.wheel.n, " ends ", q.ends.len(), " held ", len(q.held), q.cached,
			" unwritten ", q.unwritten, " storing ", q.storing.Load(), " trying ", q.trying, " flights ", len(q.flights.all)-len(q.flights.free),
			" turns ", turns, len(q.lines.all)-len(q.lines.free), " outgoing ", len(q.outgoing), " submissions ", q.kept(), " successors ", len(q.successors), " seniorities ", len(q.seniorities)+len(q.strewn),
			" sizes ", size, lined, failed)
		return left == "entries 0 0 lanes 0 0 groups 0 0 0 0 deadlines 0 ends 0 held 0 0"+
			" unwritten 0 storing 0 trying 0 flights 1 turns 0 1 outgoing 0 submissions 0 successors 0 seniorities 0 sizes 0 0 0"
	})
}

// try is what a Deliverer was given.
type try struct {
	ms         []*sms.Message
	incomplete bool
	report     func(sms.Outcome)
	at         time.Time
}

func (t try) text() string {
	s := ""
	for _, m := range t.ms {
		s += string(m.Content)
	}
	return s
}

func (t try) done() { t.report(sms.Outcome{Verdict: sms.Done}) }

func (t try) again() { t.report(sms.Outcome{Verdict: sms.TryAgain, Code: 503, Reason: "busy"}) }

// outbox is a Deliverer that leaves the outcome to the test.
type outbox struct {
	road.Outlet
	t     testing.TB
	tries chan try
}

func (o *outbox) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	o.tries <- try{ms, incomplete, report, time.Now()}
}

func (r *rig) attach(w road.OutletOptions) *outbox {
	o := &outbox{t: r.t, tries: make(chan try, 10_000)}
	if w.Retry == nil {
		w.Retry = []time.Duration{5 * time.Millisecond}
	}
	w.Deliverer = o
	o.Outlet = r.q.Attach(w)
	return o
}

// hermes attaches Hermès with a window of 32.
func (r *rig) hermes() *outbox { return r.attach(road.OutletOptions{Window: 32, Serial: true}) }

// next is the next try, which must have this text.
func (o *outbox) next(text string) try {
	o.t.Helper()
	try := testkit.Receive(o.t, o.tries, "a try of "+text)
	if try.text() != text {
		o.t.Fatalf("%q is tried, want %q", try.text(), text)
	}
	return try
}

// nothing checks that nothing may be tried now but a message in a conversation of its own that comes after.
func (r *rig) nothing(o *outbox, recipient string) {
	r.t.Helper()
	m := r.text("a message that may be tried")
	m.Recipient, m.Source.Number = recipient, fmt.Sprint("barrier", time.Now().UnixNano())
	r.add(m)
	o.next("a message that may be tried").done()
}

// submission is the request that handed a message in.
type submission struct {
	accepted  chan error
	duplicate bool
	concluded chan sms.Outcome

	mu      sync.Mutex
	session uint64
	since   time.Time
	ok      bool
	state   sms.State
	calls   int
}

func newSubmission() *submission {
	return &submission{accepted: make(chan error, 2), concluded: make(chan sms.Outcome, 2)}
}

func (s *submission) Accepted(_ *sms.Message, duplicate bool, err error) {
	s.duplicate = duplicate
	s.accepted <- err
}

func (s *submission) Concluded(m *sms.Message, o sms.Outcome) {
	s.mu.Lock()
	s.state = m.State
	s.calls++
	s.mu.Unlock()
	s.concluded <- o
}

func (s *submission) Awaits() bool { return true }

func (s *submission) Answered() (uint64, time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session, s.since, s.ok
}

func (s *submission) answer(session uint64, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session, s.since, s.ok = session, since, true
}

// text is a message from a client to Hermès.
func (r *rig) text(text string) *sms.Message {
	now, _ := r.clock.read()
	return &sms.Message{Submitter: "admin", Source: sms.Address{TON: 1, NPI: 1, Number: "33612345678"}, Dest: sms.Address{Number: "3600"},
		Content: []byte(text), ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour), State: sms.Enroute}
}

// answerTo is a message from Hermès to the client "admin".
func (r *rig) answerTo(text string) *sms.Message {
	m := r.text(text)
	m.Submitter, m.Recipient = sms.Hermes, "admin"
	m.Source, m.Dest = m.Dest, m.Source
	return m
}

// add hands the message in and waits until it is on disk.
func (r *rig) add(m *sms.Message) *submission {
	r.t.Helper()
	s := newSubmission()
	if err := r.q.Add(m, 0, s); err != nil {
		r.t.Fatal(err)
	}
	if err := testkit.Receive(r.t, s.accepted, "Accepted"); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// conversation lists what waits from source to dest for the recipient, oldest first; what is being tried is left out.
func (r *rig) conversation(recipient, source, dest string) []*sms.Message {
	r.t.Helper()
	if err := r.q.through(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	var ids []sms.ID
	r.q.mu.Lock()
	if lr := r.q.findLane(conversation{recipient, source, dest}); lr != 0 {
		l := r.q.lanes.at(lr)
		for _, first := range [...]ref{l.line, l.aside} {
			for e := first; e != 0; e = r.q.entries.at(e).next {
				if s := r.q.entries.at(e).status; s != waiting && s != aside {
					continue
				}
				for _, p := range r.q.all(e) {
					ids = append(ids, r.q.entries.at(p).id)
				}
			}
		}
	}
	r.q.mu.Unlock()
	slices.Sort(ids)
	ms, err := r.store.Load(r.t.Context(), ids)
	if err != nil {
		r.t.Fatal(err)
	}
	return ms
}

func (r *rig) texts(texts ...string) (ms []*sms.Message) {
	r.t.Helper()
	for _, text := range texts {
		ms = append(ms, r.text(text))
		r.add(ms[len(ms)-1])
	}
	return ms
}

// wantState waits until the message has got into the state on disk.
func (r *rig) wantState(m *sms.Message, want sms.State) *sms.Message {
	r.t.Helper()
	var got *sms.Message
	testkit.Await(r.t, fmt.Sprintf("message %d is %v", m.ID, want), func() bool {
		var err error
		if got, err = r.store.Get(context.Background(), m.ID); err != nil {
			r.t.Fatal(err)
		}
		return got.State == want
	})
	return got
}

func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := r.q.Stop(ctx); err != nil {
		r.t.Fatalf("Stop: %v", err)
	}
}

func TestAMessageIsAcceptedTriedAndConcluded(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("hello")
	s := r.add(m)
	try := h.next("hello")
	if r.q.Stats().InFlight != 1 || r.q.Pending("admin") != 1 {
		t.Fatalf("got %+v, %d pending", r.q.Stats(), r.q.Pending("admin"))
	}
	try.done()
	if o := testkit.Receive(t, s.concluded, "Concluded"); o.Verdict != sms.Done || s.state != sms.Delivered {
		t.Fatalf("concluded with %+v, state %v", o, s.state)
	}
	if got := r.wantState(m, sms.Delivered); got.Attempts != 1 || got.FinalAt.IsZero() {
		t.Fatalf("got %+v", got)
	}
	r.emptied()
}

func TestAFailureIsFinal(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m, rejected := r.text("no"), r.text("no no")
	s := r.add(m)
	h.next("no").report(sms.Outcome{Verdict: sms.Failed, Code: 404, Reason: "404 Not Found"})
	testkit.Receive(t, s.concluded, "Concluded")
	if got := r.wantState(m, sms.Undeliverable); got.Error != 404 || got.Reason != "404 Not Found" || got.Attempts != 1 {
		t.Fatalf("got %+v", got)
	}
	r.add(rejected)
	h.next("no no").report(sms.Outcome{Verdict: sms.Failed, State: sms.Rejected})
	r.wantState(rejected, sms.Rejected)
	r.emptied()
}

func TestAMessageForNobodyWaits(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.answerTo("for a client that is not bound")
	r.add(m)
	r.nothing(h, sms.Hermes)
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 10})
	c.next("for a client that is not bound").done()
	r.wantState(m, sms.Delivered)
	r.emptied()
}

func TestTheOwnerOfTooManyMessagesIsRefusedUntilSomeEnd(t *testing.T) {
	r := newRig(t, nil)
	other, full := r.text("somebody else's"), r.text("too much")
	other.Submitter = "other"
	first := r.texts("1", "2")[0]
	if err := r.q.Add(full, 2, newSubmission()); err != sms.ErrQueueFull {
		t.Fatalf("got %v", err)
	}
	if err := r.q.Add(other, 2, newSubmission()); err != nil {
		t.Fatalf("another owner got %v", err)
	}
	if err := r.q.Cancel(context.Background(), first.ID); err != nil {
		t.Fatal(err)
	}
	s := newSubmission()
	if err := r.q.Add(full, 2, s); err != nil {
		t.Fatalf("after a cancel: %v", err)
	}
	testkit.Receive(t, s.accepted, "Accepted")
	if n := r.q.Pending("admin"); n != 2 {
		t.Fatalf("%d pending", n)
	}
}

func TestReceiptsCountAsUndelivered(t *testing.T) {
	r := newRig(t, nil)
	h := r.hermes()
	m := r.text("with a receipt")
	m.RegisteredDelivery = 1
	r.add(m)
	h.next("with a receipt").done()
	r.wantState(m, sms.Delivered)
	testkit.Await(t, "the receipt counts", func() bool { return r.q.Pending("admin") == 1 })
	if err := r.q.Add(r.text("full"), 1, newSubmission()); err != sms.ErrQueueFull {
		t.Fatalf("got %v", err)
	}
	r.attach(road.OutletOptions{Recipient: "admin", Window: 1}).next("with a receipt").done()
	r.emptied()
}

func TestAKnownExternalIDIsStoredAndDeliveredOnce(t *testing.T) {
	r := newRig(t, nil)
	c := r.attach(road.OutletOptions{Recipient: "admin", Window: 10})
	m, again := r.answerTo("once"), r.answerTo("once")
	m.ExternalID, again.ExternalID = "h-1", "h-1"
	r.add(m)
	if s := r.add(again); !s.duplicate || again.ID != m.ID {
		t.Fatalf("duplicate %v, id %d, want %d", s.duplicate, again.ID, m.ID)
	}
	c.next("once").done()
	r.nothing(c, "admin")
	r.emptied()
}

// kept is how many submissions the queue keeps.
func (q *Queue) kept() int {
	n := len(q.submissions)
	for i := range q.answers.line.len() {
		if q.answers.line.at(i).submission != nil {
			n++
		}
	}
	return n
}
