package hermes

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestPushesInFlightAreBrokenOffAndLaterOnesAreMade(t *testing.T) {
	for _, large := range []bool{false, true} { // on a connection of ours, and on one of net/http's
		text := "text"
		if large {
			text = strings.Repeat("text", maxPosted)
		}
		came, hang := make(chan struct{}, 10), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			came <- struct{}{}
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(server.Close)
		p := newPush(t, options(server.URL))
		ended := make(chan sms.Outcome, 2)
		for id := sms.ID(1); id <= 2; id++ {
			p.Deliver([]*sms.Message{message(id, text)}, false, func(o sms.Outcome) { ended <- o })
			testkit.Receive(t, came, "the push")
		}
		p.BreakOff()
		for range 2 {
			if o := testkit.Receive(t, ended, "its end"); o.Verdict != sms.Returned {
				t.Fatalf("%+v", o)
			}
		}
		close(hang)
		if o := deliver(t, p, message(3, text)); o.Verdict != sms.Done {
			t.Fatalf("afterwards: %+v", o)
		}
		testkit.Await(t, "nothing is in flight", func() bool { return p.Facts().InFlight == 0 })
	}
}
