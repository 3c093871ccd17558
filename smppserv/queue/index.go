package queue

// shardBits makes the shards of an index so many that none, when it grows, holds anybody up: of four million elements
// each has a thousand.
const (
	shardBits = 12
	leastRoom = 8
)

// index finds the refs of structs in a slab by a key that they have. It costs about eight octets for each of them.
type index struct {
	key    func(ref) uint64
	shards [1 << shardBits]shard
	n      int
}

// shard is a table with open addressing. Its slots are a power of two, 0 = free.
type shard struct {
	slots []ref
	n     int
}

// spread has all bits of a key tell where it stands: message_ids follow each other.
func spread(key uint64) uint64 {
	key *= 0x9E3779B97F4A7C15
	return key ^ key>>29
}

func (x *index) shard(h uint64) *shard { return &x.shards[h>>(64-shardBits)] }

// find is the element with this key, 0 = there is none.
func (x *index) find(key uint64) ref {
	h := spread(key)
	s := x.shard(h)
	if s.n == 0 {
		return 0
	}
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if r := s.slots[i]; x.key(r) == key {
			return r
		}
	}
	return 0
}

// add puts r in, whose key is not there yet.
func (x *index) add(r ref) {
	h := spread(x.key(r))
	s := x.shard(h)
	if 4*(s.n+1) > 3*len(s.slots) {
		x.resize(s, max(leastRoom, 2*len(s.slots)))
	}
	s.put(h, r)
	s.n++
	x.n++
}

func (s *shard) put(h uint64, r ref) {
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = r
}

// remove takes r out, whose key is still what it was.
func (x *index) remove(r ref) {
	h := spread(x.key(r))
	s := x.shard(h)
	if s.n == 0 {
		return
	}
	mask := uint64(len(s.slots) - 1)
	i := h & mask
	for s.slots[i] != r {
		if s.slots[i] == 0 {
			return
		}
		i = (i + 1) & mask
	}
	// Those behind it move up, unless that put them before their place.
	for j := (i + 1) & mask; s.slots[j] != 0; j = (j + 1) & mask {
		place := spread(x.key(s.slots[j])) & mask
		if (j-place)&mask >= (j-i)&mask {
			s.slots[i] = s.slots[j]
			i = j
		}
	}
	s.slots[i] = 0
	s.n--
	x.n--
	switch {
	case s.n == 0:
		s.slots = nil
	case len(s.slots) > leastRoom && 6*s.n < len(s.slots):
		x.resize(s, len(s.slots)/2)
	}
}

func (x *index) resize(s *shard, size int) {
	old := s.slots
	s.slots = make([]ref, size)
	for _, r := range old {
		if r != 0 {
			s.put(spread(x.key(r)), r)
		}
	}
}
