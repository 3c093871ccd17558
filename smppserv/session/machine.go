package session

import (
	"net"

	"hnetsmpp/smppserv/balancer"
)

// FromThisMachine tells whether the peer is a program of this machine: it connected from loopback, or from the address that
// it connected to, and not through a load balancer, whose word for an address is none about our machine.
func (s *Session) FromThisMachine() bool {
	return !balancer.Forwarded(s.o.Conn) && ofThisMachine(s.o.Conn.LocalAddr(), s.o.Conn.RemoteAddr())
}

func ofThisMachine(local, remote net.Addr) bool {
	a := AddrOf(remote)
	return a.IsValid() && (a.IsLoopback() || a == AddrOf(local))
}
