package hermes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// taking is a queue that accepts at once, like a very fast disk, and keeps what it got.
type taking struct {
	mu          sync.Mutex
	taken       []*sms.Message
	submissions []road.Submission
	hold        bool // answer later
	refuse      error
	fail        error
	limit       int
	known       map[string]sms.ID
	more        chan struct{} // closed with the next Add
}

func (q *taking) Add(m *sms.Message, limit int, s road.Submission) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		return q.refuse
	}
	q.limit = limit
	m.ID = sms.ID(1000 + len(q.taken))
	q.taken, q.submissions = append(q.taken, m), append(q.submissions, s)
	if q.more != nil {
		close(q.more)
		q.more = nil
	}
	if !q.hold {
		s.Accepted(m, false, q.fail)
	}
	return nil
}

func (q *taking) Known(externalID string, found func(sms.ID, error)) {
	q.mu.Lock()
	id, fail := q.known[externalID], q.fail
	q.mu.Unlock()
	found(id, fail)
}

// await waits until n messages were handed in, and returns how many there are.
func (q *taking) await(t testing.TB, n int) int {
	t.Helper()
	for {
		q.mu.Lock()
		if len(q.taken) >= n {
			defer q.mu.Unlock()
			return len(q.taken)
		}
		if q.more == nil {
			q.more = make(chan struct{})
		}
		more := q.more
		q.mu.Unlock()
		testkit.Receive(t, more, "the next message")
	}
}

func (q *taking) last() *sms.Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken[len(q.taken)-1]
}

// admins gives every number but 3601 to admin, who can be sent whatever does not say "unfit".
type admins struct{ unlimited bool }

var toAdmin admins

func (admins) Fits(m *sms.Message) error {
	if string(m.Content) == "unfit" {
		return errors.New("text: does not fit in 255 parts for client " + m.Recipient)
	}
	return nil
}

func (a admins) Route(_ context.Context, from, to, client string) (sms.Route, error) {
	r := sms.Route{Recipient: "admin", MaxQueued: 7, Source: sms.Address{TON: 3, NPI: 1, Number: from}, Dest: sms.Address{TON: 1, NPI: 1, Number: to}}
	if a.unlimited {
		r.MaxQueued = 0
	}
	switch {
	case from == "3601":
		return r, sms.ErrNoClient
	case from == "3602":
		return r, errors.New("secret cause")
	case client == "nobody":
		return r, fmt.Errorf("there is no client %s: %w", client, sms.ErrNoClient)
	case client != "":
		r.Recipient = client
	}
	return r, nil
}

// openPort serves a port until the test's end.
func openPort(t testing.TB, q Queue, change func(*PortOptions)) *Port {
	t.Helper()
	o := PortOptions{Listen: "127.0.0.1:0", Validity: 24 * time.Hour, Queue: q, Clients: toAdmin, Log: zerolog.Nop()}
	if change != nil {
		change(&o)
	}
	p := NewPort(o)
	if err := p.Listen(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := p.Close(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := testkit.Receive(t, served, "the end of Serve"); err != nil {
			t.Error(err)
		}
	})
	return p
}

// peer is Hermès' side of a connection.
type peer struct {
	t testing.TB
	net.Conn
	lines *bufio.Reader
}

func dial(t testing.TB, p *Port) *peer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &peer{t, c, bufio.NewReader(c)}
}

func (c *peer) send(lines ...string) {
	c.t.Helper()
	if _, err := c.Write([]byte(strings.Join(lines, "\n") + "\n")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *peer) line() string {
	c.t.Helper()
	s, err := c.lines.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%q, %v", s, err)
	}
	return strings.TrimSuffix(s, "\n")
}

func (c *peer) ask(line string) string {
	c.t.Helper()
	c.send(line)
	return c.line()
}

func (c *peer) isClosed() {
	c.t.Helper()
	if s, err := c.lines.ReadString('\n'); err == nil || errors.Is(err, context.DeadlineExceeded) || s != "" {
		c.t.Errorf("not closed: %q, %v", s, err)
	}
}

const hello = `{"id":"h-123","from":"3600","to":"33612345678","text":"Bonjour"}`

