package hermes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestOnTheRealQueueLinesAreAcceptedOnceAndTheirEndIsTold(t *testing.T) {
	q := startQueue(t)
	c := dial(t, openPort(t, q, nil))
	line := strings.Replace(hello, "{", `{"status":true,`, 1)
	first := c.ask(line)
	var accepted struct {
		Status    string
		MessageID string `json:"message_id"`
	}
	if err := json.Unmarshal([]byte(first), &accepted); err != nil || accepted.Status != "accepted" {
		t.Fatal(first)
	}
	if got, want := c.ask(line), fmt.Sprintf(`{"id":"h-123","status":"accepted","message_id":"%s","duplicate":true}`, accepted.MessageID); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Another connection, without interest in the end.
	if got := dial(t, openPort(t, q, nil)).ask(hello); !strings.Contains(got, `"message_id":"`+accepted.MessageID+`","duplicate":true`) {
		t.Error(got)
	}
	client := &endOfRoad{outcome: sms.Outcome{Verdict: sms.Done}}
	q.Attach(road.OutletOptions{Recipient: "admin", Window: 10, Retry: []time.Duration{time.Second}, Deliverer: client})
	event := c.line()
	var e struct {
		ID, Event, State string
		MessageID        string `json:"message_id"`
		At               time.Time
	}
	if err := json.Unmarshal([]byte(event), &e); err != nil || time.Since(e.At) > time.Minute || e.At.Location() != time.UTC {
		t.Errorf("%s: %v", event, err)
	}
	want := fmt.Sprintf(`{"id":"h-123","event":"status","message_id":"%s","state":"DELIVERED","at":"%s"}`, accepted.MessageID, e.At.Format(time.RFC3339))
	if event != want {
		t.Errorf("%s, want %s", event, want)
	}
	if n := len(client.texts()); n != 1 {
		t.Errorf("%d messages went out", n)
	}
	client.mu.Lock()
	client.outcome = sms.Outcome{Verdict: sms.Failed, Code: 0x0B}
	client.mu.Unlock()
	c.send(strings.Replace(line, "h-123", "h-124", 1), strings.Replace(hello, "h-123", "h-125", 1), strings.Replace(line, "h-123", "h-126", 1))
	states := 0
	for states < 2 {
		if got := c.line(); strings.Contains(got, `"state":"UNDELIVERABLE"`) {
			states++
			if strings.Contains(got, "h-125") {
				t.Error("an event that nobody asked for: " + got)
			}
		}
	}
}

// endOfRoad is a client that gives every message the same outcome.
type endOfRoad struct {
	mu      sync.Mutex
	outcome sms.Outcome
	got     []string
	want    int
	enough  chan struct{}
}

func (d *endOfRoad) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	d.mu.Lock()
	d.got = append(d.got, string(ms[0].Content))
	if len(d.got) == d.want {
		close(d.enough)
	}
	o := d.outcome
	d.mu.Unlock()
	report(o)
}

func (d *endOfRoad) texts() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.got...)
}

func TestManyLinesInFlightAreAllAnsweredAndKeepTheirOrder(t *testing.T) {
	const n = 5000
	q := startQueue(t)
	client := &endOfRoad{want: n, enough: make(chan struct{})}
	c := dial(t, openPort(t, q, func(o *PortOptions) {
		o.Clients = admins{unlimited: true}
	}))
	go func() {
		for i := range n {
			fmt.Fprintf(c, `{"id":"h-%d","from":"3600","to":"33612345678","text":"%d"}`+"\n", i, i)
		}
	}()
	seen := map[string]bool{}
	for range n {
		var a struct{ ID, Status string }
		got := c.line()
		if err := json.Unmarshal([]byte(got), &a); err != nil || a.Status != "accepted" || seen[a.ID] {
			t.Fatalf("%s %v", got, err)
		}
		seen[a.ID] = true
	}
	q.Attach(road.OutletOptions{Recipient: "admin", Window: 10, Retry: []time.Duration{time.Second}, Deliverer: client})
	testkit.Receive(t, client.enough, "the last message")
	for i, text := range client.texts() {
		if text != strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, text)
		}
	}
}

func TestLinesWithoutTheirAnswerAreBounded(t *testing.T) {
	q := &taking{hold: true}
	c := dial(t, openPort(t, q, nil))
	go func() {
		for i := range 3 * maxInFlight {
			if _, err := fmt.Fprintf(c, `{"id":"%d","from":"1","to":"2","text":"a"}`+"\n", i); err != nil {
				return
			}
		}
	}()
	for answered := 0; answered < 3*maxInFlight; answered++ {
		most := min(answered+maxInFlight, 3*maxInFlight)
		if n := q.await(t, most); n > most {
			t.Fatalf("%d lines in flight", n-answered)
		}
		q.mu.Lock()
		m, s := q.taken[answered], q.submissions[answered]
		q.mu.Unlock()
		s.Accepted(m, false, nil)
		if got := c.line(); !strings.HasPrefix(got, fmt.Sprintf(`{"id":"%d"`, answered)) {
			t.Fatal(got)
		}
	}
}

