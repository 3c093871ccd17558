package sms

import (
	"testing"
	"time"
)

func TestOnlyWhatNamesAnotherTimeThanThatItCameIsScheduled(t *testing.T) {
	now := time.Unix(1_700_000_000, 250_000_400)
	for ahead, want := range map[time.Duration]bool{0: false, time.Millisecond - 400: false, -100 * time.Millisecond: false,
		-time.Second: true, 100 * time.Millisecond: true, time.Hour: true} {
		m := Message{ReceivedAt: now, DueAt: now.Add(ahead)}
		if m.Scheduled() != want {
			t.Errorf("%v ahead: %v", ahead, !want)
		}
		if m.Attempts = 1; m.Scheduled() {
			t.Errorf("%v ahead: still after a try", ahead)
		}
	}
}
