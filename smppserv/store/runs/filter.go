package runs

import "math/bits"

// filter is a Bloom filter over the keys of which only the newest id counts, cut into lines as long as those of a processor's
// cache: all bits of a key are in one line. nil may have any key.
type filter []byte

const (
	lineSize      = 64 // octets
	bitsOfKey     = 5  // that a key sets
	leastOfKey    = 8  // bits of the filter for each key: some 3 % of the keys that are not there seem to be
	bitInLineBits = 9  // lineSize * 8 = 1 << 9
)

// filterSize is the octets of a filter for n keys: a power of two lines.
func filterSize(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	lines := (n*leastOfKey + lineSize*8 - 1) / (lineSize * 8)
	return lineSize << bits.Len64(lines-1)
}

// place is the line of k and the bits in it, nine for each. The lines use the bits that the places do not.
func (f filter) place(k Key) (line []byte, places uint64) {
	h := uint64(k) * 0x9E3779B97F4A7C15 // the golden ratio
	n := uint64(len(f) / lineSize)
	at := (h ^ h>>32) & (n - 1) * lineSize
	return f[at : at+lineSize], uint64(k)
}

func (f filter) add(k Key) {
	if len(f) == 0 {
		return
	}
	line, places := f.place(k)
	for range bitsOfKey {
		b := places & (lineSize*8 - 1)
		line[b/8] |= 1 << (b % 8)
		places >>= bitInLineBits
	}
}

func (f filter) mayHave(k Key) bool {
	if len(f) == 0 {
		return true
	}
	line, places := f.place(k)
	for range bitsOfKey {
		b := places & (lineSize*8 - 1)
		if line[b/8]&(1<<(b%8)) == 0 {
			return false
		}
		places >>= bitInLineBits
	}
	return true
}

// fitted is f made as small as n keys need: its upper half is laid over the lower one, again and again.
func (f filter) fitted(n uint64) filter {
	for uint64(len(f)) > filterSize(n) {
		half := len(f) / 2
		for i, b := range f[half:] {
			f[i] |= b
		}
		f = f[:half:half]
	}
	return f
}
