package queue

import (
	"cmp"
	"context"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// survey is what a walk over all entries found of one recipient.
type survey struct {
	scheduled int
	oldest    sms.ID
	next      int64 // the earliest due time to come, 0 = none
}

// Backlogs lists what waits, by recipient, those with most first. The counts are exact; what is found by looking at each message
// (Scheduled, Oldest, Next) is as it was in the course of the call. The lock is held for one chunk of entries at a time: a million
// messages take some 50 ms in all.
func (q *Queue) Backlogs(ctx context.Context) ([]sms.Backlog, error) {
	found := map[uint32]*survey{}
	for chunk, more := 0, true; more; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q.mu.Lock()
		now := q.now()
		chunk, more = q.entries.walk(chunk, func(r ref, e *entry) { q.survey(found, r, e, now) })
		q.mu.Unlock()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []sms.Backlog
	for _, p := range q.parties.byName {
		to := p.recipient
		if to == nil || to.size == 0 && len(to.outlets) == 0 {
			continue
		}
		b := to.backlog()
		if s := found[p.number]; s != nil && b.Count > 0 {
			b.Scheduled, b.Oldest = min(s.scheduled, b.Count), s.oldest
			if s.next > 0 {
				b.Next = q.shown(s.next)
			}
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b sms.Backlog) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Recipient, b.Recipient))
	})
	return all, nil
}

func (q *Queue) survey(found map[uint32]*survey, r ref, e *entry, now int64) {
	if e.status == concluded || e.kind == sms.KindDPF {
		return
	}
	q.follow(r)
	number := q.lanes.at(e.lane).recipient
	s := found[number]
	if s == nil {
		s = &survey{}
		found[number] = s
	}
	if s.oldest == 0 || e.id < s.oldest {
		s.oldest = e.id
	}
	if (e.status == waiting || e.status == aside) && e.due > now {
		if e.flags&scheduled != 0 {
			s.scheduled++
		}
		if s.next == 0 || e.due < s.next {
			s.next = e.due
		}
	}
}

// backlog is what is known of a recipient without a look at its messages.
func (to *recipientQueue) backlog() sms.Backlog {
	b := sms.Backlog{Recipient: to.party.name, Count: to.size, Texts: to.texts, InFlight: to.trying, Outlets: len(to.outlets), Held: to.held}
	for _, o := range to.outlets {
		if !o.paused {
			continue
		}
		b.Resting++
		if until := to.q.shown(o.until); b.Until.IsZero() || until.Before(b.Until) {
			b.Until = until
		}
	}
	return b
}

// Backlog is Backlogs of one recipient, as far as it is known without a look at its messages.
func (q *Queue) Backlog(recipient string) sms.Backlog {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := q.parties.byName[recipient]; p != nil && p.recipient != nil {
		return p.recipient.backlog()
	}
	return sms.Backlog{Recipient: recipient, Held: q.isHeld(recipient)}
}

// Texts is how many of those that Stats counts as waiting are texts, not receipts or the like.
func (q *Queue) Texts() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.parties.byName {
		if p.recipient != nil {
			n += p.recipient.texts
		}
	}
	return n
}

// HowWait tells how messages wait. Those that do not wait are left out.
func (q *Queue) HowWait(ids []sms.ID) map[sms.ID]sms.Wait {
	all := make(map[sms.ID]sms.Wait, len(ids))
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for _, id := range ids {
		r := q.byID.find(uint64(id))
		if r == 0 {
			continue
		}
		e := q.entries.at(r)
		if e.status == absorbed {
			r = e.prev
			e = q.entries.at(r)
		}
		if e.status == concluded || e.kind == sms.KindDPF {
			continue
		}
		q.follow(r)
		all[id] = q.howWaits(r, e, now)
	}
	return all
}

func (q *Queue) howWaits(r ref, e *entry, now int64) (w sms.Wait) {
	w.Trying = e.status == taken || e.status == changing || e.status == claimed
	if w.Trying {
		return w
	}
	due := e.due
	if e.flags&grouped != 0 {
		w.Parts, due = true, max(due, q.partOf[r].until)
	}
	if due > now {
		w.Due = q.shown(due)
		w.Scheduled = e.flags&scheduled != 0 && e.due > now
	}
	if first := q.lanes.at(e.lane).line; e.status == waiting && first != r {
		w.Behind = q.entries.at(first).id
	}
	return w
}

// RetryNow ends the wait of a message, and of those that stand before it in its line: each is tried with its next turn. A part that
// waits for the others of its text has the text go on without them. The rest of a client's sessions is over, too; that of Hermès is
// ended by who pushes. It returns sms.ErrNotWaiting or sms.ErrBeingTried.
func (q *Queue) RetryNow(id sms.ID) error {
	defer q.wake()
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.byID.find(uint64(id))
	if r == 0 {
		return sms.ErrNotWaiting
	}
	e := q.entries.at(r)
	now := q.now()
	if e.flags&grouped != 0 {
		q.closeGroup(q.partOf[r], now)
	}
	if e.status == absorbed {
		r = e.prev
		e = q.entries.at(r)
	}
	q.follow(r)
	switch e.status {
	case aside:
		q.hasten(r, e, now)
		q.join(r)
	case waiting:
		q.hastenUpTo(e.lane, r, now)
		q.hasten(r, e, now)
		q.ready(e.lane)
	case taken, changing, claimed:
		return sms.ErrBeingTried
	default:
		return sms.ErrNotWaiting
	}
	if to := q.recipientOf(q.lanes.at(e.lane)); to.party.name != sms.Hermes {
		for _, o := range to.outlets {
			o.stopPause()
		}
		to.mark()
	}
	return nil
}

// hastenUpTo ends the waits in a line up to an entry. Only the first ones wait for a time, but in a lane that is strewn: only that is
// walked as a whole.
func (q *Queue) hastenUpTo(lr, up ref, now int64) {
	_, strewn := q.strewn[lr]
	late, before := false, true
	for r, looks := q.lanes.at(lr).line, 0; r != 0 && (strewn || before && looks < strayed); looks++ {
		e := q.entries.at(r)
		if q.follow(r); e.due > now {
			if before && e.status == waiting {
				q.hasten(r, e, now)
				looks = 0
			} else {
				late = true
			}
		}
		before = before && r != up
		r = e.next
	}
	if strewn && !late {
		delete(q.strewn, lr)
	}
}

// hasten makes an entry due.
func (q *Queue) hasten(r ref, e *entry, now int64) {
	e.flags &^= asked | scheduled
	if e.due > now {
		e.due = now
		q.arm(r, now)
	}
}

// Hold has nothing be tried for a recipient, until it is given free again: a client's sessions and submits go on, and so does the
// validity of what waits. Tries under way end.
func (q *Queue) Hold(recipient string, on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if on {
		q.holding[recipient] = struct{}{}
	} else {
		delete(q.holding, recipient)
	}
	q.holds(recipient)
}

// isHeld tells whether nothing is tried for a recipient.
func (q *Queue) isHeld(recipient string) bool {
	_, held := q.holding[recipient]
	return held || q.leaving[recipient] > 0
}

// holds has a recipient see whether it is held.
func (q *Queue) holds(recipient string) {
	if p := q.parties.byName[recipient]; p != nil && p.recipient != nil {
		p.recipient.held = q.isHeld(recipient)
		p.recipient.mark()
		q.wake()
	}
}
