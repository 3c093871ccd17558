package runs

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// Entry is a message and the keys that find it; 0 is none.
type Entry struct {
	ID   sms.ID
	Keys [4]Key
}

// pair is what an index is made of.
type pair struct {
	key Key
	id  sms.ID
}

func (p pair) compare(q pair) int {
	if c := cmp.Compare(p.key, q.key); c != 0 {
		return c
	}
	return cmp.Compare(p.id, q.id)
}

// tail holds the pairs of the newest messages. Entries rise; one that is sealed does not change.
type tail struct {
	first, last sms.ID
	messages    int
	seed        uint64  // so that nobody can choose numbers that share a bucket
	buckets     []int32 // into slots, none = -1
	slots       []slot
	older       []older
}

// slot is a key with its newest id.
type slot struct {
	pair
	older int32 // into tail.older, none = -1
	next  int32 // the next slot of the bucket, none = -1
}

// older is an id of a key that is not its newest.
type older struct {
	id    sms.ID
	older int32
}

const leastBuckets = 256

// newTail has room for as much as the one before it.
func newTail(before *tail) *tail {
	t := &tail{seed: rand.Uint64() | 1}
	if before == nil {
		t.grow(leastBuckets)
		return t
	}
	t.grow(len(before.buckets))
	t.slots = make([]slot, 0, len(before.slots)+len(before.slots)/16)
	t.older = make([]older, 0, len(before.older)+len(before.older)/16)
	return t
}

func (t *tail) grow(n int) {
	t.buckets = make([]int32, n)
	for i := range t.buckets {
		t.buckets[i] = -1
	}
	for i := range t.slots {
		b := t.bucket(t.slots[i].key)
		t.slots[i].next, *b = *b, int32(i)
	}
}

func (t *tail) bucket(k Key) *int32 {
	return &t.buckets[uint64(k)*t.seed>>32&uint64(len(t.buckets)-1)]
}

func (t *tail) add(e *Entry) {
	if t.messages == 0 {
		t.first = e.ID
	}
	t.messages++
	t.last = e.ID
	for _, k := range e.Keys {
		if k != 0 {
			t.put(pair{k, e.ID})
		}
	}
}

func (t *tail) put(p pair) {
	if s := t.slot(p.key); s != nil {
		if s.id == p.id {
			return
		}
		if !p.key.NewestOnly() {
			t.older = append(t.older, older{s.id, s.older})
			s.older = int32(len(t.older) - 1)
		}
		s.id = p.id
		return
	}
	if len(t.slots) == len(t.buckets) {
		t.grow(2 * len(t.buckets))
	}
	b := t.bucket(p.key)
	t.slots = append(t.slots, slot{p, -1, *b})
	*b = int32(len(t.slots) - 1)
}

func (t *tail) slot(k Key) *slot {
	for i := *t.bucket(k); i >= 0; i = t.slots[i].next {
		if t.slots[i].key == k {
			return &t.slots[i]
		}
	}
	return nil
}

// chain is the ids of a key as they were at one moment, newest first. What comes later does not change it.
type chain struct {
	id    sms.ID // 0 = no more
	next  int32
	older []older
}

func (t *tail) find(k Key) chain {
	if s := t.slot(k); s != nil {
		return chain{s.id, s.older, t.older}
	}
	return chain{}
}

func (c *chain) step() {
	if c.next < 0 {
		*c = chain{}
		return
	}
	o := c.older[c.next]
	c.id, c.next = o.id, o.older
}

// sorted gives the pairs of a sealed tail in their order.
func (t *tail) sorted() *sortedTail {
	// Keys are spread evenly: by their highest octet first, what is left to sort is short.
	const shift = 56
	var ends [257]int
	for i := range t.slots {
		ends[t.slots[i].key>>shift+1]++
	}
	for i := range 256 {
		ends[i+1] += ends[i]
	}
	order, begin := make([]slot, len(t.slots)), ends
	for i := range t.slots {
		at := &ends[t.slots[i].key>>shift]
		order[*at] = t.slots[i]
		*at++
	}
	for i := range 256 {
		slices.SortFunc(order[begin[i]:ends[i]], func(a, b slot) int { return cmp.Compare(a.key, b.key) })
	}
	return &sortedTail{slots: order, older: t.older}
}

type sortedTail struct {
	slots []slot
	older []older
	ids   []sms.ID // of the first slot, newest first: the last one comes next
}

func (s *sortedTail) next() (p pair, ok bool, err error) {
	if len(s.slots) == 0 {
		return pair{}, false, nil
	}
	top := s.slots[0]
	if len(s.ids) == 0 {
		for c := (chain{top.id, top.older, s.older}); c.id != 0; c.step() {
			s.ids = append(s.ids, c.id)
		}
	}
	p = pair{top.key, s.ids[len(s.ids)-1]}
	if s.ids = s.ids[:len(s.ids)-1]; len(s.ids) == 0 {
		s.slots = s.slots[1:]
	}
	return p, true, nil
}
