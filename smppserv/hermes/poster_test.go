package hermes

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// rawServer gives each connection to serve, with the number that it has.
func rawServer(t *testing.T, serve func(n int, c net.Conn, r *bufio.Reader)) (address string) {
	t.Helper()
	return testkit.Serve(t, func(n int, c net.Conn) { serve(n, c, bufio.NewReader(c)) })
}

// takeRequest reads one request, its header and its body.
func takeRequest(r *bufio.Reader) (octets string, ok bool) {
	var raw bytes.Buffer
	q, err := http.ReadRequest(bufio.NewReader(io.TeeReader(r, &raw)))
	if err != nil {
		return "", false
	}
	_, err = io.Copy(io.Discard, q.Body)
	return raw.String(), err == nil
}

// posterOf is the poster of hermes.url, which is there.
func posterOf(t *testing.T, p *Push) *poster {
	t.Helper()
	to := p.settings.Load().push
	if to.poster == nil || to.envelope == nil {
		t.Fatal("there is no poster")
	}
	return to.poster
}

func TestAPosterSendsWhatNetHTTPSends(t *testing.T) {
	requests := make(chan string, 1)
	at := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		for {
			q, ok := takeRequest(r)
			if !ok {
				return
			}
			requests <- q
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	for _, change := range []func(*PushOptions){
		func(*PushOptions) {},
		func(o *PushOptions) { o.Secret = "k" },
		func(o *PushOptions) { o.Method, o.ContentType, o.Body = "PUT", "text/plain", "{{.Text}}" },
		func(o *PushOptions) {
			o.Headers = map[string]string{"x-api-key": "0 1\t2 é", "Host": "other.example", "User-Agent": "", "Accept": "*/*"}
		},
		func(o *PushOptions) { o.URL = strings.Replace(o.URL, "http://", "http://user:p%20w@", 1) },
		func(o *PushOptions) { o.URL += "?" },
	} {
		o := options("http://" + at + "/a b/%2Fc?x=y&z")
		change(&o)
		p := newPush(t, o)
		m := message(1, strings.Repeat("é", 300))
		var got [2][]string
		for i := range got {
			if i == 1 {
				p.settings.Load().push.poster = nil
			}
			if o := deliver(t, p, m); o.Verdict != sms.Done {
				t.Fatalf("%+v", o)
			}
			head, body, _ := strings.Cut(testkit.Receive(t, requests, "a request"), "\r\n\r\n")
			lines := strings.Split(head, "\r\n")
			slices.Sort(lines[1:])
			got[i] = append(lines, body)
		}
		if !slices.Equal(got[0], got[1]) {
			t.Errorf("a poster sends\n%q, net/http\n%q", got[0], got[1])
		}
	}
}

func TestOnlyNetHTTPCarriesWhatIsUnusual(t *testing.T) {
	for _, change := range []func(*PushOptions){
		func(o *PushOptions) { o.Method = "GET" },
		func(o *PushOptions) { o.Headers = map[string]string{"Connection": "close"} },
		func(o *PushOptions) { o.Headers = map[string]string{"expect": "100-continue"} },
		func(o *PushOptions) { o.Headers = map[string]string{"Content-Length": "7"} },
		func(o *PushOptions) { o.Headers = map[string]string{"a b": "c"} },
		func(o *PushOptions) { o.Headers = map[string]string{"a": "b\r\nc: d"} },
		func(o *PushOptions) { o.Headers = map[string]string{"Idempotency-Key": "mine"} },
	} {
		o := options("http://127.0.0.1:1/")
		change(&o)
		if p := newPush(t, o); p.settings.Load().push.envelope != nil {
			t.Errorf("%q %q has an envelope", o.Method, o.Headers)
		}
	}
	behind := newTransport(options("http://hermes/"))
	behind.Proxy = func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "http", Host: "proxy:3128"}, nil }
	if newPoster(newPush(t, options("http://hermes/")).settings.Load().push.model, behind, options("http://hermes/")) != nil {
		t.Error("a poster would pass the proxy by")
	}
}

func TestALargePushIsAnsweredThoughItsEndIsNotRead(t *testing.T) {
	at := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		r.Peek(100)
		io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		<-t.Context().Done()
	})
	p := newPush(t, options("http://"+at+"/"))
	for _, octets := range []int{maxPosted - 1000, maxPosted, 4 << 20} {
		if got := deliver(t, p, message(1, strings.Repeat("x", octets))); got.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d octets: %+v", octets, got)
		}
	}
}

func TestAnIdleConnectionIsNotUsedWhenItsServerHasClosedItOrSaidMore(t *testing.T) {
	for _, more := range []string{"", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"} {
		requests, kept, ended := make(chan int, 1), make(chan struct{}), make(chan struct{})
		at := rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
			if _, ok := takeRequest(r); !ok {
				return
			}
			requests <- n
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			if n == 1 {
				<-kept
				io.WriteString(c, more)
				if more == "" {
					c.(*net.TCPConn).CloseWrite()
				}
				close(ended)
			}
			r.Peek(1)
		})
		push := newPush(t, options("http://"+at+"/"))
		posterOf(t, push)
		if got := deliver(t, push, message(1, "a")); got.Verdict != sms.Done {
			t.Fatalf("%+v", got)
		}
		testkit.Receive(t, requests, "the first request")
		close(kept)
		testkit.Receive(t, ended, "the end of the first connection")
		if got := deliver(t, push, message(2, "b")); got.Verdict != sms.Done {
			t.Errorf("more %q: %+v", more, got)
		}
		if n := testkit.Receive(t, requests, "the second request"); n != 2 {
			t.Errorf("more %q: it came on connection %d", more, n)
		}
	}
}

