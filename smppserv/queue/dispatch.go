package queue

import (
	"slices"
	"sync/atomic"
	"time"

	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/sms"
)

const (
	// maxJobs is how many tries, and how many ends without a try, the dispatcher starts between two looks at the deadlines.
	maxJobs = 256
	// maxParts is how many messages those ends may have together, or the tries: parts of long texts count one by one.
	maxParts = 1024
	// step is how much of any other work it does at a time: nobody waits long for the lock.
	step = 500
	// turnsStep is how many lanes it looks at meanwhile.
	turnsStep = 1000
	// loadRetry is the wait after the disk could not be read.
	loadRetry = time.Second
)

// job is one try of a message, or of the parts of a long one; or its end without a try.
type job struct {
	q       *Queue
	lead    ref
	all     []ref          // the messages, first those that make the text, in their order
	ms      []*sms.Message // of all
	outlet  *Outlet
	untried end
	back    bool      // its messages could not be read: it went back to its line
	began   time.Time // of the try

	reported atomic.Bool // what came of it: a Deliverer that panics may have done so already

	noted  string // progress that is not on its way to disk yet
	noting bool   // some is
	took   bool   // the recipient has taken a part

	text       bool // of parts
	came       int
	incomplete bool
	pushKey    string

	oneRef     [1]ref
	oneMessage [1]*sms.Message
}

// end is why a message ends without a try.
type end uint8

const (
	none       end = iota
	validity       // it is over
	restart        // the request that waited for the outcome is gone, and its client took it for failed
	reached        // of a delivery pending flag: its purpose
	superseded     // another message took its place while it was tried, and the try failed
)

// ending is a message that is taken to be ended, and why.
type ending struct {
	r   ref
	why end
}

func (j *job) outcome(successor sms.ID) sms.Outcome {
	code := j.ms[slices.Index(j.all, j.lead)].Error
	switch j.untried {
	case superseded:
		return deleted(superseding(successor))
	case restart:
		return sms.Outcome{Verdict: sms.Failed, Code: code, Reason: "a restart ended its transaction"}
	case reached:
		return sms.Outcome{Verdict: sms.Done}
	}
	return sms.Outcome{Verdict: sms.Failed, State: sms.Expired, Code: code, Reason: "its validity is over"}
}

