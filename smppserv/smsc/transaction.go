package smsc

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// transactions are the requests that wait for the outcome of their message.
type transactions struct {
	mu       sync.Mutex
	waiting  map[*transaction]struct{}
	stopping bool
	by       time.Time // the last moment for an answer in a stop, zero = there is none
}

// transaction is a request in transaction mode, from its commit to its answer (SMPP 3.4, 2.10.3).
type transaction struct {
	*submission
	limit    time.Time // of the response timer
	timer    *time.Timer
	answered chan struct{}
}

func (ts *transactions) init() { ts.waiting = map[*transaction]struct{}{} }

// begin has a request wait for the outcome. In a stop nothing new is tried: there it waits in vain.
func (ts *transactions) begin(sub *submission) {
	patience := sub.sv.o.Timers.Response
	tx := &transaction{submission: sub, limit: time.Now().Add(patience), answered: make(chan struct{})}
	sub.tx = tx
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.waiting[tx] = struct{}{}
	if ts.stopping {
		patience = 0
	}
	tx.timer = time.AfterFunc(patience, func() { tx.takeBack() })
}

// end is for a stop: what waits is taken back, and end returns when that is answered. What is being tried has until by.
func (ts *transactions) end(by time.Time) {
	ts.mu.Lock()
	ts.stopping, ts.by = true, by
	all := slices.Collect(maps.Keys(ts.waiting))
	ts.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	var wg sync.WaitGroup
	for _, tx := range all {
		wg.Go(func() {
			if !tx.takeBack() {
				return
			}
			select {
			case <-tx.answered:
			case <-ctx.Done():
			}
		})
	}
	wg.Wait()
}

// takeBack ends a transaction whose outcome is not known in time: what waits is taken back. It tells whether
// the answer is given or about to be; while the message is being tried, before its time is up, it is not.
func (tx *transaction) takeBack() bool {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	err := tx.sv.cancelAt(ctx, tx.msg, "cancelled")
	if err == nil || errors.Is(err, sms.ErrNotWaiting) {
		return true // Concluded was called, or will be
	}
	if tx.sv.underWay.later(tx) {
		return false
	}
	tx.conclude(sms.Outcome{Verdict: sms.Failed, Temporary: true})
	return true
}

// takeBackAgain is how soon a stop looks again whether a try has given its message back.
const takeBackAgain = 100 * time.Millisecond

// later has a transaction looked at again if it has time left.
func (ts *transactions) later(tx *transaction) bool {
	now := time.Now()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if _, waits := ts.waiting[tx]; !waits {
		return true
	}
	if !now.Before(tx.limit) || !ts.by.IsZero() && !now.Before(ts.by) {
		return false
	}
	tx.timer.Reset(takeBackAgain)
	return true
}

// Awaits implements road.Submission.
func (sub *submission) Awaits() bool { return sub.msg.Transaction() }

// Concluded implements road.Submission: in transaction mode the outcome is the answer.
func (sub *submission) Concluded(_ *sms.Message, o sms.Outcome) {
	if sub.tx != nil {
		sub.tx.conclude(o)
	}
}

func (tx *transaction) conclude(o sms.Outcome) {
	ts := &tx.sv.underWay
	ts.mu.Lock()
	_, waits := ts.waiting[tx]
	delete(ts.waiting, tx)
	tx.timer.Stop()
	ts.mu.Unlock()
	if waits {
		tx.respond(o)
		close(tx.answered)
	}
}

func (sub *submission) respond(o sms.Outcome) {
	if o.Verdict == sms.Done {
		sub.taken()
		return
	}
	sub.resp.TLVs = translate.Failure(sub.msg, o)
	sub.answer(smpp.RDELIVERYFAILURE)
}

// congestion tells a 5.0 client how busy we are for it, from 0 to 100 (5.0, 4.8.4.18): by how far its session has used up
// the requests it may have in flight, or the client its queue.
func (sv *Server) congestion(version byte, s *session.Session, c *Client) smpp.TLVs {
	if version < smpp.V50 {
		return nil
	}
	load := 100 * s.Inflight() / maxRequests
	if c.MaxQueued > 0 {
		load = max(load, 100*sv.o.Queue.Pending(c.SystemID)/c.MaxQueued)
	}
	return smpp.TLVs{smpp.TLVUint8(smpp.TagCongestionState, byte(min(load, 100)))}
}
