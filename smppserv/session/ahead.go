package session

import (
	"errors"
	"io"
	"os"
	"time"
)

const (
	// maxAhead bounds what is read while a bind is judged, in octets. Behind more than that the peer's end is not seen before the bind is judged.
	maxAhead = 16 << 10
	// firstAhead is enough for who waits for its answer.
	firstAhead = 64
	// halfClosed is how long a bind may still be judged after its peer said that it sends no more: a script does that, and reads its answers.
	halfClosed = 2 * time.Second
)

// ahead reads while a bind is judged, so that the peer's end is seen. What comes is kept for the reader: it is handled after the bind.
type ahead struct {
	octets []byte
	err    error // that ended it

	gone    chan struct{} // closed with the peer's end
	stop    chan struct{}
	stopped chan struct{}
}

// Gone is called by Handler.Bind alone, by its goroutine. It returns what is closed when the connection is, or two seconds after the peer has closed
// its end: it is taken not to wait for the answer any more.
func (s *Session) Gone() <-chan struct{} {
	if s.ahead == nil {
		s.ahead = &ahead{gone: make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{})}
		go s.ahead.read(s)
	}
	return s.ahead.gone
}

func (a *ahead) read(s *Session) {
	defer close(a.stopped)
	buf := make([]byte, firstAhead)
	n := 0
	defer func() { a.octets = buf[:n] }()
	for n < maxAhead {
		if n == len(buf) {
			buf = append(buf, make([]byte, min(3*n, maxAhead-n))...)
		}
		more, err := s.o.Conn.Read(buf[n:])
		n += more
		if errors.Is(err, os.ErrDeadlineExceeded) && a.isStopped() {
			return
		}
		if err != nil {
			a.err = err
			if !errors.Is(err, io.EOF) || a.waitsInVain(s) {
				close(a.gone)
			}
			return
		}
	}
	select {
	case <-s.ended:
		close(a.gone)
	case <-a.stop:
	}
}

// waitsInVain tells that the bind of a peer that sends no more was not judged in time.
func (a *ahead) waitsInVain(s *Session) bool {
	alarm := time.NewTimer(halfClosed)
	defer alarm.Stop()
	select {
	case <-alarm.C:
		return true
	case <-s.ended:
		return true
	case <-a.stop:
		return false
	}
}

func (a *ahead) isStopped() bool {
	select {
	case <-a.stop:
		return true
	default:
		return false
	}
}

// judged ends what Gone began.
func (s *Session) judged() {
	a := s.ahead
	if a == nil {
		return
	}
	close(a.stop)
	s.mu.Lock()
	s.interrupted = true
	_ = s.o.Conn.SetReadDeadline(time.Unix(1, 0))
	s.mu.Unlock()
	<-a.stopped
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = false
	if _ = s.o.Conn.SetReadDeadline(time.Time{}); s.draining { // it is ended meanwhile
		s.limitDrain()
	}
}

// read reads from the peer, first what came while its bind was judged.
func (s *Session) read(b []byte) (n int, err error) {
	a := s.ahead
	if a == nil {
		return s.o.Conn.Read(b)
	}
	if n = copy(b, a.octets); n < len(a.octets) {
		a.octets = a.octets[n:]
		return n, nil
	}
	s.ahead = nil
	if n == 0 && a.err == nil {
		return s.o.Conn.Read(b)
	}
	return n, a.err
}
