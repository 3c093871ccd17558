package session

import (
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestARateLetsOneSecondsWorthThroughAtOnceAndThenSoMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRate(2)
		began := time.Now()
		for i, c := range []struct {
			at   time.Duration
			n    int
			want bool
		}{
			{0, 1, true}, {0, 1, true}, {0, 1, false},
			{500 * time.Millisecond, 1, true}, {500 * time.Millisecond, 1, false},
			{time.Minute, 5, true}, // more than a second's worth: three more than there were
			{time.Minute + 1900*time.Millisecond, 1, false},
			{time.Minute + 2*time.Second, 1, true}, {time.Minute + 2*time.Second, 1, false},
			{2 * time.Minute, 2, true}, {2 * time.Minute, 1, false},
		} {
			time.Sleep(time.Until(began.Add(c.at)))
			if got := r.Admit(c.n); got != c.want {
				t.Errorf("%d: %d messages at %v: %v", i, c.n, c.at, got)
			}
		}
	})
}

func TestWithoutARateEverythingGoesThrough(t *testing.T) {
	for _, perSecond := range []int{0, -1} {
		r := NewRate(perSecond)
		for range 1000 {
			if !r.Admit(254) {
				t.Fatalf("%d per second stopped a request", perSecond)
			}
		}
	}
	if NewRate(1).Admit(1) == false {
		t.Error("one per second lets none through")
	}
}

func TestRatesAreTheSameWhenTheyLetTheSameThrough(t *testing.T) {
	if !NewRate(5).Same(NewRate(5)) || !NewRate(0).Same(NewRate(-1)) {
		t.Error("the same rates differ")
	}
	if NewRate(5).Same(NewRate(6)) || NewRate(0).Same(NewRate(1)) {
		t.Error("different rates are the same")
	}
}

func TestAnAddressIsAllowedWithinAnyOfThePrefixes(t *testing.T) {
	prefixes := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for address, want := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "::1": true, "11.0.0.1": false, "::2": false} {
		from := &net.TCPAddr{IP: net.ParseIP(address)}
		if got := Allowed(prefixes, from); got != want {
			t.Errorf("%s: %v", address, got)
		}
		if !Allowed(nil, from) {
			t.Errorf("%s is kept out by nothing", address)
		}
	}
}
