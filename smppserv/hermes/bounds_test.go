package hermes

import (
	"net"
	"net/netip"
	"testing"

	"github.com/rs/zerolog"
)

// stranger is a connection from any address.
type stranger struct {
	net.Conn
	from netip.Addr
}

func (s stranger) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.from, 40000))
}

func TestRefusedAddressesAreRememberedUpToABound(t *testing.T) {
	p := NewPort(PortOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Log: zerolog.Nop()})
	knock := func(from netip.Addr) {
		ours, theirs := net.Pipe()
		theirs.Close()
		p.admit(stranger{ours, from})
	}
	remembered := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.refused)
	}
	first := netip.MustParseAddr("192.0.2.1")
	from, most := first, 0
	for range 3*maxRefusals + 1 {
		knock(from)
		most = max(most, remembered())
		from = from.Next()
	}
	if most > maxRefusals || most < maxRefusals/2 {
		t.Errorf("%d addresses are remembered, want %d at most", most, maxRefusals)
	}
	p.running.Wait()
}
