package session

import "testing"

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