func TestALineBecomesAMessage(t *testing.T) {
	q := &taking{}
	c := dial(t, openPort(t, q, nil))
	for _, k := range []struct {
		line string
		want sms.Message
		life time.Duration
	}{
		{hello, sms.Message{Content: []byte("Bonjour"), ExternalID: "h-123"}, 24 * time.Hour},
		{`{"from":"+3600","to":"+33612345678","text":"é😀\n","alphabet":"ucs2","validity":"90m","status":true,"client":"bob","new":[1,{}]}`,
			sms.Message{Content: []byte("é😀\n"), Alphabet: "ucs2", RegisteredDelivery: 1, Recipient: "bob"}, 90 * time.Minute},
		{`{"from":"Vocalcom","to":"33612345678","data":"AP8="}`, sms.Message{Content: []byte{0, 255}, Alphabet: "binary"}, 24 * time.Hour},
		{`{"id":null,"from":"3600","to":"1","text":"","data":null}`, sms.Message{Content: []byte{}}, 24 * time.Hour},
	} {
		if got := c.ask(k.line + "\r"); !strings.Contains(got, `"status":"accepted"`) {
			t.Fatalf("%s: %s", k.line, got)
		}
		m, want := q.last(), k.want
		if want.Recipient == "" {
			want.Recipient = "admin"
		}
		if m.Submitter != sms.Hermes || m.Kind != sms.KindText || m.State != sms.Enroute || m.Recipient != want.Recipient ||
			string(m.Content) != string(want.Content) || m.Alphabet != want.Alphabet || m.ExternalID != want.ExternalID ||
			m.RegisteredDelivery != want.RegisteredDelivery || m.Source.TON != 3 || m.Source.Number[0] == '+' || m.Dest.Number[0] == '+' {
			t.Errorf("%s: %+v", k.line, m)
		}
		if m.ExpiresAt.Sub(m.ReceivedAt) != k.life || !m.DueAt.Equal(m.ReceivedAt) || time.Since(m.ReceivedAt) > patience {
			t.Errorf("%s: %v %v %v", k.line, m.ReceivedAt, m.DueAt, m.ExpiresAt)
		}
		if q.limit != 7 {
			t.Errorf("the limit is %d", q.limit)
		}
	}
}

func TestAnswersAreWrittenAsAgreed(t *testing.T) {
	q := &taking{}
	c := dial(t, openPort(t, q, nil))
	for _, k := range []struct{ line, want string }{
		{hello, `{"id":"h-123","status":"accepted","message_id":"1000"}`},
		{`{"from":"3600","to":"1","text":"a"}`, `{"status":"accepted","message_id":"1001"}`},
		{`{"id":"h-124","from":"3601","to":"1","text":"a"}`, `{"id":"h-124","status":"rejected","code":"no_client","error":"no client owns the number"}`},
		{`{"id":"x","from":"3600","to":"1","text":"a","client":"nobody"}`,
			`{"id":"x","status":"rejected","code":"no_client","error":"there is no client nobody: no client owns the number"}`},
		{`{"id":"x","from":"3602","to":"1","text":"a"}`,
			`{"id":"x","status":"rejected","code":"store_unavailable","error":"the store is not available, try again later"}`},
	} {
		if got := c.ask(k.line); got != k.want {
			t.Errorf("%s:\n%s, want\n%s", k.line, got, k.want)
		}
	}
	q.fail = errors.New("disk full")
	if got := c.ask(hello); got != `{"id":"h-123","status":"rejected","code":"store_unavailable","error":"the store is not available, try again later"}` {
		t.Error(got)
	}
	q.refuse = sms.ErrQueueFull
	if got := c.ask(hello); got != `{"id":"h-123","status":"rejected","code":"queue_full","error":"client admin has too many undelivered messages"}` {
		t.Error(got)
	}
	q.refuse = errors.New("the queue is stopping")
	if got := c.ask(hello); got != `{"id":"h-123","status":"rejected","code":"store_unavailable","error":"the queue is stopping"}` {
		t.Error(got)
	}
}

