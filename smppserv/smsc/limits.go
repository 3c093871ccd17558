package smsc

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

var (
	errTooMany           = errors.New("server.max_connections is reached")
	errTooManyPerAddress = errors.New("server.max_connections_per_ip is reached")
)

const (
	// failedBindWindow is how long a failed bind slows the next one of its address.
	failedBindWindow = time.Minute
	maxBindDelay     = 5 * time.Second
	// maxFailing bounds the addresses that are remembered for failed binds.
	maxFailing = 10_000
)

// doors counts connections by address, and failed binds.
type doors struct {
	max, maxPerAddress int
	bindDelay          time.Duration

	mu      *sync.Mutex
	open    int
	perAddr map[netip.Addr]int
	failed  map[netip.Addr][]time.Time
}

func newDoors(max, maxPerAddress int, bindDelay time.Duration) doors {
	return doors{max: max, maxPerAddress: maxPerAddress, bindDelay: bindDelay, mu: &sync.Mutex{},
		perAddr: map[netip.Addr]int{}, failed: map[netip.Addr][]time.Time{}}
}

func addrOf(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// enter takes a place for a connection, or says which limit keeps it out.
func (d *doors) enter(remote net.Addr) error {
	a := addrOf(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.max > 0 && d.open >= d.max:
		return errTooMany
	case d.maxPerAddress > 0 && d.perAddr[a] >= d.maxPerAddress:
		return errTooManyPerAddress
	}
	d.open++
	d.perAddr[a]++
	return nil
}

func (d *doors) leave(remote net.Addr) {
	a := addrOf(remote)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	if d.perAddr[a]--; d.perAddr[a] == 0 {
		delete(d.perAddr, a)
	}
}

// failedBind notes a failed bind and tells how long to hold its answer back: bindDelay for each failure of the
// address within the last minute. It never touches a bind that succeeds.
func (d *doors) failedBind(remote net.Addr) time.Duration {
	a, now := addrOf(remote), time.Now()
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
