package hermes

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// endless answers 200 with the beginning of a body and keeps the connection open.
func endless(t *testing.T, body string) string {
	return parallelServer(t, func(c net.Conn, r *bufio.Reader) {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, q.Body)
		for _, piece := range strings.SplitAfter("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+body, "\r\n") {
			io.WriteString(c, piece)
		}
		r.Peek(1)
	})
}

func TestABodyThatMatchesAlreadyAndNeverEndsCounts(t *testing.T) {
	for _, c := range []struct {
		pattern, body string
		want          sms.Verdict
	}{
		{`"ok":\s*true`, "b\r\n{\"ok\": true\r\n", sms.Done},
		{`"ok":\s*true`, "5\r\n{\"ok\"\r\n6\r\n: true\r\n", sms.Done},
		{`^\{"ok": true$`, "b\r\n{\"ok\": true\r\n", sms.Done}, // at the time-out: nothing more has come
		{`true\b`, "b\r\n{\"ok\": true\r\n", sms.Done},
		{`"ok":\s*true`, "c\r\n{\"ok\": false\r\n", sms.TryAgain},
	} {
		for _, netHTTP := range []bool{false, true} {
			o := options("http://" + endless(t, c.body) + "/")
			o.SuccessPattern, o.Timeout = c.pattern, 400*time.Millisecond
			if netHTTP {
				o.Transport = newTransport(o)
			}
			if got := deliver(t, newPush(t, o), message(1, "hi")); got.Verdict != c.want || got.Code != 200 {
				t.Errorf("%s in %q, with net/http %v: %+v", c.pattern, c.body, netHTTP, got)
			}
		}
	}
}

func TestOnlyAPatternThatDoesNotSpeakOfTheEndIsSureBeforeIt(t *testing.T) {
	for pattern, early := range map[string]bool{
		"ok": true, "^ok": true, `(?i)a|b+`: true, `\Aok`: true, "ok$": false, `(?m)(a|b$)`: false, `ok\z`: false, `\bok\b`: false, `x(\B)*`: false,
	} {
		p, err := newSuccess(pattern)
		if err != nil || p.early != early {
			t.Errorf("%s: early %v, %v", pattern, !early, err)
		}
	}
}

func TestAConnectionWhoseBodyMatchedIsUsedAgain(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "ok")
		w.(http.Flusher).Flush()
		io.WriteString(w, strings.Repeat("more", 5000))
	}))
	counted(s, &connections)
	s.Start()
	defer s.Close()
	o := options(s.URL)
	o.SuccessPattern = "ok"
	p := newPush(t, o)
	for range 5 {
		if got := deliver(t, p, message(1, "hi")); got.Verdict != sms.Done {
			t.Fatalf("%+v", got)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestABodyThatBreaksOffCountsIfItMatchedAlready(t *testing.T) {
	o := options("http://hermes/")
	o.SuccessPattern = "ok"
	o.Transport = transportOf(func() *http.Response {
		return &http.Response{StatusCode: 200, Body: broken{io.MultiReader(strings.NewReader("ok, but"), brokenReader{})}}
	})
	if got := deliver(t, newPush(t, o), message(1, "hi")); got != (sms.Outcome{Verdict: sms.Done, Code: 200}) {
		t.Errorf("%+v", got)
	}
}

func TestABodyIsLookedAtOnlySoOften(t *testing.T) {
	p, err := newSuccess("zz")
	if err != nil {
		t.Fatal(err)
	}
	body, err := matching(&slowly{left: 10 * maxLooks}, p, func(time.Duration) { t.Error("it matched") })
	if err != nil || len(body) != 10*maxLooks {
		t.Errorf("%d octets, %v", len(body), err)
	}
}

// slowly gives an octet at a time.
type slowly struct{ left int }

func (s *slowly) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	s.left--
	p[0] = 'z'
	if s.left%2 == 0 {
		p[0] = 'a'
	}
	return 1, nil
}