func TestABadLineIsAnsweredAndTheConnectionLivesOn(t *testing.T) {
	c := dial(t, openPort(t, &taking{}, nil))
	for line, want := range map[string]string{
		`{`:                                    "the line is not JSON: unexpected end of JSON input",
		`null`:                                 "the line is not a JSON object",
		`["a"]`:                                "the line is not a JSON object",
		`"a"`:                                  "the line is not a JSON object",
		`hello`:                                "the line is not a JSON object",
		`{"id":"a"} {"id":"b"}`:                "more than one JSON object on the line",
		`{"id":"a"},{"id":"b"}`:                "the line is not JSON: invalid character ',' after top-level value",
		`{"from":"1","to":"2","text":"unfit"}`: "text: does not fit in 255 parts for client admin",
		`{}`:                                   "from: missing",
		`{"id":7}`:                             "id: must be a string, not a number",
		`{"status":"yes"}`:                     "status: must be true or false, not a string",
		`{"from":3600}`:                        "from: must be a string, not a number",
		`{"from":"3600"}`:                      "to: missing",
		`{"from":"+","to":"1"}`:                "from: missing",
		`{"from":"1","to":"Bob\u0001","text":"a"}`:                      "to: a control character cannot be written in an address",
		`{"from":"++1","to":"1"}`:                                       "from: must be digits, or a name with a letter, at most 20 characters of ASCII",
		`{"from":"Contact-Centre-Number","to":"1"}`:                     "from: must be digits, or a name with a letter, at most 20 characters of ASCII",
		`{"from":"123456789012345678901","to":"1"}`:                     "from: more than 20 digits",
		`{"from":"1","to":"2"}`:                                         "text: missing, and no data",
		`{"from":"1","to":"2","text":"a","data":"AA=="}`:                "text: not together with data",
		`{"from":"1","to":"2","data":"A"}`:                              "data: not base64",
		`{"from":"1","to":"2","data":"AA==","alphabet":"ucs2"}`:         "alphabet: is for text, not for data",
		`{"from":"1","to":"2","text":"a","alphabet":"klingon"}`:         "alphabet: must be one of gsm7, gsm7packed, latin1, ascii, ucs2, utf8",
		`{"from":"1","to":"2","text":"a","validity":"tomorrow"}`:        `validity: must be a duration of more than 0, such as \"90s\", \"30m\" or \"24h\"`,
		`{"from":"1","to":"2","text":"a","validity":"-1h"}`:             `validity: must be a duration of more than 0, such as \"90s\", \"30m\" or \"24h\"`,
		`{"from":"1","to":"2","text":"a","validity":60}`:                "validity: must be a string, not a number",
		"{\"from\":\"1\",\"to\":\"2\",\"text\":\"\xff\"}":               "the line is not UTF-8",
		`{"id":"` + strings.Repeat("i", 256) + `"}`:                     "id: longer than 255 octets",
		`{"id":"` + strings.Repeat("i", 254) + `é","from":"1","to":""}`: "id: longer than 255 octets",
	} {
		got := c.ask(line)
		if !strings.Contains(got, `"status":"rejected","code":"bad_request","error":"`+want) {
			t.Errorf("%.80s: %s", line, got)
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is no JSON", got)
		}
	}
	if got := c.ask(`{"id":"h-9","text":5}`); got != `{"id":"h-9","status":"rejected","code":"bad_request","error":"text: must be a string, not a number"}` {
		t.Error(got)
	}
	if got := c.ask("\r\n   \n\n\uFEFF" + hello); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
}

func TestALineMayBe64KiBLongAndALongerOneIsAnsweredAndClosed(t *testing.T) {
	line := func(n int) string {
		const around = `{"id":"l","from":"1","to":"2","text":""}`
		return strings.Replace(around, `""`, `"`+strings.Repeat("x", n-len(around))+`"`, 1)
	}
	p := openPort(t, &taking{}, nil)
	c := dial(t, p)
	if got := c.ask(line(65536) + "\r"); !strings.Contains(got, "accepted") {
		t.Errorf("65536 octets: %s", got)
	}
	for _, long := range []string{line(65537), line(65538), line(300_000), strings.Repeat("x", 300_000)} {
		c := dial(t, p)
		want := `{"status":"rejected","code":"bad_request","error":"a line is longer than 65536 octets"}`
		if long[0] == '{' {
			want = `{"id":"l",` + want[1:]
		}
		if got := c.ask(long); got != want {
			t.Errorf("%d octets: %s", len(long), got)
		}
		c.isClosed()
	}
}

func TestALastLineWithoutItsEndIsTaken(t *testing.T) {
	c := dial(t, openPort(t, &taking{}, nil))
	c.Write([]byte(hello))
	c.Conn.(*net.TCPConn).CloseWrite()
	if got := c.line(); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
	c.isClosed()
}

func TestHTTPIsTurnedAwayBeforeItsBodyIsRead(t *testing.T) {
	q := &taking{}
	c := dial(t, openPort(t, q, nil))
	c.send("POST / HTTP/1.1\r", "Host: 127.0.0.1\r", "\r", hello)
	if got := c.line(); !strings.Contains(got, "HTTP") {
		t.Error(got)
	}
	c.isClosed()
	if len(q.taken) != 0 {
		t.Error("a web page sent a message")
	}
}

