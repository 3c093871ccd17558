package session

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

func TestAddressesOfFailedBindsAreRememberedUpToABound(t *testing.T) {
	d := NewDoors(0, 0, time.Second)
	now := time.Now()
	from, most := netip.MustParseAddr("2001:db8::1"), 0
	for range 2*maxFailing + 1 {
		if wait := d.failedBind(net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 40000)), now); wait != time.Second {
			t.Fatalf("the first failed bind of %v is held back by %v", from, wait)
		}
		most = max(most, len(d.failed))
		from = from.Next()
	}
	if most > maxFailing || most < maxFailing/2 {
		t.Errorf("%d addresses are remembered, want %d at most", most, maxFailing)
	}
}

func TestFailedBindsOfOneAddressAreCountedUpToABound(t *testing.T) {
	d := NewDoors(0, 0, time.Second)
	now, remote := time.Now(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	var last time.Duration
	for range 1000 {
		last = d.failedBind(remote, now)
	}
	if n := len(d.failed[AddrOf(remote)]); n > int(maxBindDelay/time.Second) || last != maxBindDelay {
		t.Errorf("%d failures are remembered, and the answer is held back by %v", n, last)
	}
}

// onPipe runs a bound session on a connection in memory, in a bubble of synctest.
func onPipe(t *testing.T, o Options, test func(t *testing.T, s *Session, p *pipe)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{requests: make(chan *Ticket, 10_000), bound: make(chan *Session, 1), unbound: make(chan error, 1)}
		o.ID, o.SystemID, o.Conn, o.Handler, o.Log = 7, "centre", p, h, zerolog.Nop()
		s := New(o)
		go s.Serve()
		defer synctest.Wait()
		defer s.Close(nil)
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		synctest.Wait()
		if s.State() != BoundTRX {
			t.Fatalf("the session is %v", s.State())
		}
		p.take()
		test(t, s, p)
	})
}

func TestAnOutputThatWasLargeOnceIsNotKept(t *testing.T) {
	onPipe(t, Options{Window: 1000, MaxRequests: 10}, func(t *testing.T, s *Session, p *pipe) {
		deliver := func() {
			s.Send(&smpp.DeliverSM{ShortMessage: []byte(strings.Repeat("x", 250))}, func(Answer) {})
		}
		p.stall(0)
		deliver() // the writer is stuck with it
		synctest.Wait()
		for range 10 * keepOut / 250 {
			deliver()
		}
		synctest.Wait()
		s.mu.Lock()
		grown := cap(s.out)
		s.mu.Unlock()
		if grown <= keepOut {
			t.Fatalf("only %d octets waited", grown)
		}
		p.resume()
		synctest.Wait()
		deliver()
		synctest.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if cap(s.out) > keepOut || cap(s.spare) > keepOut {
			t.Errorf("an idle session keeps %d and %d octets for its output, want %d at most", cap(s.out), cap(s.spare), keepOut)
		}
	})
}
