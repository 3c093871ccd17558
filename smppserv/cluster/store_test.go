package cluster

import (
	"context"
	"errors"
	"slices"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

// addition is a message on its way to the disk.
type addition struct {
	m    *sms.Message
	done chan error
}

func (a addition) Message() *sms.Message      { return a.m }
func (a addition) Replaces() *road.Transition { return nil }
func (a addition) Added(_ bool, err error)    { a.done <- err }

func add(s *store.Store) (sms.ID, error) {
	m := &sms.Message{Recipient: "acme", State: sms.Enroute}
	a := addition{m, make(chan error, 1)}
	s.Add(a)
	err := <-a.done
	return m.ID, err
}

// joinWithStore starts a worker with the store of its epoch, on the pool that this has for it.
func (r *rig) joinWithStore(name string, s **store.Store, change ...func(*worker, *Options)) *worker {
	r.t.Helper()
	var begin func(sms.Epoch)
	w := r.joinIdle(name, short, append(change, func(w *worker, o *Options) {
		d := r.database(w.cut.dsn)
		o.Pool = d.Pool()
		begin = func(e sms.Epoch) {
			opened, err := d.Begin(r.t.Context(), e)
			if err != nil {
				r.t.Fatal(err)
			}
			*s = opened
			r.t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
				defer cancel()
				_ = opened.Close(ctx) // what was taken over from is not written any more
			})
		}
	})...)
	begin(w.epoch)
	w.run()
	return w
}

func waiting(t *testing.T, s *store.Store) (ids []sms.ID) {
	t.Helper()
	if err := s.Waiting(t.Context(), 0, func(m *sms.Message) error { ids = append(ids, m.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestTheStoresOfTwoWorkersHandOnAndAreTakenOverFrom(t *testing.T) {
	r := newRig(t)
	var sa, sb *store.Store
	a := r.joinWithStore("a", &sa)
	b := r.joinWithStore("b", &sb)
	first, err := add(sa)
	if err != nil {
		t.Fatal(err)
	}
	second, err := add(sa)
	if err != nil {
		t.Fatal(err)
	}
	handed := make(chan error, 1)
	NewForwarder(a.Node, sa, a.o.Log).HandOn([]sms.ID{first}, b.epoch, func(err error) { handed <- err })
	if err := testkit.Receive(t, handed, "it is handed on"); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "it arrives", b.has(first))
	if got := waiting(t, sb); !slices.Equal(got, []sms.ID{first}) {
		t.Fatalf("at b %v waits", got)
	}
	// Cut from the database, a is taken over from.
	a.cut.set(true)
	testkit.Await(t, "b has its messages", func() bool { return b.is(func() bool { return slices.Equal(b.inherited, []sms.Epoch{a.epoch}) }) })
	if got := waiting(t, sb); !slices.Equal(got, []sms.ID{first, second}) {
		t.Errorf("at b %v waits", got)
	}
	if name := r.value(`SELECT node FROM estates WHERE epoch = $1`, int64(a.epoch)); name != "a" {
		t.Errorf("it was a life of %q", name)
	}
	a.cut.set(false)
	testkit.Receive(t, a.Lost(), "a hears of it")
	testkit.Await(t, "it writes nothing any more", func() bool {
		_, err := add(sa)
		if err == nil {
			t.Fatal("it has written")
		}
		return errors.Is(err, store.ErrFenced)
	})
}
