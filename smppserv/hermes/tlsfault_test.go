package hermes

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestWhyTLSWithHermesFailsIsSaidInWordsWithWhatToDo(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	ours := ca.issue(nil)
	strangers := other.issue(nil)
	for _, c := range []struct {
		name   string
		server *tls.Config
		client *tls.Config
		want   string
	}{
		{"an unknown authority", &tls.Config{}, &tls.Config{RootCAs: other.pool()}, "authority that is not trusted here: name that authority in hermes.tls.ca_file"},
		{"another name", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"x.example"} })}},
			&tls.Config{}, "certificate is not for the name in hermes.url"},
		{"an expired one", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}},
			&tls.Config{}, "certificate has expired: it must be renewed"},
		{"one of tomorrow", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		})}}, &tls.Config{}, "is not valid yet: look at this machine's clock"},
		{"one of a client", &tls.Config{Certificates: []tls.Certificate{ca.issue(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		})}}, &tls.Config{}, "certificate cannot be used: x509: certificate specifies an incompatible key usage"},
		{"a certificate is demanded", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()}, &tls.Config{},
			"demands a certificate of us (certificate required): set hermes.tls.cert_file and hermes.tls.key_file"},
		{"and by TLS 1.2", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(), MaxVersion: tls.VersionTLS12}, &tls.Config{},
			"demands a certificate of us (handshake failure): set hermes.tls.cert_file"},
		{"ours is not taken", &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool()},
			&tls.Config{Certificates: []tls.Certificate{strangers}}, "does not take the certificate in hermes.tls.cert_file ("},
		{"too old", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, &tls.Config{MinVersion: tls.VersionTLS10}, "takes no version of TLS that is spoken here, 1.2 and 1.3"},
	} {
		for _, through := range []string{"a poster", "net/http"} {
			t.Run(c.name+" through "+through, func(t *testing.T) {
				s := httptest.NewUnstartedServer(http.HandlerFunc(ok))
				s.Config.ErrorLog = log.New(io.Discard, "", 0)
				s.TLS = c.server.Clone()
				if s.TLS.Certificates == nil {
					s.TLS.Certificates = []tls.Certificate{ours}
				}
				s.StartTLS()
				defer s.Close()
				o := options(s.URL)
				o.TLS = c.client.Clone()
				if o.TLS.RootCAs == nil {
					o.TLS.RootCAs = ca.pool()
				}
				if through == "net/http" {
					o.Headers = map[string]string{"Expect": "x"} // nothing that a poster sends
				}
				got := deliver(t, newPush(t, o), message(1, "hi"))
				if got.Verdict != sms.TryAgain || !strings.HasPrefix(got.Reason, "TLS: ") || !strings.Contains(got.Reason, c.want) {
					t.Errorf("%+v, want a reason with %q", got, c.want)
				}
				if len(got.Reason) >= maxReason {
					t.Errorf("the reason is cut: %s", got.Reason)
				}
			})
		}
	}
}

// crypto/tls itself would not choose such a version.
func TestAHermesThatChoosesAnOldVersionOrSpeaksSomethingElseIsSaidInWords(t *testing.T) {
	for _, c := range []struct{ answer, want string }{
		{"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02" + strings.Repeat("r", 32) + "\x00\xc0\x13\x00", "speaks a version that is too old; 1.2 is the least"},
		{"220 mail.example ESMTP\r\n", "does not speak TLS: is it the right port in hermes.url?"},
	} {
		at := testkit.Serve(t, func(_ int, nc net.Conn) {
			io.ReadFull(nc, make([]byte, 5))
			io.WriteString(nc, c.answer)
			io.Copy(io.Discard, nc)
		})
		if got := deliver(t, newPush(t, options("https://"+at)), message(1, "hi")); got.Verdict != sms.TryAgain || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%+v, want a reason with %q", got, c.want)
		}
	}
}

func TestThePortForTLSTakesLinesAndSaysInWordsWhyAHandshakeFailed(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	var said logged
	p := openPort(t, &taking{}, func(o *PortOptions) {
		o.ListenTLS, o.Log = "127.0.0.1:0", zerolog.New(&said)
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.issue(nil)}, ClientCAs: ca.pool(), ClientAuth: tls.RequireAndVerifyClientCert}
	})
	if got := dial(t, p).ask(hello); !strings.Contains(got, "accepted") {
		t.Error("the port in clear: " + got)
	}
	secured := func(conf *tls.Config) (*peer, error) {
		conf.ServerName = "127.0.0.1"
		nc, err := net.Dial("tcp", p.AddrTLS().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		nc.SetDeadline(time.Now().Add(patience))
		c := tls.Client(nc, conf)
		_, err = c.Write([]byte(hello + "\n"))
		if err != nil {
			return nil, err
		}
		peer := &peer{t, c, nil}
		b := make([]byte, 1000)
		n, err := c.Read(b)
		if err == nil && !bytes.Contains(b[:n], []byte(`"status":"accepted"`)) {
			t.Errorf("answered %q", b[:n])
		}
		return peer, err
	}
	mine := []tls.Certificate{ca.issue(nil)}
	if _, err := secured(&tls.Config{RootCAs: ca.pool(), Certificates: mine}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		conf *tls.Config
		want string
	}{
		{&tls.Config{RootCAs: ca.pool()}, "the peer shows no certificate, and tcp.tls.client_ca_file demands one"},
		{&tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{other.issue(nil)}}, "the peer's certificate is of an authority that tcp.tls.client_ca_file does not name"},
		{&tls.Config{RootCAs: other.pool(), Certificates: mine}, "the peer does not take our certificate ("},
		{&tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "the peer's versions of TLS are too old; 1.2 is the least"},
	} {
		if _, err := secured(c.conf); err == nil {
			t.Errorf("taken, want: %s", c.want)
		}
		testkit.Await(t, "the log says "+c.want, func() bool { return said.count(c.want) == 1 })
		p.limited.Forget(secure.Failed)
	}
	clear, err := net.Dial("tcp", p.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	defer clear.Close()
	io.WriteString(clear, hello+"\n")
	testkit.Await(t, "the log says that it is no TLS", func() bool { return said.count("the peer does not speak TLS") == 1 })
	p.limited.Forget(secure.Failed)
	reset, err := net.Dial("tcp", p.AddrTLS().String())
	if err != nil {
		t.Fatal(err)
	}
	reset.(*net.TCPConn).SetLinger(0)
	reset.Close()
	testkit.Await(t, "the log says that it was closed", func() bool { return said.count("the peer closed before TLS was agreed upon") == 1 })
}
