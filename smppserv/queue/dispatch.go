package queue

import (
	"context"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// maxJobs is how many tries the dispatcher starts between two looks at the deadlines.
	maxJobs = 256
	// readAhead is how many messages of a line are read from disk together.
	readAhead = 32
	// aheadOctets is how far above Options.CacheOctets that may go.
	aheadOctets = 8 << 20
	// loadRetry is the wait after the disk could not be read.
	loadRetry = time.Second
)

// job is one try of a message, or of the parts of a long one; or its end without a try.
type job struct {
	q       *Queue
	lead    *entry
	outlet  *Outlet
	untried end
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

func (why end) outcome(e *entry) sms.Outcome {
	switch why {
	case superseded:
		return deleted("replaced by message " + e.successor.String())
	case restart:
		return sms.Outcome{Verdict: sms.Failed, Code: e.m.Error, Reason: "a restart ended its transaction"}
	case reached:
		return sms.Outcome{Verdict: sms.Done}
	}
	return sms.Outcome{Verdict: sms.Failed, State: sms.Expired, Code: e.m.Error, Reason: "its validity is over"}
}

// dispatch starts tries until the queue stops.
func (q *Queue) dispatch() {
	defer close(q.done)
	timer := time.NewTimer(lookIdle)
	defer timer.Stop()
	for {
		q.mu.Lock()
		jobs := q.nextJobs(maxJobs)
		wait, steps := q.sleep(), q.unnoted()
		q.mu.Unlock()
		q.note(steps)
		if len(jobs) > 0 {
			for _, j := range q.load(jobs) {
				j.start()
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

func (j *job) start() {
	if j.untried != none {
		j.report(j.untried.outcome(j.lead))
		return
	}
	e := j.lead
	ms := make([]*sms.Message, 0, max(1, e.came))
	if e.parts == nil {
		ms = append(ms, e.m)
	}
	for _, p := range e.parts[:e.came] {
		p.m.PushKey = e.pushKey
		ms = append(ms, p.m)
	}
	j.outlet.options.Deliverer.Deliver(ms, e.incomplete, j.report)
}

// load reads the messages that only the disk has, some behind them in their lines too, and returns the jobs that can go on.
func (q *Queue) load(jobs []*job) []*job {
	var ids []sms.ID
	q.mu.Lock()
	ahead := q.cached < q.o.CacheOctets+aheadOctets
	for _, j := range jobs {
		missing := j.missing()
		if missing == nil {
			continue
		}
		for _, e := range missing {
			ids = append(ids, e.id)
		}
		if !ahead || j.untried != none {
			continue
		}
		for e, n := j.lead.next, 1; e != nil && n < readAhead; e, n = e.next, n+1 {
			if e.m == nil && e.parts == nil && e.status == waiting {
				ids = append(ids, e.id)
			}
		}
	}
	q.mu.Unlock()
	if len(ids) == 0 {
		return jobs
	}
	ms, err := q.o.Store.Load(context.Background(), ids)
	if err != nil {
		q.log.Error().Err(err).Msg("cannot read waiting messages; they are tried later")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range ms {
		if e := q.entries[m.ID]; e != nil && e.m == nil && e.status != concluded && !m.State.Final() {
			m.Attempts = e.attempts
			q.setMessage(e, m)
		}
	}
	ready := jobs[:0]
	for _, j := range jobs {
		switch missing := j.missing(); {
		case missing == nil:
			ready = append(ready, j)
		case err == nil:
			j.vanished(missing)
		default:
			// Not at once, even if it must expire: the disk would be asked without a pause.
			j.lead.due, j.lead.scheduled = q.in(loadRetry), false
			j.requeue()
			q.wakeAt(j.lead, j.lead.due)
		}
	}
	return ready
}

// missing are the messages of the job whose text is not in memory.
func (j *job) missing() (missing []*entry) {
	for _, e := range j.lead.all() {
		if e.m == nil {
			missing = append(missing, e)
		}
	}
	return missing
}

// vanished ends a job some of whose messages are not waiting on disk any more: somebody else took them away.
func (j *job) vanished(gone []*entry) {
	q, lead := j.q, j.lead
	for _, e := range gone {
		q.log.Error().Stringer("message_id", e.id).Msg("a waiting message has gone from the store")
		q.leaveGroup(e)
		e.lane.remove(e)
		q.uncount(e.owner)
		q.forget(e)
	}
	if lead.status != concluded {
		j.requeue()
		return
	}
	lead.lane.ready()
	j.release()
}

// requeue ends a job without an outcome.
func (j *job) requeue() {
	q, e := j.q, j.lead
	e.lane.requeue(e)
	q.wakeAt(e, e.nextWake(q.now()))
	e.lane.ready()
	j.release()
	if q.cached > q.o.CacheOctets {
		for _, p := range j.lead.all() {
			q.evict(p)
		}
	}
	if e.successor != 0 {
		q.end(e, superseded)
	}
}

// release gives the outlet its room back.
func (j *job) release() {
	j.q.trying--
	if j.outlet != nil {
		j.outlet.taken--
		l := j.lead.lane
		if l.flying--; l.flying == 0 {
			l.outlet = nil
		}
	}
	j.q.checkIdle()
}
