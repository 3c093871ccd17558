package hermes

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

const patience = testkit.Patience

// plain takes the octets for UTF-8, and those of alphabet "binary" for data.
func plain(ms []*sms.Message) sms.Text {
	t := sms.Text{Encoding: ms[0].Alphabet}
	for _, m := range ms {
		if m.Alphabet == "binary" {
			t.Data = append(t.Data, m.Content...)
		} else {
			t.Text += string(m.Content)
		}
	}
	return t
}

func options(url string) PushOptions {
	return PushOptions{URL: url, Timeout: 5 * time.Second, Concurrency: 8, Retry: []time.Duration{time.Second}, Text: plain, Log: zerolog.Nop()}
}

func newPush(t testing.TB, o PushOptions) *Push {
	t.Helper()
	p, err := NewPush(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var receivedAt = time.Date(2026, 11, 23, 11, 0, 0, 7e6, time.FixedZone("", 3600))

// storedAt is the end of the keys of what came at receivedAt.
var storedAt = "-" + strconv.FormatInt(receivedAt.UnixMilli(), 36)

func message(id sms.ID, text string) *sms.Message {
	return &sms.Message{ID: id, Submitter: "admin", Recipient: sms.Hermes, Source: sms.Address{Number: "33612345678"},
		Dest: sms.Address{Number: "3600"}, Alphabet: "gsm7", Content: []byte(text), ReceivedAt: receivedAt, StoredAt: receivedAt, DueAt: receivedAt,
		ExpiresAt: receivedAt.Add(time.Hour), State: sms.Enroute}
}

// deliver makes one try and returns what came of it.
func deliver(t testing.TB, p *Push, ms ...*sms.Message) sms.Outcome {
	t.Helper()
	outcome := make(chan sms.Outcome, 2)
	p.Deliver(ms, false, func(o sms.Outcome) { outcome <- o })
	return testkit.Receive(t, outcome, "the outcome of a push")
}

func ok(http.ResponseWriter, *http.Request) {}

func TestAPushIsAsAgreed(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	o := options(at.URL())
	o.Secret = "tell nobody"
	o.Headers = map[string]string{"x-api-key": "0123", "host": "hermes.example.com"}
	p := newPush(t, o)

	for _, c := range []struct {
		name string
		ms   []*sms.Message
		body string
	}{
		{"a text", []*sms.Message{message(1042, "<Où & \"quand\"?>\r\n\x01")},
			`{"id":"1042","from":"33612345678","to":"3600","text":"<Où & \"quand\"?>\r\n\u0001","receivedAt":"2026-11-23T10:00:00.007Z","client":"admin","encoding":"gsm7","parts":1,"incomplete":false}`},
		{"a long text", []*sms.Message{message(12, "one "), message(11, "two "), message(13, "three")},
			`{"id":"11","from":"33612345678","to":"3600","text":"one two three","receivedAt":"2026-11-23T10:00:00.007Z","client":"admin","encoding":"gsm7","parts":3,"incomplete":false,"partIds":["12","11","13"]}`},
		{"octets", []*sms.Message{func() *sms.Message { m := message(9, "\x00\xff"); m.Alphabet = "binary"; return m }()},
			`{"id":"9","from":"33612345678","to":"3600","data":"AP8=","receivedAt":"2026-11-23T10:00:00.007Z","client":"admin","encoding":"binary","parts":1,"incomplete":false}`},
		{"a sender in Latin-1", []*sms.Message{func() *sms.Message { m := message(8, "x"); m.Source.Number = sms.Number("\xD6sterreich"); return m }()},
			`{"id":"8","from":"Österreich","to":"3600","text":"x","receivedAt":"2026-11-23T10:00:00.007Z","client":"admin","encoding":"gsm7","parts":1,"incomplete":false}`},
	} {
		if got := deliver(t, p, c.ms...); got.Verdict != sms.Done {
			t.Fatalf("%s: %+v", c.name, got)
		}
		r := at.Next(t)
		if r.Body != c.body {
			t.Errorf("%s: the body is\n%s\nwant\n%s", c.name, r.Body, c.body)
		}
		var id struct{ ID string }
		if err := json.Unmarshal([]byte(r.Body), &id); err != nil {
			t.Error(err)
		}
		sum := hmac.New(sha256.New, []byte("tell nobody"))
		sum.Write([]byte(r.Body))
		for name, want := range map[string]string{
			"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": id.ID + storedAt, "X-Api-Key": "0123", "User-Agent": "HNET-SMPP-Serv",
			"X-Hnet-Signature": "sha256=" + hex.EncodeToString(sum.Sum(nil)), "Content-Length": fmt.Sprint(len(c.body)),
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.name, name, got, want)
			}
		}
		if r.Method != "POST" || r.RequestURI != "/api/sms/push/?a=%2Fb" || r.Host != "hermes.example.com" || len(r.TransferEncoding) > 0 {
			t.Errorf("%s: %s %s at %s, %v", c.name, r.Method, r.RequestURI, r.Host, r.TransferEncoding)
		}
	}
}

