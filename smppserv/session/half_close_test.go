package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

func TestAPeerThatSendsNoMoreMayStillReadItsAnswersABitLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		s := New(Options{ID: 7, Conn: p, Handler: &fake{}, Log: zerolog.Nop(), Window: 1, MaxRequests: 10})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		p.stall(20) // the first answer is written, and a part of the second
		p.send(smpp.AppendHeader(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 1), smpp.CmdEnquireLink, 0, 2))
		p.halfClose()
		time.Sleep(900 * time.Millisecond)
		if len(ended) > 0 {
			t.Fatal("it was cut")
		}
		p.resume()
		<-ended
		want := smpp.AppendHeader(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, 1), smpp.CmdEnquireLinkResp, 0, 2)
		if got := p.take(); string(got) != string(want) || p.torn {
			t.Errorf("% x came, want % x", got, want)
		}
	})
}
