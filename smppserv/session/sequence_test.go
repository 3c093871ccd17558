package session

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

func TestSequenceNumbersBeginAgainAndPassOverWhatIsInFlight(t *testing.T) {
	w := newWindow(10)
	want := func(n uint32) {
		t.Helper()
		if got := w.nextSequence(); got != n {
			t.Fatalf("the next sequence_number is %#x, want %#x", got, n)
		}
	}
	want(0x40000001)
	want(0x40000002)
	w.sequence = 0x7FFFFFFD
	want(0x7FFFFFFE)
	want(0x7FFFFFFF)
	want(0x40000001)
	w.flying = map[uint32]*outgoing{0x40000002: {}, 0x40000003: {}, 0x7FFFFFFF: {}, 0x40000001: {}}
	want(0x40000004)
	w.sequence = 0x7FFFFFFD
	want(0x7FFFFFFE)
	want(0x40000004)
}

func TestAWindowHoldsOneRequestAtLeast(t *testing.T) {
	for size, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2} {
		if got := newWindow(size).size; got != want {
			t.Errorf("a window of %d holds %d", size, got)
		}
	}
}

func TestWhatIsAnsweredIsForgottenWhateverTheOrder(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	w := newWindow(10)
	w.flying = map[uint32]*outgoing{}
	for i := range uint32(4) {
		o := &outgoing{p: &smpp.DeliverSM{}, sequence: w.nextSequence(), sent: start.Add(time.Duration(i) * time.Second)}
		w.flying[o.sequence], w.order = o, append(w.order, o)
	}
	for _, c := range []struct {
		answer uint32
		oldest time.Time
		left   int // in order
	}{
		{1, start, 4}, {0, start.Add(2 * time.Second), 2}, {0, start.Add(2 * time.Second), 2}, {3, start.Add(2 * time.Second), 2}, {2, time.Time{}, 0},
	} {
		w.answered(smpp.Header{Command: smpp.CmdDeliverSMResp, Sequence: firstSequence + c.answer})
		if got := w.oldest(); !got.Equal(c.oldest) || len(w.order) != c.left {
			t.Errorf("behind answer %d the oldest is of %v, of %d, want %v, of %d", c.answer, got, len(w.order), c.oldest, c.left)
		}
	}
	if len(w.flying) != 0 {
		t.Errorf("%d are in flight", len(w.flying))
	}
}
