package trace

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/testkit"
)

// centre grants each bind but those of "stranger", and answers each submit.
type centre struct{ bound chan *session.Session }

func (c *centre) Bind(_ *session.Session, b *smpp.Bind) (byte, error) {
	if b.SystemID == "stranger" {
		return 0, fmt.Errorf("nobody knows it: %w", smpp.RINVPASWD)
	}
	return 0, nil
}

func (c *centre) Bound(s *session.Session) { c.bound <- s }

func (c *centre) Request(s *session.Session, h smpp.Header, _ smpp.PDU) {
	var t session.Ticket
	t.Open(s, h)
	t.Reply(&smpp.SubmitSMResp{MessageID: "1042"})
}

func (c *centre) Unbound(*session.Session, error) {}

// connect serves a session of t over a listener, and binds at its other end.
func connect(t *testing.T, traces *Traces, l net.Listener, systemID string, encrypted bool) (*smpptest.Client, *session.Session) {
	t.Helper()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if encrypted {
		secure := httptest.NewTLSServer(nil)
		defer secure.Close()
		dialed = tls.Client(dialed, &tls.Config{InsecureSkipVerify: true})
		accepted = tls.Server(accepted, secure.TLS)
	}
	c := &centre{bound: make(chan *session.Session, 1)}
	s := session.New(session.Options{ID: uint64(accepted.RemoteAddr().(*net.TCPAddr).Port), SystemID: "centre", Conn: accepted, Handler: c, Log: zerolog.Nop(),
		Window: 10, MaxRequests: 10, Recorder: traces})
	go func() { _ = s.Serve() }()
	t.Cleanup(func() {
		s.Close(nil)
		<-s.Done()
	})
	client := smpptest.New(t, dialed)
	client.SendSeq(1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: systemID, Password: "hush-pw", InterfaceVersion: smpp.V34})
	client.Read(testkit.Patience)
	if systemID != "stranger" {
		testkit.Receive(t, c.bound, "Bound")
	}
	return client, s
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
