package session

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/time/rate"
)

// Rate bounds what all sessions of one client submit: a bucket that holds one second's worth.
type Rate struct {
	bucket    *rate.Limiter
	unlimited bool
}

// NewRate makes a Rate of so many messages per second, 0 = no limit.
func NewRate(perSecond int) Rate {
	if perSecond <= 0 {
		return Rate{rate.NewLimiter(rate.Inf, 0), true}
	}
	return Rate{rate.NewLimiter(rate.Limit(perSecond), perSecond), false}
}

// Same tells whether the two let the same through.
func (r Rate) Same(o Rate) bool { return r.bucket.Limit() == o.bucket.Limit() }

// Admit takes n messages that one request brings, all or none. They may be more than a second's worth:
// then what follows waits until the rate is kept again.
func (r Rate) Admit(n int) bool {
	if r.unlimited {
		return true
	}
	now := time.Now()
	if !r.bucket.AllowN(now, 1) {
		return false
	}
	for range n - 1 {
		r.bucket.ReserveN(now, 1)
	}
	return true
}

// Allowed tells whether an address is within one of the prefixes; without any, all are.
func Allowed(prefixes []netip.Prefix, remote net.Addr) bool {
	a := AddrOf(remote)
	return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
