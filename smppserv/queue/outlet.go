package queue

import (
	"slices"
	"strconv"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// recipientQueue is everything that is for one recipient of messages, and its ways out.
type recipientQueue struct {
	q       *Queue
	party   *party
	lanes   int
	size    int   // messages and receipts of any status but concluded
	texts   int   // of them
	trying  int   // tries under way
	held    bool  // nothing is tried, by an operator's wish
	lined   int   // entries in the lines of its lanes
	turns   round // of the lanes that may have something to try
	outlets []*Outlet
	marked  bool // it is among those that may have something to start
	own     bool // the next turn is one of those that wait for an outlet

	failed    map[ref]struct{} // lanes at whose head something failed and waits for its next try
	releasing map[ref]struct{} // those of them whose waits are ended
	resumed   bool             // it is among those that have some

	dpfs map[ref]ref // the first of a list of delivery pending flags, by the lane in which a delivery ends them; 0 = anywhere
	back int64       // when a client came that had been absent; 0 = not yet
}

// Waits tells whether something waits for the recipient, who has no outlet, that could be tried now if it had one.
func (q *Queue) Waits(recipient string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := q.parties.byName[recipient]
	if p == nil || p.recipient == nil || p.recipient.held {
		return false
	}
	to, now := p.recipient, q.now()
	for range turnsStep {
		t := to.turns.first
		if t == nil {
			break
		}
		l := q.lanes.at(t.first)
		if r := q.head(l); r != 0 {
			q.follow(r)
			if e := q.entries.at(r); e.due <= now && e.expires > now {
				return true
			}
		}
		q.leaveTurns(l) // it gets another one from what keeps the message, as in try
	}
	return false
}

func (q *Queue) recipient(name string) *recipientQueue {
	p := q.parties.get(name)
	if p.recipient == nil {
		p.recipient = &recipientQueue{q: q, party: p, held: q.isHeld(name), failed: map[ref]struct{}{}, dpfs: map[ref]ref{}}
	}
	return p.recipient
}

// forget lets go of a recipient for whom nothing waits, and who has no way out.
func (to *recipientQueue) forget() {
	if to.lanes == 0 && len(to.outlets) == 0 && to.party.recipient == to {
		to.party.recipient = nil
		to.q.parties.forget(to.party)
	}
}

// mark has the dispatcher look whether something for the recipient may be started.
func (to *recipientQueue) mark() {
	if !to.marked {
		to.marked = true
		to.q.marked.push(to)
	}
}

// Outlet is open until it is detached. It implements road.Outlet.
type Outlet struct {
	q         *Queue
	recipient *recipientQueue
	options   road.OutletOptions
	name      string // for who looks at the tries that went through it
	window    int
	taken     int   // tries in flight
	turns     round // of the lanes that must wait for this outlet and no other
	paused    bool
	silent    bool // paused since the last Resume
	avoided   bool
	pause     *time.Timer
	until     int64    // when that is over
	deferred  []uint64 // the hashes of lanes whose messages were not taken, for a reason that is not theirs, since it began
	detached  bool
}

// Attach opens an outlet: from now on its Deliverer is given what waits for its recipient.
func (q *Queue) Attach(w road.OutletOptions) road.Outlet {
	q.mu.Lock()
	defer q.mu.Unlock()
	to := q.recipient(w.Recipient)
	if w.Recipient != sms.Hermes && len(to.outlets) == 0 {
		to.present(q.now())
	}
	o := &Outlet{q: q, recipient: to, options: w, name: "hermes", window: w.Window}
	if w.Session != 0 {
		o.name = "session " + strconv.FormatUint(w.Session, 10)
	}
	to.outlets = append(to.outlets, o)
	to.yieldShunned()
	o.changed()
	return o
}

// changed has the dispatcher look what the outlet can take now.
func (o *Outlet) changed() {
	o.recipient.mark()
	o.q.wake()
}

// SetWindow implements road.Outlet.
func (o *Outlet) SetWindow(n int) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	if o.window = n; !o.detached {
		o.changed()
	}
}

// Pause implements road.Outlet.
func (o *Outlet) Pause(d time.Duration) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	o.silent = true
	o.shut(d)
}

// Rest implements road.Outlet.
func (o *Outlet) Rest(d time.Duration) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	if o.detached {
		return
	}
	o.shut(d)
	o.yield()
}

// Avoid implements road.Outlet.
func (o *Outlet) Avoid(on bool) {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	if o.detached || o.avoided == on {
		return
	}
	o.avoided = on
	o.yield()
	o.recipient.yieldShunned()
	o.changed()
}

// Overtakes implements road.Outlet. The dispatcher looks for what to try next when all that it has taken has been given to its Deliverers:
// what came back meanwhile still waits.
func (o *Outlet) Overtakes(m *sms.Message) bool {
	q := o.q
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.byID.find(uint64(m.ID))
	if r == 0 || q.entries.at(r).status != taken {
		return false
	}
	before := q.lanes.at(q.entries.at(r).lane).line
	for before != r && q.entries.at(before).status == taken {
		before = q.entries.at(before).next
	}
	return before != r
}

