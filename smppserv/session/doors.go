package session

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

var (
	errShut              = errors.New("the message centre is stopping")
	errTooMany           = errors.New("server.max_connections is reached")
	errTooManyPerAddress = errors.New("server.max_connections_per_ip is reached")
)

const (
	// failedBindWindow is how long a failed bind slows the next one of its address.
	failedBindWindow = time.Minute
	maxBindDelay     = 5 * time.Second
	// maxFailing bounds the addresses that are remembered for failed binds.
	maxFailing = 10_000
	// acceptPause keeps a listener that fails from spinning.
	acceptPause = 100 * time.Millisecond
)

// Doors lets connections in and counts them by address, and failed binds. It knows all sessions of a message centre.
type Doors struct {
	max, maxPerAddress int
	bindDelay          time.Duration

	inside sync.WaitGroup

	mu        sync.Mutex
	shut      bool
	listeners []net.Listener
	open      int
	perAddr   map[netip.Addr]int
	sessions  map[*Session]struct{}
	failed    map[netip.Addr][]time.Time
}

// NewDoors makes Doors that let in max connections, maxPerAddress of one address (0 = any number), and delay the answer
// to a failed bind by bindDelay times the failures of its address within the last minute, 5 s at most.
func NewDoors(max, maxPerAddress int, bindDelay time.Duration) *Doors {
	return &Doors{max: max, maxPerAddress: maxPerAddress, bindDelay: bindDelay,
		perAddr: map[netip.Addr]int{}, sessions: map[*Session]struct{}{}, failed: map[netip.Addr][]time.Time{}}
}

// AddrOf is the IP address of a TCP peer.
func AddrOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Enter takes a place for a connection, which Serve gives back, or says which limit keeps it out.
func (d *Doors) Enter(remote net.Addr) error {
	a := AddrOf(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shut:
		return errShut
	case d.max > 0 && d.open >= d.max:
		return errTooMany
	case d.maxPerAddress > 0 && d.perAddr[a] >= d.maxPerAddress:
		return errTooManyPerAddress
	}
	d.open++
	d.perAddr[a]++
	d.inside.Add(1)
	return nil
}

// Accept hands the connections that l accepts, and that find a place, to serve, until Shut closes l.
func (d *Doors) Accept(l net.Listener, log zerolog.Logger, serve func(net.Conn)) {
	d.mu.Lock()
	d.listeners = append(d.listeners, l)
	if d.shut {
		_ = l.Close()
	}
	d.mu.Unlock()
	for {
		c, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no file descriptors left, or the like: it passes
			log.Error().Err(err).Msg("cannot accept an SMPP connection")
			time.Sleep(acceptPause)
			continue
		}
		if err := d.Enter(c.RemoteAddr()); err != nil {
			log.Warn().Stringer("remote", c.RemoteAddr()).Err(err).Msg("an SMPP connection was refused")
			_ = c.Close()
			continue
		}
		serve(c)
	}
}

// Serve runs a session whose connection has its place until it ends, and returns why it did.
func (d *Doors) Serve(s *Session) error {
	d.mu.Lock()
	d.sessions[s] = struct{}{}
	shut := d.shut
	d.mu.Unlock()
	if shut {
		s.Unbind(errShut)
	}
	defer d.left(s)
	return s.Serve()
}

func (d *Doors) left(s *Session) {
	a := AddrOf(s.RemoteAddr())
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.inside.Done()
	delete(d.sessions, s)
	d.open--
	if d.perAddr[a]--; d.perAddr[a] == 0 {
		delete(d.perAddr, a)
	}
}

// Delay notes a failed bind and delays its answer, until done at most. It never touches a bind that succeeds.
func (d *Doors) Delay(remote net.Addr, done <-chan struct{}) {
	t := time.NewTimer(d.failedBind(remote, time.Now()))
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	}
}

// failedBind is bindDelay for each failure of the address within the last minute.
func (d *Doors) failedBind(remote net.Addr, now time.Time) time.Duration {
	a := AddrOf(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	recent := d.failed[a]
	for len(recent) > 0 && now.Sub(recent[0]) > failedBindWindow {
		recent = recent[1:]
	}
	if len(d.failed) >= maxFailing && d.failed[a] == nil {
		clear(d.failed)
	}
	if d.bindDelay > 0 && time.Duration(len(recent))*d.bindDelay < maxBindDelay {
		recent = append(recent, now)
	}
	d.failed[a] = recent
	return min(time.Duration(len(recent))*d.bindDelay, maxBindDelay)
}
