package queue

import "math/bits"

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
)

// ref stands for an entry or a lane where a pointer would have the garbage collector look at a million of them. 0 = none.
type ref uint32

// slab holds structs without pointers in chunks. What is in it stays where it is; a chunk that has emptied is given back.
type slab[T any] struct {
	items  []*[chunkSize]T
	chunks []*chunk
	room   []uint32 // numbers of the chunks with room, or that are not there, each once; the last one is filled first
	empty  int      // chunks that are there, and empty
	n      int
}

// chunk says which places of one are taken.
type chunk struct {
	used [chunkSize / 64]uint64
	n    int
	word int // none before it has room
}

// at is what r stands for. The pointer is good until r is dropped.
func (s *slab[T]) at(r ref) *T {
	i := uint32(r) - 1
	return &s.items[i>>chunkBits][i%chunkSize]
}

// add makes room for another T, which is zero.
func (s *slab[T]) add() (ref, *T) {
	if len(s.room) == 0 {
		s.room = append(s.room, uint32(len(s.chunks)))
		s.items, s.chunks = append(s.items, nil), append(s.chunks, nil)
	}
	n := s.room[len(s.room)-1]
	c := s.chunks[n]
	if c == nil {
		c = &chunk{}
		s.items[n], s.chunks[n] = new([chunkSize]T), c
	} else if c.n == 0 {
		s.empty--
	}
	for c.used[c.word] == ^uint64(0) {
		c.word++
	}
	bit := bits.TrailingZeros64(^c.used[c.word])
	c.used[c.word] |= 1 << bit
	if c.n++; c.n == chunkSize {
		s.room = s.room[:len(s.room)-1]
	}
	s.n++
	i := uint32(c.word)<<6 | uint32(bit)
	return ref(n<<chunkBits|i) + 1, &s.items[n][i]
}

// drop takes r out.
func (s *slab[T]) drop(r ref) {
	i := uint32(r) - 1
	n, word := i>>chunkBits, int(i%chunkSize)>>6
	c := s.chunks[n]
	var zero T
	s.items[n][i%chunkSize] = zero
	c.used[word] &^= 1 << (i & 63)
	c.word = min(c.word, word)
	if c.n == chunkSize {
		s.room = append(s.room, n)
	}
	s.n--
	if c.n--; c.n > 0 {
		return
	}
	if s.empty == 0 { // one is kept, for a slab that breathes
		s.empty++
		return
	}
	s.items[n], s.chunks[n] = nil, nil
}

// walk calls f for what is in the next chunk from number on, and returns the number after it; false = there was none left.
func (s *slab[T]) walk(number int, f func(ref, *T)) (int, bool) {
	for ; number < len(s.chunks); number++ {
		c := s.chunks[number]
		if c == nil || c.n == 0 {
			continue
		}
		for word, used := range c.used {
			for ; used != 0; used &= used - 1 {
				i := word<<6 | bits.TrailingZeros64(used)
				f(ref(number<<chunkBits|i)+1, &s.items[number][i])
			}
		}
		return number + 1, true
	}
	return number, false
}
