package faults

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/adminport"
	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// from dials the server from another address of this machine.
func from(t *testing.T, host, addr string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}, Timeout: testkit.Patience}
	c, err := d.Dial("tcp", addr)
	if errors.Is(err, os.ErrPermission) || err != nil && strings.Contains(err.Error(), "assign requested address") {
		t.Skip("this system has one loopback address only")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// letGo tells whether the server closes a connection, at last.
func letGo(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(testkit.Patience))
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// isOpen tells whether the server has not closed a connection yet.
func isOpen(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// busy has a client submit until stop is called, which tells how many were answered ROK. Any other answer fails the test.
func busy(t *testing.T, c *smpptest.Client) (stop func() int64) {
	var answered atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			seq := c.Send(&smpp.SubmitSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: customer}, Dest: smpp.Address{Addr: campaign}, ShortMessage: []byte("x")})
			c.ExpectResp(seq, smpp.ROK)
			answered.Add(1)
		}
	}()
	return func() int64 {
		t.Helper()
		cancel()
		testkit.Receive(t, ended, "the answer to the last submit")
		return answered.Load()
	}
}

func TestWhoHoldsConnectionsAtTheSMPPPortKeepsToTheLimitsAndOthersNoticeNothing(t *testing.T) {
	const inAll, perAddress = 60, 40
	dir := t.TempDir()
	settings, _, _ := withTLS(t, dir)
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, dir, settings, testkit.Settings{
		"server.max_connections": inAll, "server.max_connections_per_ip": perAddress, "server.session_init_timeout": "3s"}))
	stop := busy(t, testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password))
	bind := []byte("\x00\x00\x00\x28\x00\x00\x00\x09\x00\x00\x00\x00\x00\x00\x00\x01") // the header of a bind whose body never comes whole
	hello := []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")                    // the beginning of TLS
	var held []net.Conn
	var dripping sync.WaitGroup
	hold := func(host string, n int) (in int) {
		for i := range n {
			addr := smppserv.SMPP
			if i%4 == 3 {
				addr = smppserv.SMPPTLS
			}
			c := from(t, host, addr)
			held = append(held, c)
			switch i % 4 {
			case 1: // half of a PDU
				_, _ = c.Write(bind)
			case 2, 3: // an octet at a time
				octets := bind
				if i%4 == 3 {
					octets = hello
				}
				dripping.Go(func() {
					for i := range 1000 {
						if _, err := c.Write(octets[min(i, len(octets)-1):][:1]); err != nil {
							return
						}
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
		}
		testkit.Await(t, "those without a place are closed", func() bool {
			in = 0
			for _, c := range held[len(held)-n:] {
				if isOpen(c) {
					in++
				}
			}
			return in <= min(n, perAddress)
		})
		return in
	}
	if n := hold("127.0.0.2", perAddress+10); n > perAddress {
		t.Errorf("%d connections of an address are open, %d may be", n, perAddress)
	}
	hold("127.0.0.3", perAddress)
	smppserv.Log.AwaitWords(t, "server.max_connections_per_ip is reached", "127.0.0.2")
	smppserv.Log.AwaitWords(t, "server.max_connections is reached", "127.0.0.3")
	testkit.Await(t, "no more are open than may be", func() bool {
		in := 1 // the client
		for _, c := range held {
			if isOpen(c) {
				in++
			}
		}
		return in <= inAll
	})
	for i, c := range held {
		if !letGo(c) {
			t.Errorf("connection %d, which never binds, stays", i)
		}
	}
	for range 2 { // the places are free again, for anybody
		testkit.Bind(t, smppserv.SMPP, smpp.CmdBindReceiver, testkit.Client, testkit.Password).Unbind()
	}
	t.Logf("beside %d connections that never bound, the client had %d answers", len(held), stop())
	for _, c := range held {
		c.Close()
	}
	dripping.Wait()
}

func TestConnectionsThatStallInTLSTakeNoPlaceOfThePortForHermesForLong(t *testing.T) {
	dir := t.TempDir()
	settings, _, _ := withTLS(t, dir)
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, dir, settings))
	var held []net.Conn
	for range 120 { // 100 have a place
		held = append(held, from(t, "127.0.0.1", smppserv.TCPTLS))
	}
	testkit.Await(t, "Hermès has a place beside them", func() bool {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: testkit.Patience}, "tcp", smppserv.TCPTLS, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(testkit.Patience))
		fmt.Fprintf(c, `{"from":%q,"to":%q,"text":"x"}`+"\n", campaign, customer)
		answer := make([]byte, 200)
		n, _ := c.Read(answer)
		return strings.Contains(string(answer[:n]), `"accepted"`)
	})
	for i, c := range held {
		if !letGo(c) {
			t.Errorf("connection %d, which never speaks TLS, stays", i)
		}
	}
}

