package hermes

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
)

// behind has pushes go through a proxy.
func behind(o PushOptions, proxy string) PushOptions {
	t := newTransport(o)
	t.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: proxy})
	o.Transport = t
	return o
}

func TestAProxyThatWantsCredentialsIsTriedAgainWhateverTheSchemeOfTheURL(t *testing.T) {
	for status, want := range map[int]sms.Outcome{
		407: {Verdict: sms.TryAgain, Code: 407, After: 7 * time.Second, Unjudged: true},
		429: {Verdict: sms.TryAgain, Code: 429, After: 7 * time.Second, Unjudged: true},
		503: {Verdict: sms.TryAgain, Code: 503, After: 7 * time.Second, Unjudged: true, Unreached: true},
	} {
		proxy := parallelServer(t, func(c net.Conn, r *bufio.Reader) {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, q.Body)
			fmt.Fprintf(c, "HTTP/1.1 %d x\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
		})
		for _, scheme := range []string{"http", "https"} {
			got := deliver(t, newPush(t, behind(options(scheme+"://hermes.invalid/"), proxy)), message(1, "hi"))
			if !strings.HasSuffix(got.Reason, inWords(status)) {
				t.Errorf("%s: the reason is %q", scheme, got.Reason)
			}
			if got.Reason = ""; got != want {
				t.Errorf("%s: %+v, want %+v", scheme, got, want)
			}
		}
	}
}

func TestAProxyThatForbidsTheTunnelIsSilence(t *testing.T) {
	proxy := parallelServer(t, func(c net.Conn, r *bufio.Reader) {
		http.ReadRequest(r)
		io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
	})
	got := deliver(t, newPush(t, behind(options("https://hermes.invalid/"), proxy)), message(1, "hi"))
	if want := (sms.Outcome{Verdict: sms.TryAgain, Reason: "the proxy answered HTTP 403 Forbidden", Unjudged: true, Unreached: true}); got != want {
		t.Errorf("%+v", got)
	}
}

// counted counts the connections of a test server.
func counted(s *httptest.Server, n *atomic.Int32) {
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
}

func TestNoConnectionIsUsedForLongerThanAMinuteByHTTP2AndThroughAProxyEither(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var connections atomic.Int32
		s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
		counted(s, &connections)
		o := options("http://hermes.invalid/")
		proxy := ""
		if s.EnableHTTP2 = http2; http2 {
			s.StartTLS()
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			o.URL, o.TLS = s.URL, &tls.Config{RootCAs: roots}
		} else {
			s.Start()
			proxy = s.Listener.Addr().String()
		}
		defer s.Close()
		var mu sync.Mutex
		now := time.Now()
		o.Transport = &lasting{
			make: func() *http.Transport {
				if proxy != "" {
					return behind(o, proxy).Transport.(*http.Transport)
				}
				return newTransport(o)
			},
			now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now },
		}
		p := newPush(t, o)
		for i, want := range []int32{1, 1, 1, 2, 2, 2, 3} { // twenty seconds apart
			if got := deliver(t, p, message(1, "hi")); got.Verdict != sms.Done {
				t.Fatalf("HTTP/2 %v: %+v", http2, got)
			}
			if n := connections.Load(); n != want {
				t.Errorf("HTTP/2 %v: push %d came on connection %d, want %d", http2, i, n, want)
			}
			mu.Lock()
			now = now.Add(20 * time.Second)
			mu.Unlock()
		}
	}
}

// closedBefore is a connection that takes nothing.
type closedBefore struct{ net.Conn }

func (c closedBefore) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAConnectionThatTakesNothingIsReplacedWithinTheTry(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	counted(s, &connections)
	s.Start()
	defer s.Close()
	push := newPush(t, options(s.URL))
	p := posterOf(t, push)
	deliver(t, push, message(1, "hi"))
	p.mu.Lock()
	p.idle[0].nc = closedBefore{p.idle[0].nc}
	p.mu.Unlock()
	if got := deliver(t, push, message(2, "hi")); got.Verdict != sms.Done || connections.Load() != 2 {
		t.Errorf("%+v on connection %d", got, connections.Load())
	}
}

func TestOfAConnectionThatIsClosedWithoutAnAnswerOnlyANewOneIsSilence(t *testing.T) {
	var connections atomic.Int32
	at := parallelServer(t, func(c net.Conn, r *bufio.Reader) {
		if connections.Add(1) > 1 {
			http.ReadRequest(r)
			return
		}
		for n := 0; ; n++ {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, q.Body)
			if n == 1 {
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	p := newPush(t, options("http://"+at+"/"))
	want := "the connection was closed before the answer"
	for i, o := range []sms.Outcome{
		{Verdict: sms.Done, Code: 200},
		{Verdict: sms.TryAgain, Reason: want, Unjudged: true},
		{Verdict: sms.TryAgain, Reason: want, Unjudged: true, Unreached: true},
	} {
		if got := deliver(t, p, message(1, "hi")); got != o {
			t.Errorf("%d: %+v, want %+v", i, got, o)
		}
	}
}
