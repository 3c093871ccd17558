// Package storetest is the contract of a store: the one body of tests that every backend runs.
package storetest

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// Open opens the same store again at each call; the one before is closed by then.
type Open func() *store.Store

type test struct {
	name string
	run  func(t *testing.T, open Open)
}

// Run holds a backend to the contract. fresh gives each test a store of its own.
func Run(t *testing.T, fresh func(t *testing.T) Open) {
	RunInMemory(t, fresh)
	run(t, fresh, []test{{"many numbers take no memory", manyNumbers}})
}

// RunInMemory is Run for one that has its messages in memory.
func RunInMemory(t *testing.T, fresh func(t *testing.T) Open) {
	run(t, fresh, []test{
		{"an added message comes back as it was", addedComesBack},
		{"those that are loaded come in order, each once, and no others", loadedInOrder},
		{"ids rise and are not given out again after a purge and a restart", idsAreNeverReused},
		{"only what is not final waits after a restart", waitingAfterRestart},
		{"a final state is never left", finalStays},
		{"a receipt is stored with the outcome that it tells of", receiptWithOutcome},
		{"what an added message replaces ends with it, or not at all", replacedWithAddition},
		{"whoever waits for all additions so far is called after them", afterAdditions},
		{"the messages of a submit_multi are found by the id of the first", knownAs},
		{"the same external id is stored once", externalIDOnce},
		{"a failed try keeps its time and reason", nextTryIsKept},
		{"a failed try may leave its message's time as it was", sameTimeIsKept},
		{"the key of a text that was tried is kept", pushKeyIsKept},
		{"an external id is known from its addition on", externalIDIsKnown},
		{"the form of a part's number is kept", partFormIsKept},
		{"the progress of a text in parts is kept, and what was known of its tries stays", progressIsKept},
		{"ends that were asked for are written together", endsTogether},
		{"a change is kept, but not of a final message", changeIsKept},
		{"a change is kept that is written together with the try before it", changeBehindATryIsKept},
		{"a change does not move the first storing", firstStoringStays},
		{"the last writer of a conversation is known", lastWriter},
		{"who wrote last is known after a restart", writersAfterRestart},
		{"who wrote before a message that is purged is known while that is there", writerAfterPurge},
		{"the messages of a number are found by the time they came", byNumber},
		{"a number that has many conversations is as any other", manyConversationsOfANumber},
		{"a purge takes what is final and old, and nothing else", purgeTakesOldFinals},
		{"a purge forgets the external ids of what it takes", purgeForgetsExternalIDs},
		{"a purge leaves what waits among what goes", purgeLeavesWhatWaits},
		{"what is erased of a number is found nowhere, and the rest counts on", numberIsErased},
		{"the steps of the clock are kept while a message needs them", clockSteps},
		{"the last purge is kept", lastPurge},
		{"each try is kept as long as its message", triesAreKept},
		{"a try is kept that is written together with the end of its message", tryAndEndInOneTransaction},
		{"a search finds what it should, page by page", searchFinds},
		{"a search goes on where messages were purged", searchGoesOnAfterAPurge},
		{"a report counts each message once where it was accepted and once where it ended", reportsCount},
		{"the samples of the minutes are kept for some days", samplesAreKept},
		{"the audit is kept", auditIsKept},
		{"what is noted of clients is kept", clientsAreNoted},
		{"waiting messages get another recipient", readdressed},
		{"many goroutines get distinct ids", concurrentAdds},
		{"an unknown id is not found", unknownID},
		{"whatever waits is read, in its order and each as it is", waitingIsReadWhole},
		{"messages are loaded in the order of their ids, each once", loadIsInOrder},
	})
}

