package faults

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// balancerAddr is whence a load balancer connects in these tests; whoever connects from 127.0.0.1 is none.
const balancerAddr = "127.0.0.2"

// behindBalancer is a server to which balancerAddr is a load balancer.
func behindBalancer(t *testing.T, more ...testkit.Settings) (smppserv *testkit.Worker, config string) {
	t.Helper()
	config = testkit.WriteConfig(t, t.TempDir(), append([]testkit.Settings{{
		"server.proxy_networks": []string{balancerAddr + "/32"}, "admin.listen": "127.0.0.1:0", "log.level": "debug",
	}}, more...)...)
	return testkit.StartWorker(t, config), config
}

// dialAs connects from an address of this machine.
func dialAs(t *testing.T, from, to string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: testkit.Patience}).Dial("tcp", to)
	if err != nil {
		t.Skipf("cannot connect from %s, which is loopback on Linux and Windows: %v", from, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// begin connects as the load balancer and sends this first.
func begin(t *testing.T, to, first string) net.Conn {
	t.Helper()
	c := dialAs(t, balancerAddr, to)
	if _, err := io.WriteString(c, first); err != nil {
		t.Fatal(err)
	}
	return c
}

func v1(client, server string) string {
	c, s := netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	family := "TCP4"
	if c.Addr().Is6() {
		family = "TCP6"
	}
	return fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family, c.Addr(), s.Addr(), c.Port(), s.Port())
}

// v2 is a header of version 2: command 0 = LOCAL, 1 = PROXY.
func v2(command, family byte, rest []byte) string {
	h := append([]byte("\r\n\r\n\x00\r\nQUIT\n"), 0x20|command, family)
	return string(append(binary.BigEndian.AppendUint16(h, uint16(len(rest))), rest...))
}

func v2For(client, server string, tlvs ...byte) string {
	c, s := netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	family := byte(0x11)
	if c.Addr().Is6() {
		family = 0x21
	}
	rest := append(c.Addr().AsSlice(), s.Addr().AsSlice()...)
	rest = binary.BigEndian.AppendUint16(rest, c.Port())
	rest = binary.BigEndian.AppendUint16(rest, s.Port())
	return v2(1, family, append(rest, tlvs...))
}

// boundLine is the end of the line about a bind that was granted.
const boundLine = `"message":"bound"`

const (
	client4, client6 = "203.0.113.7:4711", "[2001:db8::7]:4711"
	server4, server6 = "192.0.2.1:2346", "[2001:db8::1]:2346"
)

// closedUnheard tells that the server closes without a word.
func closedUnheard(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(testkit.Patience))
	if said, err := io.ReadAll(c); len(said) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		t.Errorf("the server said %q, %v", said, err)
	}
}

// bindRequest is a whole bind of testkit.Client.
func bindRequest(request smpp.CommandID) string {
	return string(smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.Bind{Type: request, SystemID: testkit.Client, Password: testkit.Password, InterfaceVersion: smpp.V34}))
}

func TestBehindALoadBalancerASessionHasItsClientsAddress(t *testing.T) {
	smppserv, config := behindBalancer(t)
	crc := []byte{4, 0, 3, 'x', 'y', 'z', 0x20, 0, 1, 0} // TLVs that nobody needs to know
	for i, c := range []struct {
		what, header, remote string
	}{
		{"version 1, IPv4", v1(client4, server4), client4},
		{"version 1, IPv6", v1(client6, server6), client6},
		{"version 2, IPv4", v2For(client4, server4), client4},
		{"version 2, IPv6", v2For(client6, server6), client6},
		{"version 2, with TLVs", v2For(client4, server4, crc...), client4},
		{"version 2, with a long TLV", v2For(client4, server4, append([]byte{4, 8, 0}, make([]byte, 2048)...)...), client4},
	} {
		t.Run(c.what, func(t *testing.T) {
			conn := begin(t, smppserv.SMPP, c.header+bindRequest(smpp.CmdBindTransceiver)) // in one segment, most likely
			esme := smpptest.New(t, conn)
			esme.ExpectResp(1, smpp.ROK)
			if all := answered[[]adminapi.Session](t, config, "sessions", 0); len(all) != 1 || all[0].Remote != c.remote {
				t.Errorf("the API has the sessions %+v", all)
			}
			esme.SendSeq(2, &smpp.EnquireLink{})
			esme.ExpectResp(2, smpp.ROK)
			esme.SendSeq(3, &smpp.Unbind{})
			esme.ExpectResp(3, smpp.ROK)
			smppserv.Log.AwaitWords(t, boundLine, `"remote":"`+c.remote+`"`, fmt.Sprintf(`"session":%d,`, i+1))
		})
	}
}

