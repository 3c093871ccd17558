package balancer

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// from is a connection in memory that comes from an address.
type from struct {
	net.Conn
	remote net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.remote }

func pair(addr string) (ours net.Conn, theirs net.Conn) {
	a, b := net.Pipe()
	return from{a, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}, b
}

func TestABalancerIsWhoConnectsFromItsNetworks(t *testing.T) {
	b := New(0)
	b.SetNetworks([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/64")})
	for addr, want := range map[string]bool{
		"10.0.0.5:1": true, "10.0.1.5:1": false, "[::ffff:10.0.0.5]:1": true, "[fd00::9]:1": true, "[fd00::9%eth0]:1": true, "[fd00:0:0:1::9]:1": false,
	} {
		if got := b.Has(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
	b.SetNetworks(nil)
	if b.Has(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 5)}) || b.Has(&net.UnixAddr{}) {
		t.Error("without networks there is a balancer")
	}
}

func TestAHeaderHasAFixedTimeHoweverItsOctetsCome(t *testing.T) {
	for _, pause := range []time.Duration{HeaderTime / 4, 2 * HeaderTime} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := pair("10.0.0.5:1")
			written := make(chan struct{})
			go func() {
				defer close(written)
				for _, octet := range []byte("PROXY TCP4 203.0.113.7 192.0.2.1 4711 2346\r\n") {
					time.Sleep(pause)
					if _, err := theirs.Write([]byte{octet}); err != nil {
						return
					}
				}
			}()
			began := time.Now()
			_, err := New(0).Read(ours)
			if !errors.Is(err, errLate) || time.Since(began) != HeaderTime {
				t.Errorf("after %s: %v", time.Since(began), err)
			}
			ours.Close()
			<-written
		})
	}
}

func TestBehindItsHeaderAConnectionHasNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := pair("10.0.0.5:1")
		defer theirs.Close()
		go io.WriteString(theirs, "PROXY TCP4 203.0.113.7 192.0.2.1 4711 2346\r\nab")
		c, err := New(0).Read(ours)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			time.Sleep(time.Hour)
			io.WriteString(theirs, "cd")
		}()
		var got strings.Builder
		for b := make([]byte, 1); got.Len() < 4; {
			if _, err := c.Read(b); err != nil {
				t.Fatal(err)
			}
			got.Write(b)
		}
		if got.String() != "abcd" || c.RemoteAddr().String() != "203.0.113.7:4711" || c.LocalAddr().String() != "192.0.2.1:2346" {
			t.Errorf("%s from %s at %s", &got, c.RemoteAddr(), c.LocalAddr())
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("its own deadline does not hold")
		}
	})
}

func TestWhoIsIntroducedStandsForItselfAndOthersMayNot(t *testing.T) {
	for _, c := range []struct {
		header               string
		forwarded, anonymous bool
	}{
		{"PROXY TCP4 127.0.0.1 192.0.2.1 4711 2346\r\n", true, false},
		{"PROXY UNKNOWN\r\n", true, true},
		{"", false, true}, // Introduce's
	} {
		ours, theirs := pair("10.0.0.5:1")
		go func() {
			if c.header == "" {
				Introduce(theirs)
			}
			io.WriteString(theirs, c.header)
		}()
		own, err := New(0).Read(ours)
		if err != nil {
			t.Fatal(err)
		}
		if Forwarded(own) != c.forwarded || IsAnonymous(own) != c.anonymous {
			t.Errorf("%q: forwarded %v, anonymous %v", c.header, Forwarded(own), IsAnonymous(own))
		}
		if Forwarded(ours) || IsAnonymous(ours) {
			t.Error("a connection that is no balancer's is one")
		}
		own.Close()
		theirs.Close()
	}
}

func TestOnlySoManyOfOneAddressMayBeWithoutTheirHeaderAndAllEndWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(2)
		ended := make(chan error)
		read := func(addr string) {
			ours, theirs := pair(addr)
			t.Cleanup(func() { theirs.Close() })
			go func() {
				_, err := b.Read(ours)
				ended <- err
			}()
			synctest.Wait()
		}
		read("10.0.0.5:1")
		read("10.0.0.5:2")
		read("10.0.0.6:1")
		read("10.0.0.5:3")
		if err := <-ended; !errors.Is(err, errTooMany) {
			t.Errorf("the third of an address: %v", err)
		}
		b.Close()
		read("10.0.0.7:1")
		for range 4 {
			if err := <-ended; !errors.Is(err, errClosed) {
				t.Errorf("at the end: %v", err)
			}
		}
		if len(b.of)+len(b.reading) > 0 {
			t.Errorf("%v are remembered", b.of)
		}
	})
}

func FuzzAHeaderIsReadOrRefusedWithinItsOctets(f *testing.F) {
	f.Add([]byte("PROXY TCP6 2001:db8::7 2001:db8::1 4711 2346\r\nab"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02ab"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00ab"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		ours, theirs := pair("10.0.0.5:1")
		go func() {
			theirs.Write(octets)
			theirs.Close()
		}()
		c, err := New(0).Read(ours)
		if err != nil {
			ours.Close()
			return
		}
		defer c.Close()
		rest, _ := io.ReadAll(c)
		if !strings.HasSuffix(string(octets), string(rest)) || len(rest) == len(octets) || c.RemoteAddr() == nil || c.LocalAddr() == nil {
			t.Errorf("%q: from %v, then %q", octets, c.RemoteAddr(), rest)
		}
	})
}
