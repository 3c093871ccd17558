package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	// cancelStep is how many messages of a conversation are read, or changed in memory, together.
	cancelStep = 256
	// defaultMaxCancelled bounds the messages that are taken back together: so many are in one transaction and, with what their
	// receipts need, in memory.
	defaultMaxCancelled = 200_000
	// defaultMaxAsked bounds those that are taken back together for another worker, which waits for 2 s: all else that is written here waits
	// for their transaction (10 000 take 0.5 to 1 s), and one that outlasts the ask is for nothing.
	defaultMaxAsked = 10_000
)

// CancelConversation takes back what like's submitter has waiting from its source to its destination for its recipient, of its
// service_type or, with "", of any: cancel_sm without a message_id. It returns at once. What was handed in before counts, also
// if it is still on its way to disk, what comes after does not; of what other workers took in, all that comes here meanwhile does. done is called once, from any goroutine: when all of it is
// DELETED on disk, or with an error, and then none is; but after ctx's end it may still become so. What is being tried is left to
// its try, and goes the same way if that fails for now, or if it only went to another worker: but not if nothing else is taken back, here or
// elsewhere, as the request has failed then. elsewhere, which may be nil, takes back what other workers have, and hands here what came from there;
// this is a transaction at each of them, not over all: with an error done is told how many they took back all the same. For another worker (road.AskOf) no more are taken
// back than that one waits for: else it is sms.ErrTooMany at once.
func (q *Queue) CancelConversation(ctx context.Context, like *sms.Message, elsewhere func(context.Context) (road.Cancelled, error), done func(road.Cancelled, error)) {
	c := &cancellation{q: q, like: like, reason: "cancelled", most: q.maxCancelled}
	if road.AskOf(ctx, 1) != nil {
		c.most = min(c.most, q.maxAsked)
	}
	through := make(chan struct{})
	q.mu.Lock()
	c.upTo = q.last
	storing := q.storing.Load() > 0
	q.mu.Unlock()
	if !storing {
		close(through)
	} else {
		q.o.Store.After(func() {
			q.mu.Lock()
			c.upTo = q.last
			q.mu.Unlock()
			close(through)
		})
	}
	go func() {
		err := until(ctx, through)
		if err == nil && elsewhere != nil {
			err = c.others(ctx, elsewhere)
		}
		if err == nil {
			err = c.alone(ctx)
		}
		if err != nil {
			c.failed(err, done)
			return
		}
		defer func() { <-q.cancelling }()
		q.mu.Lock()
		stopping := q.stopping
		q.storing.Add(1) // it does not stop meanwhile
		q.mu.Unlock()
		defer q.stored()
		if stopping {
			c.failed(sms.ErrStopping, done)
			return
		}
		c.run(ctx, done)
	}()
}

// cancellation takes back the messages of a conversation, all or none.
type cancellation struct {
	q      *Queue
	like   *sms.Message // nil = one message alone
	reason string
	most   int    // messages together
	upTo   sms.ID // of what was handed in here; what came from other workers has no place before or after the request

	elsewhere int      // other workers have taken so many back
	before    []sms.ID // what waited here before they were asked

	claimed []cancelled
	ends    []*conclusion
	missed  []sms.ID // that were being tried, or went to another worker
	why     error    // of the last one of these that could not be claimed
}

// cancelled is a message that is claimed to be ended.
type cancelled struct {
	r    ref
	m    *sms.Message // from disk no more than its head
	kept bool         // it is from memory
	part bool         // it has left its group
}