func TestAHeaderMayComeOctetByOctet(t *testing.T) {
	smppserv, _ := behindBalancer(t)
	for _, header := range []string{v1(client6, server6), v2For(client6, server6)} {
		conn := dialAs(t, balancerAddr, smppserv.SMPP)
		conn.(*net.TCPConn).SetNoDelay(true)
		for _, b := range []byte(header + bindRequest(smpp.CmdBindTransmitter)) {
			if _, err := conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		esme := smpptest.New(t, conn)
		esme.ExpectResp(1, smpp.ROK)
		smppserv.Log.AwaitWords(t, boundLine, client6)
		esme.Unbind()
	}
}

func TestATraceBehindALoadBalancerHasTheClientsAddress(t *testing.T) {
	smppserv, config := behindBalancer(t)
	says(t, config, "trace "+testkit.Client+" on", testkit.Client)
	esme := smpptest.New(t, begin(t, smppserv.SMPP, v2For(client6, server6)))
	esme.Bind(smpp.CmdBindTransceiver, testkit.Client, testkit.Password, smpp.V34)
	file := filepath.Join(t.TempDir(), "esme.pcapng")
	says(t, config, "trace "+testkit.Client+" save "+file, file)
	content, err := os.ReadFile(file)
	ends := string(append(netip.MustParseAddr("2001:db8::7").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice()...))
	if err != nil || !strings.Contains(string(content), ends) {
		t.Errorf("no packet goes from %s to %s: %v", client6, server6, err)
	}
}

func TestWhatWasSubmittedBehindALoadBalancerBeforeAFINIsAnswered(t *testing.T) {
	smppserv, _ := behindBalancer(t)
	esme := smpptest.New(t, begin(t, smppserv.SMPP, v1(client4, server4)))
	esme.Bind(smpp.CmdBindTransceiver, testkit.Client, testkit.Password, smpp.V34)
	seq := esme.Send(&smpp.SubmitSM{Source: smpp.Address{Addr: "33612345678"}, Dest: smpp.Address{Addr: "3600"}, ShortMessage: []byte("Bonjour")})
	esme.CloseWrite()
	esme.ExpectResp(seq, smpp.ROK)
	esme.ExpectClosed(testkit.Patience)
}

func TestBehindALoadBalancerAllowAndTheLimitsGoByTheClientsAddress(t *testing.T) {
	smppserv, _ := behindBalancer(t, testkit.Settings{
		"server.max_connections_per_ip": 2,
		"clients":                       []map[string]any{{"system_id": testkit.Client, "password": testkit.Password, "bind_policy": "pair", "allow": []string{"203.0.113.0/24"}}},
	})
	stranger := smpptest.New(t, begin(t, smppserv.SMPP, v1("198.51.100.1:99", server4)+bindRequest(smpp.CmdBindTransmitter)))
	stranger.ExpectResp(1, smpp.RBINDFAIL)
	smppserv.Log.AwaitWords(t, "a bind was refused", "198.51.100.1:99")

	for _, header := range []string{v1("203.0.113.7:1", server4), v2For("203.0.113.7:2", server4)} {
		esme := smpptest.New(t, begin(t, smppserv.SMPP, header+bindRequest(smpp.CmdBindTransceiver)))
		esme.ExpectResp(1, smpp.ROK)
	}
	closedUnheard(t, begin(t, smppserv.SMPP, v1("203.0.113.7:3", server4)))
	smppserv.Log.AwaitWords(t, "an SMPP connection was refused", "203.0.113.7:3", "max_connections_per_ip")
	another := smpptest.New(t, begin(t, smppserv.SMPP, v1("203.0.113.8:1", server4)))
	another.ExpectAlive()
}

func TestAConnectionOfALoadBalancerWithoutAWholeHeaderIsClosedAndToldOnce(t *testing.T) {
	smppserv, _ := behindBalancer(t)
	enquire := string(smpp.AppendHeader(nil, smpp.CmdEnquireLink, smpp.ROK, 1))
	ports := []string{smppserv.SMPP, smppserv.TCP}
	for _, c := range []struct {
		reason string
		starts []string
	}{
		{"does not begin with a PROXY header", []string{bindRequest(smpp.CmdBindTransmitter), enquire, `{"from":"3600","to":"33612345678","text":"x"}` + "\n", "PROXZ TCP4\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\n\r\n\x00\r\nEXIT\n\x21\x11\x00\x00"}},
		{"its PROXY header is broken", []string{
			"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n", "PROXY TCP4 203.0.113.7 192.0.2.1 4711 2346\n", "PROXY TCP4 2001:db8::1 192.0.2.1 4711 2346\r\n",
			"PROXY TCP4 203.0.113.999 192.0.2.1 4711 2346\r\n", "PROXY TCP9 203.0.113.7 192.0.2.1 4711 2346\r\n", "PROXY " + strings.Repeat("x", 200) + "\r\n",
			v2(7, 0x11, make([]byte, 12)), v2(1, 0x11, make([]byte, 11)), v2(1, 0x44, make([]byte, 12)), v2(1, 0, nil), v2(1, 0x11, make([]byte, 60_000)),
			strings.Replace(v2For(client4, server4), "QUIT\n\x21", "QUIT\n\x31", 1),
		}},
		{"is not about a TCP connection", []string{v2(1, 0x12, make([]byte, 12)), v2(1, 0x32, make([]byte, 216))}},
	} {
		for _, port := range ports {
			for _, start := range c.starts {
				closedUnheard(t, begin(t, port, start))
			}
		}
		smppserv.Log.AwaitWords(t, "a connection from server.proxy_networks is closed", c.reason, balancerAddr)
	}
	for _, cut := range []string{"PROXY TCP4 203.0.113.7", v2For(client4, server4)[:20]} { // the balancer's end comes first
		conn := begin(t, smppserv.SMPP, cut)
		conn.(*net.TCPConn).CloseWrite()
		closedUnheard(t, conn)
	}
	if n := strings.Count(smppserv.Log.String(), `"level":"warn","remote":"`+balancerAddr); n != 3*len(ports) {
		t.Errorf("there are %d lines, and there is one for each port and reason:\n%s", n, smppserv.Log.Lines("proxy_networks", 20))
	}
	if strings.Contains(smppserv.Log.String(), testkit.Password) {
		t.Error("the log has a password")
	}
}

func TestAHeaderFromElsewhereIsNoRequest(t *testing.T) {
	smppserv, _ := behindBalancer(t)
	for _, header := range []string{v1(client4, server4), v2For(client4, server4)} {
		esme := smpptest.Dial(t, smppserv.SMPP)
		esme.SendRaw([]byte(header + bindRequest(smpp.CmdBindTransmitter)))
		if h, _, _ := esme.Read(testkit.Patience); h.Command != smpp.CmdGenericNack || h.Status != smpp.RINVCMDLEN {
			t.Errorf("%q is answered by %v", header, h)
		}
		esme.ExpectClosed(testkit.Patience)
	}
	line := dialAs(t, "127.0.0.1", smppserv.TCP)
	io.WriteString(line, v1(client4, server4))
	if answer := readLine(t, line); !strings.Contains(answer, "bad_request") {
		t.Errorf("the TCP port answers %s", answer)
	}
	if strings.Contains(smppserv.Log.String(), `"remote":"203.`) {
		t.Error("the log has the address that was made up")
	}
}

func readLine(t *testing.T, c net.Conn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(testkit.Patience))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("read %q: %v", line, err)
	}
	return line
}

