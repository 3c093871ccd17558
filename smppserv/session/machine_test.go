package session

import (
	"net"
	"testing"
)

func TestAPeerOfThisMachineIsToldFromOthers(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 2346} }
	for _, c := range []struct {
		local, remote net.Addr
		want          bool
	}{
		{at("127.0.0.1"), at("127.0.0.1"), true},
		{at("::ffff:127.0.0.1"), at("127.0.0.5"), true},
		{at("::1"), at("::1"), true},
		{at("10.0.0.5"), at("10.0.0.5"), true},
		{at("10.0.0.5"), at("10.0.0.6"), false},
		{at("::1"), at("fe80::1"), false},
		{&net.UnixAddr{}, &net.UnixAddr{}, false},
	} {
		if got := ofThisMachine(c.local, c.remote); got != c.want {
			t.Errorf("from %v to %v: %t", c.remote, c.local, got)
		}
	}
}
