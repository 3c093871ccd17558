package session

import (
	"encoding/binary"
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
		octets := from.As16()
		binary.BigEndian.PutUint64(octets[:], binary.BigEndian.Uint64(octets[:])+1) // the next /64
		from = netip.AddrFrom16(octets)
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

func TestRequestsAnsweredBehindOneThatIsNotAreForgotten(t *testing.T) {
	const window = 8
	onPipe(t, Options{Window: window, MaxRequests: 10, Timers: Timers{Response: time.Hour}}, func(t *testing.T, s *Session, p *pipe) {
		answered, most := 0, 0
		for i := range 100 * window {
			s.Send(&smpp.DeliverSM{}, func(Answer) { answered++ })
			synctest.Wait()
			h := smpp.ParseHeader(p.take())
			if i > 0 { // the first one is not answered
				p.send(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{}))
				synctest.Wait()
			}
			s.mu.Lock()
			most = max(most, len(s.window.order))
			oldest := s.window.order[0].sequence
			s.mu.Unlock()
			if oldest != firstSequence {
				t.Fatalf("the oldest request is %#x", oldest)
			}
		}
		if answered != 100*window-1 || most > 4*window {
			t.Errorf("%d answers came, and up to %d requests were kept", answered, most)
		}
	})
}

// caller is a connection from any address.
type caller struct {
	net.Conn
	from net.Addr
}

func (c caller) RemoteAddr() net.Addr { return c.from }

func TestTheDoorsForgetWhoHasLeft(t *testing.T) {
	d := NewDoors(10, 2, 0)
	from := netip.MustParseAddr("2001:db8::1")
	for range 10_000 {
		remote := net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 40000))
		for range 2 {
			if err := d.Enter(remote); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Enter(remote); err != errTooManyPerAddress {
			t.Fatalf("got %v", err)
		}
		for range 2 {
			s := New(Options{Conn: caller{newPipe(0), remote}})
			d.sessions[s] = struct{}{}
			d.left(s)
		}
		from = from.Next()
	}
	if len(d.perAddr) > 0 || len(d.sessions) > 0 || d.open != 0 {
		t.Errorf("%d addresses, %d sessions and %d connections are counted, and nobody is there", len(d.perAddr), len(d.sessions), d.open)
	}
}

func TestOnlySoManyConnectionsAreLetInFromAllAddressesTogether(t *testing.T) {
	d := NewDoors(10, 2, 0)
	from := netip.MustParseAddr("192.0.2.1")
	enter := func() error {
		from = from.Next()
		return d.Enter(net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 40000)))
	}
	for range 10 {
		if err := enter(); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(); err != errTooMany {
		t.Fatalf("got %v", err)
	}
}

func TestAFailedBindIsForgottenAfterAMinute(t *testing.T) {
	d := NewDoors(0, 0, time.Second)
	now, remote := time.Now(), &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 3 * time.Second} {
		if got := d.failedBind(remote, now); got != want {
			t.Errorf("failure %d is held back by %v, want %v", i, got, want)
		}
		now = now.Add([]time.Duration{failedBindWindow / 2, failedBindWindow/2 + 1, 0, 0}[i])
	}
}