// yieldShunned has no lane wait for an outlet that gives nothing.
func (to *recipientQueue) yieldShunned() {
	for _, o := range to.outlets {
		if o.shunned() {
			o.yield()
		}
	}
}

// yield has the lanes that wait for this outlet look for another one.
func (o *Outlet) yield() {
	if o.turns.first != nil {
		o.q.returned = append(o.q.returned, o)
		o.q.wake()
	}
}

func (o *Outlet) shut(d time.Duration) {
	if o.pause != nil {
		o.pause.Stop()
	}
	o.paused, o.until = true, o.q.in(d)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		o.q.mu.Lock()
		defer o.q.mu.Unlock()
		if o.pause == t {
			o.stopPause()
			o.changed()
		}
	})
	o.pause = t
}

func (o *Outlet) stopPause() {
	if o.pause != nil {
		o.pause.Stop()
		o.pause = nil
	}
	o.paused = false
	for _, hash := range o.deferred { // what came meanwhile goes first: it may be about these after all
		if lr := o.q.byHash.find(hash); lr != 0 { // something of it still waits
			o.q.readyLast(lr)
		}
	}
	o.deferred = nil
}

// Resume implements road.Outlet.
func (o *Outlet) Resume() {
	o.q.mu.Lock()
	defer o.q.mu.Unlock()
	o.stopPause()
	o.silent = false
	o.recipient.resume()
	o.changed()
}

// Detach implements road.Outlet.
func (o *Outlet) Detach() {
	q, to := o.q, o.recipient
	q.mu.Lock()
	defer q.mu.Unlock()
	o.detached = true
	o.stopPause()
	to.outlets = slices.DeleteFunc(to.outlets, func(other *Outlet) bool { return other == o })
	o.yield()
	o.changed()
	to.forget()
}

// returnTurns gives lanes that waited for an outlet which was detached, or is worse than others now, their turns at any.
func (q *Queue) returnTurns(limit int) (more bool) {
	for len(q.returned) > 0 {
		o := q.returned[0] // what waits for it since then is returned, too
		for lr, _ := q.nextTurn(&o.turns); lr != 0; lr, _ = q.nextTurn(&o.turns) {
			q.ready(lr)
			if limit--; limit < 0 {
				return true
			}
		}
		q.returned = slices.Delete(q.returned, 0, 1)
	}
	return false
}

func (o *Outlet) room() int {
	if o.paused || o.detached || o.recipient.held {
		return 0
	}
	return o.window - o.taken
}

// shunned tells that the outlet is avoided, and another one is not.
func (o *Outlet) shunned() bool {
	return o.avoided && slices.ContainsFunc(o.recipient.outlets, func(other *Outlet) bool { return !other.avoided })
}

// narrow tells that the outlet takes less than it could: what it has to give itself may go through others.
func (o *Outlet) narrow() bool { return o.paused || o.window < o.options.Window }

// serial tells whether there is one try at a time in each conversation: the Deliverer does not keep their order by itself, or the
// recipient takes some and not others.
func (o *Outlet) serial() bool { return o.options.Serial || o.narrow() }

func (to *recipientQueue) freest() *Outlet {
	var best *Outlet
	for _, o := range to.outlets {
		if room := o.room(); room > 0 && !o.shunned() && (best == nil || room > best.room()) {
			best = o
		}
	}
	return best
}

// choose finds the outlet for r: the one that has the lane's messages in flight, so that they stay in order;
// for a receipt the session that its message came in on, unless that one is worse than others now; else the one with most room.
// A receipt that must go elsewhere waits until receiptDelay after the answer to its submit.
// While an outlet that was detached, or is not to be used now, has messages of the lane, there is none for those behind.
func (to *recipientQueue) choose(l *lane, r ref, e *entry, now int64) (o *Outlet, notBefore int64) {
	inFlight := to.q.flights.all[l.flight].outlet // nil where nothing is
	if inFlight != nil && (inFlight.detached || inFlight.paused || inFlight.shunned()) {
		return nil, 0
	}
	if e.kind != sms.KindText {
		session, held := uint64(e.sessionOf()), time.Duration(0)
		if s := to.q.answer(e); s != nil {
			of, since, ok := s.Answered()
			switch {
			case of == 0:
			case !ok:
				session, held = of, receiptDelay
			default:
				session, held = of, min(receiptDelay-time.Since(since), receiptDelay)
			}
			if held <= 0 {
				to.q.known(e, of)
			}
		}
		if session != 0 {
			for _, own := range to.outlets {
				if uint32(own.options.Session) != uint32(session) || own.options.Session == 0 || inFlight != nil && inFlight != own {
					continue
				}
				if !own.shunned() && (own.room() > 0 || !own.narrow()) {
					return own, 0
				}
			}
		}
		if held > 0 {
			return nil, now + held.Milliseconds() + 1
		}
	}
	if inFlight != nil {
		return inFlight, 0
	}
	return to.freest(), 0
}
