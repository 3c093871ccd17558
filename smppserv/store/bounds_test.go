package store

import (
	"fmt"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func TestATransactionHasOnlySoManyOperations(t *testing.T) {
	s := &Store{kick: make(chan struct{}, 1)}
	const all = 3*maxBatch + 1
	for i := range all {
		s.Finish(&road.Transition{IDs: []sms.ID{sms.ID(i)}})
	}
	var batch []op
	for next := 0; next < all; {
		batch = s.take(batch)
		if len(batch) > maxBatch {
			t.Fatalf("a transaction has %d operations, more than %d", len(batch), maxBatch)
		}
		for _, o := range batch {
			if o.transition.IDs[0] != sms.ID(next) {
				t.Fatalf("operation %d comes in the place of %d", o.transition.IDs[0], next)
			}
			next++
		}
		clear(batch)
	}
}

func TestNamesAreKeptUpToABound(t *testing.T) {
	var names Names
	for i := range 3 * maxNames {
		want := fmt.Sprint("client", i)
		if got := names.Of([]byte(want)); got != want || len(names.known) > maxNames {
			t.Fatalf("%q becomes %q, and %d are kept", want, got, len(names.known))
		}
	}
	kept := len(names.known)
	long := make([]byte, nameOctets+1)
	if names.Of(long) != string(long) || names.Of(nil) != "" || len(names.known) != kept {
		t.Errorf("%d are kept, before %d", len(names.known), kept)
	}
}

// Each of them stands alone, so that none joins another.
func TestMessagesWithoutTimesToGoByAreKeptInMindUpToABound(t *testing.T) {
	p := purge{limit: 2 * epoch, now: 3 * epoch}
	for i := range sms.ID(3 * maxUndecided) {
		p.see(Age{ID: 2*i + 1, Ended: true})
		p.see(Age{ID: 2*i + 2})
	}
	if len(p.undecided) != maxUndecided || len(p.found) != 0 {
		t.Errorf("%d are kept in mind, %d go", len(p.undecided), len(p.found))
	}
	p.see(Age{ID: 6*maxUndecided + 1, Received: epoch})
	if len(p.undecided) != 0 || len(p.found) != maxUndecided {
		t.Errorf("%d are kept in mind, %d go", len(p.undecided), len(p.found))
	}
}
