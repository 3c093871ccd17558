package queue

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

func TestASlabKeepsWhatIsInItAndGivesBackWhatHasEmptied(t *testing.T) {
	var s slab[uint64]
	random := rand.New(rand.NewPCG(1, 2))
	want := map[ref]uint64{}
	var refs []ref
	for round := range uint64(200_000) {
		if len(refs) > 0 && (random.IntN(3) == 0 || round > 150_000) {
			i := random.IntN(len(refs))
			s.drop(refs[i])
			delete(want, refs[i])
			refs = slices.Delete(refs, i, i+1)
			continue
		}
		r, v := s.add()
		if _, taken := want[r]; taken || r == 0 || *v != 0 {
			t.Fatalf("%d was given twice, or is not zero", r)
		}
		*v = round + 1
		want[r] = round + 1
		refs = append(refs, r)
	}
	n := 0
	for chunk, more := s.walk(0, same(want, &n, t)); more; chunk, more = s.walk(chunk, same(want, &n, t)) {
	}
	if n != len(want) || s.n != len(want) {
		t.Errorf("%d were walked, %d counted, want %d", n, s.n, len(want))
	}
	for r := range want {
		s.drop(r)
	}
	left := 0
	for _, c := range s.chunks {
		if c != nil {
			left++
		}
	}
	if left != 1 || s.n != 0 {
		t.Errorf("%d chunks are kept for %d", left, s.n)
	}
}

func same(want map[ref]uint64, n *int, t *testing.T) func(ref, *uint64) {
	return func(r ref, v *uint64) {
		if *n++; want[r] != *v {
			t.Errorf("%d is %d, want %d", r, *v, want[r])
		}
	}
}

func TestAnIndexFindsWhatIsInItAndNothingElse(t *testing.T) {
	keys := []uint64{0}
	x := index{key: func(r ref) uint64 { return keys[r] }}
	random := rand.New(rand.NewPCG(3, 4))
	in := map[uint64]ref{}
	for range 100_000 {
		key := random.Uint64N(30_000)
		if random.IntN(2) == 0 {
			key = key<<40 | 7 // conversations
		}
		if r, there := in[key]; there {
			x.remove(r)
			delete(in, key)
		} else {
			keys = append(keys, key)
			in[key] = ref(len(keys) - 1)
			x.add(in[key])
		}
		if other := random.Uint64N(30_000); x.find(other) != in[other] {
			t.Fatalf("%d is %d, want %d", other, x.find(other), in[other])
		}
	}
	room := 0
	for _, s := range x.shards {
		room += len(s.slots)
	}
	if x.n != len(in) || room > 6*len(in)+leastRoom*len(x.shards) {
		t.Errorf("%d are counted, want %d; room for %d", x.n, len(in), room)
	}
	for key, r := range in {
		if x.find(key) != r {
			t.Fatalf("%d is not found", key)
		}
		x.remove(r)
	}
	for _, s := range x.shards {
		if s.slots != nil || s.n != 0 {
			t.Fatal("room is kept for nothing")
		}
	}
}

func TestTheWheelCallsEachEntryAtItsTimeInOrder(t *testing.T) {
	q := New(Options{Log: zerolog.Nop()})
	q.mu.Lock()
	defer q.mu.Unlock()
	random := rand.New(rand.NewPCG(5, 6))
	from := q.wheel.at
	expires := map[sms.ID]int64{}
	now := from
	lr := q.lane(1, sms.Hermes)
	var last int64
	for id := sms.ID(1); id <= 20_000; id++ {
		r, e := q.entries.add()
		e.id, e.lane, e.status, e.due = id, lr, waiting, from
		e.expires = now + random.Int64N(1<<random.IntN(42))
		q.byID.add(r)
		q.append(r, e)
		q.arm(r, now)
		expires[id] = e.expires
		if random.IntN(5) == 0 { // one is taken back
			if r := q.byID.find(uint64(random.Uint64N(uint64(id)) + 1)); r != 0 {
				e := q.entries.at(r)
				q.disarm(r)
				delete(expires, e.id)
			}
		}
		if random.IntN(50) > 0 {
			continue
		}
		if now += random.Int64N(1 << random.IntN(34)); random.IntN(10) == 0 {
			if next, some := q.wheel.next(); some {
				now = max(now, next)
			}
		}
		for q.wheel.advance(now, 100) {
		}
		for q.ends.len() > 0 {
			e := q.entries.at(q.ends.pop().r)
			if e.expires > now || e.expires < last {
				t.Fatalf("one that expires at %d ended at %d, after one that expired at %d", e.expires, now, last)
			}
			last = e.expires
			delete(expires, e.id)
		}
		last = 0 // one may have been put in that had expired
		for id, at := range expires {
			if at <= now {
				t.Fatalf("%d has expired at %d and was forgotten at %d", id, at, now)
			}
		}
	}
	if q.wheel.n != len(expires) {
		t.Errorf("%d are armed, want %d", q.wheel.n, len(expires))
	}
}
