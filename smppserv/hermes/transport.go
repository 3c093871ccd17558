package hermes

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// lasting is net/http's transport, for HTTP/2 and where a proxy is between. It is made anew after lifetime, so that no connection is
// used for longer, and a name that has moved is followed.
type lasting struct {
	make func() *http.Transport
	now  func() time.Time

	mu   sync.Mutex
	of   *http.Transport
	made time.Time
}

// RoundTrip implements http.RoundTripper.
func (l *lasting) RoundTrip(q *http.Request) (*http.Response, error) {
	return l.current().RoundTrip(q)
}

func (l *lasting) current() *http.Transport {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.of == nil || now.Sub(l.made) >= lifetime {
		if l.of != nil {
			l.of.CloseIdleConnections() // and those in use as soon as they are not
		}
		l.of, l.made = l.make(), now
	}
	return l.of
}

// CloseIdleConnections closes what nobody uses.
func (l *lasting) CloseIdleConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != nil {
		l.of.CloseIdleConnections()
	}
}

func newTransport(o PushOptions) *http.Transport {
	dialer := &net.Dialer{Timeout: o.Timeout}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: refusedByProxy,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true, // a TLS configuration of our own turns it off else
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
		MaxIdleConns:           o.Concurrency,
		MaxIdleConnsPerHost:    o.Concurrency,
		IdleConnTimeout:        idleTimeout,
		TLSHandshakeTimeout:    o.Timeout,
		MaxResponseHeaderBytes: maxAnswerHeader,
		DisableCompression:     true, // answers are small; and an inflated one could be large
	}
	t.TLSClientConfig = tlsOf(o)
	return t
}

// tlsOf is how TLS is spoken with Hermès: 1.2 at least.
func tlsOf(o PushOptions) *tls.Config {
	c := &tls.Config{}
	if o.TLS != nil {
		c = o.TLS.Clone()
	}
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}

// proxyRefusal is a proxy's answer to CONNECT.
type proxyRefusal struct {
	code   int
	header http.Header
}

func (p *proxyRefusal) Error() string { return "the proxy answered " + inWords(p.code) }

func refusedByProxy(_ context.Context, _ *url.URL, _ *http.Request, a *http.Response) error {
	if a.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyRefusal{a.StatusCode, a.Header}
}

// errUnprocessed means that an HTTP/2 server has said, of two requests, that it did not look at them.
var errUnprocessed = errors.New("the server takes no requests on its connections")

// roundTrip has the transport make the request. errStale is in an error that says nothing of the server.
func (r *request) roundTrip(ctx context.Context) (*http.Response, error) {
	var http2, reused bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		secured, ok := c.Conn.(*tls.Conn)
		http2, reused = ok && secured.ConnectionState().NegotiatedProtocol == "h2", c.Reused
	}})
	q := r.http(ctx)
	// net/http asks for the body once more when it wants to repeat a request. Over HTTP/2 that is when the server did not look at it
	// (GOAWAY with a lower stream, REFUSED_STREAM), which then goes out again once, and at once. Over HTTP/1.1 it is also when a
	// connection that was used before is closed without an answer, since requests with an Idempotency-Key may be repeated: that is for
	// the queue.
	body, again := bytes.NewReader(r.body), false
	q.Body = io.NopCloser(body)
	q.GetBody = func() (io.ReadCloser, error) {
		begun := len(r.body) == 0 || body.Len() < len(r.body) // else the connection was found closed, and nothing was sent
		switch {
		case !http2:
			return nil, errStale
		case begun && again:
			return nil, errUnprocessed
		}
		again = again || begun
		body = bytes.NewReader(r.body)
		return io.NopCloser(body), nil
	}
	a, err := r.to.transport.RoundTrip(q)
	if err != nil && reused && http2 && !errors.Is(err, errUnprocessed) && !strings.HasPrefix(err.Error(), "stream error: ") {
		return nil, stale(err)
	}
	return a, err
}

// failedAtProxy is the proxy's answer in an error, nil = there is none.
func failedAtProxy(err error) *proxyRefusal {
	var p *proxyRefusal
	if !errors.As(err, &p) {
		return nil
	}
	return p
}
