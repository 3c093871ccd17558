package memory

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

func open(t *testing.T, disk *Disk, o Options) (*store.Store, Power) {
	t.Helper()
	o.Log = zerolog.Nop()
	s, p, err := Open(context.Background(), disk, o)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func TestMemoryKeepsTheContractOfAStore(t *testing.T) {
	storetest.RunInMemory(t, func(t *testing.T) storetest.Open {
		disk := NewDisk()
		return func() *store.Store {
			s, _ := open(t, disk, Options{})
			return s
		}
	})
}

// ended closes a store without waiting for what cannot be written.
func ended(s *store.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Close(ctx)
}

type addition struct {
	m    *sms.Message
	done chan error
}

func (a *addition) Message() *sms.Message      { return a.m }
func (a *addition) Replaces() *road.Transition { return nil }
func (a *addition) Added(_ bool, err error)    { a.done <- err }

func TestAPowerCutTakesWhatWasNotOnDiskAndNothingElse(t *testing.T) {
	for _, kept := range []bool{false, true} {
		disk := NewDisk()
		begun, goOn := make(chan struct{}), make(chan struct{})
		hold := false
		s, power := open(t, disk, Options{Write: func(*store.Batch) Fate {
			if hold {
				close(begun)
				<-goOn
			}
			return Written
		}})
		first, second := storetest.Sample(), storetest.Sample()
		storetest.Add(t, s, first)
		hold = true
		a := &addition{second, make(chan error, 1)}
		s.Add(a)
		<-begun
		power.Cut(kept)
		close(goOn)
		if err := <-a.done; !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("who waits is told %v", err)
		}
		ended(s)
		s, _ = open(t, disk, Options{})
		want := 1
		if kept {
			want = 2
		}
		n := 0
		if err := s.Waiting(context.Background(), 0, func(*sms.Message) error { n++; return nil }); err != nil || n != want {
			t.Errorf("kept %t: %d wait, %v, want %d", kept, n, err, want)
		}
		ended(s)
	}
}

func TestADiskIsOneStores(t *testing.T) {
	disk := NewDisk()
	s, _ := open(t, disk, Options{})
	if _, _, err := Open(context.Background(), disk, Options{Log: zerolog.Nop()}); !errors.Is(err, store.ErrHeld) {
		t.Errorf("the second one got %v", err)
	}
	ended(s)
}

func TestATransactionInDoubtIsSettled(t *testing.T) {
	for fate, want := range map[Fate]error{Kept: nil, Lost: sms.ErrUnavailable} {
		disk := NewDisk()
		next := fate
		s, _ := open(t, disk, Options{Write: func(*store.Batch) Fate { f := next; next = Written; return f }})
		a := &addition{storetest.Sample(), make(chan error, 1)}
		s.Add(a)
		if err := <-a.done; !errors.Is(err, want) {
			t.Errorf("fate %d: %v, want %v", fate, err, want)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if n := len(disk.messages); n == 1 != (want == nil) {
			t.Errorf("fate %d: %d messages", fate, n)
		}
	}
}
