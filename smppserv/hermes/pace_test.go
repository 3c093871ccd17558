package hermes

import (
	"container/heap"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// simulated is a Hermès that takes what admits lets in, a while after it was asked, and the pushes that it is sent.
type simulated struct {
	*pressed
	admits   func(at time.Time, inService int) kind
	answer   time.Duration
	refusal  time.Duration
	requests int
	served   int // in service
	died     int
	paused   time.Time
	ends     ends
}

// begins is when the next push may begin.
func (s *simulated) begins() time.Time {
	if s.pace.next.After(s.paused) {
		return s.pace.next
	}
	return s.paused
}

type ending struct {
	at            time.Time
	number, epoch uint64
	kind          kind
}

type ends []ending

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e ends) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *ends) Push(x any)        { *e = append(*e, x.(ending)) }
func (e *ends) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// deliver sends so many messages and returns how long that takes, an hour at most.
func (s *simulated) deliver(messages int) time.Duration {
	began := s.clock
	for waiting := messages; messages > 0 && s.clock.Sub(began) < time.Hour; {
		if waiting > 0 && s.inFlight < s.now() && !s.clock.Before(s.begins()) {
			waiting--
			s.requests++
			number, epoch := s.begin(s.clock)
			s.conversation = number
			k, takes := s.admits(s.clock, s.served), s.refusal
			if k == taken {
				s.served++
				takes = s.answer
			}
			heap.Push(&s.ends, ending{s.clock.Add(takes), number, epoch, k})
			continue
		}
		if len(s.ends) == 0 || waiting > 0 && s.inFlight < s.now() && s.begins().Before(s.ends[0].at) {
			s.clock = s.begins()
			continue
		}
		e := heap.Pop(&s.ends).(ending)
		s.clock = e.at
		if e.kind == taken {
			s.served--
			messages--
		} else {
			waiting++
		}
		v := s.end(e.number, e.epoch, e.kind, 0)
		if v.died {
			s.died++
		}
		if v.revived {
			s.paused = s.clock
		}
		if v.pause > 0 {
			s.paused = s.clock.Add(v.pause)
		}
	}
	return s.clock.Sub(began)
}

// A Hermès that allows ten pushes a second takes 300 within 40 seconds, and is not asked for more than 400, however it counts.
func TestARateLimitIsUsedUpAndHardlyExceeded(t *testing.T) {
	for name, limiter := range map[string]func() func(time.Time) bool{
		"a bucket of ten": func() func(time.Time) bool {
			l := rate.NewLimiter(10, 10)
			return func(at time.Time) bool { return l.AllowN(at, 1) }
		},
		"a bucket of five": func() func(time.Time) bool {
			l := rate.NewLimiter(10, 5)
			return func(at time.Time) bool { return l.AllowN(at, 1) }
		},
		"a bucket of two": func() func(time.Time) bool {
			l := rate.NewLimiter(10, 2)
			return func(at time.Time) bool { return l.AllowN(at, 1) }
		},
		"one in 100 ms": func() func(time.Time) bool {
			var next time.Time
			return func(at time.Time) bool {
				if at.Before(next) {
					return false
				}
				next = at.Add(100 * time.Millisecond)
				return true
			}
		},
		"100 in ten seconds of the clock": func() func(time.Time) bool {
			ten, n := int64(-1), 0
			return func(at time.Time) bool {
				if at.Unix()/10 != ten {
					ten, n = at.Unix()/10, 0
				}
				n++
				return n <= 100
			}
		},
		"ten in each second of the clock": func() func(time.Time) bool {
			second, n := int64(-1), 0
			return func(at time.Time) bool {
				if at.Unix() != second {
					second, n = at.Unix(), 0
				}
				n++
				return n <= 10
			}
		},
		"ten in the last second": func() func(time.Time) bool {
			var last []time.Time
			return func(at time.Time) bool {
				for len(last) > 0 && at.Sub(last[0]) >= time.Second {
					last = last[1:]
				}
				if len(last) >= 10 {
					return false
				}
				last = append(last, at)
				return true
			}
		},
	} {
		for _, answer := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
			allow := limiter()
			s := &simulated{pressed: newPressed(32), answer: answer, refusal: answer / 2, admits: func(at time.Time, _ int) kind {
				if allow(at) {
					return taken
				}
				return refused
			}}
			took := s.deliver(300)
			t.Logf("%s, answers after %v: %v, %d requests", name, answer, took, s.requests)
			if took > 40*time.Second || s.requests > 400 {
				t.Errorf("%s, answers after %v: %v, %d requests", name, answer, took, s.requests)
			}
		}
	}
}

// One that has room for four at a time, and answers 503 to others, is kept busy and never taken for dead.
func TestALimitOfPushesAtATimeIsKept(t *testing.T) {
	for _, answer := range []time.Duration{time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond} {
		s := &simulated{pressed: newPressed(32), answer: answer, refusal: time.Millisecond / 2, admits: func(_ time.Time, inService int) kind {
			if inService < 4 {
				return taken
			}
			return silence
		}}
		took := s.deliver(300)
		t.Logf("answers after %v: %v, %d requests", answer, took, s.requests)
		if s.died > 0 || s.requests > 400 || took > 150*answer {
			t.Errorf("answers after %v: %v, %d requests, dead %d times", answer, took, s.requests, s.died)
		}
	}
}

// The same with 429: each refusal costs a second, so there must be few.
func TestALimitOfPushesAtATimeThatSaysTooManyIsFoundAndKept(t *testing.T) {
	for _, answer := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		s := &simulated{pressed: newPressed(32), answer: answer, refusal: time.Millisecond / 2, admits: func(_ time.Time, inService int) kind {
			if inService < 4 {
				return taken
			}
			return refused
		}}
		took := s.deliver(3000)
		t.Logf("answers after %v: %v, %d requests", answer, took, s.requests)
		if s.requests > 3030 || took > 30*time.Second {
			t.Errorf("answers after %v: %v, %d requests", answer, took, s.requests)
		}
	}
}

func TestAPaceIsGivenUpSoonAfterTheLimitHasGone(t *testing.T) {
	for _, each := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
		var next time.Time
		gone := false
		s := &simulated{pressed: newPressed(32), answer: 5 * time.Millisecond, refusal: time.Millisecond, admits: func(at time.Time, _ int) kind {
			if !gone && at.Before(next) {
				return refused
			}
			next = at.Add(each)
			return taken
		}}
		s.deliver(200)
		if s.pace.gap < each*4/5 {
			t.Fatalf("one in %v: a gap of %v", each, s.pace.gap)
		}
		gone = true
		took, n := time.Duration(0), 0
		for ; s.pace.limits() && n < 1000; n++ {
			took += s.deliver(1)
		}
		if n > 500 || took > 2*time.Minute {
			t.Errorf("one in %v: kept for %d pushes and %v more", each, n, took)
		}
	}
}
