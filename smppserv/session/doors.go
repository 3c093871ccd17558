package session

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/peeraddr"
	"hnetsmpp/smppserv/balancer"
)

// What connections have the log say.
var (
	connectionRefused = loglimit.Cause{Text: "an SMPP connection was refused"}
	acceptFailed      = loglimit.Cause{Text: "cannot accept an SMPP connection"}
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

// Doors lets connections in and counts them by address, and failed binds; an IPv6 /64 counts as one address. It knows all
// sessions of a message centre.
type Doors struct {
	max, maxPerAddress int
	bindDelay          time.Duration
	balancers          *balancer.Balancers

	inside  sync.WaitGroup
	closing chan struct{} // closed when nobody is let in any more

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
	return &Doors{max: max, maxPerAddress: maxPerAddress, bindDelay: bindDelay, balancers: balancer.New((max + 1) / 2), closing: make(chan struct{}),
		perAddr: map[netip.Addr]int{}, sessions: map[*Session]struct{}{}, failed: map[netip.Addr][]time.Time{}}
}

// AddrOf is the IP address of a TCP peer.
func AddrOf(a net.Addr) netip.Addr { return peeraddr.Of(a) }

// counted is what limits go by.
func counted(a net.Addr) netip.Addr { return peeraddr.Counted(peeraddr.Of(a)) }

// Enter takes a place for a connection, which Serve gives back, or says which limit keeps it out.
func (d *Doors) Enter(remote net.Addr) error {
	if err := d.reserve(); err != nil {
		return err
	}
	return d.claim(remote)
}

// reserve takes a place for a connection whose client is not known yet.
func (d *Doors) reserve() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.shut:
		return errShut
	case d.max > 0 && d.open >= d.max:
		return errTooMany
	}
	d.open++
	d.inside.Add(1)
	return nil
}

// claim makes a reserved place the client's, or gives it back.
func (d *Doors) claim(remote net.Addr) error {
	a := counted(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.maxPerAddress > 0 && d.perAddr[a] >= d.maxPerAddress {
		d.release()
		return errTooManyPerAddress
	}
	d.perAddr[a]++
	return nil
}

// release gives a place back. The caller holds mu.
func (d *Doors) release() {
	d.open--
	d.inside.Done()
}

// SetBalancers puts the networks of load balancers in force for connections to come: one from there must begin with a PROXY
// header, and counts under the address in it. Until that is read it counts in max alone, and of one address up to half of max.
func (d *Doors) SetBalancers(networks []netip.Prefix) { d.balancers.SetNetworks(networks) }

// Accept hands the connections that l accepts, and that find a place, to serve, until Shut closes l.
func (d *Doors) Accept(l net.Listener, log *loglimit.Limiter, serve func(net.Conn)) {
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
			log.Line(zerolog.ErrorLevel, acceptFailed, loglimit.Peer{}).Err(err).Msg(acceptFailed.Text)
			time.Sleep(acceptPause)
			continue
		}
		if d.balancers.Has(c.RemoteAddr()) {
			if err := d.reserve(); err != nil {
				refuse(c, log, err)
				continue
			}
			go d.introduce(c, log, serve)
			continue
		}
		if err := d.Enter(c.RemoteAddr()); err != nil {
			refuse(c, log, err)
			continue
		}
		serve(c)
	}
}

// introduce has a balancer's connection, which has a place, say whose it is, and hands it to serve.
func (d *Doors) introduce(c net.Conn, log *loglimit.Limiter, serve func(net.Conn)) {
	own, err := d.balancers.Read(c)
	if err != nil {
		d.mu.Lock()
		d.release()
		d.mu.Unlock()
		balancer.Log(log, c.RemoteAddr(), err)
		_ = c.Close()
		return
	}
	if err := d.claim(own.RemoteAddr()); err != nil {
		refuse(own, log, err)
		return
	}
	serve(own)
}

func refuse(c net.Conn, log *loglimit.Limiter, err error) {
	log.Warn(connectionRefused.As(err.Error()), loglimit.Peer{Addr: AddrOf(c.RemoteAddr())}).
		Stringer("remote", c.RemoteAddr()).Err(err).Msg(connectionRefused.Text)
	_ = c.Close()
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
	a := counted(s.RemoteAddr())
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.release()
	delete(d.sessions, s)
	if d.perAddr[a]--; d.perAddr[a] == 0 {
		delete(d.perAddr, a)
	}
}

// Delay notes a failed bind, which came then, and delays its answer, until done or a stop at most. It never touches a bind that
// succeeds.
func (d *Doors) Delay(remote net.Addr, came time.Time, done <-chan struct{}) {
	now := time.Now()
	d.pause(d.failedBind(remote, now)-now.Sub(came), done)
}

// Hold delays a bind that is dear to judge as its answer would be if it failed too. It notes nothing.
func (d *Doors) Hold(remote net.Addr, done <-chan struct{}) {
	now := time.Now()
	d.mu.Lock()
	n := len(d.recent(counted(remote), now))
	d.mu.Unlock()
	d.pause(min(time.Duration(n)*d.bindDelay, maxBindDelay), done)
}

// Closing is closed when nobody is let in any more.
func (d *Doors) Closing() <-chan struct{} { return d.closing }

func (d *Doors) pause(wait time.Duration, done <-chan struct{}) {
	if wait <= 0 {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-done:
	case <-d.closing:
	}
}

// failedBind is bindDelay for each failure of the address within the last minute.
func (d *Doors) failedBind(remote net.Addr, now time.Time) time.Duration {
	a := counted(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	recent := d.recent(a, now)
	if _, known := d.failed[a]; !known && len(d.failed) >= maxFailing {
		for other := range d.failed { // any one
			delete(d.failed, other)
			break
		}
	}
	if d.bindDelay > 0 && time.Duration(len(recent))*d.bindDelay < maxBindDelay {
		recent = append(recent, now)
	}
	d.failed[a] = recent
	return min(time.Duration(len(recent))*d.bindDelay, maxBindDelay)
}

// recent are the failures of an address within the last minute.
func (d *Doors) recent(a netip.Addr, now time.Time) []time.Time {
	recent := d.failed[a]
	for len(recent) > 0 && now.Sub(recent[0]) > failedBindWindow {
		recent = recent[1:]
	}
	return recent
}
