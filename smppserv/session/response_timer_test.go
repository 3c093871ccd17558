package session

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

func TestEachRequestOfOursHasTheResponseTimerFromItsOwnSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2)}
		s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Timers: Timers{Response: 10 * time.Second}, Window: 3, MaxRequests: 10})
		served := make(chan error, 1)
		go func() { served <- s.Serve() }()
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
		began := time.Now()
		type end struct {
			after time.Duration
			Answer
		}
		var mu sync.Mutex
		ends := map[byte]end{}
		send := func(name byte) {
			s.Send(&smpp.DeliverSM{ShortMessage: []byte{name}}, func(a Answer) {
				mu.Lock()
				defer mu.Unlock()
				ends[name] = end{time.Since(began), a}
			})
		}
		ended := func(n int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if len(ends) != n {
				t.Fatalf("%d have ended, want %d: %+v", len(ends), n, ends)
			}
		}
		answer := func(n uint32, command smpp.CommandID) {
			b := smpp.AppendHeader(nil, command, 0, firstSequence+n)
			if command == smpp.CmdDeliverSMResp {
				b = append(b, 0)
				b[3]++
			}
			p.send(b)
			synctest.Wait()
		}
		at := func(d time.Duration) {
			t.Helper()
			time.Sleep(time.Until(began.Add(d)))
			synctest.Wait()
		}
		want := func(name byte, after time.Duration, err error) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if e, ok := ends[name]; !ok || !errors.Is(e.Err, err) || e.after < after || e.after > after+2*time.Millisecond {
				t.Errorf("%c ended %v as %+v after %v, want %v after %v", name, ok, e.Answer, e.after, err, after)
			}
		}
		send('a')
		at(2 * time.Second)
		send('b')
		at(4 * time.Second)
		send('c')
		send('d') // waits for room
		at(5 * time.Second)
		answer(1, smpp.CmdSubmitSMResp) // of another command: it answers nothing
		ended(0)
		answer(1, smpp.CmdDeliverSMResp)
		want('b', 5*time.Second, nil)
		at(10*time.Second - 1)
		ended(1)
		at(12*time.Second - 1)
		want('a', 10*time.Second, ErrTimeout)
		answer(0, smpp.CmdDeliverSMResp) // too late
		at(14*time.Second - 1)
		ended(2)
		at(15*time.Second - 1)
		want('c', 14*time.Second, ErrTimeout)
		ended(3)
		at(16 * time.Second)
		want('d', 15*time.Second, ErrTimeout)
		send('e')
		p.leave()
		<-served
		want('e', 16*time.Second, ErrClosed)
	})
}

func TestAProbeEndsWithTheSessionOrInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2), requests: make(chan *Ticket, 10)}
		s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Window: 3, MaxRequests: 1})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		probe := func(want bool, took time.Duration) {
			t.Helper()
			began := time.Now()
			if got := s.Probe(5 * time.Second); got != want || time.Since(began) != took {
				t.Errorf("in state %v: %v after %v, want %v after %v", s.State(), got, time.Since(began), want, took)
			}
		}
		probe(true, 0) // about to be bound
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
		probe(false, 5*time.Second)
		time.AfterFunc(time.Second, func() { p.send(smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 2)) })
		probe(true, time.Second)
		for n := range uint32(2) { // the second one is not read before the first one is answered
			p.send(smpp.AppendPDU(nil, 0, 3+n, submit("x")))
		}
		synctest.Wait()
		probe(true, 0)
		(<-h.requests).Reply(&smpp.SubmitSMResp{MessageID: "1"})
		(<-h.requests).Reply(&smpp.SubmitSMResp{MessageID: "2"})
		synctest.Wait()
		time.AfterFunc(2*time.Second, func() { s.Close(errStop) })
		probe(false, 2*time.Second)
		probe(false, 0)
		<-ended
	})
}

func TestAProbeAndTheTimerEnquireOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2), requests: make(chan *Ticket, 10)}
		s := New(Options{Conn: p, Handler: h, Log: zerolog.Nop(), Timers: Timers{EnquireLink: time.Minute, Response: 10 * time.Second}, Window: 3, MaxRequests: 1})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
		synctest.Wait()
		sent := func() (n int) {
			p.change(func() { n = len(p.out) })
			return n
		}
		before := sent()
		time.Sleep(time.Minute - time.Millisecond)
		if s.Probe(time.Second) { // the timer ends during it
			t.Error("a silent peer was taken for alive")
		}
		if got := sent() - before; got != smpp.HeaderLen {
			t.Errorf("%d octets were sent, want one enquire_link", got)
		}
		if err := <-h.unbound; !errors.Is(err, errEnquireLink) {
			t.Errorf("it ended by %v", err)
		}
		p.leave()
		<-ended
	})
}
