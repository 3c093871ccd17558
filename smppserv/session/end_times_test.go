package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

// awaitFIN is when the session's end of the stream came.
func (p *pipe) awaitFIN(t *testing.T) time.Time {
	t.Helper()
	limit := time.Now().Add(longEnough)
	for {
		p.mu.Lock()
		over := p.fin || p.closed
		p.mu.Unlock()
		if over {
			return time.Now()
		}
		if time.Now().After(limit) {
			t.Fatal("it never ends")
		}
		time.Sleep(time.Millisecond) // of the bubble's time
	}
}

func TestEachEndTakesTheTimeThatItShould(t *testing.T) {
	const response, logout = 10 * time.Second, 7 * time.Second
	number := smpp.Address{Addr: "1"}
	unbind := smpp.AppendHeader(nil, smpp.CmdUnbind, 0, 9)
	for _, c := range []struct {
		name     string
		response time.Duration
		refuse   error // of the bind
		do       func(s *Session, p *pipe)
		fin, end time.Duration // until our FIN, and until Serve returns
		why      error
	}{
		{name: "a refused bind gives the client a second to close", refuse: smpp.RINVPASWD, do: func(*Session, *pipe) {},
			fin: refusedPatience, end: refusedPatience + drainTime, why: errRefused},
		{name: "an unbind gives the client the logout time to close", response: response, do: func(_ *Session, p *pipe) { p.send(unbind) },
			fin: logout, end: logout + drainTime, why: errPeerUnbound},
		{name: "an unbind waits twice the response timer for what is not answered", response: response, do: func(_ *Session, p *pipe) {
			p.send(append(smpp.AppendPDU(nil, 0, 2, submit("x")), unbind...))
		}, fin: 2 * response, end: 2*response + drainTime, why: errPeerUnbound},
		{name: "our unbind, answered, waits twice the response timer for what is not", response: response, do: func(s *Session, p *pipe) {
			p.send(smpp.AppendPDU(nil, 0, 2, submit("x")))
			synctest.Wait()
			s.Unbind(errStop)
			p.send(smpp.AppendHeader(nil, smpp.CmdUnbindResp, 0, firstSequence))
		}, fin: 2 * response, end: 2*response + drainTime, why: errStop},
		{name: "our unbind waits the response timer", response: response, do: func(s *Session, _ *pipe) { s.Unbind(errStop) },
			fin: response, end: response + drainTime, why: errStop},
		{name: "our unbind waits no longer than it may", response: response, do: func(s *Session, _ *pipe) { s.UnbindBy(errStop, time.Now().Add(3*time.Second)) },
			fin: 3 * time.Second, end: 3*time.Second + drainTime, why: errStop},
		{name: "a half-closed connection waits twice the response timer for what is not answered", response: response, do: func(_ *Session, p *pipe) {
			p.send(smpp.AppendPDU(nil, 0, 2, submit("x")))
			p.halfClose()
		}, fin: 2 * response, end: 2 * response, why: errPeerClosed},
		{name: "a half-closed connection waits a second where there is no timer", do: func(_ *Session, p *pipe) {
			p.send(smpp.AppendPDU(nil, 0, 2, submit("x")))
			p.halfClose()
		}, fin: time.Second, end: time.Second, why: errPeerClosed},
		{name: "a peer that takes nothing for two minutes is cut three seconds later", do: func(s *Session, p *pipe) {
			p.stall(0)
			s.Notify(&smpp.AlertNotification{Source: number, ESME: number})
		}, fin: notReading + drainTime + time.Second, end: notReading + drainTime + time.Second, why: errNotReading},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipe(0)
				h := &fake{refuse: c.refuse, requests: make(chan *Ticket, 10), bound: make(chan *Session, 1), unbound: make(chan error, 2)}
				s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Timers: Timers{Response: c.response}, Logout: logout, Window: 1, MaxRequests: 10})
				ended := make(chan error, 1)
				go func() { ended <- s.Serve() }()
				began := time.Now()
				p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
				synctest.Wait()
				c.do(s, p)
				if fin := p.awaitFIN(t).Sub(began); fin < c.fin || fin > c.fin+2*time.Millisecond {
					t.Errorf("our end came after %v, want %v", fin, c.fin)
				}
				if err := <-ended; !errors.Is(err, c.why) {
					t.Errorf("ended because of %v, want %v", err, c.why)
				}
				if end := time.Since(began); end < c.end || end > c.end+2*time.Millisecond {
					t.Errorf("it ended after %v, want %v", end, c.end)
				}
				synctest.Wait()
			})
		})
	}
}
