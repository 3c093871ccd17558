package queue

// shardBits makes the shards of an index so many that none, when it grows, holds anybody up: of four million elements
// each has a thousand.
const (
	shardBits = 12
	leastRoom = 4
)

// index finds the refs of structs in a slab by a key that they have. It costs some eleven octets for each of them.
type index struct {
	key    func(ref) uint64
	shards [1 << shardBits]shard
	n      int
}

// shard is a table with open addressing, in the order of the tags.
type shard struct {
	slots []place
	n     int
}

// place is a slot of a table, with r = 0 it is free. The tag, 32 bits of a hash, tells most others apart: their structs,
// which are all over memory, need not be looked at.
type place struct {
	tag uint32
	r   ref
}

// spread has all bits of a key tell where it stands: message_ids follow each other.
func spread(key uint64) uint64 {
	key *= 0x9E3779B97F4A7C15
	key ^= key >> 32
	return key * 0xD6E8FEB86659FD93
}

// locate is the shard of a key, and its tag there.
func (x *index) locate(key uint64) (*shard, uint32) {
	h := spread(key)
	return &x.shards[h>>(64-shardBits)], uint32(h >> (32 - shardBits))
}

// home is where a tag would stand if all others let it.
func (s *shard) home(tag uint32) int { return int(uint64(tag) * uint64(len(s.slots)) >> 32) }

func (s *shard) after(i int) int {
	if i++; i == len(s.slots) {
		return 0
	}
	return i
}

// find is the element with this key, 0 = there is none.
func (x *index) find(key uint64) ref {
	s, tag := x.locate(key)
	if s.n == 0 {
		return 0
	}
	for i := s.home(tag); s.slots[i].r != 0; i = s.after(i) {
		if p := s.slots[i]; p.tag == tag && x.key(p.r) == key {
			return p.r
		}
	}
	return 0
}

// add puts r in, whose key is not there yet.
func (x *index) add(r ref) {
	s, tag := x.locate(x.key(r))
	if 5*(s.n+1) > 4*len(s.slots) {
		s.resize(max(leastRoom, len(s.slots)*3/2+1))
	}
	s.put(place{tag, r})
	s.n++
	x.n++
}

func (s *shard) put(p place) {
	i := s.home(p.tag)
	for s.slots[i].r != 0 {
		i = s.after(i)
	}
	s.slots[i] = p
}

// remove takes r out, whose key is still what it was.
func (x *index) remove(r ref) {
	s, tag := x.locate(x.key(r))
	if s.n == 0 {
		return
	}
	i := s.home(tag)
	for s.slots[i].r != r {
		if s.slots[i].r == 0 {
			return
		}
		i = s.after(i)
	}
	// Those behind it move up, unless that puts them before their home.
	for j := s.after(i); s.slots[j].r != 0; j = s.after(j) {
		if s.distance(s.home(s.slots[j].tag), j) >= s.distance(i, j) {
			s.slots[i] = s.slots[j]
			i = j
		}
	}
	s.slots[i] = place{}
	s.n--
	x.n--
	switch {
	case s.n == 0:
		s.slots = nil
	case len(s.slots) > leastRoom && 3*s.n < len(s.slots):
		s.resize(max(leastRoom, len(s.slots)*4/7))
	}
}

// distance is how far it is from one slot forward to another.
func (s *shard) distance(from, to int) int {
	if to < from {
		to += len(s.slots)
	}
	return to - from
}

func (s *shard) resize(size int) {
	old := s.slots
	s.slots = make([]place, size)
	for _, p := range old {
		if p.r != 0 {
			s.put(p)
		}
	}
}
