package hermes

import (
	"bytes"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

func TestOperatorsAreToldHowHermesStandsSinceWhenAndWhy(t *testing.T) {
	var status atomic.Int64
	at := testkit.StartEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		w.Write([]byte("out of order"))
	})
	p := newPush(t, options(at.URL()))
	if f := p.Facts(); f.State != Unknown || !f.Since.IsZero() || f.Most != 8 {
		t.Errorf("before the first push: %+v", f)
	}
	push := func(code int) Facts {
		status.Store(int64(code))
		deliver(t, p, message(1, "text"))
		return p.Facts()
	}
	up := push(200)
	if up.State != Up || up.Since.IsZero() || up.Answered.IsZero() || up.Why != "" {
		t.Errorf("after one that it took: %+v", up)
	}
	if f := push(404); f.State != Up || f.Since != up.Since {
		t.Errorf("after one that it refused for good: %+v", f)
	}
	silent := push(503)
	if silent.State != Silent || silent.Code != 503 || silent.Why != "HTTP 503 Service Unavailable: out of order" || silent.Answered != up.Answered {
		t.Errorf("after a 503: %+v", silent)
	}
	push(503)
	dead := push(503)
	if dead.State != Dead || dead.Next.IsZero() || dead.Why == "" || dead.Window != 1 || !dead.Since.After(silent.Since) {
		t.Errorf("after three: %+v", dead)
	}
	again := push(200)
	if again.State != Up || again.Why != "" || again.Code != 0 || !again.Next.IsZero() || !again.Since.After(dead.Since) {
		t.Errorf("when it is back: %+v", again)
	}
	if f := push(429); f.State != Pausing || f.Code != 429 || f.Next.IsZero() {
		t.Errorf("when it wants fewer: %+v", f)
	}
	if err := p.Reload(options(at.URL() + "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if f := p.Facts(); f.State != Unknown {
		t.Errorf("with another URL: %+v", f)
	}
}

func TestWhatHermesAndRejectedLinesSaidOfANumberIsErased(t *testing.T) {
	const number = "33612345678"
	holds := func(text []byte) bool { return bytes.Contains(text, []byte(number)) }
	at := testkit.StartEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		w.Write([]byte("no room for " + number))
	})
	push := newPush(t, options(at.URL()))
	deliver(t, push, message(1, "text"))
	if f := push.Facts(); !strings.Contains(f.Why, number) {
		t.Fatalf("before: %+v", f)
	}
	push.Erase(holds)
	if f := push.Facts(); f.Why != "HTTP 503 Service Unavailable" || f.Code != 503 || f.State != Silent {
		t.Errorf("then: %+v", f)
	}

	port := NewPort(PortOptions{Queue: &taking{}, Clients: admins{}, Validity: 1})
	to := &discarding{netip.MustParseAddr("10.0.0.1")}
	for _, line := range []string{`{"id":"` + number + `"}`, `{"id":"other"}`} {
		port.submit(t.Context(), []byte(line), true, to)
	}
	port.remember(to.from(), codeNoClient, "h-3", "nobody receives for "+number)
	port.Erase(holds)
	f := port.Facts()
	for _, r := range f.Rejections {
		if strings.Contains(r.Why+r.ID, number) {
			t.Errorf("kept: %+v", r)
		}
	}
	if len(f.Rejections) == 0 || f.Rejections[len(f.Rejections)-1].ID != "other" || f.Rejected != 3 {
		t.Errorf("%+v", f)
	}
}

func TestOperatorsAreToldWhyTheTCPPortRefusedALine(t *testing.T) {
	p := NewPort(PortOptions{Queue: &taking{}, Clients: admins{}, Validity: 1})
	for range 3 {
		if _, err := p.Submit(t.Context(), []byte(`{"id":"h-1","from":"3601","to":"336","text":"secret words"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Submit(t.Context(), []byte(`{"id":"h-2","from":"3600","to":"336","text":"secret words"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Submit(t.Context(), []byte(`nothing`)); err != nil {
		t.Fatal(err)
	}
	f := p.Facts()
	if len(f.Rejections) != 2 || f.Rejected != 4 || f.Accepted != 1 || f.Last.IsZero() {
		t.Fatalf("got %+v", f)
	}
	if last, first := f.Rejections[0], f.Rejections[1]; last.Code != "bad_request" || first.Code != "no_client" || first.ID != "h-1" || first.Why == "" || first.At.IsZero() {
		t.Errorf("got %+v", f.Rejections)
	}
	for _, r := range f.Rejections {
		if strings.Contains(r.Why, "secret") {
			t.Errorf("the text of a message is kept: %q", r.Why)
		}
	}
}

func TestTheRejectionsThatAreKeptAreBounded(t *testing.T) {
	var r rejections
	for i := range 3 * maxRejections {
		r.note(Rejection{Why: strings.Repeat("x", i)})
	}
	if len(r.ring) != maxRejections || len(r.ring[maxRejections-1].Why) != 3*maxRejections-1 {
		t.Errorf("%d are kept, the last one of %d", len(r.ring), len(r.ring[len(r.ring)-1].Why))
	}
}
