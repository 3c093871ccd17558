package queue

// resume ends the waits of what failed. It takes no longer however many lanes there are: the dispatcher does it in steps.
func (to *recipientQueue) resume() {
	if len(to.failed) == 0 {
		return
	}
	if to.releasing == nil {
		to.releasing = to.failed
	} else {
		for lr := range to.failed { // while it is at it
			to.releasing[lr] = struct{}{}
		}
	}
	to.failed = map[ref]struct{}{}
	if !to.resumed {
		to.resumed = true
		to.q.resumed.push(to)
	}
}

// release ends the waits of lanes, of no more than limit.
func (q *Queue) release(now int64, limit int) (more bool) {
	for q.resumed.len() > 0 {
		to := *q.resumed.front()
		for lr := range to.releasing {
			if limit--; limit < 0 {
				return true
			}
			delete(to.releasing, lr)
			q.retryNow(to, lr, now)
		}
		to.releasing, to.resumed = nil, false
		q.resumed.pop()
	}
	return false
}

// retryNow ends the waits of a lane's messages that failed. They stand before those that were never tried.
func (q *Queue) retryNow(to *recipientQueue, lr ref, now int64) {
	for r := q.lanes.at(lr).line; r != 0; {
		e := q.entries.at(r)
		if e.attempts == 0 && e.status == waiting {
			break
		}
		if q.follow(r); e.status == waiting && e.due > now {
			if e.flags&(asked|scheduled) == 0 {
				e.due = now
				q.arm(r, now)
			} else {
				to.failed[lr] = struct{}{}
			}
		}
		r = e.next
	}
	q.ready(lr)
}

// stillFailed forgets that something failed in a lane when nothing that did waits there.
func (q *Queue) stillFailed(to *recipientQueue, lr ref) {
	for r := q.lanes.at(lr).line; r != 0; {
		e := q.entries.at(r)
		if e.status == waiting {
			if e.attempts > 0 {
				return
			}
			break
		}
		r = e.next
	}
	delete(to.failed, lr)
	delete(to.releasing, lr)
}
