package session

import (
	"runtime"
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

// Of 10 000 idle sessions each is to take a few kilobytes: one goroutine, and buffers of what a bind takes.
func TestAnIdleSessionKeepsNoMoreThanItsBindTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(0)
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2)}
		s := New(Options{ID: 7, Conn: p, Handler: h, Log: zerolog.Nop(), Window: 3, MaxRequests: 10, Timers: Timers{EnquireLink: 30 * time.Second}})
		ended := make(chan error, 1)
		go func() { ended <- s.Serve() }()
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
		for range 5 { // its life is enquire_link
			time.Sleep(31 * time.Second)
			p.send(smpp.AppendHeader(nil, smpp.CmdEnquireLinkResp, 0, 1))
			synctest.Wait()
			s.mu.Lock()
			if s.atWork || len(s.buf) != firstBuffer || cap(s.out)+cap(s.spare) > 256 || cap(s.tickets)+cap(s.written) > 0 || s.window.flying != nil {
				t.Errorf("a writer at work %v, %d octets for the reader, %d for the writer, %d tickets, a window %v", s.atWork, len(s.buf),
					cap(s.out)+cap(s.spare), cap(s.tickets)+cap(s.written), s.window.flying != nil)
			}
			s.mu.Unlock()
		}
		p.leave()
		<-ended
	})
}

// sessionOctets is what an idle session may take, its stack and its connection in memory included.
const sessionOctets = 12 << 10

func TestAThousandIdleSessionsAreSmall(t *testing.T) {
	const n = 1000
	octets := func() uint64 {
		runtime.GC()
		runtime.GC() // which shrinks the stacks
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before := octets()
	pipes := make([]*pipe, n)
	ended := make(chan error, n)
	for i := range pipes {
		p := newPipe(0)
		pipes[i] = p
		h := &fake{bound: make(chan *Session, 1), unbound: make(chan error, 2)}
		s := New(Options{ID: uint64(i + 1), Conn: p, Handler: h, Log: zerolog.Nop(), Window: 10, MaxRequests: 512, Timers: Timers{EnquireLink: time.Hour}})
		go func() { ended <- s.Serve() }()
		p.send(smpp.AppendPDU(nil, 0, 1, &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34}))
		<-h.bound
	}
	if each := (octets() - before) / n; each > sessionOctets {
		t.Errorf("an idle session takes %d octets, more than %d", each, sessionOctets)
	} else {
		t.Logf("an idle session takes %d octets", each)
	}
	for _, p := range pipes {
		p.leave()
	}
	for range n {
		<-ended
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
