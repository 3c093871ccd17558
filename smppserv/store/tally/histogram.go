package tally

import (
	"encoding/binary"
	"errors"
	"math"
	"sort"
	"time"
)

// buckets are those of a Histogram: the first has what took up to a millisecond, each next one 1.6 times as much, the last one
// all else, from about a day on.
const buckets = 40

var bounds = func() (b [buckets - 1]int64) { // milliseconds, included
	for i := range b {
		b[i] = int64(math.Round(math.Pow(1.6, float64(i))))
	}
	return b
}()

// Histogram counts durations, from a millisecond to a day, each to within 30 %. The zero value has none.
type Histogram struct{ counts [buckets]uint32 }

// Add counts a duration. Below zero it is zero.
func (h *Histogram) Add(d time.Duration) {
	ms := d.Milliseconds()
	h.counts[sort.Search(len(bounds), func(i int) bool { return ms <= bounds[i] })]++
}

// Merge adds what another one has.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// Without is what was added since the histogram was before.
func (h Histogram) Without(before *Histogram) Histogram {
	for i, n := range before.counts {
		h.counts[i] -= n
	}
	return h
}

// Len is how many durations were counted.
func (h *Histogram) Len() (n int64) {
	for _, c := range h.counts {
		n += int64(c)
	}
	return n
}

// Quantile is the duration below which the share q of them, from 0 to 1, lies: 0 when there are none. Within a bucket they are
// taken to lie evenly.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.Len()
	if n == 0 {
		return 0
	}
	rank := q * float64(n)
	for i, c := range h.counts {
		if c == 0 {
			continue
		}
		if rank > float64(c) && i < buckets-1 {
			rank -= float64(c)
			continue
		}
		low, high := 0.0, float64(bounds[min(i, len(bounds)-1)])
		if i > 0 {
			low = float64(bounds[i-1])
		}
		if i == buckets-1 {
			high = low
		}
		share := min(rank/float64(c), 1)
		return time.Duration((low + share*(high-low)) * float64(time.Millisecond))
	}
	return 0
}

var errHistogram = errors.New("the times of a counter are damaged, or of a newer version")

// Append appends the histogram in few octets: nothing for an empty one.
func (h *Histogram) Append(dst []byte) []byte {
	last := -1
	for i, n := range h.counts {
		if n == 0 {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(i-last))
		dst = binary.AppendUvarint(dst, uint64(n))
		last = i
	}
	return dst
}

// Decode adds what Append wrote.
func (h *Histogram) Decode(b []byte) error {
	i := -1
	for len(b) > 0 {
		step, size := binary.Uvarint(b)
		if size <= 0 || step == 0 || step > buckets {
			return errHistogram
		}
		n, more := binary.Uvarint(b[size:])
		if i += int(step); more <= 0 || i >= buckets || n > math.MaxUint32 {
			return errHistogram
		}
		h.counts[i] += uint32(n)
		b = b[size+more:]
	}
	return nil
}
