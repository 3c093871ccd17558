package queue

import "container/heap"

// deadlines is a heap of the entries by the time at which each must be looked at.
type deadlines []*entry

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].wake < d[j].wake }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].heapAt, d[j].heapAt = i, j
}
func (d *deadlines) Push(x any) {
	e := x.(*entry)
	e.heapAt = len(*d)
	*d = append(*d, e)
}
func (d *deadlines) Pop() any {
	old := *d
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	e.heapAt = -1
	return e
}

// wakeAt has e looked at at the time given, instead of any earlier arrangement.
func (q *Queue) wakeAt(e *entry, at int64) {
	e.wake = at
	if e.heapAt >= 0 {
		heap.Fix(&q.deadlines, e.heapAt)
		return
	}
	heap.Push(&q.deadlines, e)
}

func (q *Queue) unwakeable(e *entry) {
	if e.heapAt >= 0 {
		heap.Remove(&q.deadlines, e.heapAt)
	}
}

// dueDeadlines acts on every deadline that has passed.
func (q *Queue) dueDeadlines(now int64) {
	for len(q.deadlines) > 0 && q.deadlines[0].wake <= now {
		e := q.deadlines[0]
		heap.Pop(&q.deadlines)
		switch {
		case e.group != nil:
			q.closeGroup(e.group)
		case e.expires <= now:
			q.end(e, validity)
		case e.status == dpfPending: // the disk could not be read when it was reached
			q.end(e, reached)
		case e.status == aside:
			e.lane.join(e)
			q.wakeAt(e, e.expires)
		default:
			e.lane.ready()
			q.wakeAt(e, e.expires)
		}
	}
}

// end takes a message that is not to be tried any more, for the dispatcher to conclude.
func (q *Queue) end(e *entry, why end) {
	switch e.status {
	case aside:
		e.lane.join(e)
	case dpfPending:
		e.lane.recipient.clearDPF(e)
		e.lane.append(e)
	}
	if e.status != waiting {
		return
	}
	e.lane.take(e)
	q.jobs = append(q.jobs, &job{q: q, lead: e, untried: why})
}
