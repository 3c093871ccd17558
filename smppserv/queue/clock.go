package queue

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// The queue has a time of its own, in milliseconds: at the start what the wall clock shows, from then on what has elapsed.
// The times of a message are put into it when the message enters, those of its row with what is known of how the clock
// that gave them, of the worker that accepted it, was set since. What follows the wall clock, a time that the submitter named,
// is moved when the clock is set:
//
//	due, no schedule named                 when the message came
//	due, a schedule named                  with the wall clock, until it has come
//	due, a next try                        elapsed; sooner when the clock is set forward, as after a machine has slept
//	an outlet's pause                      likewise
//	expires, asked for as a time           with the wall clock
//	expires, a period asked for or not     elapsed, from when it came, or from when its schedule has come
//
// What one row cannot tell, since the clock was set while nobody ran, is settled so that nothing waits longer
// than it would have, and nothing expires that need not.

// Clock reads the wall clock and, at the same moment, the time elapsed since some other one, which setting the clock does not change.
type Clock func() (wall time.Time, elapsed time.Duration)

// SystemClock is the machine's. While the machine sleeps elapsed may stand still.
func SystemClock() Clock {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now, now.Sub(start)
	}
}

const (
	// The wall clock is looked at as often while something waits, or nothing.
	lookWaiting, lookIdle = time.Second, time.Minute
	// A difference that has come slowly is followed when it is this large.
	drift = 250 * time.Millisecond
	// The clock was set when within one look it moved so far against the time elapsed.
	clockStep = time.Second
	// maxSteps bounds what is remembered of a clock that is set again and again.
	maxSteps = 1000
	// onItsWay is how long before the clock was set a message may have got its times that was not on disk by then.
	onItsWay = 5 * time.Second
	// No wait for a next try was longer in versions that did not write how long it was: what Hermès may ask for, where
	// Settings.LongestRetry does not say it, or what clients' schedules say.
	longestWait, longestWaitForClient = time.Hour, time.Minute
)

// reckoning is what the queue knows of the wall clock.
type reckoning struct {
	clock Clock
	start time.Duration // since 1970; queue time is start and what has elapsed
	ahead int64         // of the wall clock before queue time, as the entries were reckoned
	seen  int64         // the same at the last look
	steps []road.ClockStep
	last  sms.ID // the highest ID of what got its times from this clock
	// others are the steps of other workers' clocks, by their lives, as they were read then.
	others   map[sms.Epoch][]road.ClockStep
	othersAt time.Duration // by what has elapsed
	noted    int           // of these, how many are on disk or on their way
	// unwrittenSteps are on their way, the first one now.
	unwrittenSteps []road.ClockStep
}

func newReckoning(clock Clock) reckoning {
	wall, elapsed := clock()
	return reckoning{clock: clock, start: time.Duration(wall.UnixNano()) - elapsed}
}

// read is the wall clock's time, and at the same moment the queue's.
func (r *reckoning) read() (time.Time, int64) {
	wall, elapsed := r.clock()
	return wall, (r.start + elapsed).Milliseconds()
}

// now is the queue's time.
func (r *reckoning) now() int64 {
	_, elapsed := r.clock()
	return (r.start + elapsed).Milliseconds()
}

// in is the queue's time after d has elapsed, not too early.
func (r *reckoning) in(d time.Duration) int64 {
	_, elapsed := r.clock()
	return (r.start + elapsed + d + time.Millisecond - 1).Milliseconds()
}

// at puts a time of the wall clock as it is set now into the queue's time.
func (r *reckoning) at(t time.Time) int64 { return t.UnixMilli() - r.seen }

// shown is what the wall clock, as it is set now, shows at a time of the queue's.
func (r *reckoning) shown(t int64) time.Time { return time.UnixMilli(t + r.seen) }

// since puts a time from m's row, from which on its validity elapses, into the queue's.
func (r *reckoning) since(m *sms.Message, t time.Time) int64 {
	at := t.UnixMilli()
	for _, s := range r.stepsSince(m) {
		by := s.By().Milliseconds()
		switch from, to := s.From.UnixMilli(), s.To.UnixMilli(); {
		case at <= from:
			at += by
		case at < to:
			at = to // it came when the clock was set
		}
	}
	return at - r.seen
}

// stepsSince are those of the clock since a message got its times from it: how this worker's clock was set says nothing of what another
// one's showed.
func (r *reckoning) stepsSince(m *sms.Message) []road.ClockStep {
	steps := r.steps
	if m.AcceptedBy != 0 {
		steps = r.others[m.AcceptedBy]
	}
	for i, s := range steps {
		if before(m, s, steps[i+1:]) { // then it is before the later ones as well, however far they are from its times
			return steps[i:]
		}
	}
	return nil
}