func TestHealthChecksOfALoadBalancerMakeNoNoise(t *testing.T) {
	smppserv, _ := behindBalancer(t, testkit.Settings{"tcp.allow": []string{"203.0.113.0/24"}})
	unix := v2(1, 0x31, append(append([]byte("/run/esme.sock"), make([]byte, 94)...), make([]byte, 108)...))
	for _, port := range []string{smppserv.SMPP, smppserv.TCP} {
		for _, check := range []string{"", "PROXY UNKNOWN\r\n", v2(0, 0, nil), v2(0, 0x11, nil), v2(0, 0x11, make([]byte, 12)), v2(0, 0, []byte{4, 0, 1, 0})} {
			begin(t, port, check).Close()
		}
	}
	for _, header := range []string{"PROXY UNKNOWN\r\n", v2(0, 0, nil), unix} {
		esme := smpptest.New(t, begin(t, smppserv.SMPP, header))
		esme.ExpectAlive() // a check that speaks SMPP
		esme.Bind(smpp.CmdBindTransmitter, testkit.Client, testkit.Password, smpp.V34)
		esme.Unbind()
	}
	closedUnheard(t, begin(t, smppserv.TCP, v2(0, 0, nil)))
	smppserv.Log.AwaitWords(t, boundLine, `"remote":"`+balancerAddr, `"session":8,`)
	for line := range strings.Lines(smppserv.Log.String()) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, balancerAddr) {
			t.Errorf("the log says %s", line)
		}
	}
}