func run(t *testing.T, fresh func(t *testing.T) Open, tests []test) {
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

var now = time.UnixMilli(1_700_000_000_123)

// Sample is a message that has something in every field that a client can set.
func Sample() *sms.Message {
	return &sms.Message{
		Submitter: "admin", Source: sms.Address{TON: 1, NPI: 1, Number: "33612345678"}, Dest: sms.Address{NPI: 1, Number: "3600"},
		ServiceType: "CMT", ESMClass: 0x40, ProtocolID: 7, Priority: 2, RegisteredDelivery: 1, DataCoding: 8, InterfaceVersion: 0x34,
		Alphabet: "ucs2", Content: []byte{5, 0, 3, 9, 2, 1, 0, 65}, TLVs: []byte{2, 4, 0, 2, 0xBE, 0xEF}, Part: sms.Part{Ref: 9, Total: 2, Seq: 1},
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(24 * time.Hour), State: sms.Enroute,
		Accepted: sms.Acceptance{Session: 13, Command: 4, Sequence: 7, Remote: "10.0.0.1:50000"},
	}
}

type addition struct {
	m        *sms.Message
	replaces func() *road.Transition
	done     chan error
	dup      bool
}

func (a *addition) Message() *sms.Message { return a.m }
func (a *addition) Replaces() *road.Transition {
	if a.replaces == nil {
		return nil
	}
	return a.replaces()
}
func (a *addition) Added(duplicate bool, err error) {
	a.dup = duplicate
	a.done <- err
}

// Add stores a message and waits until it is on disk.
func Add(t testing.TB, s *store.Store, m *sms.Message) (duplicate bool) {
	t.Helper()
	return add(t, s, m, nil)
}

func add(t testing.TB, s *store.Store, m *sms.Message, replaces func() *road.Transition) (duplicate bool) {
	t.Helper()
	a := &addition{m: m, replaces: replaces, done: make(chan error, 1)}
	s.Add(a)
	if err := <-a.done; err != nil {
		t.Fatalf("Add: %v", err)
	}
	return a.dup
}

// Finish stores what came of a try and waits until it is on disk.
func Finish(s *store.Store, f road.Transition) {
	done := make(chan struct{})
	f.Done = func() { close(done) }
	s.Finish(&f)
	<-done
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func get(t *testing.T, s *store.Store, id sms.ID) *sms.Message {
	t.Helper()
	m, err := s.Get(context.Background(), id)
	if err != nil {
		t.Fatalf("Get(%d): %v", id, err)
	}
	return m
}

func waiting(t *testing.T, s *store.Store) (ids []sms.ID) {
	t.Helper()
	err := s.Waiting(context.Background(), 0, func(m *sms.Message) error { ids = append(ids, m.ID); return nil })
	if err != nil {
		t.Fatalf("Waiting: %v", err)
	}
	return ids
}

func wantIDs(t *testing.T, got []sms.ID, want ...sms.ID) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got messages %v, want %v", got, want)
	}
}

func addedComesBack(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	got := get(t, s, m.ID)
	if !reflect.DeepEqual(got, m) {
		t.Fatalf("got  %+v\nwant %+v", got, m)
	}
	loaded, err := s.Load(context.Background(), []sms.ID{m.ID, m.ID + 100})
	if err != nil || len(loaded) != 1 || !reflect.DeepEqual(loaded[0], m) {
		t.Fatalf("Load: %v %+v", err, loaded)
	}
	closeStore(t, s)
}

func idsAreNeverReused(t *testing.T, open Open) {
	s := open()
	var last sms.ID
	for range 5 {
		m := Sample()
		Add(t, s, m)
		if m.ID <= last {
			t.Fatalf("id %d after %d", m.ID, last)
		}
		last = m.ID
		Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	}
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != 5 {
		t.Fatalf("Purge: %d %v", n, err)
	}
	closeStore(t, s)
	s = open()
	m := Sample()
	Add(t, s, m)
	if m.ID <= last {
		t.Fatalf("id %d was given out before", m.ID)
	}
	closeStore(t, s)
}

func waitingAfterRestart(t *testing.T, open Open) {
	s := open()
	ms := []*sms.Message{Sample(), Sample(), Sample()}
	for _, m := range ms {
		Add(t, s, m)
	}
	Finish(s, road.Transition{IDs: []sms.ID{ms[1].ID}, State: sms.Delivered, Attempts: 1})
	closeStore(t, s)
	s = open()
	wantIDs(t, waiting(t, s), ms[0].ID, ms[2].ID)
	closeStore(t, s)
}

func finalStays(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Deleted})
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 3})
	if got := get(t, s, m.ID); got.State != sms.Deleted || got.Attempts != 0 || got.FinalAt.IsZero() {
		t.Fatalf("got %v after %d attempts", got.State, got.Attempts)
	}
	closeStore(t, s)
}