func TestAPeerThatDoesNotReadIsLetGoAndHoldsNobodyUp(t *testing.T) {
	q := &taking{}
	p := openPort(t, q, nil)
	c := dial(t, p)
	c.Conn.(*net.TCPConn).SetReadBuffer(4096)
	line := `{"id":"` + strings.Repeat("i", 200) + `","from":"1","to":"2","text":"a","status":true}`
	c.ask(line)
	q.mu.Lock()
	m, s := q.taken[0], q.submissions[0]
	q.mu.Unlock()
	// Events come without being asked for, one after the other, as for many messages that end at once.
	m.FinalAt = time.Now()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for len(connections(p)) > 0 {
			s.Concluded(m, sms.Outcome{Verdict: sms.Done})
		}
	}()
	testkit.Receive(t, gone, "the end of the connection")
	if got := dial(t, p).ask(hello); !strings.Contains(got, "accepted") {
		t.Error(got)
	}
}

func connections(p *Port) []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*connection
	for c := range p.connections {
		all = append(all, c)
	}
	return all
}

func TestCloseAnswersWhatWasReadAndThenCloses(t *testing.T) {
	q := &taking{hold: true}
	p := openPort(t, q, nil)
	c, idle := dial(t, p), dial(t, p)
	idle.send(hello)
	c.send(hello, strings.Replace(hello, "h-123", "h-124", 1))
	q.await(t, 3)
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		closed <- p.Close(ctx)
	}()
	// The listener is closed before the connections are told.
	for {
		c, err := net.Dial("tcp", p.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	for i, s := range q.submissions {
		s.Accepted(q.taken[i], false, nil)
	}
	for range 2 {
		if got := c.line(); !strings.Contains(got, "accepted") {
			t.Error(got)
		}
	}
	c.isClosed()
	c.Close()
	idle.line()
	idle.Close()
	if err := testkit.Receive(t, closed, "the end of Close"); err != nil {
		t.Error(err)
	}
}

func TestCloseCutsOffWhatDoesNotEnd(t *testing.T) {
	q := &taking{hold: true}
	p := openPort(t, q, nil)
	c := dial(t, p)
	c.send(hello)
	q.await(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c.isClosed()
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{hello, `{"id":"1","from":"+1","to":"2","data":"AA==","validity":"1h","status":true,"token":"t","alphabet":"gsm7","client":"c"}`,
		`{`, `null`, `{"id":{}}`, "\xff", `{"id":"\ud800","from":"a","to":"\u0000"}`, "\uFEFF{}", `{"ID":"a","id":"b"}`,
		`{"id":7}`, `{"id":null}`, `{"id":[1,{"a":"\r"}],"from":`, `{"id":"h-1","from":}`, `{"id":"a"} {"id":"b"}`, `{"id":-1e9 ,"id":3`, `{"id":"\"\u00e9\u2028"} x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		q := &taking{}
		p := NewPort(PortOptions{Validity: time.Hour, Queue: q, Clients: toAdmin})
		one := make(single, 2)
		p.submit(t.Context(), line, true, one)
		if len(one) != 1 {
			t.Fatalf("%d answers", len(one))
		}
		var a struct {
			Status, Code, Error string
			MessageID           string `json:"message_id"`
		}
		got := <-one
		if err := json.Unmarshal(got, &a); err != nil || strings.Index(string(got), "\n") != len(got)-1 || strings.Contains(string(got), "\r") || !utf8.Valid(got) {
			t.Fatalf("%q: %v", got, err)
		}
		sameID(t, line, got)
		if accepted := len(q.taken) == 1; accepted != (a.Status == "accepted") || accepted != (a.MessageID == "1000") || accepted == (a.Code != "" && a.Error != "") {
			t.Fatalf("%q, %d taken", got, len(q.taken))
		}
	})
}

// sameID requires of the answer to a line that is JSON that it has the line's id.
func sameID(t *testing.T, line, answer []byte) {
	t.Helper()
	var asked, told struct {
		ID any `json:"id"`
	}
	if json.Unmarshal(trimmed(line), &asked) != nil {
		return
	}
	if err := json.Unmarshal(answer, &told); err != nil || !reflect.DeepEqual(asked.ID, told.ID) {
		t.Fatalf("%q has the id %v, its answer %v, %v", line, asked.ID, told.ID, err)
	}
}

func BenchmarkLines(b *testing.B) {
	c := dial(b, openPort(b, &taking{}, nil))
	c.SetDeadline(time.Time{})
	lines := []byte(strings.Repeat(hello+"\n", 256))
	b.SetBytes(int64(len(hello) + 1))
	go func() {
		for {
			if _, err := c.Write(lines); err != nil {
				return
			}
		}
	}()
	for b.Loop() {
		if _, err := c.lines.ReadSlice('\n'); err != nil {
			b.Fatal(err)
		}
	}
}