func TestSilentConnectionsOfALoadBalancerHoldHalfOfThePlacesForAWhile(t *testing.T) {
	smppserv, _ := behindBalancer(t, testkit.Settings{"server.max_connections": 4})
	closed := make(chan struct{}, 3)
	for range 3 {
		slow := begin(t, smppserv.SMPP, "PROXY")
		go func() { // an octet now and then does not help
			for err := error(nil); err == nil; _, err = slow.Write([]byte{' '}) {
				time.Sleep(500 * time.Millisecond)
			}
		}()
		go func() {
			closedUnheard(t, slow)
			closed <- struct{}{}
		}()
	}
	testkit.Receive(t, closed, "the end of one of three")
	smppserv.Log.AwaitWords(t, "a connection from server.proxy_networks is closed", "still without their PROXY header")
	direct := [2]*smpptest.Client{smpptest.Dial(t, smppserv.SMPP), smpptest.Dial(t, smppserv.SMPP)}
	for _, esme := range direct {
		esme.ExpectAlive()
	}
	smpptest.Dial(t, smppserv.SMPP).ExpectClosed(testkit.Patience) // they count
	smppserv.Log.AwaitWords(t, "an SMPP connection was refused", "server.max_connections is reached", "127.0.0.1")
	for range 2 {
		testkit.Receive(t, closed, "the end of the others")
	}
	smppserv.Log.AwaitWords(t, "a connection from server.proxy_networks is closed", "no whole PROXY header within 5s")
	for range 2 {
		smpptest.New(t, begin(t, smppserv.SMPP, v1(client4, server4))).ExpectAlive()
	}
}

func TestAServerThatStopsDoesNotWaitForHeaders(t *testing.T) {
	smppserv, _ := behindBalancer(t)
	silent := []net.Conn{begin(t, smppserv.SMPP, ""), begin(t, smppserv.TCP, "PROXY ")}
	smpptest.New(t, begin(t, smppserv.SMPP, v1(client4, server4))).ExpectAlive() // these came first
	smppserv.BeginStop()
	for _, c := range silent {
		closedUnheard(t, c)
	}
	if late := smppserv.Log.Lines("no whole PROXY header", 1); late != "" {
		t.Errorf("the log says %s", late)
	}
}