func TestAnIncompleteTextSaysSo(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	outcome := make(chan sms.Outcome, 1)
	newPush(t, options(at.URL())).Deliver([]*sms.Message{message(1, "half")}, true, func(o sms.Outcome) { outcome <- o })
	testkit.Receive(t, outcome, "the outcome")
	if r := at.Next(t); !strings.Contains(r.Body, `"parts":1,"incomplete":true}`) {
		t.Error(r.Body)
	}
}

func TestTheBodyCanBeATemplate(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	o := options(at.URL())
	o.Method, o.ContentType = "PUT", "application/x-sms"
	o.Body = `{{json .Text}} {{.From}}>{{.To}} {{.ID}} {{.ReceivedAt}} {{json .ReceivedAt}} {{.ReceivedAt.Format "2006"}} {{.Client}} {{.Encoding}} {{.Parts}} {{.Incomplete}} [{{.Data}}] {{json .PartIDs}} {{.Key}}`
	if got := deliver(t, newPush(t, o), message(7, `a "b" <c>`)); got.Verdict != sms.Done {
		t.Fatal(got)
	}
	r := at.Next(t)
	want := `"a \"b\" <c>" 33612345678>3600 7 2026-11-23T10:00:00.007Z "2026-11-23T10:00:00.007Z" 2026 admin gsm7 1 false [] null 7` + storedAt
	if r.Body != want || r.Method != "PUT" || r.Header.Get("Content-Type") != "application/x-sms" {
		t.Errorf("%s %s\n%s\nwant\n%s", r.Method, r.Header.Get("Content-Type"), r.Body, want)
	}
}

