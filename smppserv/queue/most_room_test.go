package queue

import (
	"fmt"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
)

func TestOfSeveralSessionsTheOneWithMostRoomGetsTheNextConversation(t *testing.T) {
	for _, wideFirst := range []bool{true, false} {
		r := newRig(t, nil)
		windows := map[bool]int{true: 5, false: 2}
		first := r.attach(road.OutletOptions{Recipient: "admin", Window: windows[wideFirst], Session: 1})
		second := r.attach(road.OutletOptions{Recipient: "admin", Window: windows[!wideFirst], Session: 2})
		wide, narrow := first, second
		if !wideFirst {
			wide, narrow = second, first
		}
		for n := range 3 { // then they have as much
			m := r.answerTo(fmt.Sprint(n))
			m.Dest.Number = fmt.Sprint(33600000000 + n)
			r.add(m)
			select {
			case <-wide.tries:
			case <-narrow.tries:
				t.Errorf("message %d went where less room was", n)
			case <-time.After(20 * time.Second):
				t.Fatalf("message %d is not tried", n)
			}
		}
	}
}
