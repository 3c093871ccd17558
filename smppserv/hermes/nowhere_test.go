package hermes

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestWithoutAURLMessagesWaitAndTheLogSaysSoOnce(t *testing.T) {
	var log strings.Builder
	o := options("")
	o.Log = zerolog.New(&log)
	p := newPush(t, o)
	for range 3 {
		if got := deliver(t, p, message(1, "a")); got.Verdict != sms.TryAgain || got.Reason != "hermes.url is not set" || got.Unreached {
			t.Errorf("got %+v", got)
		}
	}
	if n := strings.Count(log.String(), "hermes.url is not set: messages for Hermès wait"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, &log)
	}
	if strings.Contains(log.String(), "stand-in") {
		t.Errorf("the stand-in has them:\n%s", &log)
	}
}

func TestWithoutAURLStatusesGoTheirWay(t *testing.T) {
	o := options("")
	o.StatusURL = testkit.StartEndpoint(t, ok).URL()
	receipt := &sms.Message{ID: 1, Kind: sms.KindReceipt, Recipient: sms.Hermes, Receipt: &sms.Receipt{Of: 2, State: sms.Delivered}}
	if got := deliver(t, newPush(t, o), receipt); got.Verdict != sms.Done {
		t.Errorf("got %+v", got)
	}
}

func TestMessagesThatWaitedForAURLGoWhenThereIsOne(t *testing.T) {
	p, q, o, _ := scripted(t, nil)
	for _, c := range []struct{ url, want string }{{"", "resume"}, {"", ""}, {"http://elsewhere/", "resume"}} {
		o.URL = c.url
		if err := p.Reload(o); err != nil {
			t.Fatal(err)
		}
		if got := q.take(); got != c.want {
			t.Errorf("%q: %s, want %s", c.url, got, c.want)
		}
	}
	o.URL, o.Transport = Simulator, nil
	if err := p.Reload(o); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.settings.Load().push.transport.(*StandIn); !ok {
		t.Error("the stand-in is not used where it is asked for")
	}
}