// dispatch starts tries until the queue stops.
func (q *Queue) dispatch() {
	defer close(q.done)
	timer := time.NewTimer(lookIdle)
	defer timer.Stop()
	for {
		q.woken.Store(false)
		q.mu.Lock()
		jobs, more := q.nextJobs()
		wait, steps := q.sleep(), q.unnoted()
		q.mu.Unlock()
		q.note(steps)
		holds := true
		for _, j := range q.load(jobs) {
			holds = holds && q.o.Share.Holds() // what is given back is not overtaken by what stands behind it
			j.start(holds)
		}
		if more || len(jobs) > 0 {
			select {
			case <-q.stop:
				return
			default:
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-q.kick:
		case <-timer.C:
		case <-q.stop:
			return
		}
	}
}

// wake has the dispatcher look again.
func (q *Queue) wake() {
	if q.woken.Load() || q.woken.Swap(true) {
		return
	}
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// nextJobs takes tries that may start now, and what is to end. more tells that something was left for lack of time.
func (q *Queue) nextJobs() (jobs []*job, more bool) {
	now := q.look()
	if q.followOn() { // times are not what they were; soon all are
		return nil, true
	}
	more = q.lookAtAnswers(now, step)
	more = q.passOn(now, step) || more
	more = q.release(now, step) || more
	more = q.returnTurns(step) || more
	more = q.endReached(step) || more
	if q.minds() {
		more = q.wheel.advance(now, step) || more
	}
	if q.unwritten < maxUnwritten { // what makes room calls
		jobs = q.takeEnds(now)
		if !q.quiesced && !q.stopping && q.o.Share.Holds() {
			var left bool
			jobs, left = q.pump(jobs, now)
			more = more || left
		}
	}
	q.trying += len(jobs)
	return jobs, more
}

// minds tells whether deadlines are acted upon now: not while enough wait for their end, and not any more when it stops.
func (q *Queue) minds() bool { return q.ends.len() < 2*step && !q.stopping }

// takeEnds makes jobs of what is to end.
func (q *Queue) takeEnds(now int64) (jobs []*job) {
	if now < q.endsFrom {
		return nil
	}
	for parts := 0; q.ends.len() > 0 && len(jobs) < maxJobs && parts < maxParts; {
		e := q.ends.pop()
		j := q.newJob(e.r)
		j.untried = e.why
		parts += len(j.all)
		jobs = append(jobs, j)
	}
	return jobs
}

// end takes a message that is not to be tried any more, for the dispatcher to conclude.
func (q *Queue) end(r ref, why end) {
	e := q.entries.at(r)
	switch e.status {
	case aside:
		q.join(r)
	case dpfPending:
		q.recipientOf(q.lanes.at(e.lane)).clearDPF(r, e)
		q.append(r, e)
	}
	if e.status != waiting {
		return
	}
	q.take(r, e)
	q.ends.push(ending{r, why})
	q.wake()
}

func (q *Queue) newJob(r ref) *job {
	j := &job{q: q, lead: r, came: 1}
	if q.entries.at(r).flags&leading != 0 {
		t := q.leads[r]
		j.text, j.all, j.came, j.incomplete, j.pushKey = true, t.parts, t.came, t.incomplete, t.pushKey
		j.ms = make([]*sms.Message, len(t.parts))
		return j
	}
	j.oneRef[0] = r
	j.all, j.ms = j.oneRef[:], j.oneMessage[:]
	return j
}

// pump gives lanes their turns while outlets have room: those of each recipient in turn.
func (q *Queue) pump(jobs []*job, now int64) (_ []*job, more bool) {
	looks, tries, parts := turnsStep, maxJobs, maxParts
	for range q.marked.len() {
		to := q.marked.pop()
		to.marked = false
		for {
			lr, party := to.next()
			if lr == 0 {
				break
			}
			if j := to.try(lr, party, now); j != nil {
				jobs = append(jobs, j)
				tries, parts = tries-1, parts-len(j.all)
			}
			if looks--; looks <= 0 || tries <= 0 || parts <= 0 {
				to.mark()
				return jobs, true
			}
		}
	}
	return jobs, false
}

// next is the lane whose turn it is, and whose turn that is: those that wait for an outlet which has room now and those that
// wait for any take turns.
func (to *recipientQueue) next() (lr ref, party uint32) {
	var own *Outlet
	free := false
	for _, o := range to.outlets {
		if o.room() <= 0 || o.shunned() {
			continue
		}
		if free = true; o.turns.first != nil {
			own = o
			break
		}
	}
	switch {
	case !free:
		return 0, 0
	case own != nil && (to.own || to.turns.first == nil):
		to.own = false
		return to.q.nextTurn(&own.turns)
	}
	to.own = true
	return to.q.nextTurn(&to.turns)
}

// try takes the lane's next message for a try, if it may be tried now.
// If not, the lane gets its next turn from what keeps the message: a deadline, a report, an outlet without room.
func (to *recipientQueue) try(lr ref, party uint32, now int64) *job {
	q := to.q
	l := q.lanes.at(lr)
	r := q.head(l)
	if r == 0 {
		return nil
	}
	e := q.entries.at(r)
	switch {
	case e.due > now:
		return nil
	case e.expires <= now:
		q.end(r, validity)
		q.ready(lr)
		return nil
	case e.party != party && !q.lends(party, l, e): // another one has come to its head meanwhile
		q.ready(lr)
		return nil
	}
	o, notBefore := to.choose(l, r, e, now)
	switch {
	case notBefore > now:
		e.due = notBefore
		q.arm(r, now)
		return nil
	case o == nil || o.serial() && l.flight != 0:
		return nil
	case q.isApart(l, e, o):
		return nil
	case o.room() <= 0:
		q.queueUp(&o.turns, lr, l)
		return nil
	}
	q.take(r, e)
	if l.flight == 0 {
		l.flight = q.flights.add(o)
	}
	q.flights.all[l.flight].n++
	o.taken++
	to.trying++
	q.ready(lr)
	j := q.newJob(r)
	j.outlet = o
	return j
}

// start begins a try, if what is held is still this worker's, or ends what is to end without one.
func (j *job) start(holds bool) {
	if j.untried != none {
		j.q.mu.Lock()
		successor := j.q.successors[j.lead]
		j.q.mu.Unlock()
		j.report(j.outcome(successor))
		return
	}
	if !holds { // the process stood still meanwhile
		j.report(sms.Outcome{Verdict: sms.Returned, Reason: "what it holds may be another worker's"})
		return
	}
	j.began = time.Now()
	ms := j.ms[:j.came:j.came]
	if j.text {
		for _, m := range ms {
			m.PushKey = j.pushKey
		}
	}
	fault := guard.Do(func() { j.outlet.options.Deliverer.Deliver(ms, j.incomplete, j.report) })
	if fault != nil {
		j.q.log.Error().EmbedObject(ms[0]).Err(fault).Str("stack", fault.Stack).
			Msg("trying a message brought about a fault of the server: it is tried three times at most; please report this line")
		j.report(sms.Outcome{Verdict: sms.TryAgain, Fault: true, Reason: fault.Error()})
	}
}

// requeue ends a job without an outcome.
func (j *job) requeue(now int64) {
	q, r := j.q, j.lead
	q.follow(r)
	e := q.entries.at(r)
	j.release()
	q.giveBack(r, e)
	q.arm(r, now)
	q.ready(e.lane)
	for i, p := range j.all {
		m := j.ms[i]
		if m == nil {
			continue
		}
		if q.entries.at(p).flags&writing != 0 {
			q.hold(p, m)
		} else {
			q.offer(p, m)
		}
	}
	if e.flags&succeeded != 0 {
		q.end(r, superseded)
	}
	q.checkIdle()
}

// release gives the outlet its room back.
func (j *job) release() {
	q := j.q
	q.trying--
	if j.outlet == nil {
		return
	}
	j.outlet.taken--
	to := j.outlet.recipient
	to.trying--
	to.mark()
	l := q.lanes.at(q.entries.at(j.lead).lane)
	if f := &q.flights.all[l.flight]; f.n > 1 {
		f.n--
		return
	}
	q.flights.drop(l.flight)
	l.flight = 0
}