func TestBadSettingsNameTheirKey(t *testing.T) {
	for key, change := range map[string]func(*PushOptions){
		"hermes.request.body":            func(o *PushOptions) { o.Body = "{{.Txt}}" },
		"hermes.request.success_pattern": func(o *PushOptions) { o.SuccessPattern = "(" },
		"hermes.url":                     func(o *PushOptions) { o.URL = "ftp://u:tell-nobody@h" },
		"hermes.status_url":              func(o *PushOptions) { o.StatusURL = "tell-nobody" },
		"hermes.timeout":                 func(o *PushOptions) { o.Timeout = 0 },
	} {
		o := options("http://127.0.0.1/")
		change(&o)
		if _, err := NewPush(o); err == nil || !strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "tell-nobody") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestATemplateThatFailsKeepsTheMessage(t *testing.T) {
	o := options("http://127.0.0.1:1/")
	o.Body = `{{if eq .Parts 1}}{{index .PartIDs 5}}{{end}}`
	if got := deliver(t, newPush(t, o), message(7, "private")); got.Verdict != sms.TryAgain || !strings.Contains(got.Reason, "hermes.request.body") ||
		strings.Contains(got.Reason, "private") {
		t.Errorf("%+v", got)
	}
}

func TestTheAnswerDecides(t *testing.T) {
	for _, c := range []struct {
		status  int
		after   string
		body    string
		pattern string
		want    sms.Outcome
	}{
		{status: 200, want: sms.Outcome{Verdict: sms.Done, Code: 200}},
		{status: 202, body: "no", want: sms.Outcome{Verdict: sms.Done, Code: 202}},
		{status: 204, want: sms.Outcome{Verdict: sms.Done, Code: 204}},
		{status: 200, body: `{"success": true}`, pattern: `"success":\s*true`, want: sms.Outcome{Verdict: sms.Done, Code: 200}},
		{status: 200, body: `{"success": false}`, pattern: `"success":\s*true`, want: sms.Outcome{Verdict: sms.Failed, Code: 200,
			Reason: "HTTP 200 OK, but its body does not match hermes.request.success_pattern"}},
		{status: 301, want: sms.Outcome{Verdict: sms.Failed, Code: 301, Reason: "HTTP 301 Moved Permanently"}},
		{status: 302, want: sms.Outcome{Verdict: sms.Failed, Code: 302, Reason: "HTTP 302 Found"}},
		{status: 307, want: sms.Outcome{Verdict: sms.Failed, Code: 307, Reason: "HTTP 307 Temporary Redirect"}},
		{status: 400, want: sms.Outcome{Verdict: sms.Failed, Code: 400, Reason: "HTTP 400 Bad Request"}},
		{status: 401, want: sms.Outcome{Verdict: sms.Failed, Code: 401, Reason: "HTTP 401 Unauthorized"}},
		{status: 404, after: "5", want: sms.Outcome{Verdict: sms.Failed, Code: 404, Reason: "HTTP 404 Not Found"}},
		{status: 408, want: sms.Outcome{Verdict: sms.TryAgain, Code: 408, Reason: "HTTP 408 Request Timeout"}},
		{status: 425, want: sms.Outcome{Verdict: sms.TryAgain, Code: 425, Reason: "HTTP 425 Too Early"}},
		{status: 407, want: sms.Outcome{Verdict: sms.TryAgain, Code: 407, Reason: "HTTP 407 Proxy Authentication Required", Unjudged: true}},
		{status: 429, after: "7", want: sms.Outcome{Verdict: sms.TryAgain, Code: 429, After: 7 * time.Second, Reason: "HTTP 429 Too Many Requests", Unjudged: true}},
		{status: 500, want: sms.Outcome{Verdict: sms.TryAgain, Code: 500, Reason: "HTTP 500 Internal Server Error"}},
		{status: 503, after: "86400", want: sms.Outcome{Verdict: sms.TryAgain, Code: 503, After: time.Hour, Reason: "HTTP 503 Service Unavailable", Unreached: true, Unjudged: true}},
		{status: 599, want: sms.Outcome{Verdict: sms.TryAgain, Code: 599, Reason: "HTTP 599"}},
		{status: 800, want: sms.Outcome{Verdict: sms.Failed, Code: 800, Reason: "HTTP 800"}},
	} {
		at := testkit.StartEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		})
		o := options(at.URL())
		o.SuccessPattern = c.pattern
		if got := deliver(t, newPush(t, o), message(1, "hi")); got != c.want {
			t.Errorf("%d %s:\n%+v, want\n%+v", c.status, c.body, got, c.want)
		}
		if n := len(at.Pushes(nil)); n != 1 {
			t.Errorf("%d: %d requests", c.status, n)
		}
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "-5": 0, "x": 0, "1.5": 0, "90": 90 * time.Second, "3601": time.Hour, "9223372036854775807": time.Hour,
		"9223372036854775808": time.Hour, "18446744073709551616": time.Hour, "99999999999999999999999999": time.Hour, "-9223372036854775809": 0,
		"Mon, 23 Nov 2026 10:01:00 GMT": time.Minute, "Mon, 23 Nov 2026 09:00:00 GMT": 0, "Tue, 24 Nov 2026 10:00:00 GMT": time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestADateToRetryAfterIsHeldAgainstTheAnswersOwnClock(t *testing.T) {
	h := http.Header{"Date": {"Mon, 23 Nov 2026 10:00:00 GMT"}, "Retry-After": {"Mon, 23 Nov 2026 10:00:30 GMT"}}
	for _, ours := range []time.Duration{-2 * time.Hour, 0, 72 * time.Hour} {
		if got := retryAfter(h, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(ours)); got != 30*time.Second {
			t.Errorf("our clock is off by %v: %v", ours, got)
		}
	}
}

func TestFaultsOfTheConnectionAreTriedAgainAndNamedWithoutSecrets(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := closed.Addr().String()
	closed.Close()
	silent := serveRaw(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	garbage := serveRaw(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "SSH-2.0 \"secret\"\r\n\r\n")
	})
	broken := serveRaw(t, readRequest)
	for _, c := range []struct{ at, want string }{
		{refusing, "no connection"},
		{silent, "no answer within 300ms"},
		{garbage, "the connection broke: "},
		{broken, "the connection was closed before the answer"},
		{"nowhere.invalid", "no connection: "},
	} {
		o := options("http://user:secret@" + c.at + "/?key=secret")
		o.Timeout = 300 * time.Millisecond
		if c.at == "nowhere.invalid" {
			o.Timeout = patience
		}
		got := deliver(t, newPush(t, o), message(1, "private"))
		if got.Verdict != sms.TryAgain || got.Code != 0 || got.After != 0 || !strings.HasPrefix(got.Reason, c.want) {
			t.Errorf("%s: %+v, want %s", c.at, got, c.want)
		}
		if strings.Contains(got.Reason, "secret") || strings.Contains(got.Reason, "private") {
			t.Errorf("it tells secrets: %s", got.Reason)
		}
	}
}