func TestAConnectionIsUsedForAMinuteAndKeptIdleForHalfOfOne(t *testing.T) {
	var connections atomic.Int32
	at := rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
		connections.Store(int32(n))
		for {
			if _, ok := takeRequest(r); !ok {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
		}
	})
	push := newPush(t, options("http://"+at+"/"))
	p := posterOf(t, push)
	change := func(f func(*postConn)) {
		p.mu.Lock()
		defer p.mu.Unlock()
		f(p.idle[0])
	}
	for i, step := range []struct {
		before func()
		want   int32
	}{
		{func() {}, 1},
		{func() {}, 1},
		{func() { change(func(c *postConn) { c.opened = c.opened.Add(-lifetime) }) }, 2},
		{func() { change(func(c *postConn) { c.used = c.used.Add(-idleTimeout) }); p.sweep() }, 3},
		{func() { p.sweep() }, 3},
	} {
		step.before()
		if got := deliver(t, push, message(1, "a")); got.Verdict != sms.Done || connections.Load() != step.want {
			t.Errorf("step %d: %+v on connection %d, want %d", i, got, connections.Load(), step.want)
		}
	}
	p.closeIdle()
	deliver(t, push, message(1, "a"))
	if p.kept() != nil {
		t.Error("a connection is kept after the end")
	}
}

func TestNoMoreConnectionsAreKeptThanPushesMayBeInFlight(t *testing.T) {
	at := rawServer(t, func(_ int, _ net.Conn, r *bufio.Reader) { r.Peek(1) })
	o := options("http://" + at + "/")
	o.Concurrency = 3
	p := posterOf(t, newPush(t, o))
	for range 10 * o.Concurrency {
		c, err := p.dial(time.Now(), time.Now().Add(patience))
		if err != nil {
			t.Fatal(err)
		}
		p.keep(c)
	}
	if len(p.idle) != o.Concurrency {
		t.Errorf("%d are kept", len(p.idle))
	}
}

func TestAnAnswerIsReadWithinItsBounds(t *testing.T) {
	for _, k := range []struct {
		what, answer string
		code         int // 0 = try again, without an answer
	}{
		{"some 1xx", strings.Repeat("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", maxInformational) + "HTTP/1.1 200 OK\r\n\r\n", 200},
		{"many 1xx", strings.Repeat("HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n", 10*maxInformational) + "HTTP/1.1 200 OK\r\n\r\n", 0},
		{"a long header", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxAnswerHeader/2) + "\r\nContent-Length: 0\r\n\r\n", 200},
		{"a header without end", "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 10*maxAnswerHeader) + "\r\nContent-Length: 0\r\n\r\n", 0},
		{"a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 101},
		{"no HTTP", "hello\r\n\r\n", 0},
		{"an answer behind the answer", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 404},
		{"an answer of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhi", 200},
		{"a body that is cut off", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhi", 200},
	} {
		var connections atomic.Int32
		closed := make(chan struct{}, 2)
		at := rawServer(t, func(n int, c net.Conn, r *bufio.Reader) {
			connections.Store(int32(n))
			if _, ok := takeRequest(r); ok {
				io.WriteString(c, k.answer)
			}
			c.Close()
			closed <- struct{}{}
		})
		p := newPush(t, options("http://"+at+"/"))
		posterOf(t, p)
		for i := range int32(2) {
			if got := deliver(t, p, message(1, "a")); got.Code != k.code || k.code == 0 && got.Verdict != sms.TryAgain {
				t.Errorf("%s: %+v", k.what, got)
			}
			testkit.Receive(t, closed, "the end of the connection") // else the next push may go there
			if n := connections.Load(); n != i+1 {
				t.Errorf("%s: push %d came on connection %d", k.what, i+1, n)
			}
		}
	}
}

func TestAPosterSpeaksTLSToAServerWithoutHTTP2(t *testing.T) {
	var opened atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	o := options(s.URL)
	o.TLS = &tls.Config{RootCAs: roots}
	push := newPush(t, o)
	p := posterOf(t, push)
	for i := range 3 {
		if got := deliver(t, push, message(1, "hi")); got.Verdict != sms.Done {
			t.Errorf("push %d: %+v", i, got)
		}
	}
	if n := opened.Load(); n != 1 || p.http2.Load() {
		t.Errorf("%d connections, HTTP/2: %v", n, p.http2.Load())
	}
}

func TestHTTPWhereTLSIsExpectedIsSaidInWords(t *testing.T) {
	at := rawServer(t, func(_ int, c net.Conn, r *bufio.Reader) {
		r.Peek(1)
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	if got := deliver(t, newPush(t, options("https://"+at)), message(1, "hi")); got.Verdict != sms.TryAgain || !strings.Contains(got.Reason, "gave HTTP response to HTTPS client") {
		t.Errorf("%+v", got)
	}
}
