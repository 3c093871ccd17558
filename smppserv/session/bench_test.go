package session

import (
	"bufio"
	"io"
	"net"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

// prompt grants every bind and answers every submit_sm at once.
type prompt struct{ bound chan *Session }

func (prompt) Bind(*Session, *smpp.Bind) (byte, error) { return 0, nil }
func (h prompt) Bound(s *Session)                      { h.bound <- s }
func (prompt) Unbound(*Session, error)                 {}
func (prompt) Request(s *Session, h smpp.Header, _ smpp.PDU) {
	t := &Ticket{}
	t.Open(s, h)
	t.Reply(&smpp.SubmitSMResp{MessageID: "1234567"})
}

// benchPeer is the client's end of a bound session over loopback.
func benchPeer(b *testing.B, window int) (*Session, net.Conn, *bufio.Reader) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	ours, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	h := prompt{make(chan *Session, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- New(Options{ID: 1, Conn: ours, Handler: h, Log: zerolog.Nop(), Window: window, MaxRequests: 512}).Serve()
	}()
	b.Cleanup(func() {
		_ = c.Close()
		<-ended
	})
	if _, err := c.Write(smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, InterfaceVersion: smpp.V34})); err != nil {
		b.Fatal(err)
	}
	in := bufio.NewReaderSize(c, 64<<10)
	if h, _, err := smpp.ReadPDU(in, smpp.MaxPDU); err != nil || h.Status != smpp.ROK {
		b.Fatal(h.Status, err)
	}
	return <-h.bound, c, in
}

// BenchmarkRequest is submit_sm and its answer, with ten in flight.
func BenchmarkRequest(b *testing.B) {
	const window = 10
	_, c, in := benchPeer(b, window)
	var burst []byte
	for i := range window {
		burst = smpp.AppendPDU(burst, smpp.ROK, uint32(i+2), submit("Bonjour, ceci est un message de longueur ordinaire."))
	}
	const answer = smpp.HeaderLen + len("1234567") + 1
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += window {
		if _, err := c.Write(burst); err != nil {
			b.Fatal(err)
		}
		if _, err := in.Discard(window * answer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend is deliver_sm and its answer, with ten in flight.
func BenchmarkSend(b *testing.B) {
	const window = 10
	s, c, in := benchPeer(b, window)
	go func() { // the client answers whatever comes
		var answers []byte
		head := make([]byte, smpp.HeaderLen)
		for {
			if _, err := io.ReadFull(in, head); err != nil {
				return
			}
			h := smpp.ParseHeader(head)
			if _, err := in.Discard(int(h.Length) - smpp.HeaderLen); err != nil {
				return
			}
			answers = smpp.AppendPDU(answers, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{})
			if in.Buffered() == 0 {
				_, _ = c.Write(answers)
				answers = answers[:0]
			}
		}
	}()
	room := make(chan struct{}, window)
	deliver := &smpp.DeliverSM{Source: smpp.Address{Addr: "3600"}, Dest: smpp.Address{Addr: "33612345678"}, ShortMessage: []byte("Bonjour")}
	done := func(a Answer) {
		if a.Err != nil {
			b.Error(a.Err)
		}
		<-room
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		room <- struct{}{}
		s.Send(deliver, done)
	}
	for range window {
		room <- struct{}{}
	}
}

// BenchmarkEnquireLink is one enquire_link at a time: what a round costs.
func BenchmarkEnquireLink(b *testing.B) {
	_, c, in := benchPeer(b, 1)
	link := smpp.AppendHeader(nil, smpp.CmdEnquireLink, smpp.ROK, 2)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if _, err := c.Write(link); err != nil {
			b.Fatal(err)
		}
		if _, err := in.Discard(smpp.HeaderLen); err != nil {
			b.Fatal(err)
		}
	}
}
