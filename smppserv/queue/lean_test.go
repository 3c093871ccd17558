package queue

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// rows is a store in which messages wait that differ in their number, and with which nothing else can be done.
type rows struct {
	Store
	n, conversations int
	change           func(i int, m *sms.Message)
}

func (s rows) ClockSteps(context.Context) ([]road.ClockStep, error) { return nil, nil }
func (s rows) EarlierID() sms.ID                                    { return sms.ID(s.n) }

// Waiting gives each row in the same message and the same memory, as the store may.
func (s rows) Waiting(_ context.Context, _ sms.ID, f func(*sms.Message) error) error {
	now := time.Now().Truncate(time.Millisecond)
	number := make([]byte, 11)
	m := &sms.Message{}
	for i := range s.n {
		for at, n := len(number)-1, 33600000000+i%s.conversations; at >= 0; at, n = at-1, n/10 {
			number[at] = byte('0' + n%10)
		}
		*m = sms.Message{ID: sms.ID(i + 1), Submitter: "admin", Source: sms.Address{Number: unsafe.String(&number[0], len(number))}, Dest: sms.Address{Number: "3600"},
			ReceivedAt: now, StoredAt: now, DueAt: now, ExpiresAt: now.Add(24 * time.Hour), Period: true, State: sms.Enroute, RegisteredDelivery: 1}
		if s.change != nil {
			s.change(i, m)
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// waitingIn is a queue that has taken up what waits in s.
func waitingIn(t testing.TB, s Store) *Queue {
	t.Helper()
	q := New(Options{Log: zerolog.Nop(), Store: s, Settings: Settings{Reassemble: time.Hour}})
	if err := q.recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	return q
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestEntriesAndLanesAreSmall(t *testing.T) {
	if n := unsafe.Sizeof(entry{}); n > 64 {
		t.Errorf("an entry has %d octets", n)
	}
	if n := unsafe.Sizeof(lane{}); n > 48 {
		t.Errorf("a lane has %d octets", n)
	}
}

func TestAMillionMessagesOfAMillionConversationsTakeAboutAHundredOctetsEach(t *testing.T) {
	if testing.Short() {
		t.Skip("a million messages")
	}
	const messages, most = 1_000_000, 130 << 20
	before := heap()
	q := waitingIn(t, rows{n: messages, conversations: messages})
	if took := heap() - before; took > most {
		t.Errorf("they take %d MiB, want no more than %d", took>>20, most>>20)
	} else {
		t.Logf("they take %d MiB", took>>20)
	}
	if got := q.Stats(); got.Waiting != messages || got.Lanes != messages {
		t.Fatalf("got %+v", got)
	}
	q.mu.Lock()
	for id := sms.ID(1); id <= messages; id++ {
		r := q.byID.find(uint64(id))
		owner := q.owner(q.entries.at(r))
		q.leave(r)
		q.uncount(owner)
		q.forget(r)
	}
	q.mu.Unlock()
	if left := heap() - before; left > 10<<20 {
		t.Errorf("%d MiB are kept when nothing waits any more", left>>20)
	}
	runtime.KeepAlive(q)
}

func TestALonePartCostsLittleMoreThanAMessage(t *testing.T) {
	const parts = 20_000
	lone := func(i int, m *sms.Message) {
		m.Part = sms.Part{Ref: uint16(i), Total: 255, Seq: 1}
	}
	measure := func(change func(int, *sms.Message)) int {
		before := heap()
		q := waitingIn(t, texts{rows{n: parts, conversations: parts, change: change}})
		took := heap() - before
		if change != nil && len(q.groups.byKey) != parts {
			t.Fatalf("%d texts wait for parts", len(q.groups.byKey))
		}
		runtime.KeepAlive(q)
		return took
	}
	if more := (measure(lone) - measure(nil)) / parts; more > 300 {
		t.Errorf("a part that waits for 254 others takes %d octets more than a message", more)
	} else {
		t.Logf("%d octets", more)
	}
}

// texts is a store whose messages have one.
type texts struct{ rows }

func (texts) Load(_ context.Context, ids []sms.ID) (ms []*sms.Message, err error) {
	for _, id := range ids {
		ms = append(ms, &sms.Message{ID: id, Content: []byte("text")})
	}
	return ms, nil
}

func TestOfTooManyLongTextsThatWaitForPartsTheOldestGoOn(t *testing.T) {
	const most = 20
	log := &testkit.Log{}
	r := newRig(t, func(o *Options) { o.Log = zerolog.New(log); o.Reassemble = time.Hour })
	r.q.groups.max = most
	h := r.attach(road.OutletOptions{Window: 1000})
	for i := range 10 * most {
		m := r.part(fmt.Sprint(i), uint16(i), 255, 1)
		r.add(m)
		if i < most {
			continue
		}
		oldest := h.next(fmt.Sprint(i - most))
		if !oldest.incomplete {
			t.Error("it is said to be complete")
		}
		oldest.done()
	}
	if said := strings.Count(log.String(), "too many long texts wait"); said != 1 {
		t.Errorf("that is said %d times", said)
	}
	r.q.mu.Lock()
	defer r.q.mu.Unlock()
	if n := len(r.q.groups.byKey); n != most {
		t.Errorf("%d texts wait for parts", n)
	}
}

// device is a session that must be forgotten.
type device [1 << 16]byte

// visit is a submission on a session of its own.
type visit struct {
	*device
	accepted *countedSender
}

func (v *visit) Accepted(m *sms.Message, duplicate bool, err error) {
	v.accepted.Accepted(m, duplicate, err)
}
func (v *visit) Awaits() bool                        { return false }
func (v *visit) Concluded(*sms.Message, sms.Outcome) {}
func (v *visit) Answered() (uint64, time.Time, bool) {
	return 1, time.Now().Add(-time.Hour), true
}

func TestOfASessionNothingIsKeptBecauseItsMessagesWait(t *testing.T) {
	const sessions = 500
	r := newRig(t, nil)
	s := newCountedSender(sessions)
	gone := make(chan struct{}, sessions)
	for i := range sessions {
		m := r.text("text")
		m.RegisteredDelivery, m.Source.Number = 1, fmt.Sprint(i)
		v := &visit{new(device), s}
		runtime.AddCleanup(v.device, func(struct{}) { gone <- struct{}{} }, struct{}{})
		if err := r.q.Add(m, 0, v); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Receive(t, s.allAccepted, "all accepted")
	testkit.Await(t, "no submission is kept", func() bool {
		r.q.mu.Lock()
		defer r.q.mu.Unlock()
		return r.q.kept() == 0
	})
	r.text("") // the last one may be on somebody's stack
	testkit.Await(t, "the sessions are gone", func() bool {
		runtime.GC()
		return len(gone) >= sessions-1
	})
	if n := r.q.Stats().Waiting; n != sessions {
		t.Fatalf("%d wait", n)
	}
}
