package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// The test program is the servers, too.
func TestMain(m *testing.M) {
	serveIfAsked()
	os.Exit(testkit.Run(m))
}

func quiet(int64, func() int64) func() { return func() {} }

func answer(_ int, c net.Conn) { answerAll(c, func() error { return nil }) }

// answering answers every PDU behind the bind with a status.
func answering(s smpp.Status) func(int, net.Conn) {
	return func(_ int, c net.Conn) {
		defer c.Close()
		r := bufio.NewReader(c)
		for answer := smpp.ROK; ; answer = s {
			h, _, err := smpp.ReadPDU(r, smpp.MaxPDU)
			if err != nil {
				return
			}
			_, _ = c.Write(smpp.AppendRefusal(nil, h.Command, answer, h.Sequence))
		}
	}
}

func TestEverySubmitIsAnsweredAndTimed(t *testing.T) {
	l := load{sessions: 3, window: 5, n: 1000, phones: 10}
	o, err := l.run(testkit.Serve(t, answer), quiet)
	if err != nil || o.answered != l.n || len(o.samples) != l.n {
		t.Fatalf("%d answers, %d samples of %d: %v", o.answered, len(o.samples), l.n, err)
	}
	if o.rate() <= 0 || o.percentile(1, 0, 0) <= 0 || o.percentile(0.5, 0, 0) > o.percentile(0.99, 0, 0) {
		t.Errorf("rate %g, the longest took %v", o.rate(), o.percentile(1, 0, 0))
	}
}

func TestALoadThatIsStoppedEndsWithWhatItHasSent(t *testing.T) {
	for _, rate := range []float64{0, 100_000} {
		stop := make(chan struct{})
		l := load{sessions: 2, window: 5, n: 1 << 30, stop: stop, rate: rate}
		if rate > 0 {
			l.window = 0
		}
		seen := make(chan struct{})
		go func() {
			<-seen
			close(stop)
		}()
		o, err := l.run(testkit.Serve(t, answer), func(_ int64, count func() int64) func() {
			go func() {
				for count() < 100 {
					time.Sleep(time.Millisecond)
				}
				close(seen)
			}()
			return func() {}
		})
		if err != nil || o.answered < 100 {
			t.Errorf("at rate %g: %d answers: %v", rate, o.answered, err)
		}
	}
}

func TestALoadFailsWithTheStatusOfARefusalAndWithTheEndOfASession(t *testing.T) {
	l := load{sessions: 1, window: 5, n: 100}
	if _, err := l.run(testkit.Serve(t, answering(smpp.RMSGQFUL)), quiet); err == nil || !strings.Contains(err.Error(), smpp.RMSGQFUL.String()) {
		t.Errorf("a refusal gives %v", err)
	}
	bindOnly := func(_ int, c net.Conn) {
		h, _, _ := smpp.ReadPDU(c, smpp.MaxPDU)
		_, _ = c.Write(smpp.AppendRefusal(nil, h.Command, smpp.ROK, h.Sequence))
		_, _, _ = smpp.ReadPDU(c, smpp.MaxPDU)
		c.Close()
	}
	if _, err := l.run(testkit.Serve(t, bindOnly), quiet); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("a session that ends gives %v", err)
	}
	refuse := func(_ int, c net.Conn) {
		defer c.Close()
		h, _, _ := smpp.ReadPDU(c, smpp.MaxPDU)
		_, _ = c.Write(smpp.AppendRefusal(nil, h.Command, smpp.RINVPASWD, h.Sequence))
	}
	if _, err := l.run(testkit.Serve(t, refuse), quiet); !errors.Is(err, smpp.RINVPASWD) {
		t.Errorf("a refused bind gives %v", err)
	}
}

func TestALoadThatIsNotAnsweredFails(t *testing.T) {
	l := load{sessions: 1, window: 5, n: 100, patient: 50 * time.Millisecond}
	mute := func(_ int, c net.Conn) {
		h, _, _ := smpp.ReadPDU(c, smpp.MaxPDU)
		_, _ = c.Write(smpp.AppendRefusal(nil, h.Command, smpp.ROK, h.Sequence))
		_, _ = io.Copy(io.Discard, c)
	}
	if _, err := l.run(testkit.Serve(t, mute), quiet); err == nil || !strings.Contains(err.Error(), "0 of 100") {
		t.Errorf("no answers give %v", err)
	}
}

func TestAnOpenLoopCountsFromWhenASubmitWasToBeSent(t *testing.T) {
	const late = time.Hour
	l := load{sessions: 2, rate: 1000, n: 10}
	es, err := l.bindAll(testkit.Serve(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	l.begin(es)
	for _, e := range es {
		// Nothing was read yet: the sender is an hour behind.
		e.began = e.began.Add(-late)
	}
	l.pace(es)
	if err := await(es, func() int64 { return int64(l.n) }, func() int64 { return answers(es) }, stall); err != nil {
		t.Fatal(err)
	}
	closeAll(es)
	if took := gather(es).percentile(0, 0, 0); took < late-time.Second {
		t.Errorf("a submit that was sent %v late took %v", late, took)
	}
}

func TestNumbersGoRoundInSourceAndDestination(t *testing.T) {
	l := load{phones: 30, dests: 7}
	pdu := l.pdu(0)
	seen := map[string]bool{}
	for k := range 60 {
		l.number(pdu, k)
		p, err := smpp.Decode(smpp.ParseHeader(pdu), pdu[smpp.HeaderLen:])
		if err != nil {
			t.Fatal(err)
		}
		m := p.(*smpp.SubmitSM)
		if m.Source.Addr != phone(k%30) || m.Dest.Addr != phone(k%7) || string(m.ShortMessage) != text {
			t.Fatalf("submit %d is %s → %s %q", k, m.Source.Addr, m.Dest.Addr, m.ShortMessage)
		}
		seen[m.Source.Addr] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d numbers instead of 30", len(seen))
	}
}

func TestADeliverSMIsAnswered(t *testing.T) {
	answered := make(chan smpp.Header, 1)
	addr := testkit.Serve(t, func(_ int, c net.Conn) {
		defer c.Close()
		h, _, _ := smpp.ReadPDU(c, smpp.MaxPDU)
		_, _ = c.Write(smpp.AppendRefusal(nil, h.Command, smpp.ROK, h.Sequence))
		_, _ = c.Write(smpp.AppendPDU(nil, smpp.ROK, 77, &smpp.DeliverSM{}))
		h, _, _ = smpp.ReadPDU(c, smpp.MaxPDU)
		answered <- h
	})
	l := load{sessions: 1}
	es, err := l.bindAll(addr)
	if err != nil {
		t.Fatal(err)
	}
	l.begin(es)
	if h := testkit.Receive(t, answered, "deliver_sm_resp"); h.Command != smpp.CmdDeliverSMResp || h.Status != smpp.ROK || h.Sequence != 77 {
		t.Errorf("deliver_sm was answered by %+v", h)
	}
	closeAll(es)
	if deliveries(es) != 1 {
		t.Errorf("%d deliver_sm were counted", deliveries(es))
	}
}
