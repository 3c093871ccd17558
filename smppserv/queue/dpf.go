package queue

// A submitter that asked for it (set_dpf) is alerted when a recipient that was out of reach can be reached again
// (SMPP 3.4, 4.12). A message that waits for its recipient does that by itself: it is delivered, then the alert is owed.
// One that ends undelivered leaves its delivery pending flag behind, with a row of its own, which nobody tries. It is in no line, until
//
//   - a text of its conversation is delivered;
//   - or, if there was nobody when it was set, any text to that recipient is;
//   - or the recipient is a client, and binds.

// away tells that nobody is there: the recipient has no outlet, or each is paused and was not resumed since.
func (r *recipientQueue) away() bool {
	for _, o := range r.outlets {
		if !o.silent {
			return false
		}
	}
	return true
}

// proof is where a delivery ends a delivery pending flag; nil = anywhere.
func (e *entry) proof() *lane {
	if e.away {
		return nil
	}
	return e.lane
}

func (r *recipientQueue) setDPF(e *entry) {
	e.status = dpfPending
	if r.dpfs[e.proof()] == nil {
		r.dpfs[e.proof()] = map[*entry]struct{}{}
	}
	r.dpfs[e.proof()][e] = struct{}{}
}

func (r *recipientQueue) clearDPF(e *entry) {
	if delete(r.dpfs[e.proof()], e); len(r.dpfs[e.proof()]) == 0 {
		delete(r.dpfs, e.proof())
	}
}

// reached ends delivery pending flags.
func (r *recipientQueue) reached(proof *lane) {
	for e := range r.dpfs[proof] {
		r.q.end(e, reached)
	}
}

// present is for a client that was absent and binds.
func (r *recipientQueue) present(now int64) {
	r.back = now
	for proof := range r.dpfs {
		r.reached(proof)
	}
}
