package numbers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

// rows are messages in memory, and a Storage.
type rows struct {
	mu     sync.Mutex
	ms     map[sms.ID]*sms.Message
	noted  map[string]string // who wrote from a number, as an earlier version noted
	read   int               // messages that were asked for by id
	hold   chan struct{}     // Ends waits until it is closed; nil = it does not
	pieces map[[2]uint64][]byte
	runs   map[uint64]runs.Run
}

func newRows() *rows {
	return &rows{ms: map[sms.ID]*sms.Message{}, noted: map[string]string{}, pieces: map[[2]uint64][]byte{}, runs: map[uint64]runs.Run{}}
}

func (r *rows) Bare(_ context.Context, ids []sms.ID) (found []*sms.Message, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids = slices.Sorted(slices.Values(ids))
	r.read += len(ids)
	for _, id := range ids {
		if m := r.ms[id]; m != nil {
			found = append(found, m)
		}
	}
	return found, nil
}

func (r *rows) sorted() []sms.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []sms.ID
	for id := range r.ms {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (r *rows) Ends(ctx context.Context, after sms.ID, limit int, f func(*sms.Message)) error {
	r.mu.Lock()
	hold := r.hold
	r.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, id := range r.sorted() {
		if id > after && limit > 0 {
			limit--
			f(r.ms[id])
		}
	}
	return nil
}

func (r *rows) Latest(_ context.Context, limit int, f func(*sms.Message)) error {
	for _, id := range slices.Backward(r.sorted()) {
		if limit--; limit >= 0 {
			f(r.ms[id])
		}
	}
	return nil
}

func (r *rows) NotedWriter(_ context.Context, number, _ string) (sms.Conversation, bool, error) {
	client, ok := r.noted[number]
	return sms.Conversation{Client: client}, ok, nil
}

func (r *rows) NotedUse(_ context.Context, _, number string) (sms.Address, bool, error) {
	_, ok := r.noted[number]
	return sms.Address{Number: number}, ok, nil
}

func (r *rows) Runs(context.Context) (all []runs.Run, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range r.runs {
		all = append(all, run)
	}
	return all, nil
}

func (r *rows) Piece(_ context.Context, run uint64, n runs.PieceNumber) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pieces[[2]uint64{run, uint64(n)}], nil
}

func (r *rows) Write(_ context.Context, s *runs.Step) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range s.Runs {
		r.runs[run.Number] = run
	}
	for _, p := range s.Pieces {
		r.pieces[[2]uint64{p.Run, uint64(p.Number)}] = slices.Clone(p.Data)
	}
	return nil
}

