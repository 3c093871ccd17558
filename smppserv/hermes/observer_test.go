package hermes

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// pushed is an Observer.
type pushed chan string

func (p pushed) Pushed(status int, took time.Duration) { p <- fmt.Sprint(status, " ", took > 0) }

func TestEachPushIsObservedWithItsStatusAndNothingElseIs(t *testing.T) {
	status := http.StatusOK
	to := testkit.StartEndpoint(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	seen := make(pushed, 10)
	o := options(to.URL())
	o.StatusURL, o.Observer = to.URL(), seen
	p := newPush(t, o)
	deliver(t, p, message(1, "a"))
	status = http.StatusServiceUnavailable
	deliver(t, p, message(2, "b"))
	status = http.StatusOK
	deliver(t, p, &sms.Message{ID: 55, Kind: sms.KindReceipt, Recipient: sms.Hermes, Receipt: &sms.Receipt{Of: 1042, State: sms.Delivered, DoneAt: receivedAt}}) // no push
	o = options("http://127.0.0.1:1/")                                                                                                                           // nobody is there
	o.Observer = seen
	deliver(t, newPush(t, o), message(3, "c"))
	for _, want := range []string{"200 true", "503 true", "0 true"} {
		if got := testkit.Receive(t, seen, "a push"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if len(seen) > 0 {
		t.Errorf("and %s", <-seen)
	}
}
