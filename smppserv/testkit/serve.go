package testkit

import (
	"net"
	"testing"
)

// Serve gives each connection to a port of loopback to each, on a goroutine of its own and with the number that the connection
// has, and closes it afterwards. It returns the port's address.
func Serve(t testing.TB, each func(n int, c net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				each(n, c)
			}()
		}
	}()
	return l.Addr().String()
}

// SilentLater is an address of loopback that refuses connections until begin is called; from then on they are taken there, and nothing is said, as
// by a machine whose disk hangs.
func SilentLater(t testing.TB) (address string, begin func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	return address, func() {
		t.Helper()
		silent, err := net.Listen("tcp", address) // nobody accepts: the kernel does
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { silent.Close() })
	}
}
