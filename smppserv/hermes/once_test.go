package hermes

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// net/http repeats requests with an Idempotency-Key when a connection that it used before breaks.
func TestATryIsOneRequestEvenWhenAReusedConnectionBreaks(t *testing.T) {
	for _, c := range []struct{ method, body string }{{"POST", ""}, {"GET", ""}, {"GET", `{{""}}`}, {"POST", `{{""}}`}} {
		var requests, connections atomic.Int32
		at := serveRaw(t, func(conn net.Conn) {
			connections.Add(1)
			r := bufio.NewReader(conn)
			for n := 1; ; n++ {
				request, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				io.Copy(io.Discard, request.Body)
				requests.Add(1)
				if n > 1 {
					return // read, and broken off
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		o := options("http://" + at)
		o.Method, o.Body = c.method, c.body
		p := newPush(t, o)
		for i, want := range []sms.Verdict{sms.Done, sms.TryAgain, sms.Done, sms.TryAgain} {
			if got := deliver(t, p, message(1, "hi")); got.Verdict != want {
				t.Errorf("%s %s: try %d: %+v", c.method, c.body, i, got)
			}
			if n := requests.Load(); n != int32(i+1) {
				t.Errorf("%s %s: after %d tries Hermès saw %d requests", c.method, c.body, i+1, n)
			}
		}
		if n := connections.Load(); n != 2 {
			t.Errorf("%s %s: %d connections: the test did not break a reused one", c.method, c.body, n)
		}
	}
}

// What an HTTP/2 server says that it has not processed is repeated once.
func TestATryOverHTTP2IsTwoRequestsAtMostAndTheFirstWasNotProcessed(t *testing.T) {
	const refusedStream, data, headers, resetStream, settingsFrame, goAway = 7, 0, 1, 3, 4, 7
	var requests atomic.Int32
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	frame := func(kind, flags byte, stream uint32, payload []byte) []byte {
		b := []byte{0, 0, byte(len(payload)), kind, flags}
		return append(binary.BigEndian.AppendUint32(b, stream), payload...)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
				if _, err := io.ReadFull(c, preface); err != nil {
					return
				}
				c.Write(frame(settingsFrame, 0, 0, nil))
				head := make([]byte, 9)
				for {
					if _, err := io.ReadFull(c, head); err != nil {
						return
					}
					size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
					io.CopyN(io.Discard, c, int64(size))
					stream := binary.BigEndian.Uint32(head[5:])
					// The request is refused once its body was read too.
					if head[3] == headers {
						requests.Add(1)
					}
					if head[3] == data && head[4]&1 != 0 {
						if requests.Load()%2 == 0 {
							c.Write(frame(goAway, 0, 0, make([]byte, 8)))
							return
						}
						c.Write(frame(resetStream, 0, stream, []byte{0, 0, 0, refusedStream}))
					}
				}
			}()
		}
	}()
	roots := x509.NewCertPool()
	roots.AddCert(cert.Certificate())
	o := options("https://" + l.Addr().String())
	o.TLS = &tls.Config{RootCAs: roots}
	p := newPush(t, o)
	for i := range int32(4) {
		if got := deliver(t, p, message(1, "hi")); got.Verdict != sms.TryAgain || !got.Unjudged || got.Unreached {
			t.Errorf("try %d: %+v", i, got)
		}
		if n := requests.Load(); n != 2*(i+1) {
			t.Fatalf("after %d tries Hermès saw %d requests", i+1, n)
		}
	}
}

func TestHTTP2IsSpokenWithOurOwnCertificates(t *testing.T) {
	var proto atomic.Value
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { proto.Store(r.Proto) }))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	o := options(s.URL)
	if got := deliver(t, newPush(t, o), message(1, "hi")); got.Verdict != sms.TryAgain {
		t.Errorf("an unknown authority: %+v", got)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	o.TLS = &tls.Config{RootCAs: roots}
	if got := deliver(t, newPush(t, o), message(1, "hi")); got.Verdict != sms.Done || proto.Load() != "HTTP/2.0" {
		t.Errorf("%+v, %v", got, proto.Load())
	}
}

func TestAnAnswerThatNeverEndsIsCutOff(t *testing.T) {
	at := testkit.StartEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return
			}
		}
	})
	o := options(at.URL())
	o.Timeout = time.Hour // it is not this that cuts it off
	if got := deliver(t, newPush(t, o), message(1, "hi")); got.Verdict != sms.Done {
		t.Errorf("%+v", got)
	}
}
