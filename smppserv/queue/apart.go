package queue

import (
	"context"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
)

// apart is a conversation of which messages that were here were handed on. Those behind them do not overtake them: until they have ended, or are
// here again, they go nowhere but to the worker that has them.
type apart struct {
	ids  []sms.ID  // in ascending order; of those that have ended some may be there still
	at   sms.Epoch // who has them, 0 = not known
	bars bool      // something here waits for one of them
}

// apartMost bounds the messages of a conversation that are remembered: the last ones. Whoever has them tries no more than a few of a conversation
// at a time, so that those before have ended when these have.
const apartMost = 16

// add notes a message that was handed on.
func (a *apart) add(id sms.ID, to sms.Epoch) {
	if len(a.ids) > 0 && a.at != to {
		a.at = 0
	}
	if i, found := slices.BinarySearch(a.ids, id); !found {
		a.ids = slices.Insert(a.ids, i, id)
	}
	a.ids = a.ids[max(0, len(a.ids)-apartMost):]
}

// apartFrom notes that a message of a conversation was handed on.
func (q *Queue) apartFrom(hash uint64, id sms.ID, to sms.Epoch) {
	a := q.apart[hash]
	if a == nil {
		a = &apart{at: to}
		q.apart[hash] = a
	}
	a.add(id, to)
}

// part notes where the conversation of a try that has handed on goes on.
func (q *Queue) part(j *job) {
	at := q.entries.at(j.lead)
	last := slices.MaxFunc(j.ms, func(a, b *sms.Message) int { return int(a.ID - b.ID) })
	q.apartFrom(q.lanes.at(at.lane).hash, last.ID, j.outlet.options.Holder)
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

// isHere tells whether a message that the store says is this worker's needs not be taken up. One that came back before it is known here that
// it had gone is taken up when it is.
func (q *Queue) isHere(id sms.ID) bool {
	r := q.byID.find(uint64(id))
	if r != 0 && q.isLeaving(r) {
		q.cameBack[id] = struct{}{}
	}
	return r != 0
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
// on here.
func (q *Queue) Parted(m *sms.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.apartFrom(conversationOf(m).hash(), m.ID, m.Holder)
}

// isApart tells whether the outlet would have e, which is the lane's next message, overtake those before it.
func (q *Queue) isApart(l *lane, e *entry, o *Outlet) bool {
	if len(q.apart) == 0 {
		return false
	}
	a := q.apart[l.hash]
	if a == nil || e.id < a.ids[0] || a.at == o.options.Holder && a.at != 0 {
		return false
	}
	if !a.bars {
		a.bars = true
		q.o.Share.Apart()
	}
	return true
}

// unbar has what waits here for messages of a conversation looked at again.
func (q *Queue) unbar(hash uint64, a *apart) {
	if lr := q.byHash.find(hash); lr != 0 && a.bars {
		q.ready(lr)
		q.recipientOf(q.lanes.at(lr)).mark()
	}
}

// rejoined is for a message that is here again.
func (q *Queue) rejoined(hash uint64, id sms.ID) {
	a := q.apart[hash]
	if a == nil {
		return
	}
	if i, found := slices.BinarySearch(a.ids, id); found {
		if a.ids = slices.Delete(a.ids, i, i+1); len(a.ids) == 0 {
			delete(q.apart, hash)
			q.unbar(hash, a) // what waited for it may not have to wait for its time
		}
	}
}

// Apart lists, in ascending order, messages that were handed on to other workers, the last ones of each conversation, as long as they may
// wait there: all of them, or those that something here waits for. Whoever calls it looks where they are, and calls Located.
func (q *Queue) Apart(all bool) (ids []sms.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, a := range q.apart {
		if all || a.bars {
			ids = append(ids, a.ids...)
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
		if _, asked := slices.BinarySearch(ids, a.ids[len(a.ids)-1]); !asked { // it was handed on since
			continue
		}
		was, count := a.at, len(a.ids)
		a.ids = slices.DeleteFunc(a.ids, func(id sms.ID) bool {
			_, asked := slices.BinarySearch(ids, id)
			e, there := at[id]
			return asked && !(there && (e != 0 || q.byID.find(uint64(id)) == 0))
		})
		if len(a.ids) == 0 {
			delete(q.apart, hash)
		} else {
			if a.at = at[a.ids[0]]; slices.ContainsFunc(a.ids, func(id sms.ID) bool { return at[id] != a.at }) {
				a.at = 0
			}
			if waits = waits || a.bars; a.at == was && len(a.ids) == count {
				continue
			}
		}
		q.unbar(hash, a)
	}
	q.wake()
	return waits
}