func receiptWithOutcome(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	r := sms.NewReceipt(sms.KindReceipt, m, sms.Undeliverable, 404, now.Add(time.Second), time.Hour)
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Undeliverable, Attempts: 2, Error: 404, Reason: "404 Not Found", Receipts: []*sms.Message{r}})
	if got := get(t, s, m.ID); got.State != sms.Undeliverable || got.Error != 404 || got.Reason != "404 Not Found" || got.Attempts != 2 {
		t.Fatalf("the message is %+v", got)
	}
	if got := get(t, s, r.ID); !reflect.DeepEqual(got, r) {
		t.Fatalf("got  %+v %+v\nwant %+v %+v", got, got.Receipt, r, r.Receipt)
	}
	wantIDs(t, waiting(t, s), r.ID)
	closeStore(t, s)
}

func replacedWithAddition(t *testing.T, open Open) {
	s := open()
	old, m, again := Sample(), Sample(), Sample()
	m.ExternalID, again.ExternalID = "h-1", "h-1"
	Add(t, s, old)
	r := sms.NewReceipt(sms.KindReceipt, old, sms.Deleted, 0, now, time.Hour)
	add(t, s, m, func() *road.Transition {
		return &road.Transition{IDs: []sms.ID{old.ID}, State: sms.Deleted, Reason: "replaced by " + m.ID.String(), Receipts: []*sms.Message{r}}
	})
	if got := get(t, s, old.ID); got.State != sms.Deleted || got.Reason != "replaced by "+m.ID.String() || got.FinalAt.IsZero() {
		t.Fatalf("the old one is %+v", got)
	}
	if got := get(t, s, r.ID); got.Receipt.Of != old.ID || got.ID <= m.ID {
		t.Fatalf("got receipt %d of %d", got.ID, got.Receipt.Of)
	}
	wantIDs(t, waiting(t, s), m.ID, r.ID)
	duplicate := add(t, s, again, func() *road.Transition {
		t.Error("a duplicate replaces nothing")
		return nil
	})
	if !duplicate {
		t.Fatal("it was stored again")
	}
	closeStore(t, s)
}

func afterAdditions(t *testing.T, open Open) {
	s := open()
	for range 50 {
		a := &addition{m: Sample(), done: make(chan error, 1)}
		s.Add(a)
		stored := make(chan int, 1)
		s.After(func() { stored <- len(a.done) })
		if <-stored != 1 {
			t.Fatal("it was called before the addition")
		}
	}
	closeStore(t, s)
	called := make(chan struct{}, 1)
	s.After(func() { called <- struct{}{} })
	<-called // nothing waits in a closed store
}

func knownAs(t *testing.T, open Open) {
	s := open()
	first, other, second, third := Sample(), Sample(), Sample(), Sample()
	second.First, third.First = first, first
	for _, m := range []*sms.Message{first, other, second, third} {
		Add(t, s, m)
	}
	closeStore(t, s)
	s = open()
	known := func(id sms.ID, want ...sms.ID) {
		t.Helper()
		ids, err := s.KnownAs(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		wantIDs(t, ids, want...)
	}
	known(first.ID, first.ID, second.ID, third.ID)
	known(other.ID, other.ID)
	known(third.ID, third.ID)
	known(third.ID + 1)
	Finish(s, road.Transition{IDs: []sms.ID{first.ID, second.ID}, State: sms.Delivered})
	known(first.ID, first.ID, second.ID, third.ID)
	if n, err := s.Purge(context.Background(), time.Now().Add(time.Hour)); err != nil || n != 2 {
		t.Fatalf("Purge: %d %v", n, err)
	}
	known(first.ID, third.ID)
	closeStore(t, s)
}

func externalIDOnce(t *testing.T, open Open) {
	s := open()
	m, again := Sample(), Sample()
	m.Submitter, m.ExternalID, again.ExternalID = sms.Hermes, "h-1", "h-1"
	if Add(t, s, m) {
		t.Fatal("the first is no duplicate")
	}
	closeStore(t, s)
	s = open()
	if !Add(t, s, again) || again.ID != m.ID {
		t.Fatalf("the second got id %d, want the first one's %d", again.ID, m.ID)
	}
	wantIDs(t, waiting(t, s), m.ID)
	closeStore(t, s)
}

func nextTryIsKept(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	due := now.Add(5 * time.Second)
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, Error: 503, Reason: "busy", DueAt: due, Wait: 5 * time.Second})
	if got := get(t, s, m.ID); !got.DueAt.Equal(due) || got.Wait != 5*time.Second || got.Attempts != 1 || got.Error != 503 || got.Reason != "busy" || got.State != sms.Enroute {
		t.Fatalf("got %+v", got)
	}
	closeStore(t, s)
}

