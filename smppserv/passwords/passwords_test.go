package passwords

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// queued is somebody who waits for a place.
type queued struct {
	leave func()
	err   error
	done  bool
}

// enter waits for a place in the bubble of a test.
func enter(ctx context.Context, p *Places, from netip.Addr) *queued {
	q := &queued{}
	go func() {
		q.leave, q.err = p.Enter(ctx, from)
		q.done = true
	}()
	synctest.Wait()
	return q
}

func TestNoMoreAreCheckedAtATimeThanThereArePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places = 3
		p := NewPlaces(places)
		var all []*queued
		for range 10 * places {
			all = append(all, enter(t.Context(), p, addr("192.0.2.1")))
		}
		for i, q := range all {
			if !q.done || q.err != nil {
				t.Fatalf("%d has no place when those before it have left", i)
			}
			if next := i + places; next < len(all) && all[next].done {
				t.Fatalf("%d has one too early", next)
			}
			q.leave()
			synctest.Wait()
		}
		if p.free != places || p.waiting != 0 || len(p.lines) != 0 || len(p.turns) != 0 {
			t.Errorf("left are %+v", p)
		}
	})
	if NewPlaces(0).free < 1 {
		t.Error("there is no place")
	}
}

func TestAnAddressDoesNotWaitBehindAllOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(1)
		first := enter(t.Context(), p, addr("2001:db8::1"))
		var crowd []*queued
		a := addr("2001:db8::1")
		for range 199 { // of one /64
			a = a.Next()
			crowd = append(crowd, enter(t.Context(), p, a))
		}
		other := enter(t.Context(), p, addr("2001:db8:0:1::1"))
		first.leave()
		synctest.Wait()
		crowd[0].leave()
		synctest.Wait()
		if !other.done || crowd[1].done {
			t.Error("it waits for more than one of the crowd")
		}
	})
}

func TestSoManyMayWaitAndTheLongestLineMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := NewPlaces(1)
		enter(ctx, p, addr("10.0.0.1"))
		var crowd []*queued
		for range 10 * MaxPerAddress {
			crowd = append(crowd, enter(ctx, p, addr("10.0.0.1")))
		}
		for i, q := range crowd {
			if busy := q.done && errors.Is(q.err, ErrBusy); busy != (i >= MaxPerAddress) {
				t.Fatalf("%d of one address: %t", i, busy)
			}
		}
		from := addr("10.0.1.0")
		for range MaxWaiting - MaxPerAddress {
			enter(ctx, p, from)
			from = from.Next()
		}
		if p.waiting != MaxWaiting {
			t.Fatalf("%d wait", p.waiting)
		}
		for i := range MaxPerAddress - 1 { // each newcomer of its own address is at the cost of the crowd's last
			q := enter(ctx, p, from)
			from = from.Next()
			last := crowd[MaxPerAddress-1-i]
			if q.done || !last.done || !errors.Is(last.err, ErrBusy) {
				t.Fatalf("newcomer %d: %+v, the crowd's last %+v", i, q, last)
			}
		}
		if q := enter(ctx, p, from); !q.done || !errors.Is(q.err, ErrBusy) {
			t.Error("there is room where everybody has one place")
		}
		if p.waiting != MaxWaiting {
			t.Errorf("%d wait, want %d at most", p.waiting, MaxWaiting)
		}
		cancel()
		synctest.Wait()
		if p.waiting != 0 || len(p.lines) != 0 || len(p.turns) != 0 {
			t.Errorf("those who gave up are still there: %d, %d, %d", p.waiting, len(p.lines), len(p.turns))
		}
	})
}

func TestWhoGivesUpTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPlaces(1)
		first := enter(t.Context(), p, addr("10.0.0.1"))
		ctx, cancel := context.WithCancel(t.Context())
		impatient, patient := enter(ctx, p, addr("10.0.0.2")), enter(t.Context(), p, addr("10.0.0.2"))
		cancel()
		synctest.Wait()
		if !impatient.done || !errors.Is(impatient.err, context.Canceled) {
			t.Errorf("who gave up has %+v", impatient)
		}
		first.leave()
		synctest.Wait()
		if !patient.done {
			t.Error("nobody has the place")
		}
		patient.leave()
		if p.free != 1 {
			t.Errorf("%d places are free", p.free)
		}
	})
}

func TestTheLastGoodPasswordOfAnAccountIsKnownUntilSomethingElseIsStored(t *testing.T) {
	m := NewMemory()
	m.Keep("acme", "$2a$old", "secret1")
	for _, c := range []struct {
		account, stored, given string
		want                   bool
	}{
		{"acme", "$2a$old", "secret1", true},
		{"acme", "$2a$old", "secret2", false},
		{"acme", "$2a$old", "", false},
		{"acme", "$2a$new", "secret1", false},
		{"other", "$2a$old", "secret1", false},
	} {
		if got := m.Knows(c.account, c.stored, c.given); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	m.Keep("acme", "$2a$old", "secret3") // the last one
	if m.Knows("acme", "$2a$old", "secret1") || !m.Knows("acme", "$2a$old", "secret3") {
		t.Error("the last one is another")
	}
	m.Keep("gone", "$2a$gone", "x")
	m.Retain(func(account string) string {
		if account == "acme" {
			return "$2a$old"
		}
		return ""
	})
	if len(m.good) != 1 || !m.Knows("acme", "$2a$old", "secret3") {
		t.Errorf("%d are known", len(m.good))
	}
	m.Retain(func(string) string { return "$2a$new" })
	if len(m.good) != 0 {
		t.Error("it is known although something else is stored")
	}
}

func TestWhatIsRememberedIsNotThePasswordNorTheSameInAnotherProcess(t *testing.T) {
	a, b := NewMemory(), NewMemory()
	if a.mac("acme", "h", "secret") == b.mac("acme", "h", "secret") {
		t.Error("two have the same key")
	}
	seen := map[[32]byte]string{}
	for _, parts := range [][3]string{{"a", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"}, {"a", "bc", ""}, {"abc", "", ""}} {
		sum := a.mac(parts[0], parts[1], parts[2])
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q are one", parts, other)
		}
		seen[sum] = strconv.Quote(parts[0])
	}
}
