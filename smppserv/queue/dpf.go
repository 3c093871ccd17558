package queue

// A submitter that asked for it (set_dpf) is alerted when a recipient that was out of reach can be reached again
// (SMPP 3.4, 4.12). A message that waits for its recipient does that by itself: it is delivered, then the alert is owed.
// One that ends undelivered leaves its delivery pending flag behind, with a row of its own, which nobody tries. It is in no line, until
//
//   - a text of its conversation is delivered;
//   - or, if there was nobody when it was set, any text to that recipient is;
//   - or the recipient is a client, and binds.

// away tells that nobody is there: the recipient has no outlet, or each is paused and was not resumed since.
func (to *recipientQueue) away() bool {
	for _, o := range to.outlets {
		if !o.silent {
			return false
		}
	}
	return true
}

// proof is where a delivery ends a delivery pending flag; 0 = anywhere.
func (e *entry) proof() ref {
	if e.flags&away != 0 {
		return 0
	}
	return e.lane
}

func (to *recipientQueue) setDPF(r ref, e *entry) {
	e.status = dpfPending
	first := to.dpfs[e.proof()]
	to.q.insertBefore(&first, r, e, 0)
	to.dpfs[e.proof()] = first
}

func (to *recipientQueue) clearDPF(r ref, e *entry) {
	first := to.dpfs[e.proof()]
	if to.q.unlink(&first, r, e); first == 0 {
		delete(to.dpfs, e.proof())
		return
	}
	to.dpfs[e.proof()] = first
}

// proven are delivery pending flags that a delivery has ended.
type proven struct {
	to    *recipientQueue
	where ref
	all   bool // wherever
}

// reached ends delivery pending flags.
func (to *recipientQueue) reached(proof ref) {
	if _, some := to.dpfs[proof]; some {
		to.q.proven.push(proven{to: to, where: proof})
		to.q.wake()
	}
}

// present is for a client that was absent and binds.
func (to *recipientQueue) present(now int64) {
	to.back = now
	if len(to.dpfs) > 0 {
		to.q.proven.push(proven{to: to, all: true})
	}
}

// endReached ends flags whose recipients were reached, no more than limit.
func (q *Queue) endReached(limit int) (more bool) {
	for q.proven.len() > 0 {
		p := q.proven.front()
		where := p.where
		if p.all {
			for where = range p.to.dpfs {
				break
			}
		}
		r := p.to.dpfs[where]
		if r == 0 {
			q.proven.pop()
			continue
		}
		if limit--; limit < 0 {
			return true
		}
		q.end(r, reached)
	}
	return false
}
