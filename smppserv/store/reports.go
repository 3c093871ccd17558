package store

// besidePending is from how many operations that wait on the next ones are written while those that are on disk are reported. With
// fewer the committer reports by itself, and gathers: a commit of a few costs a flush as one of many does.
const besidePending = 64

// reports tells those whose operations are on disk, in the order of the commits, and one batch at a time. Only the committer uses it.
type reports struct {
	started, under bool          // the goroutine is; a batch is with it
	last           reported      // that was handed over
	work           chan reported // closed at the end
	done           chan struct{} // a batch is through
}

type reported struct {
	ops       []op
	duplicate []bool
}

func newReports() reports {
	return reports{work: make(chan reported), done: make(chan struct{}, 1)}
}

// beside reports a batch on a goroutine of its own, which is started with the first. The slices are that one's from now on; those
// returned are for the next batch.
func (r *reports) beside(b reported) (ops []op, duplicate []bool) {
	r.settle()
	if !r.started {
		r.started = true
		go r.run()
	}
	spare := r.last
	r.last, r.under = b, true
	r.work <- b
	return spare.ops[:0], spare.duplicate[:0]
}

func (r *reports) run() {
	for b := range r.work {
		b.report()
		clear(b.ops)
		r.done <- struct{}{}
	}
}

// settle waits until all is reported that was handed over.
func (r *reports) settle() {
	if r.under {
		<-r.done
		r.under = false
	}
}

// end is for the end of the committer.
func (r *reports) end() {
	r.settle()
	close(r.work)
}

func (b reported) report() {
	for i := range b.ops {
		b.ops[i].report(b.duplicate[i], nil)
	}
}