func TestTheTokenIsAskedForInEveryLine(t *testing.T) {
	p := openPort(t, &taking{}, func(o *PortOptions) { o.Token = "sesame" })
	c := dial(t, p)
	with := func(token string) string {
		return strings.Replace(hello, "{", `{"token":"`+token+`",`, 1)
	}
	refused := `{"id":"h-123","status":"rejected","code":"unauthorized","error":"token: missing or wrong"}`
	for _, line := range []string{hello, with(""), with("sesam"), with("sesame "), `{"id":"h-123"}`, `{"id":"h-123","to":5}`} {
		if got := c.ask(line); got != refused {
			t.Errorf("%s: %s", line, got)
		}
	}
	if got := c.ask(with("sesame")); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
	p.SetToken("other")
	if got := c.ask(with("sesame")); got != refused {
		t.Error(got)
	}
	p.SetToken("")
	if got := c.ask(hello); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
}

func TestAnAddressThatIsNotAllowedIsToldAndLoggedWithTheLineToAdd(t *testing.T) {
	var log logged
	allow := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	p := openPort(t, &taking{}, func(o *PortOptions) { o.Allow, o.Log = allow, zerolog.New(&log) })
	for range 3 {
		c := dial(t, p)
		if got := c.line(); got != `{"status":"rejected","code":"unauthorized","error":"127.0.0.1 is not in tcp.allow"}` {
			t.Error(got)
		}
		c.isClosed()
	}
	if log.count(`allow = [\"10.0.0.0/8\", \"::1/128\", \"127.0.0.1/32\"]`) != 1 {
		t.Error(log.String())
	}
	p.SetAllow(append(allow, netip.MustParsePrefix("127.0.0.1/32")))
	if got := dial(t, p).ask(hello); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
}

func TestTheValidityCanBeChanged(t *testing.T) {
	q := &taking{}
	p := openPort(t, q, nil)
	p.SetValidity(time.Minute)
	dial(t, p).ask(hello)
	if m := q.last(); m.ExpiresAt.Sub(m.ReceivedAt) != time.Minute {
		t.Error(m.ExpiresAt.Sub(m.ReceivedAt))
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	p := openPort(t, &taking{}, func(o *PortOptions) { o.MaxConnections = 2 })
	a, b := dial(t, p), dial(t, p)
	a.ask(hello)
	b.ask(hello)
	c := dial(t, p)
	if got := c.line(); !strings.Contains(got, "too many connections") {
		t.Error(got)
	}
	c.isClosed()
	if got := a.ask(hello); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
}

func TestAPortInUseIsAnError(t *testing.T) {
	p := openPort(t, &taking{}, nil)
	if err := NewPort(PortOptions{Listen: p.Addr().String()}).Listen(); err == nil || !strings.Contains(err.Error(), "tcp.listen_port") {
		t.Error(err)
	}
}

func TestAnOperatorsLineTakesTheSameRoad(t *testing.T) {
	p := openPort(t, &taking{}, func(o *PortOptions) { o.Token = "sesame" })
	for line, want := range map[string]string{hello: "accepted", `{}`: "bad_request", strings.Repeat("x", 70_000): "bad_request"} {
		if got, err := p.Submit(context.Background(), []byte(line)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%.20s: %s %v", line, got, err)
		}
	}
	p = openPort(t, &taking{hold: true}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Submit(ctx, []byte(hello)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAKnownIDIsAcceptedAgainThoughNoClientIsThereForIt(t *testing.T) {
	q := &taking{known: map[string]sms.ID{"h-1": 1042}}
	p := openPort(t, q, nil)
	c := dial(t, p)
	for _, line := range []string{
		`{"id":"h-1","from":"3601","to":"1","text":"a"}`, // whose client is gone
		`{"id":"h-1","from":"3600","to":"1","text":"unfit"}`,
	} {
		if got := c.ask(line); got != `{"id":"h-1","status":"accepted","message_id":"1042","duplicate":true}` {
			t.Errorf("%s is answered %s", line, got)
		}
	}
	for line, want := range map[string]string{
		`{"id":"h-2","from":"3601","to":"1","text":"a"}`: "no_client",
		`{"id":"h-1","from":"3601","to":"1"}`:            "bad_request",
		`{"from":"3601","to":"1","text":"a"}`:            "no_client",
	} {
		if got := c.ask(line); !strings.Contains(got, `"code":"`+want+`"`) {
			t.Errorf("%s is answered %s, want %s", line, got, want)
		}
	}
	q.mu.Lock()
	q.fail = sms.ErrUnavailable
	q.mu.Unlock()
	if got := c.ask(`{"id":"h-2","from":"3601","to":"1","text":"a"}`); !strings.Contains(got, `"code":"store_unavailable"`) {
		t.Errorf("while nobody can tell it is answered %s", got)
	}
	if n := len(q.taken); n != 0 {
		t.Errorf("%d were handed in", n)
	}
}
