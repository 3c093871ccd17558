package hermes

import (
	"bufio"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// caller is a connection in memory from an address.
type caller struct{ net.Conn }

func (caller) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 5000} }

func TestSoManyRefusedPeersAreToldWhyAndMoreAreJustClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPort(PortOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Queue: &taking{}, Route: toAdmin, Log: zerolog.Nop()})
		told := func(c net.Conn) string {
			line, _ := bufio.NewReader(c).ReadString('\n')
			return line
		}
		for range 2 {
			var peers []net.Conn
			for range maxRefusing + 3 {
				ours, theirs := net.Pipe()
				p.admit(caller{ours})
				peers = append(peers, theirs)
			}
			for i, c := range peers {
				want := `{"status":"rejected","code":"unauthorized","error":"192.0.2.7 is not in tcp.allow"}` + "\n"
				if i >= maxRefusing {
					want = ""
				}
				if got := told(c); got != want {
					t.Errorf("peer %d of %d was told %q", i+1, len(peers), got)
				}
			}
			synctest.Wait()
		}
	})
}

func TestARefusedAddressIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		p := NewPort(PortOptions{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Queue: &taking{}, Route: toAdmin, Log: zerolog.New(&log)})
		refused := func(lines int) {
			t.Helper()
			ours, theirs := net.Pipe()
			theirs.Close()
			p.admit(caller{ours})
			synctest.Wait()
			if n := log.count("the TCP port refused a connection; to let it in:"); n != lines {
				t.Errorf("%d lines, want %d", n, lines)
			}
		}
		refused(1)
		refused(1)
		time.Sleep(time.Minute - 1)
		refused(1)
		time.Sleep(time.Nanosecond)
		refused(2)
		time.Sleep(time.Minute - 1)
		refused(2)
		p.SetAllow([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}) // the operator may want to see whether it helped
		refused(3)
	})
}
