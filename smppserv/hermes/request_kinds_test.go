package hermes

import (
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// An acknowledgement of a person or a device (SMPP 3.4, 2.11; 5.2.12).
func acknowledgement() *sms.Message {
	m := message(77, `read "it"`)
	m.ESMClass = 0x10
	return m
}

func TestAnAcknowledgementGoesToTheStatusURLIfThereIsOne(t *testing.T) {
	if !acknowledgement().IsAck() {
		t.Fatal("it is none")
	}
	at := testkit.StartEndpoint(t, ok)
	elsewhere := testkit.StartEndpoint(t, ok)
	o := options(at.URL())
	if got := deliver(t, newPush(t, o), acknowledgement()); got.Verdict != sms.Done {
		t.Fatal(got)
	}
	if r := at.Next(t); r.Header.Get("Idempotency-Key") != "77" {
		t.Errorf("%v", r.Header)
	}
	o.StatusURL = elsewhere.URL()
	if got := deliver(t, newPush(t, o), acknowledgement()); got.Verdict != sms.Done {
		t.Fatal(got)
	}
	r := elsewhere.Next(t)
	want := `{"message_id":"77","state":"` + acknowledgement().AckName() + `","error":0,"from":"33612345678","to":"3600","text":"read \"it\"","client":"admin","at":"2026-11-23T10:00:00Z"}`
	if r.Body != want || r.Header.Get("Idempotency-Key") != "status-77" {
		t.Errorf("%v\n%s, want\n%s", r.Header, r.Body, want)
	}
	if got := deliver(t, newPush(t, o), message(78, "no acknowledgement")); got.Verdict != sms.Done {
		t.Fatal(got)
	}
	if at.Next(t); len(elsewhere.Pushes(nil)) > 1 {
		t.Error("a text went to the status URL")
	}
}

func TestWithoutASecretNothingIsSigned(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	deliver(t, newPush(t, options(at.URL())), message(1, "hi"))
	if r := at.Next(t); r.Header.Values("X-Hnet-Signature") != nil {
		t.Errorf("%v", r.Header)
	}
}

func TestAReceiptThatSaysNothingFails(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	o := options(at.URL())
	o.StatusURL = at.URL()
	if got := deliver(t, newPush(t, o), &sms.Message{ID: 5, Kind: sms.KindReceipt}); got.Verdict != sms.Failed || len(at.Pushes(nil)) > 0 {
		t.Errorf("%+v, %d requests", got, len(at.Pushes(nil)))
	}
}

func TestABreakerOfOneHostAndPortIsSharedByBothURLs(t *testing.T) {
	for _, c := range []struct {
		push, status string
		same         bool
	}{
		{"http://hermes/push", "http://hermes/status", true},
		{"http://hermes/push", "https://hermes/push", false},
		{"http://hermes/push", "http://hermes:81/push", false},
		{"http://hermes/push", "http://elsewhere/push", false},
	} {
		o := options(c.push)
		o.StatusURL = c.status
		if s, err := newSettings(o); err != nil || s.sameHost != c.same {
			t.Errorf("%s and %s: %v, %v", c.push, c.status, s.sameHost, err)
		}
	}
}

func TestOneSimulatorDoesNotMakeTheOtherURLOne(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	o := options(Simulator)
	o.StatusURL, o.SuccessPattern = at.URL(), "never"
	p := newPush(t, o)
	if got := deliver(t, p, message(1, "hi")); got.Verdict != sms.Done || len(at.Pushes(nil)) > 0 {
		t.Errorf("%+v, %d requests", got, len(at.Pushes(nil)))
	}
	receipt := &sms.Message{ID: 5, Kind: sms.KindReceipt, Receipt: &sms.Receipt{Of: 1, State: sms.Delivered, DoneAt: receivedAt}}
	if got := deliver(t, p, receipt); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
	at.Next(t)

	o = options(at.URL())
	o.StatusURL = Simulator
	p = newPush(t, o)
	if got := deliver(t, p, receipt); got.Verdict != sms.Done || len(at.Pushes(nil)) > 1 {
		t.Errorf("%+v, %d requests", got, len(at.Pushes(nil)))
	}
	if got := deliver(t, p, message(1, "hi")); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
	at.Next(t)
}

func TestOnePushAtATimeIsEnoughAndNoneIsNot(t *testing.T) {
	for concurrency, good := range map[int]bool{-1: false, 0: false, 1: true} {
		o := options("http://127.0.0.1/")
		o.Concurrency = concurrency
		if _, err := NewPush(o); (err == nil) != good {
			t.Errorf("%d at a time: %v", concurrency, err)
		}
	}
}
