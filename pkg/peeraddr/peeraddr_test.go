package peeraddr

import (
	"net"
	"net/netip"
	"testing"
)

func TestAPeerIsCountedByItsAddressOrByTheNetworkThatItHas(t *testing.T) {
	for _, c := range [][2]string{
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
		{"2001:db8:1:2:ffff::", "2001:db8:1:2::"},
		{"2001:db8:1:3::1", "2001:db8:1:3::"},
		{"fe80::1%eth0", "fe80::"},
		{"::1", "::"},
	} {
		if got := Counted(netip.MustParseAddr(c[0])); got != netip.MustParseAddr(c[1]) {
			t.Errorf("%s is counted as %s, want %s", c[0], got, c[1])
		}
	}
	if got := Counted(netip.Addr{}); got.IsValid() {
		t.Errorf("no address is counted as %s", got)
	}
}

func TestTheAddressOfATCPPeerIsReadAndNoOther(t *testing.T) {
	for _, c := range []struct{ ip, want string }{{"192.0.2.1", "192.0.2.1"}, {"::ffff:192.0.2.1", "192.0.2.1"}, {"2001:db8::1", "2001:db8::1"}} {
		if got := Of(&net.TCPAddr{IP: net.ParseIP(c.ip), Port: 9, Zone: "eth0"}); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s is read as %s", c.ip, got)
		}
	}
	if got := Of(&net.UnixAddr{Name: "x"}); got.IsValid() {
		t.Errorf("a socket of the file system is read as %s", got)
	}
}