func TestBehindALoadBalancerTheTCPPortGoesByItsPeersAddress(t *testing.T) {
	smppserv, _ := behindBalancer(t, testkit.Settings{"tcp.allow": []string{"203.0.113.7/32", "2001:db8::/64"}})
	const text = `{"from":"3600","to":"33612345678","text":"Bonjour"}` + "\n"
	for _, header := range []string{v1(client4, server4), v2For(client4, server4), v1(client6, server6), v2For(client6, server6)} {
		c := begin(t, smppserv.TCP, header+text)
		c.(*net.TCPConn).CloseWrite()
		if answer := readLine(t, c); !strings.Contains(answer, `"accepted"`) {
			t.Errorf("%q: %s", header, answer)
		}
		closedUnheard(t, c)
	}
	c := begin(t, smppserv.TCP, v1("203.0.113.8:4711", server4)+text)
	if answer := readLine(t, c); !strings.Contains(answer, "203.0.113.8 is not in tcp.allow") {
		t.Errorf("it is told %s", answer)
	}
	smppserv.Log.AwaitWords(t, "the TCP port refused a connection", `"address":"203.0.113.8"`)
}

func TestProxyNetworksAreTakenUpWithoutARestart(t *testing.T) {
	smppserv, config := behindBalancer(t, testkit.Settings{"server.proxy_networks": []string{}})
	direct := smpptest.New(t, dialAs(t, balancerAddr, smppserv.SMPP))
	direct.ExpectAlive()
	replace(t, config, testkit.ConfigText(t, testkit.Settings{"server.proxy_networks": []string{balancerAddr + "/32"}, "admin.listen": "127.0.0.1:0", "log.level": "debug"}))
	smppserv.Log.AwaitWords(t, "configuration taken up", "server.proxy_networks")
	direct.ExpectAlive()
	closedUnheard(t, begin(t, smppserv.SMPP, bindRequest(smpp.CmdBindTransmitter)))
	closedUnheard(t, begin(t, smppserv.TCP, "{}\n"))
	esme := smpptest.New(t, begin(t, smppserv.SMPP, v1(client4, server4)))
	esme.Bind(smpp.CmdBindTransceiver, testkit.Client, testkit.Password, smpp.V34)
}

func TestCommandsWorkOnAMachineThatCountsAsALoadBalancer(t *testing.T) {
	secure, cert, _ := withTLS(t, t.TempDir())
	smppserv, config := behindBalancer(t, secure, testkit.Settings{"server.proxy_networks": []string{"127.0.0.0/8"}})
	for _, more := range [][]string{nil, {"--password", testkit.Password}, {"--tls"}, {"--tls", "--tls-ca", cert, "--password", testkit.Password}} {
		out := succeeds(t, "", append([]string{"send", "--config", config, "--to", "3600", "--text", "Bonjour"}, more...)...)
		if field(t, out, "receipt", field(t, out, "message_id")) != "DELIVRD" {
			t.Errorf("send printed %s", out)
		}
	}
	for _, more := range [][]string{nil, {"--tls"}} {
		if out := succeeds(t, "", append([]string{"reply", "--config", config, "--from", "3600", "--to", "33612345678", "--text", "Bonjour"}, more...)...); !strings.HasPrefix(out, "accepted") {
			t.Errorf("reply %s printed %s", more, out)
		}
		if out := succeeds(t, "", append([]string{"receive", "--config", config, "--wait", "1s"}, more...)...); !strings.Contains(out, "Bonjour") {
			t.Errorf("receive %s printed %s", more, out)
		}
	}
	other, otherKey := filepath.Join(t.TempDir(), "other.pem"), filepath.Join(t.TempDir(), "other.key")
	testkit.WriteCertificate(t, other, otherKey, "127.0.0.1")
	for _, args := range [][]string{{"send"}, {"reply", "--from", "3600"}} { // the door is no way past the certificate
		r := command(t, "smppserv", "", append(args, "--config", config, "--to", "3600", "--text", "x", "--tls", "--tls-ca", other)...)
		oneLine(t, r.stderr, "is not trusted")
	}
	r := command(t, "smppserv", "", "send", "--config", config, "--to", "3600", "--text", "x", "--password", "wrong")
	oneLine(t, r.stderr, "the bind of esme1", smppserv.SMPP, "was refused")
	smppserv.Stop(t)
	r = command(t, "smppserv", "", "send", "--config", config, "--to", "3600", "--text", "x", "--addr", smppserv.SMPP)
	oneLine(t, r.stderr, "no server answers at "+smppserv.SMPP)
}
