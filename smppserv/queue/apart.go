package queue

import (
	"context"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// apart is a conversation whose last message that was here was handed on. Those behind it do not overtake it: until it has ended, or is
// here again, they go nowhere but to the worker that has it.
type apart struct {
	id   sms.ID
	at   sms.Epoch // who has it, 0 = not known
	bars bool      // something here waits for it
}

// part notes where the conversation of a try that has handed on goes on.
func (q *Queue) part(j *job) {
	at := q.entries.at(j.lead)
	last := slices.MaxFunc(j.ms, func(a, b *sms.Message) int { return int(a.ID - b.ID) })
	hash := q.lanes.at(at.lane).hash
	if a := q.apart[hash]; a == nil || a.id < last.ID { // else that one is behind it
		q.apart[hash] = &apart{id: last.ID, at: j.outlet.options.Holder}
	}
}

// isLeaving tells whether a message is being handed on.
func (q *Queue) isLeaving(r ref) bool {
	e := q.entries.at(r)
	if e.status != taken {
		return false
	}
	f := q.lanes.at(e.lane).flight
	return f != 0 && q.flights.all[f].outlet.options.Holder != 0
}

// takeBack takes those up that came back before handing them on had ended here.
func (q *Queue) takeBack(ids []sms.ID) {
	q.mu.Lock()
	stopping := q.stopping
	q.mu.Unlock()
	if stopping { // whoever takes over has them
		return
	}
	if _, err := q.TakeIn(context.Background(), ids); err != nil {
		q.log.Warn().Err(err).Msg("what came back from another worker cannot be read now: it is tried again")
		time.AfterFunc(passAgain, func() { q.takeBack(ids) })
	}
}

// Parted is told of a message that waits at another worker, and that one handed on whose messages are this one's now: as if it had been handed
// on here. Of a conversation's the last one counts.
func (q *Queue) Parted(m *sms.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.apart[conversationOf(m).hash()] = &apart{id: m.ID, at: m.Holder}
}

// isApart tells whether the outlet would have e, which is the lane's next message, overtake those before it.
func (q *Queue) isApart(l *lane, e *entry, o *Outlet) bool {
	if len(q.apart) == 0 {
		return false
	}
	a := q.apart[l.hash]
	if a == nil || e.id < a.id || a.at == o.options.Holder && a.at != 0 {
		return false
	}
	if !a.bars {
		a.bars = true
		q.o.Share.Apart()
	}
	return true
}

// rejoined is for a message that is here again.
func (q *Queue) rejoined(hash uint64, id sms.ID) {
	if a := q.apart[hash]; a != nil && a.id == id {
		delete(q.apart, hash)
	}
}

// Apart lists, in ascending order, messages that were handed on to other workers, the last one of each conversation, as long as they may
// wait there: all of them, or those that something here waits for. Whoever calls it looks where they are, and calls Located.
func (q *Queue) Apart(all bool) (ids []sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, a := range q.apart {
		if all || a.bars {
			ids = append(ids, a.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Located is told which of these messages, in ascending order, wait at which worker; 0 = here, or about to be here. What is left out has
// ended. It tells whether something here still waits for one of them.
func (q *Queue) Located(ids []sms.ID, at map[sms.ID]sms.Epoch) (waits bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for hash, a := range q.apart {
		if _, asked := slices.BinarySearch(ids, a.id); !asked { // it was handed on since
			continue
		}
		e, there := at[a.id]
		if there && (e != 0 || q.byID.find(uint64(a.id)) == 0) {
			moved := a.at != e
			a.at = e
			if waits = waits || a.bars; !moved {
				continue
			}
		} else {
			delete(q.apart, hash)
		}
		if lr := q.byHash.find(hash); lr != 0 && a.bars {
			q.ready(lr)
			q.recipientOf(q.lanes.at(lr)).mark()
		}
	}
	q.wake()
	return waits
}
