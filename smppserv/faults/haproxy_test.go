package faults

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// lentCertificate is a certificate for 127.0.0.1, as settings of the ports that speak TLS, and what a client needs to trust it.
func lentCertificate(t *testing.T) (settings testkit.Settings, trusts *tls.Config) {
	t.Helper()
	lend := httptest.NewUnstartedServer(nil)
	lend.StartTLS()
	defer lend.Close()
	key, err := x509.MarshalPKCS8PrivateKey(lend.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(folder, name)
		writeFile(t, path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		return path
	}
	roots := x509.NewCertPool()
	roots.AddCert(lend.Certificate())
	cert, private := file("cert.pem", "CERTIFICATE", lend.Certificate().Raw), file("key.pem", "PRIVATE KEY", key)
	return testkit.Settings{
		"server.tls.listen_port": testkit.FreePort(t), "server.tls.cert_file": cert, "server.tls.key_file": private,
		"tcp.tls.listen_port": testkit.FreePort(t), "tcp.tls.cert_file": cert, "tcp.tls.key_file": private,
	}, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

func TestTheHeaderComesBeforeTheTLSHandshake(t *testing.T) {
	settings, trusts := lentCertificate(t)
	smppserv, config := behindBalancer(t, settings)
	for _, header := range []string{v1(client6, server6), v2For(client6, server6)} {
		esme := smpptest.New(t, tls.Client(begin(t, smppserv.SMPPTLS, header), trusts))
		esme.Bind(smpp.CmdBindTransceiver, testkit.Client, testkit.Password, smpp.V34)
		if out := says(t, config, "sessions --json", `"tls": true`); !strings.Contains(out, client6) {
			t.Errorf("sessions: %s", out)
		}
		esme.Unbind()
	}
	closedUnheard(t, begin(t, smppserv.SMPPTLS, "\x16\x03\x01\x00\x05hello"))
	smppserv.Log.AwaitWords(t, "does not begin with a PROXY header")
	inside := tls.Client(dialAs(t, "127.0.0.1", smppserv.SMPPTLS), trusts) // from elsewhere, and it is not read there, either
	if _, err := io.WriteString(inside, v1(client4, server4)); err != nil {
		t.Fatal(err)
	}
	if h, _, _ := smpptest.New(t, inside).Read(testkit.Patience); h.Status != smpp.RINVCMDLEN {
		t.Errorf("a header within TLS is answered by %v", h)
	}
}

// joined sends what is written first behind a header, in one segment.
type joined struct {
	net.Conn
	header string
}

func (j *joined) Write(b []byte) (int, error) {
	if j.header == "" {
		return j.Conn.Write(b)
	}
	n, err := j.Conn.Write(append([]byte(j.header), b...))
	n -= len(j.header)
	j.header = ""
	return max(n, 0), err
}

func TestOnThePortForTLSTheHeaderOfALoadBalancerComesBeforeTheHandshake(t *testing.T) {
	settings, trusts := lentCertificate(t)
	smppserv, _ := behindBalancer(t, settings, testkit.Settings{"tcp.allow": []string{"127.0.0.1/32", "203.0.113.7/32", "2001:db8::/64"}})
	const text = `{"from":"3600","to":"33612345678","text":"Bonjour"}` + "\n"
	for _, header := range []string{v1(client4, server4), v2For(client4, server4), v1(client6, server6), v2For(client6, server6)} {
		for _, inOne := range []bool{false, true} {
			var beneath net.Conn
			if inOne {
				beneath = &joined{dialAs(t, balancerAddr, smppserv.TCPTLS), header}
			} else {
				beneath = begin(t, smppserv.TCPTLS, header)
			}
			c := tls.Client(beneath, trusts)
			io.WriteString(c, text)
			if answer := readLine(t, c); !strings.Contains(answer, `"accepted"`) {
				t.Errorf("%q: %s", header, answer)
			}
			c.CloseWrite()
			closedUnheard(t, c)
		}
	}
	smppserv.Log.AwaitWords(t, "a connection to the TCP port has ended", client6)
	stranger := tls.Client(begin(t, smppserv.TCPTLS, v1("203.0.113.8:4711", server4)), trusts)
	io.WriteString(stranger, text)
	if answer := readLine(t, stranger); !strings.Contains(answer, "203.0.113.8 is not in tcp.allow") {
		t.Errorf("it is told %s", answer)
	}
	smppserv.Log.AwaitWords(t, "the TCP port refused a connection", `"address":"203.0.113.8"`)

	closedUnheard(t, begin(t, smppserv.TCPTLS, "\x16\x03\x01\x00\x05hello"))
	smppserv.Log.AwaitWords(t, "a connection from server.proxy_networks is closed", "does not begin with a PROXY header")
	inClear := begin(t, smppserv.TCPTLS, v1(client4, server4)+text)
	smppserv.Log.AwaitWords(t, "the peer does not speak TLS", `"peer":"`+client4)
	if !letGo(inClear) {
		t.Error("a connection in clear stays")
	}

	outside := &joined{dialAs(t, "127.0.0.1", smppserv.TCPTLS), v1(client4, server4)}
	if err := tls.Client(outside, trusts).Handshake(); err == nil {
		t.Error("a header from elsewhere is taken")
	}
	smppserv.Log.AwaitWords(t, "the peer does not speak TLS", `"peer":"127.0.0.1`)
	inside := tls.Client(dialAs(t, "127.0.0.1", smppserv.TCPTLS), trusts)
	io.WriteString(inside, v1(client4, server4))
	if answer := readLine(t, inside); !strings.Contains(answer, "bad_request") {
		t.Errorf("a header within TLS is answered by %s", answer)
	}
}

// startHAProxy has a real HAProxy listen before the ports of a server: version 1 and 2 before the SMPP port, 2 before the others.
// It looks after the health of each.
func startHAProxy(t *testing.T, smppserv *testkit.Worker) (first, second, secure, lines, secureLines string) {
	t.Helper()
	program := testkit.Peer(t, "haproxy", "apt-get install --no-install-recommends haproxy")
	folder := t.TempDir()
	var conf strings.Builder
	conf.WriteString("global\n\tmaxconn 100\ndefaults\n\tmode tcp\n\ttimeout connect 10s\n\ttimeout client 60s\n\ttimeout server 60s\n")
	front := func(name, server, send string) string {
		at := testkit.Loopback(testkit.FreePort(t))
		fmt.Fprintf(&conf, "listen %s\n\tbind %s\n\tserver one %s source %s %s check check-%s inter 50ms\n", name, at, server, balancerAddr, send, "send-proxy")
		return at
	}
	first = front("first", smppserv.SMPP, "send-proxy")
	second = front("second", smppserv.SMPP, "send-proxy-v2")
	secure = front("secure", smppserv.SMPPTLS, "send-proxy-v2")
	lines = front("lines", smppserv.TCP, "send-proxy-v2")
	secureLines = front("secure-lines", smppserv.TCPTLS, "send-proxy-v2")
	path := filepath.Join(folder, "haproxy.cfg")
	writeFile(t, path, []byte(conf.String()))
	haproxy := exec.Command(program, "-db", "-f", path)
	log := &testkit.Log{}
	haproxy.Stdout, haproxy.Stderr = log, log
	if err := haproxy.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); haproxy.Wait() }()
	t.Cleanup(func() {
		haproxy.Process.Signal(os.Interrupt)
		testkit.Receive(t, ended, "the end of haproxy")
		if t.Failed() {
			t.Logf("haproxy says %s", log)
		}
	})
	for _, at := range []string{first, second, secure, lines, secureLines} {
		testkit.Await(t, "haproxy listens", func() bool {
			c, err := net.Dial("tcp", at)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
	return first, second, secure, lines, secureLines
}

func TestBehindHAProxyTheClientsOwnAddressCounts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("HAProxy is not made for Windows")
	}
	settings, trusts := lentCertificate(t)
	smppserv, config := behindBalancer(t, settings, testkit.Settings{"tcp.allow": []string{"127.0.0.1/32"}, "clients": []map[string]any{
		{"system_id": testkit.Client, "password": testkit.Password, "allow": []string{"127.0.0.1/32"}},
		{"system_id": "acme", "password": testkit.Password, "allow": []string{balancerAddr + "/32"}},
	}})
	first, second, secure, lines, secureLines := startHAProxy(t, smppserv)
	for _, at := range []string{first, second, secure} {
		conn := dialAs(t, "127.0.0.1", at)
		ours := conn.LocalAddr().String()
		if at == secure {
			conn = tls.Client(conn, trusts)
		}
		esme := smpptest.New(t, conn)
		esme.AutoEnquire = true
		esme.Bind(smpp.CmdBindTransceiver, testkit.Client, testkit.Password, smpp.V34)
		says(t, config, "sessions --json", `"remote": "`+ours+`"`)
		esme.Submit("33612345678", "3600", "Bonjour")
		esme.Unbind()
		refused := smpptest.Dial(t, second)
		refused.ExpectResp(refused.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "acme", Password: testkit.Password, InterfaceVersion: smpp.V34}), smpp.RBINDFAIL)
	}
	for _, at := range []string{lines, secureLines} {
		line := dialAs(t, "127.0.0.1", at)
		if at == secureLines {
			line = tls.Client(line, trusts)
		}
		io.WriteString(line, `{"from":"3600","to":"33612345678","text":"Bonjour"}`+"\n")
		if answer := readLine(t, line); !strings.Contains(answer, `"accepted"`) {
			t.Errorf("the TCP port answers %s", answer)
		}
	}
	testkit.Await(t, "haproxy has looked at each port", func() bool {
		log := smppserv.Log.String()
		return strings.Contains(log, "looked at the TCP port") && strings.Contains(log, "ended without a bind")
	})
	for line := range strings.Lines(smppserv.Log.String()) {
		if strings.Contains(line, `"level":"warn"`) && strings.Contains(line, balancerAddr) {
			t.Errorf("the log says %s", line)
		}
	}
}