// othersFresh is for how long what was read of other workers' clocks is good for what comes from them.
const othersFresh = time.Second

// readSteps reads how clocks were set; those of others, unless that was done within a while. What of its own it has noted itself it knows.
func (q *Queue) readSteps(ctx context.Context, within time.Duration) (own []road.ClockStep, err error) {
	_, elapsed := q.o.Clock()
	q.mu.Lock()
	fresh := q.others != nil && elapsed-q.othersAt < within
	q.mu.Unlock()
	if fresh {
		return nil, nil
	}
	steps, err := q.o.Store.ClockSteps(ctx)
	if err != nil {
		return nil, err
	}
	others := map[sms.Epoch][]road.ClockStep{}
	for _, s := range steps {
		if s.Of == nil {
			own = append(own, s)
		}
		for _, e := range s.Of {
			others[e] = append(others[e], s)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.others, q.othersAt = others, elapsed
	return own, nil
}

// before tells whether a message got its times from the clock as it was before that step.
func before(m *sms.Message, s road.ClockStep, later []road.ClockStep) bool {
	came := m.FirstReceived()
	away := came.Sub(s.From).Abs()
	switch {
	case m.ID <= s.LastID:
		return true
	case away > onItsWay:
		return false
	case m.ID <= s.OnTheirWay:
		return away <= came.Sub(s.To).Abs()
	default: // handed to the store late, unless the clock has shown that time again
		again := func(l road.ClockStep) bool { return !l.To.After(s.From.Add(onItsWay)) }
		return s.By() > 0 && !slices.ContainsFunc(later, again)
	}
}

// retime has an entry follow what a replace_sm made of the times of its message, which were given to it as due and expires.
// It puts what the row is to say into m; change is called when that is on disk.
func (q *Queue) retime(r ref, old, m *sms.Message, due, expires time.Time) (change func()) {
	q.follow(r)
	e := q.entries.at(r)
	asked := *m
	retimed, limited := !m.DueAt.Equal(due), !m.ExpiresAt.Equal(expires) || m.Period != (e.flags&period != 0)
	switch {
	case !retimed:
		m.DueAt = old.DueAt
	case m.Attempts > 0:
		m.Wait = -time.Millisecond
	}
	if !retimed && !limited {
		m.ExpiresAt = old.ExpiresAt
	} else if m.Period {
		set := q.setSince(old)
		if m.Attempts == 0 && (retimed || e.flags&scheduled != 0) {
			set = time.Duration(q.since(m, m.DueAt)-q.at(m.DueAt)) * time.Millisecond
		}
		m.ExpiresAt = asked.ExpiresAt.Add(-set)
	}
	return func() {
		q.follow(r)
		if retimed {
			e.due = q.at(asked.DueAt)
			e.flags |= scheduled
		}
		if limited {
			e.expires = q.at(asked.ExpiresAt)
			e.set(period, asked.Period)
		}
	}
}

// setSince is how far the clock was set since a message got its times.
func (r *reckoning) setSince(m *sms.Message) (by time.Duration) {
	for _, s := range r.stepsSince(m) {
		by += s.By()
	}
	return by
}

// came is when a message came, whenever it was replaced since, that is taken up from the store.
func (q *Queue) came(m *sms.Message, now int64) int64 { return min(q.since(m, m.FirstReceived()), now) }

// reckon gives an entry the times of its message, which came then and is taken up from the store, or is new.
func (q *Queue) reckon(e *entry, m *sms.Message, came, now int64, stored bool) {
	asked := m.Scheduled()
	from, begins := m.FirstReceived(), came
	if asked {
		if from, begins = m.DueAt, q.at(m.DueAt); stored {
			begins = q.since(m, m.DueAt)
		}
	}
	switch {
	case asked || m.Wait < 0:
		e.due = q.at(m.DueAt)
	case m.Attempts == 0:
		e.due = came
	default:
		wait := m.Wait
		if wait == 0 && m.Recipient != sms.Hermes {
			wait = longestWaitForClient
		} else if wait == 0 {
			wait = cmp.Or(q.o.Settings.LongestRetry, longestWait)
		}
		e.due = min(q.at(m.DueAt), now+(wait+time.Millisecond-1).Milliseconds())
	}
	e.set(scheduled, asked || m.Wait < 0)
	e.set(period, m.Period)
	if e.expires = q.at(m.ExpiresAt); m.Period {
		e.expires = begins + m.ExpiresAt.UnixMilli() - from.UnixMilli()
	}
}

// look is now, and acts when the wall clock was set.
func (q *Queue) look() (now int64) {
	wall, now := q.read()
	if !q.started { // first all that is on disk
		return now
	}
	ahead := wall.UnixMilli() - now
	jump := ahead - q.seen
	from := q.shown(now)
	q.seen = ahead
	if by := ahead - q.ahead; time.Duration(max(by, -by))*time.Millisecond >= drift {
		q.beginToFollow(by, now)
		q.ahead = ahead
	}
	if time.Duration(max(jump, -jump))*time.Millisecond >= clockStep {
		if len(q.steps) >= maxSteps && q.noted > 0 {
			q.steps, q.noted = q.steps[1:], q.noted-1
		}
		if len(q.steps) < maxSteps {
			q.steps = append(q.steps, road.ClockStep{LastID: q.timed(), OnTheirWay: math.MaxInt64, From: from, To: time.UnixMilli(wall.UnixMilli())})
		}
		q.wake()
	}
	return now
}

// timed is the highest ID of what has its times from this clock: others may have what an earlier life of this worker accepted.
func (q *Queue) timed() sms.ID { return max(q.last, q.o.Store.EarlierID()) }

// unnoted are the steps that are to be written, and are from now on on their way.
func (q *Queue) unnoted() []road.ClockStep {
	if q.noted == len(q.steps) {
		return nil
	}
	steps := append([]road.ClockStep(nil), q.steps[q.noted:]...)
	q.noted = len(q.steps)
	q.storing.Add(int64(len(steps)))
	return steps
}

// note says and writes that the clock was set.
func (q *Queue) note(steps []road.ClockStep) {
	for _, s := range steps {
		q.log.Warn().Time("from", s.From).Time("to", s.To).Stringer("by", s.By()).
			Msg("the clock was set, or the machine slept: what is scheduled follows the clock, other messages neither wait nor expire because of it")
	}
	q.mu.Lock()
	room := min(len(steps), maxSteps-len(q.unwrittenSteps))
	begins := len(q.unwrittenSteps) == 0 && room > 0
	q.unwrittenSteps = append(q.unwrittenSteps, steps[:room]...)
	q.mu.Unlock()
	for range steps[room:] { // there is none for it while the disk takes nothing
		q.stored()
	}
	if begins {
		q.writeStep(steps[0])
	}
}

// writeAgain is the wait after the disk did not take a step.
const writeAgain = time.Second

// writeStep has a step on disk, also while the disk does not take it for a while, and then the next one: in another order they would tell
// other times. A stop waits for them, since after it the rows of messages need them.
func (q *Queue) writeStep(s road.ClockStep) {
	q.o.Store.NoteClockStep(s, func(err error) {
		if err != nil {
			time.AfterFunc(writeAgain, func() {
				q.mu.Lock()
				given := 0
				if q.stopped {
					given, q.unwrittenSteps = len(q.unwrittenSteps), nil
				}
				q.mu.Unlock()
				for range given {
					q.stored()
				}
				if given == 0 {
					q.writeStep(s)
				}
			})
			return
		}
		q.mu.Lock()
		q.unwrittenSteps = q.unwrittenSteps[1:]
		for i := range q.steps {
			if at := &q.steps[i]; at.LastID == s.LastID && at.From.Equal(s.From) && at.To.Equal(s.To) {
				at.OnTheirWay = q.timed()
			}
		}
		left := q.unwrittenSteps
		q.mu.Unlock()
		q.stored()
		if len(left) > 0 {
			q.writeStep(left[0])
		}
	})
}

// sleep is how long the dispatcher may sleep when nobody calls it.
func (q *Queue) sleep() time.Duration {
	now := q.wheel.at
	next, some := q.wheel.next()
	some = some && q.minds() // else what is due now would be a reason not to sleep
	if q.answers.line.len() > 0 {
		if at := q.answers.line.front().at; !some || at < next {
			next, some = at, true
		}
	}
	if q.passing.len() > 0 {
		if at := (*q.passing.front()).at; !some || at < next {
			next, some = at, true
		}
	}
	if q.ends.len() > 0 && q.unwritten < maxUnwritten && (!some || q.endsFrom < next) {
		next, some = q.endsFrom, true
	}
	if !some {
		return lookIdle
	}
	return min(time.Duration(next-now)*time.Millisecond, lookWaiting)
}
