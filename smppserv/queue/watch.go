package queue

// A submitter that asked for it (set_dpf) is alerted when a recipient that was out of reach can be reached again
// (SMPP 3.4, 4.12). A message that waits for its recipient does that by itself: it is delivered, then the alert is owed.
// One that ends undelivered leaves a watch behind, with a row of its own, which nobody tries. It is in no line, until
//
//   - a text of its conversation is delivered;
//   - or, if there was nobody when it was set, any text to that recipient is;
//   - or the recipient is a client, and binds.

// away tells that nobody is there: the recipient has no way out, or each is paused and was not resumed since.
func (r *route) away() bool {
	for _, o := range r.outlets {
		if !o.silent {
			return false
		}
	}
	return true
}

// proof is where a delivery ends the watch; nil = anywhere.
func (e *entry) proof() *lane {
	if e.away {
		return nil
	}
	return e.lane
}

func (r *route) watch(e *entry) {
	e.status = watching
	if r.watches[e.proof()] == nil {
		r.watches[e.proof()] = map[*entry]struct{}{}
	}
	r.watches[e.proof()][e] = struct{}{}
}

func (r *route) unwatch(e *entry) {
	if delete(r.watches[e.proof()], e); len(r.watches[e.proof()]) == 0 {
		delete(r.watches, e.proof())
	}
}

// reached ends watches.
func (r *route) reached(proof *lane) {
	for e := range r.watches[proof] {
		r.q.end(e, reached)
	}
}

// present is for a client that was absent and binds.
func (r *route) present(now int64) {
	r.back = now
	for proof := range r.watches {
		r.reached(proof)
	}
}
