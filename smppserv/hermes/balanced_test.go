package hermes

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/balancer"
	"hnetsmpp/smppserv/testkit"
)

// through has a client visit by way of a load balancer.
func (p *Port) through(t testing.TB, from, client string) *visit {
	v := p.visit(t, from)
	fmt.Fprintf(v, "PROXY TCP4 %s 192.0.2.1 4711 18182\r\n", client)
	return v
}

func networks(cidrs ...string) (all []netip.Prefix) {
	for _, n := range cidrs {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}

func TestConnectionsOfALoadBalancerWithoutTheirHeaderTakeNoPlaceOfTheTCPPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said logged
		p := newBubblePort(&taking{}, func(o *PortOptions) {
			o.MaxConnections, o.Balancers, o.Allow, o.Log = 4, networks("10.0.0.0/24"), networks("127.0.0.1/32", "203.0.113.0/24"), zerolog.New(&said)
		})
		silent := []*visit{p.visit(t, "10.0.0.5"), p.visit(t, "10.0.0.5"), p.visit(t, "10.0.0.6"), p.visit(t, "10.0.0.6")}
		synctest.Wait()
		if p.visit(t, "10.0.0.7").told() != "" || said.count(tooMany.Text) != 1 {
			t.Errorf("there are more without a header than connections may be: %s", said.String())
		}
		hermes := p.visit(t, "127.0.0.1")
		for _, v := range []*visit{hermes, p.visit(t, "127.0.0.1"), p.visit(t, "127.0.0.1"), p.visit(t, "127.0.0.1")} {
			if got := v.ask(hello); !strings.Contains(got, "accepted") {
				t.Errorf("beside those without a header: %q", got)
			}
		}
		time.Sleep(balancer.HeaderTime + time.Second)
		for _, v := range silent {
			if !v.gone() {
				t.Error("one without a header stays")
			}
		}
		p.end(t)
	})
}

func TestWhoeverComesThroughALoadBalancerToAFullTCPPortIsGivenAPlaceOnlyIfHeIsLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said logged
		p := newBubblePort(&taking{}, func(o *PortOptions) {
			o.MaxConnections, o.Balancers, o.Allow, o.Log = 2, networks("10.0.0.5/32"), networks("127.0.0.1/32", "203.0.113.0/24"), zerolog.New(&said)
		})
		idler, talker := p.through(t, "10.0.0.5", "203.0.113.7"), p.visit(t, "127.0.0.1")
		idler.ask(hello)
		if got := p.through(t, "10.0.0.5", "203.0.113.8").told(); !strings.Contains(got, "too many connections") {
			t.Errorf("while nobody is idle: %q", got)
		}
		time.Sleep(2 * provenTime)
		talker.ask(hello)
		if got := p.through(t, "10.0.0.5", "198.51.100.1").told(); !strings.Contains(got, "198.51.100.1 is not in tcp.allow") {
			t.Errorf("a stranger is told %q", got)
		}
		check := p.visit(t, "10.0.0.5")
		io.WriteString(check, "PROXY UNKNOWN\r\n")
		if check.told() != "" || idler.gone() || talker.gone() {
			t.Error("somebody lost his place to who is not let in")
		}
		newcomer := p.through(t, "10.0.0.5", "203.0.113.8")
		if got := newcomer.ask(hello); !strings.Contains(got, "accepted") || !idler.gone() || talker.gone() {
			t.Errorf("the newcomer has not the place of who is idle for longest: %q", got)
		}
		if said.count(madeRoom.Text) != 1 || said.count(`"peer":"203.0.113.7:4711","message":"`+madeRoom.Text) != 1 {
			t.Errorf("the log says\n%s", said.String())
		}
		p.end(t)
	})
}

// secureBalanced is a port to whose side for TLS this machine is a load balancer.
func secureBalanced(t *testing.T, said *logged) (*Port, *tls.Config) {
	ca := newAuthority(t)
	return openPort(t, &taking{}, func(o *PortOptions) {
		o.ListenTLS, o.Balancers, o.Log = "127.0.0.1:0", networks("127.0.0.1/32"), zerolog.New(said)
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.issue(nil)}}
	}), &tls.Config{RootCAs: ca.pool(), ServerName: "127.0.0.1"}
}

func (p *Port) admitted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.connections)
}

func TestAHealthCheckOfThePortForTLSIsNoFaultHoweverItEnds(t *testing.T) {
	for _, hard := range []bool{false, true} {
		var said logged
		p, _ := secureBalanced(t, &said)
		c, err := net.Dial("tcp", p.AddrTLS().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := balancer.Introduce(c); err != nil {
			t.Fatal(err)
		}
		testkit.Await(t, "the header is read", func() bool { return p.admitted() == 1 })
		if hard {
			c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
		testkit.Await(t, "its end is told", func() bool { return said.count(secure.Failed.Text) == 1 })
		if said.count(`"level":"debug"`) != 1 || said.count(`"level":"warn"`) != 0 {
			t.Errorf("hard: %v, the log says %s", hard, said.String())
		}
	}
}

func TestAConnectionWithTLSBehindALoadBalancerIsResetToo(t *testing.T) {
	var said logged
	p, trusts := secureBalanced(t, &said)
	nc, err := net.Dial("tcp", p.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, "PROXY TCP4 203.0.113.7 192.0.2.1 4711 18183\r\n")
	c := tls.Client(nc, trusts)
	lines := bufio.NewReader(c)
	io.WriteString(c, hello+"\n")
	if got, err := lines.ReadString('\n'); err != nil || !strings.Contains(got, "accepted") {
		t.Fatalf("%q, %v", got, err)
	}
	p.mu.Lock()
	for c := range p.connections {
		reset(c.nc)
		c.fail("of a test")
	}
	p.mu.Unlock()
	if _, err := nc.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("it ends with %v", err)
	}
	if said.count(`"peer":"203.0.113.7:4711"`) == 0 {
		t.Errorf("the log says %s", said.String())
	}
}