// alone waits until no other one is under way: they take memory.
func (c *cancellation) alone(ctx context.Context) error {
	select {
	case c.q.cancelling <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// others has other workers take back what they have; after a look at what is here, since that may go there meanwhile. Nothing is held: they
// may be asking this one.
func (c *cancellation) others(ctx context.Context, elsewhere func(context.Context) (road.Cancelled, error)) (err error) {
	if c.before, err = c.list(); err != nil {
		return err
	}
	got, err := elsewhere(ctx)
	c.elsewhere, c.missed = got.N, append(c.missed, got.Missed...)
	return err
}

// list is waiting, and before, unless that is too much: newest first, since those behind a message wait for it until the end.
func (c *cancellation) list() ([]sms.ID, error) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	ids := append(c.waiting(), c.before...)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	if len(ids) > c.most {
		return nil, fmt.Errorf("%w: %d wait, and no more than %d are taken back at a time", sms.ErrTooMany, len(ids), c.most)
	}
	return ids, nil
}

// failed tells that nothing was taken back here.
func (c *cancellation) failed(err error, done func(road.Cancelled, error)) {
	done(road.Cancelled{N: c.elsewhere}, err)
}

func (c *cancellation) run(ctx context.Context, done func(road.Cancelled, error)) {
	ids, err := c.list()
	if err != nil {
		c.failed(err, done)
		return
	}
	for step := range slices.Chunk(ids, cancelStep) {
		err := ctx.Err()
		if err == nil {
			err = c.claim(ctx, step)
		}
		if err != nil {
			c.giveUp()
			c.failed(err, done)
			return
		}
	}
	if len(c.claimed) == 0 {
		if c.elsewhere == 0 {
			slices.Sort(c.missed)
			done(road.Cancelled{Missed: slices.Compact(c.missed)}, nil)
			return
		}
		c.supersede()
		done(road.Cancelled{N: c.elsewhere}, nil)
		return
	}
	c.end(ctx, func(err error) {
		if err != nil {
			c.failed(err, done)
			return
		}
		done(road.Cancelled{N: c.elsewhere + len(c.claimed)}, nil)
	})
}

// end ends what was claimed, and returns when it is on disk, or is given up. ended is told once, at the latest at the end of ctx: then it may
// still come to be, unless it is for an ask.
func (c *cancellation) end(ctx context.Context, ended func(error)) {
	var vs []*road.Transition
	for _, e := range c.ends {
		vs = append(vs, &e.Transition)
	}
	written := make(chan error, 1)
	c.q.o.Store.End(vs, road.AskOf(ctx, len(c.claimed)), func(err error) { written <- err })
	var err error
	select {
	case err = <-written:
	case <-ctx.Done():
		ended(ctx.Err())
		ended = func(error) {}
		err = <-written
	}
	if err != nil {
		c.giveUp()
	} else {
		c.conclude()
	}
	ended(err)
}

// cancelAsked takes one message back for another worker, as long as that waits.
func (q *Queue) cancelAsked(ctx context.Context, id sms.ID, reason string) error {
	c := &cancellation{q: q, reason: reason}
	q.mu.Lock()
	if p := q.outgoing[id]; p != nil {
		q.mu.Unlock()
		return p.left(ctx)
	}
	stopping := q.stopping
	q.storing.Add(1) // it does not stop meanwhile
	q.mu.Unlock()
	err := sms.ErrStopping
	if !stopping {
		err = c.claim(ctx, []sms.ID{id})
	}
	switch {
	case err != nil:
	case c.why != nil:
		err = c.why
	case len(c.claimed) == 0:
		err = sms.ErrNotWaiting
	default:
		ended := make(chan error, 1)
		go func() {
			defer q.stored()
			c.end(ctx, func(err error) { ended <- err })
		}()
		return <-ended
	}
	q.stored()
	return err
}

// waiting lists what is to be taken back, as far as entries tell, and notes what is being tried.
func (c *cancellation) waiting() (ids []sms.ID) {
	q := c.q
	for id, p := range q.outgoing {
		if p.m.Submitter == c.like.Submitter && conversationOf(p.m) == conversationOf(c.like) && (id <= c.upTo || p.m.AcceptedBy != 0) &&
			(c.like.ServiceType == "" || p.m.ServiceType == c.like.ServiceType) {
			c.missed = append(c.missed, id)
		}
	}
	p, lr := q.parties.byName[c.like.Submitter], q.findLane(conversationOf(c.like))
	if p == nil || lr == 0 {
		return nil
	}
	service := serviceHash(c.like.ServiceType)
	l := q.lanes.at(lr)
	for _, first := range [...]ref{l.line, l.aside} {
		for r := first; r != 0; {
			e := q.entries.at(r)
			if e.status == waiting || e.status == aside || e.status == taken {
				for _, part := range q.all(r) {
					o := q.entries.at(part)
					switch {
					case o.party != p.number || o.kind != sms.KindText || o.id > c.upTo && o.flags&theirs == 0 || c.like.ServiceType != "" && o.service != service:
					case e.status != taken:
						ids = append(ids, o.id)
					case part == r:
						c.missed = append(c.missed, o.id)
					}
				}
			}
			r = e.next
		}
	}
	return ids
}

// claim claims messages, as far as they wait and are like that one, and makes their ends.
func (c *cancellation) claim(ctx context.Context, ids []sms.ID) error {
	q := c.q
	ms, err := q.o.Store.LoadHeads(ctx, ids)
	if err != nil {
		return err
	}
	slices.Reverse(ms) // newest first, too
	q.mu.Lock()
	defer q.mu.Unlock()
	byAttempts := map[int]*conclusion{} // a transition writes one number of them
	messages := map[*conclusion][]*sms.Message{}
	for _, m := range ms {
		if m.State.Final() || c.like != nil && (conversationOf(m) != conversationOf(c.like) || c.like.ServiceType != "" && m.ServiceType != c.like.ServiceType) {
			continue
		}
		r, err := q.claimable(m.ID, true)
		if err != nil {
			c.missed, c.why = append(c.missed, m.ID), err
			continue
		}
		e := q.entries.at(r)
		one := cancelled{r: r, m: m, part: e.flags&(grouped|leading) != 0 || e.status == absorbed}
		if kept := q.message(r); kept != nil {
			one.m, one.kept = kept, true
		}
		one.m.Attempts = int(e.attempts)
		q.claimNow(r, e, one.m)
		c.claimed = append(c.claimed, one)
		end := byAttempts[one.m.Attempts]
		if end == nil {
			end = &conclusion{q: q, outcome: deleted(c.reason)}
			byAttempts[one.m.Attempts] = end
		}
		end.all = append(end.all, r)
		messages[end] = append(messages[end], one.m)
	}
	wall, now := q.read()
	for _, attempts := range slices.Sorted(maps.Keys(byAttempts)) {
		end := byAttempts[attempts]
		q.ending(end, end.all, messages[end], q.entries.at(end.all[0]), attempts, wall, now)
		c.ends = append(c.ends, end)
	}
	return nil
}

// conclude is for ends that are on disk.
func (c *cancellation) conclude() {
	q := c.q
	byRef := make(map[ref]*sms.Message, len(c.claimed))
	for _, one := range c.claimed {
		byRef[one.r] = one.m
	}
	for _, end := range c.ends {
		ms := make([]*sms.Message, 0, len(end.all))
		for _, r := range end.all {
			ms = append(ms, byRef[r])
		}
		q.mu.Lock()
		q.unwritten++
		q.remove(end, end.all, ms)
		q.mu.Unlock()
		end.concluded()
	}
	c.supersede()
}

// supersede sees to what was being tried, or on its way to another worker.
func (c *cancellation) supersede() {
	q := c.q
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.Sort(c.missed)
	for _, id := range slices.Compact(c.missed) {
		if p := q.outgoing[id]; p != nil {
			p.cancelled = true
			continue
		}
		if r := q.byID.find(uint64(id)); r != 0 && q.entries.at(r).status == absorbed { // its text goes on without it, if it goes on
			continue
		}
		q.succeed(id, 0)
	}
}

// giveUp gives back what was claimed. A part that has left its text is taken up anew, as after a restart.
func (c *cancellation) giveUp() {
	q := c.q
	for step := range slices.Chunk(c.claimed, cancelStep) {
		q.mu.Lock()
		for _, one := range step {
			if !one.part {
				if one.kept {
					q.offerAgain(one.r, one.m)
				}
				q.giveBackClaimed(one.r)
				continue
			}
			e := q.entries.at(one.r)
			q.dropSubmission(one.r, e)
			owner := q.owner(e)
			q.leave(one.r)
			q.uncount(owner)
			q.forget(one.r)
			q.unswept = true
		}
		q.mu.Unlock()
	}
	if len(c.claimed) > 0 && c.like != nil {
		q.log.Warn().Int("messages", len(c.claimed)).Int("taken_back_elsewhere", c.elsewhere).
			Msg("a cancel_sm for a conversation came to nothing at this worker: what waits here waits as before")
	}
	q.wake()
}
