package queue

import (
	"context"
	"slices"

	"hnetsmpp/smppserv/sms"
)

const (
	// readAhead is how many messages of a line are read from disk together.
	readAhead = 32
	// lanesAhead is how many lanes are read ahead whose turns come next.
	lanesAhead = 128
	// aheadOctets is how far above Options.CacheOctets that may go.
	aheadOctets = 8 << 20
)

// load reads the messages that only the disk has, and returns the jobs that can go on. For tries it reads some of those
// that will be tried next, too; of what only ends it reads no more than the beginning of the text.
func (q *Queue) load(jobs []*job) []*job {
	if len(jobs) == 0 {
		return nil
	}
	var tries, ends []sms.ID
	q.mu.Lock()
	ahead := q.cached < q.o.CacheOctets+aheadOctets
	changes := q.changes
	var behind []*job
	for _, j := range jobs {
		missing := false
		for i, r := range j.all {
			if j.ms[i] == nil {
				j.ms[i] = q.evict(r)
			}
			if j.ms[i] != nil {
				continue
			}
			missing = true
			if id := q.entries.at(r).id; j.untried == none {
				tries = append(tries, id)
			} else {
				ends = append(ends, id)
			}
		}
		if missing && ahead && j.untried == none {
			behind = append(behind, j)
		}
	}
	var to *recipientQueue
	for _, j := range behind {
		tries = q.behind(j, tries)
		if to != j.outlet.recipient {
			to = j.outlet.recipient
			tries = q.aheadOf(to, tries)
		}
	}
	q.mu.Unlock()
	if len(tries) > 0 {
		slices.Sort(tries)
		q.fill(jobs, slices.Compact(tries), changes, q.o.Store.Load)
	}
	if len(ends) > 0 {
		q.fill(jobs, ends, changes, q.o.Store.LoadHeads)
	}
	q.backBehind(jobs)
	return slices.DeleteFunc(jobs, func(j *job) bool { return j.back || slices.Contains(j.ms, nil) })
}

// backBehind puts back what is behind a message of its lane that could not be read, and went back to its line.
func (q *Queue) backBehind(jobs []*job) {
	if !slices.ContainsFunc(jobs, func(j *job) bool { return j.back }) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	lanes := map[ref]struct{}{}
	for _, j := range jobs {
		if j.untried != none || !j.back && slices.Contains(j.ms, nil) {
			continue
		}
		lr := q.entries.at(j.lead).lane
		if j.back {
			lanes[lr] = struct{}{}
		} else if _, behind := lanes[lr]; behind {
			j.back = true
			j.requeue(now)
		}
	}
}

// behind adds to ids what stands behind a job in its line.
func (q *Queue) behind(j *job, ids []sms.ID) []sms.ID {
	for r, n := q.entries.at(j.lead).next, 1; r != 0 && n < readAhead; n++ {
		e := q.entries.at(r)
		if e.status == waiting && e.flags&(held|leading) == 0 {
			ids = append(ids, e.id)
		}
		r = e.next
	}
	return ids
}

// aheadOf adds to ids what stands at the heads of the lanes whose turns come next.
func (q *Queue) aheadOf(to *recipientQueue, ids []sms.ID) []sms.ID {
	each := max(1, lanesAhead/max(1, len(to.turns.parties)))
	left := lanesAhead
	for t := to.turns.first; t != nil && left > 0; t = t.after {
		for lr, n := t.first, 0; lr != 0 && n < each && left > 0; n, left = n+1, left-1 {
			l := q.lanes.at(lr)
			if r := q.head(l); r != 0 {
				if e := q.entries.at(r); e.status == waiting && e.flags&(held|leading) == 0 && e.due <= q.wheel.at {
					ids = append(ids, e.id)
				}
			}
			lr = l.after
		}
	}
	return ids
}

type reader func(context.Context, []sms.ID) ([]*sms.Message, error)

// fill reads messages, and gives the jobs theirs; the others are kept. A job that lacks one goes back to its line, or ends.
func (q *Queue) fill(jobs []*job, ids []sms.ID, changes uint64, read reader) {
	ms, damaged, err := q.readable(context.Background(), ids, read)
	if err != nil {
		q.log.Error().Err(err).Msg("cannot read waiting messages; they are tried later")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	byID := make(map[sms.ID]*sms.Message, len(ids)) // nil = it is gone
	for _, id := range ids {
		byID[id] = nil
	}
	for _, m := range ms {
		if !m.State.Final() {
			byID[m.ID] = m
		}
	}
	now := q.now()
	for _, j := range jobs {
		var gone []ref
		unread := false
		for i, r := range j.all {
			if j.ms[i] != nil {
				continue
			}
			e := q.entries.at(r)
			switch m, asked := byID[e.id]; {
			case !asked:
			case m == nil:
				gone = append(gone, r)
				unread = unread || err != nil || slices.Contains(damaged, e.id)
			default:
				delete(byID, e.id)
				m.Attempts = int(e.attempts)
				j.ms[i] = m
			}
		}
		switch {
		case len(gone) == 0:
		case !unread:
			j.vanished(gone, now)
		default:
			j.unread(now)
		}
	}
	if changes != q.changes { // it may be that one of these
		return
	}
	for _, m := range byID {
		if m == nil {
			continue
		}
		if r := q.byID.find(uint64(m.ID)); r != 0 {
			if e := q.entries.at(r); e.flags&held == 0 && e.status == waiting {
				m.Attempts = int(e.attempts)
				q.hold(r, m)
			}
		}
	}
}

// unread is for a job whose messages cannot be read now. Not at once, even if it must end: the disk would be asked without a pause.
func (j *job) unread(now int64) {
	q := j.q
	later := q.in(loadRetry)
	if j.untried == none {
		q.follow(j.lead)
		e := q.entries.at(j.lead)
		e.due = later
		e.set(scheduled, false)
		j.back = true
		j.requeue(now)
		return
	}
	for i, r := range j.all {
		if m := j.ms[i]; m != nil && q.entries.at(r).flags&writing != 0 {
			q.hold(r, m)
		}
	}
	j.release()
	q.ends.push(ending{j.lead, j.untried})
	q.endsFrom = later
	q.checkIdle()
}

// vanished ends a job some of whose messages are not waiting on disk any more: somebody else took them away.
// What is left is read again with its next turn.
func (j *job) vanished(gone []ref, now int64) {
	q := j.q
	if slices.Contains(gone, j.lead) {
		j.release()
	} else {
		j.back = true
		j.requeue(now)
	}
	for _, r := range gone {
		e := q.entries.at(r)
		q.log.Error().Stringer("message_id", e.id).Msg("a waiting message has gone from the store")
		q.leaveGroup(r, now)
		q.dropSubmission(r, e)
		owner := q.owner(e)
		q.leave(r)
		q.uncount(owner)
		q.forget(r)
	}
	q.checkIdle()
}
