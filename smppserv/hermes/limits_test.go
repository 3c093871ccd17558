package hermes

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"

	"hnetsmpp/smppserv/testkit"
)

// never is a schedule by which no message would be tried a second time: whoever takes a step of it does not arrive.
var never = []time.Duration{time.Hour}

// once is one by which a message may be tried a second time, not a third one. A refusal that says nothing of its message makes it
// take a step when it meets the same message three times, which chance can do.
var once = []time.Duration{time.Second, time.Hour}

// pushAll has so many conversations push a message each through the real queue, and returns what the log says when all were
// taken.
func pushAll(t *testing.T, messages int, o PushOptions) *logged {
	t.Helper()
	log := &logged{}
	o.Concurrency, o.Retry, o.Log = 32, once, zerolog.New(log)
	p := newPush(t, o)
	q := startQueue(t)
	p.Attach(q)
	all := &waiter{t: t}
	for i := range messages {
		m := message(0, "hi")
		m.Source.Number = fmt.Sprint(33600000000 + i)
		m.ReceivedAt = time.Now()
		m.StoredAt, m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt, m.ReceivedAt.Add(time.Hour)
		all.Add(1)
		if err := q.Add(m, 0, all); err != nil {
			t.Fatal(err)
		}
	}
	arrived := make(chan struct{})
	go func() { all.Wait(); close(arrived) }()
	select {
	case <-arrived:
	case <-time.After(time.Duration(messages/10)*time.Second + patience):
		t.Fatalf("messages wait that would be taken; the log:\n%s", log.String())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Error(err)
	}
	return log
}

// messagesOf is how many messages a test pushes: more for whoever asks for the figures of a long run.
func messagesOf(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("HNET_PUSHES")); err == nil {
		return n
	}
	return usual
}

func TestAHermesThatAllowsTenPushesASecondGetsAllOfThemWithFewRefusals(t *testing.T) {
	for _, c := range []struct {
		burst int // that it takes at once
		after string
	}{{10, ""}, {10, "1"}, {5, ""}, {1, ""}, {1, "1"}} {
		t.Run(fmt.Sprintf("%d at once, Retry-After %q", c.burst, c.after), func(t *testing.T) {
			t.Parallel()
			messages := messagesOf(35)
			limit := rate.NewLimiter(10, c.burst)
			var requests atomic.Int32
			at := testkit.StartEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				if limit.Allow() {
					return
				}
				if c.after != "" {
					w.Header().Set("Retry-After", c.after)
				}
				w.WriteHeader(http.StatusTooManyRequests)
			})
			began := time.Now()
			log := pushAll(t, messages, options(at.URL()))
			t.Logf("%d messages, %d requests, %v", messages, requests.Load(), time.Since(began).Round(time.Millisecond))
			if n := int(requests.Load()); n > messages*4/3+10 { // some to find out
				t.Errorf("%d requests for %d messages", n, messages)
			}
			if log.count("does not answer") > 0 || log.count("wants fewer pushes") != 1 {
				t.Errorf("the log says\n%s", log.String())
			}
		})
	}
}

func TestAHermesWithRoomForFourPushesIsNeverTakenForDead(t *testing.T) {
	messages := messagesOf(300)
	var requests, inService atomic.Int32
	at := testkit.StartEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		defer inService.Add(-1)
		if inService.Add(1) > 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		<-time.After(5 * time.Millisecond)
	})
	began := time.Now()
	log := pushAll(t, messages, options(at.URL()))
	t.Logf("%d messages, %d requests, %v", messages, requests.Load(), time.Since(began).Round(time.Millisecond))
	if n := int(requests.Load()); n > messages*4/3 {
		t.Errorf("%d requests for %d messages", n, messages)
	}
	if log.count("does not answer") > 0 {
		t.Errorf("the log says\n%s", log.String())
	}
}

// Some servers close a connection after so many requests without a word, and some only when the next one comes.
func TestAServerThatClosesConnectionsWithoutSayingSoGetsAllAtOnce(t *testing.T) {
	for _, c := range []struct {
		what   string
		each   int
		reads  bool // the next request, before it closes
		behind bool // a proxy, where net/http carries the requests
	}{
		{what: "after each", each: 1}, {what: "after three", each: 3}, {what: "after twenty", each: 20},
		{what: "with the fourth", each: 3, reads: true}, {what: "with the twenty-first", each: 20, reads: true},
		{what: "after three, with net/http", each: 3, behind: true},
	} {
		t.Run(c.what, func(t *testing.T) {
			messages := messagesOf(500)
			var requests atomic.Int32
			at := parallelServer(t, func(nc net.Conn, r *bufio.Reader) {
				for n := 1; ; n++ {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, request.Body)
					requests.Add(1)
					if n > c.each {
						return
					}
					io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					if n == c.each && !c.reads {
						return
					}
				}
			})
			o := options("http://" + at + "/")
			if c.behind {
				o.Headers = map[string]string{"Expect": "x"} // nothing that a poster sends
			}
			began := time.Now()
			log := pushAll(t, messages, o)
			t.Logf("%d messages, %d requests, %v, %d lines", messages, requests.Load(), time.Since(began).Round(time.Millisecond), log.count("\n"))
			if log.count("does not answer") > 0 {
				t.Errorf("the log says\n%s", log.String())
			}
		})
	}
}

// parallelServer serves each connection with f, all at the same time.
func parallelServer(t *testing.T, f func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	return testkit.Serve(t, func(_ int, c net.Conn) { f(c, bufio.NewReader(c)) })
}

// One text makes the server fail, all others are taken: they do not wait for it.
func TestATextThatMakesHermesFailHoldsUpNobodyElse(t *testing.T) {
	var mu sync.Mutex
	var poison, others int
	at := parallelServer(t, func(nc net.Conn, r *bufio.Reader) {
		for {
			request, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(request.Body)
			mu.Lock()
			if string(body) == "33600000007" {
				poison++
				mu.Unlock()
				return
			}
			others++
			mu.Unlock()
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	o := options("http://" + at + "/")
	o.Body, o.Concurrency, o.Retry = "{{.From}}", 8, never
	p := newPush(t, o)
	defer p.Close(t.Context())
	q := startQueue(t)
	all := &waiter{t: t}
	for i := range 400 {
		m := message(0, "hi")
		m.Source.Number = fmt.Sprint(33600000000 + i)
		m.ReceivedAt = time.Now()
		m.DueAt, m.ExpiresAt = m.ReceivedAt, m.ReceivedAt.Add(time.Hour)
		if i == 7 {
			if err := q.Add(m, 0, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		all.Add(1)
		if err := q.Add(m, 0, all); err != nil {
			t.Fatal(err)
		}
	}
	p.Attach(q)
	arrived := make(chan struct{})
	go func() { all.Wait(); close(arrived) }()
	testkit.Receive(t, arrived, "the others")
	mu.Lock()
	defer mu.Unlock()
	if others != 399 || poison > 3*suspectAfter+deadAfter { // on a slow machine there are silences in which no other one is taken
		t.Errorf("%d others, and the text that makes it fail %d times", others, poison)
	}
}
