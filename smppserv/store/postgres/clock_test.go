package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// setClock notes that the clock was set by an hour, after a message.
func (n *node) setClock(t *testing.T, after sms.ID) {
	t.Helper()
	done := make(chan error, 1)
	now := time.Now()
	n.NoteClockStep(road.ClockStep{LastID: after, From: now, To: now.Add(time.Hour)}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// wantSteps says whose clocks were set, as a worker sees it: nil = its own.
func (n *node) wantSteps(t *testing.T, want ...[]sms.Epoch) {
	t.Helper()
	steps, err := n.ClockSteps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var of [][]sms.Epoch
	for _, s := range steps {
		slices.Sort(s.Of)
		of = append(of, s.Of)
	}
	if !slices.EqualFunc(of, want, slices.Equal) {
		t.Errorf("epoch %d sees that the clocks of %v were set, want %v", n.epoch, of, want)
	}
}

// register has a worker be a node.
func (n *node) register(t *testing.T, pg *testkit.PG, database, name string) {
	t.Helper()
	pg.Exec(t, database, fmt.Sprintf("INSERT INTO nodes (name, epoch, alive_until, beat) VALUES ('%s', %d, now(), 0)", name, n.epoch))
}

func TestItIsKnownByWhoseClockAMessageWasAcceptedAndHowThatWasSet(t *testing.T) {
	pg, database, a, b := two(t)
	a.register(t, pg, database, "one")
	m := storetest.Sample()
	m.Part, m.Submitter, m.Recipient = sms.Part{}, "", "acme"
	storetest.Add(t, a.Store, m)
	a.setClock(t, m.ID)
	b.setClock(t, m.ID)
	by := func(n *node) sms.Epoch { return get(t, n.Store, m.ID).AcceptedBy }
	if by(a) != 0 || by(b) != a.epoch {
		t.Errorf("it was accepted by %d and %d", by(a), by(b))
	}
	a.wantSteps(t, nil, []sms.Epoch{b.epoch})
	b.wantSteps(t, []sms.Epoch{a.epoch}, nil)
	// It begins anew; another one has what it had, and hands that on.
	over(t, pg, database, a, b)
	pg.Exec(t, database, "DELETE FROM nodes", "UPDATE estates SET node = 'One'")
	again := join(t, pg, options(pg.DSN(database), t.TempDir()), database)
	again.register(t, pg, database, "one")
	again.setClock(t, m.ID)
	lives := []sms.Epoch{a.epoch, again.epoch}
	again.wantSteps(t, nil, []sms.Epoch{b.epoch}, nil)
	b.wantSteps(t, lives, nil, lives)
	b.handOn(t, again, m)
	if by(again) != 0 || by(b) != a.epoch {
		t.Errorf("once it was handed on it was accepted by %d and %d", by(again), by(b))
	}
	again.handOn(t, b, m)
	if by(again) != 0 || by(b) != a.epoch {
		t.Errorf("once it was handed back it was accepted by %d and %d", by(again), by(b))
	}
}

func TestAStepOfTheClockIsKeptWhileWhatWasAcceptedBeforeWaitsElsewhere(t *testing.T) {
	_, _, a, b := two(t)
	m, later := storetest.Sample(), storetest.Sample()
	m.Part, later.Part = sms.Part{}, sms.Part{}
	storetest.Add(t, a.Store, m)
	a.setClock(t, m.ID)
	a.handOn(t, b, m)
	storetest.Add(t, a.Store, later)
	a.setClock(t, later.ID)
	a.wantSteps(t, nil, nil)
	storetest.Finish(b.Store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	a.setClock(t, later.ID)
	a.wantSteps(t, nil, nil)
}

func TestAStepOfTheClockOfALaterLifeIsKeptWhileWhatAnEarlierOneAcceptedWaitsElsewhere(t *testing.T) {
	pg, database, a, b := two(t)
	m, later := storetest.Sample(), storetest.Sample()
	m.Part, later.Part = sms.Part{}, sms.Part{}
	storetest.Add(t, a.Store, m)
	over(t, pg, database, a, b)
	pg.Exec(t, database, "UPDATE estates SET node = 'One'")
	again := join(t, pg, options(pg.DSN(database), t.TempDir()), database)
	again.register(t, pg, database, "one")
	again.setClock(t, m.ID)
	storetest.Add(t, again.Store, later)
	storetest.Finish(again.Store, road.Transition{IDs: []sms.ID{later.ID}, State: sms.Delivered})
	again.setClock(t, later.ID)
	lives := []sms.Epoch{a.epoch, again.epoch}
	b.wantSteps(t, lives, lives)
	storetest.Finish(b.Store, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered})
	again.setClock(t, later.ID)
	b.wantSteps(t, lives, lives) // the first one is gone
}