var sample = regexp.MustCompile(`(?m)^[a-z][^ ]* `)

// What a stranger can grow: he is told apart by his address and by what he calls himself, and has as much of both as he likes.
func TestStrangersGrowNeitherTheLogNorTheMetricsTheAuditNorTheListOfClients(t *testing.T) {
	dir := t.TempDir()
	path := testkit.WriteConfig(t, dir, testkit.Settings{"admin.listen": "127.0.0.1:0", "tcp.allow": []string{"127.0.0.1/32"}, "tcp.token": "t0ken"})
	smppserv := testkit.StartWorker(t, path)
	runs, err := running.Look(path)
	testkit.Await(t, "the server tells its commands of itself", func() bool { runs, err = running.Look(path); return err == nil && runs != nil })
	remote, err := adminport.Of(runs, adminapi.Login{})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	type grown struct{ series, audit, clients, sessions int }
	look := func() (g grown) {
		t.Helper()
		a, err := http.Get("http://" + smppserv.Admin + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		g.series = len(sample.FindAllString(string(text), -1))
		audit, err := remote.Audit(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		clients, err := remote.Clients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sessions, err := remote.Sessions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return grown{series: g.series, audit: len(audit.Entries), clients: len(clients), sessions: len(sessions)}
	}
	attack := func(round, times int) {
		for i := range times {
			host := fmt.Sprintf("127.%d.%d.%d", 1+round, i/250, 1+i%250)
			name := fmt.Sprintf("stranger%d-%d", round, i)
			c := from(t, host, smppserv.SMPP)
			pdu := smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: name, Password: "x", InterfaceVersion: smpp.V34})
			if i%2 == 0 {
				pdu = []byte("GET /" + name + " HTTP/1.1\r\nHost: " + name + "\r\n\r\n")
			}
			_, _ = c.Write(pdu)
			c.Close()
			c = from(t, host, smppserv.TCP)
			fmt.Fprintf(c, `{"id":%q,"from":"1","to":"2","text":"x","token":"no"}`+"\n", name)
			c.Close()
			if i%20 == 0 {
				r, _ := http.NewRequest(http.MethodGet, "http://"+smppserv.Admin+"/"+name+"?"+name, nil)
				r.SetBasicAuth(name, "x")
				if a, err := http.DefaultClient.Do(r); err == nil {
					a.Body.Close()
				}
			}
		}
	}
	idle := func() bool { return look().sessions == 0 }
	attack(0, 20) // what comes with the first of each kind
	testkit.Await(t, "the strangers are gone", idle)
	before, lines := look(), strings.Count(smppserv.Log.String(), "\n")
	const times = 1000
	attack(1, times)
	testkit.Await(t, "the strangers are gone", idle)
	after := look()
	if after.audit > before.audit+20 {
		t.Errorf("%d entries of the audit", after.audit-before.audit)
	}
	after.audit = before.audit
	if after != before {
		t.Errorf("before %d strangers: %+v, after: %+v", times, before, after)
	}
	written := strings.Count(smppserv.Log.String(), "\n") - lines
	t.Logf("%d connections of %d addresses were %d lines of the log", 2*times, times, written)
	if written > 250 {
		t.Errorf("%d connections of strangers were %d lines of the log", 2*times, written)
	}
}