func open(t *testing.T, r *rows) *Book {
	t.Helper()
	b, err := Open(t.Context(), Options{Storage: r, Rows: r, Log: zerolog.Nop()})
	if err == nil {
		err = b.Ready(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// write stores a message of a client.
func write(b *Book, r *rows, id sms.ID, client, number, campaign string) {
	m := &sms.Message{ID: id, Submitter: client, Source: sms.Address{TON: byte(id), Number: number}, Dest: sms.Address{Number: campaign}}
	r.mu.Lock()
	r.ms[id] = m
	r.mu.Unlock()
	b.Add([]*sms.Message{m})
}

// want asks who wrote last from 1 to 36, "" = nobody, and how it did.
func want(t *testing.T, b *Book, client string, id sms.ID) {
	t.Helper()
	for range 2 { // the second time the answer may be known
		c, ok, err := b.LastWriter(t.Context(), "1", "36")
		if err != nil || ok != (client != "") || c.Client != client || c.Number.TON != byte(id) {
			t.Errorf("the last writer is %+v, %v, %v, want %q in message %d", c, ok, err, client, id)
		}
		if client == "" {
			continue
		}
		if a, ok, err := b.LastUse(t.Context(), client, "1"); err != nil || !ok || a.TON != byte(id) {
			t.Errorf("%s used it as %+v, %v, %v, want as in message %d", client, a, ok, err, id)
		}
	}
}

func TestTheLastWriterIsKnownAtOnce(t *testing.T) {
	r := newRows()
	b := open(t, r)
	want(t, b, "", 0)
	for id, client := range []string{"a", "b", "a"} {
		write(b, r, sms.ID(id+1), client, "1", "36")
		want(t, b, client, sms.ID(id+1))
	}
	m := &sms.Message{ID: 9, Submitter: "b", Kind: sms.KindReceipt, Source: sms.Address{Number: "1"}, Dest: sms.Address{Number: "36"}}
	r.ms[9] = m
	b.Add([]*sms.Message{m})
	m = &sms.Message{ID: 10, Submitter: sms.Hermes, Source: sms.Address{Number: "1"}, Dest: sms.Address{Number: "36"}}
	r.ms[10] = m
	b.Add([]*sms.Message{m})
	want(t, b, "a", 3)
}

func TestWhoWritesAgainIsNotLookedForAgain(t *testing.T) {
	r := newRows()
	b := open(t, r)
	write(b, r, 1, "a", "1", "36")
	want(t, b, "a", 1)
	read := r.read
	write(b, r, 2, "b", "1", "36")
	write(b, r, 3, "a", "1", "37") // that conversation was not asked for
	c, ok, err := b.LastWriter(t.Context(), "1", "36")
	if m := r.ms[2]; !ok || err != nil || c != (sms.Conversation{Client: "b", Number: m.Source, Campaign: m.Dest}) {
		t.Errorf("the last writer is %+v, %v, %v, want as in message 2", c, ok, err)
	}
	if a, ok, err := b.LastUse(t.Context(), "a", "1"); !ok || err != nil || a != r.ms[3].Source {
		t.Errorf("a used it as %+v, %v, %v, want as in message 3", a, ok, err)
	}
	if r.read != read {
		t.Errorf("%d messages were read", r.read-read)
	}
	if n := len(b.answers.all); n != 2 {
		t.Errorf("%d answers are kept", n)
	}
}

func TestAnotherNumberWithTheSameHashIsNotTakenForIt(t *testing.T) {
	r := newRows()
	b := open(t, r)
	write(b, r, 1, "a", "1", "36")
	r.ms[2] = &sms.Message{ID: 2, Submitter: "b", Source: sms.Address{Number: "2"}, Dest: sms.Address{Number: "36"}}
	b.index.Add([]runs.Entry{{ID: 2, Keys: [4]runs.Key{runs.NumberKey("1"), 0, runs.ConversationKey("1", "36"), runs.UseKey("a", "1")}}})
	want(t, b, "a", 1)
	n := 0
	if err := b.Each(t.Context(), "1", 1, 100, func(m *sms.Message) error { n += int(m.ID); return nil }); err != nil || n != 1 {
		t.Errorf("of number 1 there are %d, %v", n, err)
	}
	// An answer that is known is not that to another question.
	q := question{runs.ConversationKey("1", "36"), "1", "36"}
	if _, _, known := b.answers.get(question{q.key, "2", "36"}); known {
		t.Error("the answer to another question is given")
	}
	if _, _, known := b.answers.get(q); !known {
		t.Error("the answer is not known")
	}
}

func TestWhoWroteBeforeAMessageThatIsPurgedIsFound(t *testing.T) {
	r := newRows()
	b := open(t, r)
	write(b, r, 1, "a", "1", "36")
	write(b, r, 2, "b", "1", "37")
	write(b, r, 3, "a", "1", "36")
	delete(r.ms, 3)
	want(t, b, "a", 1)
	r.noted["1"] = "old"
	write(b, r, 4, "a", "1", "36")
	want(t, b, "a", 4)
	clear(r.ms)
	b.ForgetAnswers()
	want(t, b, "old", 0)
}

func TestOnlySoManyMessagesOfANumberAreLookedThrough(t *testing.T) {
	r := newRows()
	b := open(t, r)
	write(b, r, 1, "a", "1", "36")
	for i := range sms.ID(3 * searched) {
		write(b, r, 2+i, "a", "1", "37")
	}
	write(b, r, 4*searched, "a", "1", "36")
	delete(r.ms, 4*searched)
	r.read = 0
	if _, ok, err := b.LastWriter(t.Context(), "1", "36"); ok || err != nil || r.read > searched+1 {
		t.Errorf("found: %v, %v, and %d messages were read", ok, err, r.read)
	}
}

func TestWhileTheIndexIsBehindTheNewestMessagesAnswer(t *testing.T) {
	r := newRows()
	b := open(t, r)
	write(b, r, 1, "a", "1", "36")
	r.noted["2"] = "old"
	r.mu.Lock()
	r.hold = make(chan struct{})
	r.mu.Unlock()
	b.index.Rebuild(fmt.Errorf("a test: %w", runs.ErrDamaged))
	want(t, b, "a", 1)
	write(b, r, 2, "b", "1", "36")
	want(t, b, "b", 2)
	if c, ok, err := b.LastWriter(t.Context(), "2", "36"); !ok || err != nil || c.Client != "old" {
		t.Errorf("got %+v, %v, %v", c, ok, err)
	}
	for i := range sms.ID(latest) {
		write(b, r, 3+i, "c", "2", "36")
	}
	want(t, b, "", 0) // that is further back, and not kept for an answer
	close(r.hold)
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, b, "b", 2)
}

func TestAnswersAreKeptUpToABound(t *testing.T) {
	var as answers
	keep := func(first string, key runs.Key) {
		as.settle(as.expect(question{key, first, "36"}), sms.Conversation{}, false, true)
	}
	for i := range runs.Key(3 * maxAnswers) {
		if keep(fmt.Sprint(i), i+1); len(as.all) > maxAnswers {
			t.Fatalf("%d answers are kept", len(as.all))
		}
	}
	if _, _, known := as.get(question{3 * maxAnswers, fmt.Sprint(3*maxAnswers - 1), "36"}); !known || len(as.all) != maxAnswers {
		t.Errorf("the last one is known: %v, among %d", known, len(as.all))
	}
	long := strings.Repeat("1", maxKept)
	keep(long, 1<<40)
	if _, _, known := as.get(question{1 << 40, long, "36"}); known {
		t.Error("the answer to a long question is kept")
	}
}

func TestAnAnswerThatIsLookedUpWhileSomebodyWritesIsNotKept(t *testing.T) {
	r := newRows()
	b := open(t, r)
	q := question{runs.ConversationKey("1", "36"), "1", "36"}
	a := b.answers.expect(q)
	write(b, r, 1, "a", "1", "36")
	b.answers.settle(a, sms.Conversation{}, false, true) // that nobody wrote
	want(t, b, "a", 1)
	if r.read != 1 { // for LastUse
		t.Errorf("%d messages were read", r.read)
	}
	first, second := b.answers.expect(q), b.answers.expect(q)
	b.answers.settle(first, sms.Conversation{Client: "first"}, true, true)
	b.answers.settle(second, sms.Conversation{Client: "second"}, true, true)
	if c, _, _ := b.answers.get(q); c.Client != "second" {
		t.Errorf("the answer is %+v", c)
	}
}
