package alerts

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// mailServer speaks SMTP on loopback, as far as mails are handed in.
type mailServer struct {
	conf   *tls.Config // nil = it has no STARTTLS
	refuse string      // the answer to RCPT TO, "" = it takes all
	login  string      // that AUTH PLAIN must bring, "" = nobody is asked
	mails  chan received
}

type received struct {
	encrypted bool
	login     string
	from, to  string
	data      string
}

// authority is a certificate of loopback, and who trusts it.
func authority(t *testing.T) (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool, ServerName: "example.com"}
}

func newMailServer(t *testing.T, implicit bool, m *mailServer) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m.mails = make(chan received, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if implicit {
					m.serve(tls.Server(c, m.conf), true)
					return
				}
				m.serve(c, false)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func (m *mailServer) serve(c net.Conn, encrypted bool) {
	got := received{encrypted: encrypted}
	r := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	say("220 mail.example.com ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(word) {
		case "EHLO":
			say("250-mail.example.com")
			if m.conf != nil && !got.encrypted {
				say("250-STARTTLS")
			}
			if m.login != "" && got.encrypted {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			secure := tls.Server(c, m.conf)
			if secure.Handshake() != nil {
				return
			}
			c, r, got.encrypted = secure, bufio.NewReader(secure), true
		case "AUTH":
			_, encoded, _ := strings.Cut(rest, " ")
			plain, _ := base64.StdEncoding.DecodeString(encoded)
			if got.login = strings.ReplaceAll(string(plain), "\x00", "/"); got.login != m.login {
				say("535 5.7.8 wrong password")
				continue
			}
			say("235 welcome")
		case "MAIL":
			if m.login != "" && got.login != m.login {
				say("530 5.7.0 who are you?")
				continue
			}
			got.from = rest
			say("250 ok")
		case "RCPT":
			if m.refuse != "" {
				say(m.refuse)
				continue
			}
			got.to += rest + " "
			say("250 ok")
		case "DATA":
			say("354 go on")
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				got.data += line
			}
			m.mails <- got
			say("250 queued")
		case "RSET", "NOOP":
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("502 what?")
		}
	}
}
