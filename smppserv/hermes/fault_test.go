package hermes

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestAContentThatPanicsADecoderFailsItsMessageAloneAndIsLoggedWithoutItsText(t *testing.T) {
	var log logged
	at := testkit.StartEndpoint(t, ok)
	o := options(at.URL())
	o.Log = zerolog.New(&log)
	o.Text = func(ms []*sms.Message) sms.Text {
		if text := string(ms[0].Content); text == "private" {
			panic(text)
		}
		return plain(ms)
	}
	p := newPush(t, o)
	got := deliver(t, p, message(1, "private"))
	if want := (sms.Outcome{Verdict: sms.TryAgain, Fault: true, Reason: "a fault of the server: string"}); got != want {
		t.Errorf("%+v", got)
	}
	if got := deliver(t, p, message(2, "hi")); got.Verdict != sms.Done {
		t.Errorf("another one: %+v", got)
	}
	if log.count("private") > 0 || log.count("fault_test.go") == 0 || log.count(`"message_id":1`) == 0 {
		t.Errorf("the log says\n%s", log.String())
	}
	if p.pushes.inFlight != 0 {
		t.Errorf("%d are in flight for ever", p.pushes.inFlight)
	}
}

// faulty are clients that panic.
type faulty struct{ Clients }

func (faulty) Fits(*sms.Message) error { panic("private") }

func TestALineThatPanicsIsRejectedAndItsConnectionLivesOn(t *testing.T) {
	var log logged
	p := NewPort(PortOptions{Queue: &taking{}, Clients: faulty{toAdmin}, Log: zerolog.New(&log)})
	for range 2 {
		answer, err := p.Submit(context.Background(), []byte(`{"id":"h-1","from":"3600","to":"33612345678","text":"private"}`))
		if err != nil || !strings.Contains(string(answer), `"id":"h-1","status":"rejected","code":"bad_request"`) {
			t.Errorf("%s, %v", answer, err)
		}
	}
	if log.count("private") > 0 || log.count("fault_test.go") != 2 {
		t.Errorf("the log says\n%s", log.String())
	}
	for range 100 {
		_, _ = p.Submit(context.Background(), []byte(`{"id":"h-1","from":"3600","to":"33612345678","text":"private"}`))
	}
	if n := log.count("fault_test.go"); n > 10 {
		t.Errorf("%d lines with a stack", n)
	}
}
