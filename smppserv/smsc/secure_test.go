package smsc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/testkit"
)

// certificate signs itself, and is good for 127.0.0.1 and either side until then.
func certificate(t *testing.T, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(until.Unix()), NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestAHandshakeThatFailsAtTheSMPPPortForTLSIsWarnedOfInWordsWithThePeersAddress(t *testing.T) {
	ours, expired, strangers := certificate(t, time.Now().Add(time.Hour)), certificate(t, time.Now().Add(-time.Minute)), certificate(t, time.Now().Add(2*time.Hour))
	pool := x509.NewCertPool()
	pool.AddCert(ours.Leaf)
	pool.AddCert(expired.Leaf)
	var log testkit.Log
	r := newRig(t, func(_ *rig, o *Options) {
		o.Log = zerolog.New(&log).Level(zerolog.InfoLevel)
		o.Timers.SessionInit = 3 * time.Second
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.sv.ServeTLS(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ours}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert})

	dial := func() *net.TCPConn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*net.TCPConn)
	}
	secured := func(c net.Conn, shown ...tls.Certificate) {
		s := tls.Client(c, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", Certificates: shown})
		if s.Handshake() == nil {
			_, _ = s.Read(make([]byte, 1)) // TLS 1.3 tells here that the certificate is not taken
		}
	}
	for _, c := range []struct {
		want string
		does func(c *net.TCPConn)
	}{
		{"the peer's certificate is not taken (x509: certificate has expired", func(c *net.TCPConn) { secured(c, expired) }},
		{"the peer's certificate is of an authority that server.tls.client_ca_file does not name", func(c *net.TCPConn) { secured(c, strangers) }},
		{"the peer shows no certificate, and server.tls.client_ca_file demands one", func(c *net.TCPConn) { secured(c) }},
		{"the peer does not take our certificate (", func(c *net.TCPConn) { tls.Client(c, &tls.Config{ServerName: "127.0.0.1"}).Handshake() }},
		{"the peer does not speak TLS: server.listen_port is the port for SMPP in clear", func(c *net.TCPConn) {
			io.WriteString(c, "\x00\x00\x00\x10\x00\x00\x00\x15\x00\x00\x00\x00\x00\x00\x00\x01")
		}},
		{"the peer knows no cipher suite that is spoken here\"", func(c *net.TCPConn) {
			c.Write(slices.Concat([]byte("\x16\x03\x01\x20\x2b\x01\x00\x20\x27\x03\x03"), make([]byte, 32+1), []byte("\x20\x00"), bytes.Repeat([]byte{0xFF}, 0x2000), []byte("\x01\x00")))
		}},
		{"the peer closed before TLS was agreed upon", func(c *net.TCPConn) { c.Close() }},
		{"TLS was not agreed upon within 3s", func(*net.TCPConn) {}},
	} {
		conn := dial()
		from := conn.LocalAddr().String()
		c.does(conn)
		line := log.Await(t, "which says "+c.want, func(line string) bool { return strings.Contains(line, `"reason":"`+c.want) })
		if !strings.Contains(line, `"level":"warn"`) || !strings.Contains(line, `"remote":"`+from+`"`) || !strings.Contains(line, secure.Failed.Text) {
			t.Error(line)
		}
		r.sv.limited.Forget(secure.Failed)
	}

	written := strings.Count(log.String(), secure.Failed.Text+`"`)
	for range 100 {
		c := dial()
		io.WriteString(c, "garbage\n")
		_, _ = io.Copy(io.Discard, c)
	}
	testkit.Await(t, "those that are not written are counted", func() bool {
		r.sv.limited.Flush()
		left := strings.Count(log.String(), secure.Failed.Text+`"`) - written
		for _, n := range regexp.MustCompile(`"left_out":(\d+)`).FindAllStringSubmatch(log.String(), -1) {
			k, _ := strconv.Atoi(n[1])
			left += k
		}
		return left == 100
	})
	if n := strings.Count(log.String(), secure.Failed.Text+`"`) - written; n > 6 {
		t.Errorf("100 connections were %d lines of the log", n)
	}
	r.sv.limited.Flush()

	s := tls.Client(dial(), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", Certificates: []tls.Certificate{ours}})
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	before := log.String()
	_, _ = io.Copy(io.Discard, s) // until session_init_timeout
	if said := log.String(); said != before {
		t.Errorf("of a client that agreed upon TLS and did not bind the log says\n%s", strings.TrimPrefix(said, before))
	}
}
