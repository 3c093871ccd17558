package conformance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var tlsRows = []row{
	{"TLS-01", "should", "the TLS port speaks SMPP like the plain one, whatever the records, and ends with close_notify", tlsSession},
	{"TLS-02", "must", "who speaks in clear on the TLS port is hung up on and not listened to", clearTextOnTLSPort},
	{"TLS-03", "should", "a handshake that stalls is closed at session_init_timeout; an old version and an unknown client are alerted", tlsHandshakes},
}

// An authority signs the certificates of a row.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := authority{t: t}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if a.der, err = x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key); err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(a.der); err != nil {
		t.Fatal(err)
	}
	return a
}

// issue makes a certificate for either side, on 127.0.0.1.
func (a authority) issue(name string) tls.Certificate {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// trusting is a client's configuration.
func (a authority) trusting(certificates ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{ServerName: "127.0.0.1", RootCAs: pool, Certificates: certificates}
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tlsWorld is a world with a TLS port. Clients must have a certificate of an authority if one is given.
func (s *suite) tlsWorld(t *testing.T, server authority, clients *authority) *world {
	t.Helper()
	certificate := server.issue("server")
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	reserved, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := reserved.Addr().(*net.TCPAddr).Port // 0 means off there
	reserved.Close()
	changes := settings{
		"server.tls.listen_port": port,
		"server.tls.cert_file":   writePEM(t, "CERTIFICATE", certificate.Certificate[0]),
		"server.tls.key_file":    writePEM(t, "PRIVATE KEY", key),
	}
	if clients != nil {
		changes["server.tls.client_ca_file"] = writePEM(t, "CERTIFICATE", clients.der)
	}
	return s.world(t, changes)
}

func tlsSession(t *testing.T, s *suite) {
	ca := newAuthority(t)
	w := s.tlsWorld(t, ca, nil)
	a := w.account(t)
	c := w.dialTLS(t, ca.trusting())
	c.AutoEnquire(false)
	bind := bTRX(a)
	for at := 0; at < len(bind); at += 5 { // each write is a record
		c.SendRaw(bind[at:min(at+5, len(bind))])
	}
	raw := c.expectResp(1, smpp.CmdBindTransceiver, smpp.ROK)
	plain := w.dial(t)
	plain.SendRaw(bTRX(a))
	if want := plain.expectResp(1, smpp.CmdBindTransceiver, smpp.ROK); !bytes.Equal(raw, want) {
		t.Errorf("bind_transceiver_resp is % x over TLS, % x in clear", raw, want)
	}
	c.submit(s0(2))
	pdu := s0(c.next())
	for at := range pdu {
		c.SendRaw(pdu[at : at+1])
	}
	c.expectResp(sequenceOf(pdu), smpp.CmdSubmitSM, smpp.ROK)
	c.AutoEnquire(true)

	var many []byte
	var sent []uint32
	for range 20 {
		sent = append(sent, c.next())
		many = append(many, s0(sent[len(sent)-1])...)
	}
	c.SendRaw(many)
	for _, seq := range sent {
		c.expectResp(seq, smpp.CmdSubmitSM, smpp.ROK)
	}
	w.mo(t, a, "1000", w.number(t), "to either session")
	for _, session := range []*conn{c, plain} {
		for _, raw := range session.collect(500 * time.Millisecond) {
			if deliverOf(raw) != nil {
				session.ack(raw)
			}
		}
		session.expectAlive()
	}
	c.SendRaw(u0(9))
	if got, want := c.ReadRaw(soon), octets("00000010 80000006 00000000 00000009"); !bytes.Equal(got, want) {
		t.Errorf("got % x, want % x", got, want)
	}
	c.expectClose(soon) // io.EOF: crypto/tls has another error where close_notify is missing
}

func clearTextOnTLSPort(t *testing.T, s *suite) {
	ca := newAuthority(t)
	w := s.tlsWorld(t, ca, nil)
	a := w.account(t)

	clear := dialTCP(t, w.smppserv.SMPPTLS)
	defer clear.Close()
	clear.SetDeadline(time.Now().Add(time.Second))
	if _, err := clear.Write(bTRX(a)); err != nil {
		t.Fatal(err)
	}
	came, err := io.ReadAll(clear)
	if err != nil {
		t.Errorf("wanted a close at once, got %v", err)
	}
	if len(came) > 0 && came[0] != 0x15 { // a TLS alert
		t.Errorf("the TLS port answered % x in clear", came)
	}
	if logged := w.smppserv.Log.Lines(`"`+a.SystemID+`"`, 5); logged != "" {
		t.Errorf("the credentials were processed:\n%s", logged)
	}
	w.bind(t, a, transceiver, smpp.V34).expectAlive()
	c := w.dialTLS(t, ca.trusting())
	c.bind(a, transceiver, smpp.V34)
	c.expectAlive()

	hello := dialTCP(t, w.smppserv.SMPP)
	defer hello.Close()
	hello.SetDeadline(time.Now().Add(time.Second))
	if _, err := hello.Write(clientHello(t)); err != nil {
		t.Fatal(err)
	}
	came, err = io.ReadAll(hello)
	if err != nil {
		t.Errorf("a ClientHello on the plain port: wanted a close at once, got %v", err)
	}
	if len(came) > 0 && !bytes.Equal(came[:min(12, len(came))], octets("00000010 80000000 00000002")) {
		t.Errorf("a ClientHello on the plain port is answered by % x, want generic_nack RINVCMDLEN or nothing", came)
	}
}

func tlsHandshakes(t *testing.T, s *suite) {
	ca, strangers := newAuthority(t), newAuthority(t)
	w := s.tlsWorld(t, ca, &ca)
	mute, half := dialTCP(t, w.smppserv.SMPPTLS), dialTCP(t, w.smppserv.SMPPTLS)
	defer mute.Close()
	defer half.Close()
	opened := time.Now()
	hello := clientHello(t)
	if _, err := half.Write(hello[:len(hello)/2]); err != nil {
		t.Fatal(err)
	}

	old := ca.trusting(ca.issue("client"))
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	for name, config := range map[string]*tls.Config{
		"TLS 1.1":                   old,
		"no certificate":            ca.trusting(),
		"an unknown certificate":    ca.trusting(strangers.issue("client")),
		"a self-signed authority's": ca.trusting(tls.Certificate{Certificate: [][]byte{strangers.der}, PrivateKey: strangers.key}),
	} {
		network := dialTCP(t, w.smppserv.SMPPTLS)
		network.SetDeadline(time.Now().Add(soon))
		refused := tls.Client(network, config)
		_, err := refused.Read(make([]byte, 1)) // TLS 1.3 tells the client after its handshake only
		if alert := (*net.OpError)(nil); !errors.As(err, &alert) || alert.Op != "remote error" {
			t.Errorf("%s: got %v, want an alert", name, err)
		}
		network.Close()
	}

	a := w.account(t)
	for range 2 {
		c := w.dialTLS(t, ca.trusting(ca.issue("client")))
		c.bind(a, transceiver, smpp.V34)
		c.expectAlive()
	}
	ends := make(chan string)
	for name, stalled := range map[string]net.Conn{"before the handshake": mute, "within the handshake": half} {
		go func() {
			stalled.SetDeadline(opened.Add(sessionInit + 4*time.Second))
			_, err := io.ReadAll(stalled) // an alert may come first
			took, fault := time.Since(opened), ""
			if err != nil || took < sessionInit-500*time.Millisecond || took > sessionInit+500*time.Millisecond {
				fault = fmt.Sprintf("stalled %s: closed after %v with %v, want %v", name, took, err, sessionInit)
			}
			ends <- fault
		}()
	}
	for range 2 {
		if fault := <-ends; fault != "" {
			t.Error(fault)
		}
	}
}