// readRequest reads all of a request: what is left unread when a connection is closed resets it.
func readRequest(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, r.Body)
	}
}

// serveRaw serves each connection with f, one after the other.
func serveRaw(t testing.TB, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestCredentialsOfTheURLAreSent(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	deliver(t, newPush(t, options(strings.Replace(at.URL(), "http://", "http://user:pass@", 1))), message(1, "hi"))
	r := at.Next(t)
	if user, password, _ := r.BasicAuth(); user != "user" || password != "pass" {
		t.Errorf("%q %q", user, password)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, strings.Repeat("x", 10_000))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	p := newPush(t, options(s.URL))
	for id := range sms.ID(20) {
		deliver(t, p, message(id+1, "hi"))
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestFinalStatesAreReportedToTheStatusURL(t *testing.T) {
	at := testkit.StartEndpoint(t, ok)
	o := options("http://127.0.0.1:1/")
	o.StatusURL, o.Secret, o.Method, o.Body, o.SuccessPattern = at.URL(), "k", "PUT", "{{.Text}}", "never"
	p := newPush(t, o)
	m := &sms.Message{ID: 55, Kind: sms.KindReceipt, Recipient: sms.Hermes, StoredAt: receivedAt, Receipt: &sms.Receipt{Of: 1042, State: sms.Undeliverable,
		Error: 8, DoneAt: receivedAt, ExternalID: "h-1"}}
	if got := deliver(t, p, m); got.Verdict != sms.Done {
		t.Fatal(got)
	}
	r := at.Next(t)
	if want := `{"id":"h-1","message_id":"1042","state":"UNDELIVERABLE","error":8,"at":"2026-11-23T10:00:00Z"}`; r.Body != want {
		t.Errorf("%s, want %s", r.Body, want)
	}
	if r.Method != "POST" || r.Header.Get("Idempotency-Key") != "status-55"+storedAt || r.Header.Get("X-Hnet-Signature") == "" {
		t.Errorf("%s %v", r.Method, r.Header)
	}

	m = &sms.Message{ID: 56, Kind: sms.KindIntermediate, Recipient: sms.Hermes, Receipt: &sms.Receipt{Of: 1042, State: sms.Enroute, DoneAt: receivedAt}}
	deliver(t, p, m)
	if r := at.Next(t); r.Body != `{"message_id":"1042","state":"ENROUTE","error":0,"at":"2026-11-23T10:00:00Z"}` {
		t.Error(r.Body)
	}

	if got := deliver(t, newPush(t, options(at.URL())), m); got.Verdict != sms.Failed || !strings.Contains(got.Reason, "status_url") {
		t.Errorf("without status_url: %+v", got)
	}
}

func TestSettingsChangeWhilePushesAreInFlight(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	first := testkit.StartEndpoint(t, func(http.ResponseWriter, *http.Request) { close(begun); <-release })
	second := testkit.StartEndpoint(t, ok)
	p := newPush(t, options(first.URL()))
	outcome := make(chan sms.Outcome, 1)
	p.Deliver([]*sms.Message{message(1, "a")}, false, func(o sms.Outcome) { outcome <- o })
	testkit.Receive(t, begun, "the first push")
	if err := p.Reload(options(second.URL())); err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(options("nonsense")); err == nil {
		t.Error("nonsense was taken")
	}
	deliver(t, p, message(2, "b"))
	second.Next(t)
	close(release)
	if got := testkit.Receive(t, outcome, "the first outcome"); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
}

func TestCloseWaitsForThePushesInFlight(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	at := testkit.StartEndpoint(t, func(http.ResponseWriter, *http.Request) { close(begun); <-release })
	p := newPush(t, options(at.URL()))
	var reported atomic.Bool
	p.Deliver([]*sms.Message{message(1, "a")}, false, func(o sms.Outcome) { reported.Store(o.Verdict == sms.Done) })
	testkit.Receive(t, begun, "the push")
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Close(ended); err == nil {
		t.Error("Close did not wait")
	}
	if got := deliver(t, p, message(2, "b")); got.Verdict != sms.Returned {
		t.Errorf("while closing: %+v", got)
	}
	close(release)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Close(ctx); err != nil || !reported.Load() {
		t.Errorf("%v, reported %v", err, reported.Load())
	}
}
