package tally

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestAHistogramComesBackAsItWas(t *testing.T) {
	for _, ds := range [][]time.Duration{nil, {0}, {-time.Second, time.Millisecond, 2 * time.Millisecond}, {time.Hour, 24 * time.Hour, 1000 * time.Hour}} {
		var h, back Histogram
		for _, d := range ds {
			h.Add(d)
		}
		if err := back.Decode(h.Append(nil)); err != nil || back != h || h.Len() != int64(len(ds)) {
			t.Errorf("%v: %v, %v", ds, back, err)
		}
	}
	if n := len((&Histogram{}).Append(nil)); n != 0 {
		t.Errorf("an empty one takes %d octets", n)
	}
}

func TestADamagedHistogramIsRefused(t *testing.T) {
	for _, b := range [][]byte{{0, 1}, {1}, {41, 1}, {40, 1, 1, 1}, {0x80}, {1, 0x80}, {1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}} {
		if err := new(Histogram).Decode(b); err == nil {
			t.Errorf("%v is taken", b)
		}
	}
}

func TestQuantilesAreNearThoseOfTheDurations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	const n = 100_000
	for range n { // evenly in their logarithm, from 1 ms to 10 h
		h.Add(time.Duration(float64(time.Millisecond) * math.Exp(r.Float64()*math.Log(36e6))))
	}
	for _, q := range []float64{0.1, 0.5, 0.9, 0.99} {
		want := math.Exp(q * math.Log(36e6))
		if got := float64(h.Quantile(q)) / float64(time.Millisecond); got < want/1.6 || got > want*1.6 {
			t.Errorf("%g: %g ms, want about %g", q, got, want)
		}
	}
	if empty := (&Histogram{}).Quantile(0.5); empty != 0 {
		t.Errorf("of none it is %v", empty)
	}
	var days Histogram
	days.Add(100 * 24 * time.Hour)
	if got := days.Quantile(0.99); got < 12*time.Hour {
		t.Errorf("what takes days takes %v", got)
	}
}

func FuzzHistogram(f *testing.F) {
	f.Add([]byte{1, 1, 39, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h, again Histogram
		if h.Decode(b) != nil {
			return
		}
		if err := again.Decode(h.Append(nil)); err != nil || again != h {
			t.Fatalf("%v: %v", b, err)
		}
		h.Quantile(0.5)
	})
}
