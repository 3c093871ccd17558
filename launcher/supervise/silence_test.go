package supervise

import (
	"testing"
	"time"
)

func TestAChildOfAMachineThatSleptDoesNotCountAsSilent(t *testing.T) {
	const limit = 30 * time.Second
	s := silence{limit: limit, look: limit / silenceLooks}
	if s.over(8 * time.Hour) {
		t.Fatal("it counts as silent as soon as the machine wakes")
	}
	for range silenceLooks / 2 {
		if s.over(s.look) {
			t.Fatal("it counts as silent before it had its time")
		}
	}
	for range silenceLooks {
		if s.over(s.look) {
			return
		}
	}
	t.Fatal("it never counts as silent")
}
