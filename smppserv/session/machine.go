package session

import "net"

// FromThisMachine tells whether the peer is a program of this machine: it connected from loopback, or from the address that
// it connected to.
func (s *Session) FromThisMachine() bool {
	return ofThisMachine(s.o.Conn.LocalAddr(), s.o.Conn.RemoteAddr())
}

func ofThisMachine(local, remote net.Addr) bool {
	a := AddrOf(remote)
	return a.IsValid() && (a.IsLoopback() || a == AddrOf(local))
}
