package memory

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// worker is one of several on a disk.
type worker struct {
	*store.Store
	epoch sms.Epoch
}

func join(t *testing.T, disk *Disk) *worker {
	w := &worker{epoch: disk.Epoch()}
	w.Store, _ = open(t, disk, Options{Epoch: w.epoch, GroupTime: time.Hour})
	t.Cleanup(func() { ended(w.Store) })
	return w
}

func (w *worker) waiting(t *testing.T) (ids []sms.ID) {
	t.Helper()
	if err := w.Waiting(t.Context(), 0, func(m *sms.Message) error { ids = append(ids, m.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func (w *worker) handOn(t *testing.T, to sms.Epoch, ids ...sms.ID) {
	t.Helper()
	done := make(chan error, 1)
	w.HandOn(ids, to, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAMessageThatIsHandedOnIsTheOtherWorkers(t *testing.T) {
	disk := NewDisk()
	a, b := join(t, disk), join(t, disk)
	kept, given, final := storetest.Sample(), storetest.Sample(), storetest.Sample()
	for _, m := range []*sms.Message{kept, given, final} {
		m.Recipient = "client"
		storetest.Add(t, a.Store, m)
	}
	storetest.Finish(a.Store, road.Transition{IDs: []sms.ID{final.ID}, State: sms.Delivered})
	a.handOn(t, b.epoch, given.ID, final.ID)
	if ids, _ := disk.Arrived([]sms.Epoch{b.epoch}, 0); !slices.Equal(ids, []sms.ID{given.ID}) {
		t.Errorf("%v arrived, want %d", ids, given.ID)
	}
	if ids := a.waiting(t); !slices.Equal(ids, []sms.ID{kept.ID}) {
		t.Errorf("the one has %v", ids)
	}
	if ids := b.waiting(t); !slices.Equal(ids, []sms.ID{given.ID}) {
		t.Errorf("the other has %v", ids)
	}
	if m, err := a.Get(t.Context(), given.ID); err != nil || m.Holder != b.epoch || m.HandedBy != a.epoch {
		t.Errorf("the one sees %+v, %v", m, err)
	}
	if m, err := b.Get(t.Context(), given.ID); err != nil || m.Holder != 0 || m.HandedBy != a.epoch {
		t.Errorf("the other sees %+v, %v", m, err)
	}
	if at, err := a.Holders(t.Context(), []sms.ID{kept.ID, given.ID, final.ID}); err != nil || len(at) != 2 || at[kept.ID] != 0 || at[given.ID] != b.epoch {
		t.Errorf("they are at %v, %v", at, err)
	}
	like := *given
	if ms, err := a.HeldElsewhere(t.Context(), &like, 10); err != nil || len(ms) != 1 || ms[0].ID != given.ID {
		t.Errorf("elsewhere is %v, %v", ms, err)
	}
	var handed []sms.ID
	if err := b.HandedOn(t.Context(), []sms.Epoch{a.epoch}, func(m *sms.Message) { handed = append(handed, m.ID) }); err != nil || len(handed) != 0 {
		t.Errorf("of what is its own the other hears %v, %v", handed, err)
	}
	if err := a.HandedOn(t.Context(), []sms.Epoch{a.epoch}, func(m *sms.Message) { handed = append(handed, m.ID) }); err != nil || !slices.Equal(handed, []sms.ID{given.ID}) {
		t.Errorf("the one handed on %v, %v", handed, err)
	}
}

func TestWhatWasHandedOnTwiceIsKnownToTheHeirsOfBothThatHandedItOn(t *testing.T) {
	disk := NewDisk()
	a, b, c, heir := join(t, disk), join(t, disk), join(t, disk), join(t, disk)
	to := func(from string) *sms.Message {
		m := storetest.Sample()
		m.Part, m.Submitter, m.Recipient, m.Source.Number = sms.Part{}, "", "client", from
		storetest.Add(t, a.Store, m)
		return m
	}
	first, second, other := to("33611"), to("33611"), to("33622")
	a.handOn(t, b.epoch, first.ID)
	b.handOn(t, c.epoch, first.ID)
	a.handOn(t, b.epoch, second.ID)
	a.handOn(t, c.epoch, other.ID)
	for dead, want := range map[*worker][]sms.ID{a: {first.ID, second.ID, other.ID}, b: {first.ID, second.ID}} {
		var ids []sms.ID
		if err := heir.HandedOn(t.Context(), []sms.Epoch{dead.epoch}, func(m *sms.Message) { ids = append(ids, m.ID) }); err != nil || !slices.Equal(ids, want) {
			t.Errorf("what epoch %d left must not overtake %v, want %v: %v", dead.epoch, ids, want, err)
		}
	}
}

// What is handed in together goes to disk together, and the first one may be the first of a new block of ids.
func TestADuplicateOfWhatIsWrittenWithItHasItsIDAlsoWhenNewIDsAreReserved(t *testing.T) {
	disk := NewDisk()
	begun, hold := make(chan struct{}), make(chan struct{})
	first := true
	s, _ := open(t, disk, Options{Epoch: disk.Epoch(), Write: func(*store.Batch) Fate {
		if first {
			first = false
			close(begun)
			<-hold
		}
		return Written
	}})
	defer ended(s)
	one := &addition{storetest.Sample(), make(chan error, 1)}
	s.Add(one)
	<-begun
	storetest.Add(t, join(t, disk).Store, storetest.Sample()) // so that the next block is not the next ids
	var last [2]*addition
	rest := make([]*addition, block-1)
	for i := range rest {
		rest[i] = &addition{storetest.Sample(), make(chan error, 1)}
		s.Add(rest[i])
	}
	for i := range last {
		m := storetest.Sample()
		m.ExternalID = "h-1"
		last[i] = &addition{m, make(chan error, 1)}
		s.Add(last[i])
	}
	close(hold)
	for _, a := range append(append(rest, one), last[:]...) {
		if err := <-a.done; err != nil {
			t.Fatal(err)
		}
	}
	if last[0].m.ID != last[1].m.ID || last[0].m.ID <= rest[block-2].m.ID {
		t.Errorf("one is %d, and the other, which is the same, %d", last[0].m.ID, last[1].m.ID)
	}
}

func TestWhoeverWasTakenOverWritesNothingMore(t *testing.T) {
	disk := NewDisk()
	a, b, c := join(t, disk), join(t, disk), join(t, disk)
	m := storetest.Sample()
	storetest.Add(t, a.Store, m)
	if disk.Bequeath(a.epoch, b.epoch, func() bool { return false }) {
		t.Error("it is taken over though it has renewed")
	}
	if !disk.Bequeath(a.epoch, b.epoch, nil) || disk.Bequeath(a.epoch, c.epoch, nil) {
		t.Error("it is not taken over once")
	}
	late := &addition{storetest.Sample(), make(chan error, 1)}
	a.Add(late)
	if err := <-late.done; !errors.Is(err, store.ErrFenced) {
		t.Errorf("it writes, with %v", err)
	}
	if ids := b.waiting(t); !slices.Equal(ids, []sms.ID{m.ID}) {
		t.Errorf("the heir has %v", ids)
	}
	if at, _ := c.Holders(t.Context(), []sms.ID{m.ID}); at[m.ID] != a.epoch {
		t.Errorf("before it is taken up it is at %v", at)
	}
	disk.Settle(b.epoch, []sms.Epoch{a.epoch})
	if at, _ := c.Holders(t.Context(), []sms.ID{m.ID}); at[m.ID] != b.epoch {
		t.Errorf("it is at %v", at)
	}
	// What the heir leaves without an heir goes to whoever claims it, with what it had inherited.
	if !disk.Bequeath(b.epoch, 0, nil) {
		t.Error("it does not leave")
	}
	if owned, ok := disk.Claim(c.epoch, nil); !ok || !slices.Equal(owned, []sms.Epoch{a.epoch, b.epoch}) {
		t.Errorf("the last one owns %v", owned)
	}
	if ids := c.waiting(t); !slices.Equal(ids, []sms.ID{m.ID}) {
		t.Errorf("the last one has %v", ids)
	}
}

func TestATransactionUnderWayIsNotWrittenAfterATakeOver(t *testing.T) {
	for _, kept := range []bool{false, true} {
		disk := NewDisk()
		b := join(t, disk)
		e := disk.Epoch()
		begun, goOn := make(chan struct{}), make(chan struct{})
		hold := false
		a, power := open(t, disk, Options{Epoch: e, Write: func(*store.Batch) Fate {
			if hold {
				close(begun)
				<-goOn
			}
			return Written
		}})
		hold = true
		late := &addition{storetest.Sample(), make(chan error, 1)}
		a.Add(late)
		<-begun
		disk.Bequeath(e, b.epoch, nil)
		if kept {
			power.Cut(true)
		}
		close(goOn)
		if err := <-late.done; err == nil {
			t.Error("it was written")
		}
		if ids := b.waiting(t); len(ids) != 0 {
			t.Errorf("kept %t: %v", kept, ids)
		}
		ended(a)
	}
}

func TestAPartGoesToTheWorkerThatHasTheFirstOne(t *testing.T) {
	disk := NewDisk()
	a, b := join(t, disk), join(t, disk)
	part := func(w *worker, seq byte) *sms.Message {
		m := storetest.Sample()
		m.Part.Seq, m.PartForm = seq, sms.FormUDH8
		storetest.Add(t, w.Store, m)
		return m
	}
	first, second := part(a, 1), part(b, 2)
	if first.Holder != 0 || second.Holder != a.epoch {
		t.Fatalf("they are held by %d and %d", first.Holder, second.Holder)
	}
	err := b.Waiting(t.Context(), 0, func(m *sms.Message) error {
		if m.ID != second.ID || m.Holder != a.epoch {
			t.Errorf("message %d is to go to %d", m.ID, m.Holder)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	b.handOn(t, a.epoch, second.ID)
	if ids := a.waiting(t); !slices.Equal(ids, []sms.ID{first.ID, second.ID}) {
		t.Errorf("the first one's worker has %v", ids)
	}
}

func TestWorkersGiveOutDifferentIDsAndStoreAnExternalIDOnce(t *testing.T) {
	disk := NewDisk()
	begun, goOn := make(chan struct{}), make(chan struct{})
	hold := false
	a, _ := open(t, disk, Options{Epoch: disk.Epoch(), Write: func(*store.Batch) Fate {
		if hold {
			hold = false
			close(begun)
			<-goOn
		}
		return Written
	}})
	defer ended(a)
	b := join(t, disk)
	first, second := storetest.Sample(), storetest.Sample()
	first.ExternalID, second.ExternalID = "h-1", "h-1"
	hold = true
	late := &addition{first, make(chan error, 1)}
	a.Add(late)
	<-begun
	storetest.Add(t, b.Store, second)
	close(goOn)
	if err := <-late.done; err != nil || first.ID != second.ID {
		t.Errorf("%v: %d and %d", err, first.ID, second.ID)
	}
	third, fourth := storetest.Sample(), storetest.Sample()
	storetest.Add(t, a, third)
	storetest.Add(t, b.Store, fourth)
	if third.ID == fourth.ID || len(disk.messages) != 3 {
		t.Errorf("%d and %d, of %d", third.ID, fourth.ID, len(disk.messages))
	}
	var ids []sms.ID
	disk.Messages(func(m *sms.Message) { ids = append(ids, m.ID) })
	if !slices.IsSorted(ids) {
		t.Errorf("they are in the order %v", ids)
	}
}

func TestTheNextTextUnderAReferenceBeginsWhereItComesInOnceTheOneBeforeIsWhole(t *testing.T) {
	disk := NewDisk()
	a, b := join(t, disk), join(t, disk)
	part := func(w *worker, seq byte) *sms.Message {
		m := storetest.Sample()
		m.Part, m.PartForm = sms.Part{Ref: 7, Total: 2, Seq: seq}, sms.FormUDH8
		storetest.Add(t, w.Store, m)
		return m
	}
	part(a, 1)
	b.handOn(t, a.epoch, part(b, 2).ID)
	if next := part(b, 1); next.Holder != 0 {
		t.Errorf("it begins at %d", next.Holder)
	}
	part(a, 1) // once more: it may be of the next one
	part(b, 2)
	if next := part(a, 1); next.Holder != b.epoch {
		t.Errorf("a text of which a part came again is over, and the next one at %d", next.Holder)
	}
}

func TestAPartOfATransactionThatWasRefusedIsNotedOnce(t *testing.T) {
	disk := NewDisk()
	a, fate := join(t, disk), Written
	w := &worker{epoch: disk.Epoch()}
	w.Store, _ = open(t, disk, Options{Epoch: w.epoch, GroupTime: time.Hour, Write: func(*store.Batch) Fate { return fate }})
	defer ended(w.Store)
	part := func(seq byte) *addition {
		m := storetest.Sample()
		m.Part, m.PartForm = sms.Part{Ref: 7, Total: 2, Seq: seq}, sms.FormUDH8
		return &addition{m, make(chan error, 1)}
	}
	storetest.Add(t, w.Store, part(1).m)
	fate = Refused
	refused := part(2)
	w.Add(refused)
	if err := <-refused.done; err == nil {
		t.Fatal("it is written")
	}
	fate = Written
	storetest.Add(t, w.Store, part(2).m)
	next := part(1)
	if storetest.Add(t, a.Store, next.m); next.m.Holder != 0 {
		t.Errorf("the next text is at %d", next.m.Holder)
	}
}
