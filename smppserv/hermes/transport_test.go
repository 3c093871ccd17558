package hermes

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestAConnectionToHermesIsGivenUpBeforeItsServerDoesAndADeadOneIsFoundOut(t *testing.T) {
	o := options("http://127.0.0.1/")
	tr := newTransport(o)
	if tr.IdleConnTimeout != 30*time.Second {
		t.Errorf("idle for %v", tr.IdleConnTimeout)
	}
	if tr.HTTP2.SendPingTimeout != 10*time.Second || tr.HTTP2.PingTimeout != 5*time.Second {
		t.Errorf("asked after %v, for %v", tr.HTTP2.SendPingTimeout, tr.HTTP2.PingTimeout)
	}
	if tr.MaxIdleConnsPerHost != o.Concurrency || tr.TLSHandshakeTimeout != o.Timeout {
		t.Errorf("%d connections are kept, a handshake takes %v", tr.MaxIdleConnsPerHost, tr.TLSHandshakeTimeout)
	}
}

// closing is a body that notes its end.
type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestTheStandInClosesTheBodyThatItAccepts(t *testing.T) {
	s := &StandIn{Log: zerolog.Nop()}
	body := &closing{Reader: strings.NewReader("hi")}
	for _, b := range []io.ReadCloser{body, nil} {
		if a, err := s.RoundTrip(&http.Request{Header: http.Header{}, Body: b}); err != nil || a.StatusCode != http.StatusOK {
			t.Errorf("%+v, %v", a, err)
		}
	}
	if !body.closed {
		t.Error("it is open")
	}
}
