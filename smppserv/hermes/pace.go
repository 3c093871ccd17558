package hermes

import (
	"math"
	"time"
)

const (
	// few pushes, at the most, between two refusals are no burst: such a server wants them one by one.
	few = 3
	// beyond is how many pushes more than went through last time, one at a time, tell that the limit of then has gone.
	beyond = 5
	// recent is how long a refusal says something about the next one.
	recent = 10 * time.Second
	// minGap is not kept: the server allows more than it is asked for. One that allows fewer than one in maxGap is asked as its
	// refusals say.
	minGap, maxGap = time.Millisecond, time.Second
	// near is how many times as large as one that is refused a gap may be that is good enough.
	near = 1.2
	// After minHold pushes a smaller gap is tried, and after twice as many each time that it was refused, but within maxHold.
	minHold, maxHold = 300, time.Minute
	// maxCycles bounds the refusals after which a gap is tried again where none was better than bursts.
	maxCycles = 1000
)

// pace is how a server is asked that allows so many pushes in a time. After a pause there are at first as many at once as went
// through between the last two refusals, and then one at a time: a server that counts over a second takes no more. Where a gap
// between any two has it take more, that is kept: half as large as long as it takes those, then between one that it takes
// and one that it refuses.
type pace struct {
	since time.Time // the last refusal that followed a push that was taken
	begun uint64    // tries then
	sent  int       // since then
	taken int       // likewise
	limit int       // so many at once; 0 = not known, or gone

	gap     time.Duration // 0 = bursts
	next    time.Time     // no push before
	refused time.Duration // the gap that was last; 0 = none was
	kept    time.Duration // the smallest that is known to be taken; 0 = none is
	run     int           // taken in a row since the gap was changed
	proof   int           // so many tell that a gap is taken
	hold    int           // after so many a smaller one is tried
	lift    int           // by how many percent that is smaller, 10 at first; 0 = it is not tried
	cycles  int           // refusals until a gap is tried
	every   int           // the same, the last time
}

// begin is for a push.
func (p *pace) begin(now time.Time) {
	p.sent++
	if p.gap > 0 {
		p.next = now.Add(p.gap)
	}
}

// limits tells that there is anything to keep to.
func (p *pace) limits() bool { return p.gap > 0 || p.limit > 0 }

// room is how many pushes there may be in flight where window may be otherwise.
func (p *pace) room(window, inFlight int) int {
	switch {
	case p.gap > 0:
		return min(window, inFlight+1)
	case p.limit > 0:
		return max(1, min(window, inFlight+max(0, p.limit-p.sent)))
	}
	return window
}

// alone tells whether it was not for how many there were with it that a push was refused.
func (p *pace) alone(number uint64) bool {
	return p.gap > 0 || p.limit > 0 && number > p.begun && number-p.begun > uint64(p.limit)
}

// took is for a push that was taken.
func (p *pace) took(number uint64) {
	late := number <= p.begun
	switch {
	case p.gap > 0:
		p.taken++
		if !late {
			p.quicken()
		}
	case late && p.limit > 0:
		p.limit++
	default:
		if p.taken++; p.limit > 0 && p.taken >= p.limit+beyond {
			p.limit = 0
		}
	}
}

// quicken makes the gap smaller when the server has taken enough pushes at this one.
func (p *pace) quicken() {
	p.run++
	settled := p.lift == 0 && p.refused > 0 && p.settled()
	enough := p.proof
	switch {
	case settled:
		enough = max(enough, min(p.hold, int(maxHold/p.gap)))
	case p.lift == 10:
		enough = max(enough, 20)
	case p.lift == 20:
		enough = max(enough, 10)
	}
	if p.run < enough {
		return
	}
	p.kept, p.run = p.gap, 0
	switch {
	case settled:
		p.lift = 10
		p.gap -= p.gap / 10
	case p.lift > 0:
		p.lift, p.hold = min(2*p.lift, 50), minHold
		p.gap -= p.gap * time.Duration(p.lift) / 100
	case p.refused == 0:
		p.gap /= 2
	default:
		p.between()
	}
	if p.gap < minGap {
		p.gap, p.limit = 0, 0
	}
}

// settled tells that the gap is as small as it needs to be.
func (p *pace) settled() bool { return float64(p.kept) <= near*float64(p.refused) }

// between sets the gap between what was refused and what was taken.
func (p *pace) between() {
	if p.gap = p.kept; !p.settled() {
		p.gap = time.Duration(math.Sqrt(float64(p.refused) * float64(p.kept)))
	}
	p.gap = min(p.gap, maxGap)
}

// slow is for a refusal, when so many tries had begun.
func (p *pace) slow(begun uint64, now time.Time) {
	n, since := p.taken, p.since
	p.begun, p.limit, p.sent = begun, n, 0
	if n == 0 && !since.IsZero() { // that has nothing to do with how they came
		return
	}
	run := p.run
	p.since, p.taken, p.run = now, 0, 0
	average := now.Sub(since) / time.Duration(max(n, 1)) // so many are taken, pauses and all
	switch {
	case since.IsZero() || p.gap == 0 && now.Sub(since) > recent:
		p.cycles, p.every = 0, 1
		if n > 0 && n <= few {
			p.search(firstPause/4, n)
		}
	case p.gap == 0:
		if p.cycles--; p.cycles < 0 {
			p.search(min(average, maxGap)/2, n)
		}
	case p.kept == 0 && p.proof > 2*few: // bursts are better
		p.every = min(4*p.every, maxCycles)
		p.cycles, p.gap = p.every, 0
	case p.lift > 0:
		p.lift, p.gap, p.refused = 0, p.kept, p.kept
		p.hold *= 2
	case p.refused > 0 && p.settled() && run >= minHold/5: // once in so many may be chance
	case p.refused > 0 && p.settled() && run >= minHold/20: // a little less
		p.refused, p.kept = p.gap, p.gap*21/20
		p.between()
	default:
		p.proof = min(n+2, 30)
		most := 2 * p.gap // what was taken for good was a burst, perhaps
		switch {
		case p.kept == 0:
			most = maxGap
		case p.refused == 0:
			most = p.kept
		}
		p.refused = p.gap
		p.kept = min(most, max(average, p.refused*5/4))
		p.between()
	}
}

// search begins to look for a gap, of a server that took n pushes before it refused one.
func (p *pace) search(gap time.Duration, n int) {
	p.gap, p.kept, p.refused, p.lift = gap, 0, 0, 0
	p.proof, p.hold = n+1, minHold
	if n > few { // a server that counts over a second may take twice as many, in two of its seconds
		p.proof = 2*n + 1
	}
}
