// Package peeraddr is the address that a peer is counted by.
package peeraddr

import (
	"net"
	"net/netip"
)

// Of is the IP address of a TCP peer, IPv4 also where it came as IPv6, without a zone. Of any other it is the zero Addr.
func Of(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// ofOnePeer is how much of an IPv6 address is given to a peer, who may use all that begin with it.
const ofOnePeer = 64

// Counted is what limits go by: an IPv4 address, or the first one of the /64 of an IPv6 address.
func Counted(a netip.Addr) netip.Addr {
	if a = a.Unmap(); !a.Is6() {
		return a
	}
	p, err := a.WithZone("").Prefix(ofOnePeer)
	if err != nil {
		return a
	}
	return p.Addr()
}
