package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
)

func TestTheReadersBufferGrowsWithWhatComesAtOnce(t *testing.T) {
	for _, c := range []struct {
		size, from, to, need    int // before
		newSize, newFrom, newTo int
	}{
		{1024, 0, 100, 16, 1024, 0, 100},    // there is room
		{1024, 100, 100, 16, 1024, 0, 0},    // all is handled
		{1024, 100, 300, 500, 1024, 0, 200}, // what is not whole comes to the start
		{1024, 1000, 1024, 500, 2048, 0, 24},
		{1024, 0, 1024, 5000, 5000, 0, 1024},
		{1024, 0, 100, 1024, 1024, 0, 100},
		{40000, 40000, 40000, 16, 65536, 0, 0},
		{65536, 65536, 65536, 16, 65536, 0, 0},     // as large as it gets
		{65536, 10, 65536, 70000, 70000, 0, 65526}, // but for a PDU that is larger
		{70000, 70000, 70000, 16, 70000, 0, 0},
	} {
		s := &Session{buf: make([]byte, c.size)}
		for i := range s.buf {
			s.buf[i] = byte(i * 7)
		}
		first := s.buf[min(c.from, c.size-1)]
		from, to := c.from, c.to
		s.makeRoom(&from, &to, c.need)
		if len(s.buf) != c.newSize || from != c.newFrom || to != c.newTo {
			t.Errorf("%+v: %d octets with %d to %d", c, len(s.buf), from, to)
		} else if to > from && s.buf[from] != first {
			t.Errorf("%+v: the octets are others", c)
		}
	}
}

func TestAnIdleSessionSleepsUntilItsNextTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2)}
		s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Window: 3, MaxRequests: 10,
			Timers: Timers{SessionInit: 5 * time.Second, EnquireLink: 30 * time.Second, Response: 10 * time.Second}})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		began := time.Now()
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
		sleeps := func(at, until time.Duration) {
			t.Helper()
			time.Sleep(time.Until(began.Add(at)))
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			if got := s.armed.Sub(began); got != until {
				t.Errorf("after %v it sleeps until %v, want %v", at, got, until)
			}
		}
		// The timer of the time before the bind still comes, and the last write's.
		sleeps(6*time.Second, 30*time.Second)
		sleeps(20*time.Second, 30*time.Second)
		sleeps(31*time.Second, 40*time.Second) // to the answer of our enquire_link
		p.send(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, firstSequence))
		sleeps(41*time.Second, 61*time.Second)
		p.leave()
		<-ended
	})
}
