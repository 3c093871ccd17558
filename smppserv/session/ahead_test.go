package session

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// slow is a Handler that judges a bind when the test says how, or when nobody waits for it any more.
type slow struct {
	*fake
	begun chan struct{}
	goOn  chan error
	left  chan struct{}
}

var errLeft = errors.New("nobody waits for it")

func newSlow() *slow {
	return &slow{&fake{bound: make(chan *Session, 1), unbound: make(chan error, 2)}, make(chan struct{}, 1), make(chan error, 1), make(chan struct{}, 1)}
}

func (h *slow) Bind(s *Session, _ *smpp.Bind) (byte, error) {
	gone := s.Gone()
	h.begun <- struct{}{}
	select {
	case err := <-h.goOn:
		return 0, err
	case <-gone:
		h.left <- struct{}{}
		return 0, errLeft
	}
}

var bindRequest = &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", Password: "pw", InterfaceVersion: smpp.V34}

func TestThatItsClientLeavesIsSeenWhileABindIsJudged(t *testing.T) {
	for name, leave := range map[string]func(*smpptest.Client){
		"it closes": (*smpptest.Client).Close, "it sends no more": (*smpptest.Client).CloseWrite, "it resets": (*smpptest.Client).Reset,
		"it has sent more": func(c *smpptest.Client) {
			c.Send(&smpp.EnquireLink{})
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSlow()
			r := newRig(t, func(o *Options) { o.Handler = h })
			r.Send(bindRequest)
			testkit.Receive(t, h.begun, "the judgement")
			leave(r.Client)
			testkit.Receive(t, h.left, "the end of the wait")
			if err := testkit.Receive(t, r.ended, "the end of Serve"); !errors.Is(err, errRefused) {
				t.Errorf("it ended with %v", err)
			}
			if len(h.bound)+len(h.unbound) > 0 {
				t.Error("it was bound")
			}
		})
	}
}

// secure has the rig speak TLS.
func secure(t *testing.T, c *smpptest.Client, o *Options) *smpptest.Client {
	t.Helper()
	folder := t.TempDir()
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	testkit.WriteCertificate(t, certFile, keyFile, "localhost")
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	o.Conn = tls.Server(o.Conn, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}})
	return smpptest.New(t, tls.Client(c.Conn(), &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}))
}

func TestWhatComesWhileABindIsJudgedIsHandledBehindIt(t *testing.T) {
	for name, test := range map[string]struct {
		links int // enquire_link; the last half of the last one comes when it is judged
		tls   bool
	}{
		"nothing": {0, false}, "a little": {3, false}, "more than is read ahead": {2 * maxAhead / smpp.HeaderLen, false},
		"nothing, with TLS": {0, true}, "a little, with TLS": {3, true}, "more than is read ahead, with TLS": {2 * maxAhead / smpp.HeaderLen, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newSlow()
			var c *smpptest.Client
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c = smpptest.Dial(t, l.Addr().String())
			o := Options{ID: 7, SystemID: "centre", Handler: h, Log: zerolog.Nop(), Window: 10, MaxRequests: 100}
			if o.Conn, err = l.Accept(); err != nil {
				t.Fatal(err)
			}
			if test.tls {
				c = secure(t, c, &o)
			}
			s := New(o)
			go s.Serve()
			defer s.Close(nil)
			seq := c.Send(bindRequest)
			testkit.Receive(t, h.begun, "the judgement")
			var links []byte
			for n := range test.links {
				links = smpp.AppendHeader(links, smpp.CmdEnquireLink, 0, uint32(100+n))
			}
			half := min(smpp.HeaderLen/2, len(links))
			if len(links) > 0 {
				c.SendRaw(links[:len(links)-half])
			}
			h.goOn <- nil
			c.ExpectResp(seq, smpp.ROK)
			if len(links) > 0 {
				c.SendRaw(links[len(links)-half:])
			}
			for n := range test.links {
				if got, _, _ := c.Read(patience); got.Command != smpp.CmdEnquireLinkResp || got.Sequence != uint32(100+n) {
					t.Fatalf("%v %d came, want the answer %d", got.Command, got.Sequence, 100+n)
				}
			}
			testkit.Await(t, "nothing is read ahead any more", func() bool {
				stacks := make([]byte, 1<<20)
				return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*ahead).read")
			})
			c.ExpectAlive()
		})
	}
}

func TestASessionThatIsEndedWhileItsBindIsJudgedDoesNotWaitForItsClientForEver(t *testing.T) {
	for name, judged := range map[string]bool{"and the bind is judged": true, "and the bind is not": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, h := newPipe(0), newSlow()
				s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Window: 1, MaxRequests: 10})
				ended := make(chan error, 1)
				go func() { ended <- s.Serve() }()
				p.send(smpp.AppendPDU(nil, smpp.ROK, 1, bindRequest))
				<-h.begun
				s.Unbind(errLeft)
				if judged {
					h.goOn <- nil
				}
				began := time.Now()
				<-ended
				if took := time.Since(began); took > drainTime+max(2*s.o.Timers.Response, time.Second) {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

func TestWhoSendsItsBindAndNoMoreIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, h := newPipe(0), newSlow()
		s := New(Options{ID: 7, Conn: p, SystemID: "centre", Handler: h, Log: zerolog.Nop(), Window: 1, MaxRequests: 10})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		p.send(smpp.AppendPDU(smpp.AppendPDU(nil, smpp.ROK, 1, bindRequest), smpp.ROK, 2, &smpp.EnquireLink{}))
		p.change(func() { p.inEnd = io.EOF })
		<-h.begun
		time.Sleep(halfClosed - 1) // of the bubble's time
		h.goOn <- nil
		<-ended
		if len(h.left) > 0 {
			t.Error("it was taken for gone")
		}
		answers := bytes.NewReader(p.take())
		for _, want := range []smpp.CommandID{smpp.CmdBindTransceiverResp, smpp.CmdEnquireLinkResp} {
			got, _, err := smpp.ReadPDU(answers, 1<<10)
			if err != nil || got.Command != want || got.Status != smpp.ROK {
				t.Fatalf("%v came, %v, want %v", got, err, want)
			}
		}
	})
}