func pushKeyIsKept(t *testing.T, open Open) {
	s := open()
	part, other, whole := Sample(), Sample(), Sample()
	for _, m := range []*sms.Message{part, other, whole} {
		Add(t, s, m)
	}
	key := part.Key()
	Finish(s, road.Transition{IDs: []sms.ID{part.ID, other.ID}, State: sms.Enroute, Attempts: 1, PushKey: key})
	Finish(s, road.Transition{IDs: []sms.ID{other.ID}, State: sms.Enroute, Attempts: 2})
	Finish(s, road.Transition{IDs: []sms.ID{whole.ID}, State: sms.Enroute, Attempts: 1})
	closeStore(t, s)
	s = open()
	keys := map[sms.ID]string{}
	if err := s.Waiting(context.Background(), 0, func(m *sms.Message) error { keys[m.ID] = m.PushKey; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*sms.Message{part, other, whole} {
		want := key
		if m == whole {
			want = ""
		}
		if got := get(t, s, m.ID).PushKey; got != want || keys[m.ID] != want {
			t.Errorf("message %d was tried under %q, or %q; want %q", m.ID, got, keys[m.ID], want)
		}
	}
	if got := get(t, s, other.ID).Key(); got != key {
		t.Errorf("the other part's key is %q, want %q", got, key)
	}
	closeStore(t, s)
}

func firstStoringStays(t *testing.T, open Open) {
	s := open()
	m := Sample()
	Add(t, s, m)
	key := m.Key()
	if want := fmt.Sprint(m.ID, "-", strconv.FormatInt(now.UnixMilli(), 36)); key != want {
		t.Errorf("its key is %q, want %q", key, want)
	}
	m.ReceivedAt = now.Add(time.Hour)
	done := make(chan error, 1)
	s.Change(m, nil, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open()
	if got := get(t, s, m.ID); got.Key() != key || !got.StoredAt.Equal(now) || !got.ReceivedAt.Equal(m.ReceivedAt) {
		t.Errorf("it was stored at %v, replaced at %v, and its key is %q, want %q", got.StoredAt, got.ReceivedAt, got.Key(), key)
	}
	r := sms.NewReceipt(sms.KindReceipt, m, sms.Delivered, 0, now.Add(2*time.Second), time.Hour)
	Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Receipts: []*sms.Message{r}})
	if got := get(t, s, r.ID); !got.StoredAt.Equal(r.ReceivedAt) {
		t.Errorf("the receipt was stored at %v", got.StoredAt)
	}
	closeStore(t, s)
}

func lastWriter(t *testing.T, open Open) {
	s := open()
	ctx := context.Background()
	if _, ok, err := s.LastWriter(ctx, "33612345678", "3600"); ok || err != nil {
		t.Fatalf("nobody wrote yet: %v %v", ok, err)
	}
	for _, client := range []string{"admin", "other", "admin", "last"} {
		m := Sample()
		m.Submitter = client
		Add(t, s, m)
	}
	c, ok, err := s.LastWriter(ctx, "33612345678", "3600")
	if err != nil || !ok || c.Client != "last" || c.Number != Sample().Source || c.Campaign != Sample().Dest {
		t.Fatalf("got %+v %v %v", c, ok, err)
	}
	if a, ok, err := s.LastUse(ctx, "last", "33612345678"); err != nil || !ok || a != Sample().Source {
		t.Fatalf("got %+v %v %v", a, ok, err)
	}
	closeStore(t, s)
}

func concurrentAdds(t *testing.T, open Open) {
	s := open()
	var mu sync.Mutex
	seen := map[sms.ID]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				m := Sample()
				Add(t, s, m)
				mu.Lock()
				seen[m.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 1600 || len(waiting(t, s)) != 1600 {
		t.Fatalf("%d distinct ids, %d waiting, want 1600", len(seen), len(waiting(t, s)))
	}
	closeStore(t, s)
}

func unknownID(t *testing.T, open Open) {
	s := open()
	if _, err := s.Get(context.Background(), 77); err != sms.ErrUnknown {
		t.Fatalf("got %v", err)
	}
	closeStore(t, s)
}
