package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"hnetsmpp/smppserv/sms"

	zombiezen "zombiezen.com/go/sqlite"
)

const (
	// waitingStep is how many messages are read together, so that no read holds the log.
	waitingStep = 2000
	// waitingReaders read at the same time: to read one takes somewhat longer than to take it up.
	waitingReaders = 2
)

var (
	waiting = "SELECT " + fmt.Sprintf(read, "NULL") + " FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id > ? AND id <= ? ORDER BY id LIMIT ?"
	// waitingEnd is the last one of the next page.
	waitingEnd = "SELECT id FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id > ? ORDER BY id LIMIT 1 OFFSET ?"
)

// waitingPage is messages that are read together, each with a receipt of its own to be read into.
type waitingPage struct {
	after, upTo sms.ID
	ms          []sms.Message
	receipts    []sms.Receipt
	n           int
	err         error
	isRead      chan struct{} // has something when it is
}

// waitingPages are pages on their way: planned in their order, read by whoever has time, and taken in their order.
type waitingPages struct {
	d       *database
	free    chan *waitingPage
	planned chan *waitingPage
	toRead  chan *waitingPage
}

// Waiting implements store.Database. It reads while f is called: a start has another processor to itself for one of them.
func (d *database) Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error {
	ctx, cancel := context.WithCancel(ctx)
	const pages = waitingReaders + 1
	w := &waitingPages{d: d, free: make(chan *waitingPage, pages), planned: make(chan *waitingPage, pages+1), toRead: make(chan *waitingPage, pages)}
	for range pages {
		w.free <- &waitingPage{ms: make([]sms.Message, waitingStep), receipts: make([]sms.Receipt, waitingStep), isRead: make(chan struct{}, 1)}
	}
	var under sync.WaitGroup
	under.Go(func() { w.plan(ctx, after) })
	for range waitingReaders {
		under.Go(func() {
			for p := range w.toRead {
				d.readWaiting(ctx, p)
				p.isRead <- struct{}{}
			}
		})
	}
	defer under.Wait() // until nothing is read any more
	defer cancel()
	for p := range w.planned {
		<-p.isRead
		for i := range p.n {
			if err := f(&p.ms[i]); err != nil {
				return err
			}
		}
		if p.err != nil {
			return p.err
		}
		w.free <- p
	}
	return nil
}

// plan has all pages read.
func (w *waitingPages) plan(ctx context.Context, after sms.ID) {
	defer close(w.planned)
	defer close(w.toRead)
	last, err := w.d.LastID(ctx)
	for err == nil && after < last { // what comes meanwhile is not asked for
		var p *waitingPage
		select {
		case p = <-w.free:
		case <-ctx.Done():
			err = ctx.Err()
			continue
		}
		p.after, p.n = after, 0
		if after, err = w.d.waitingEnd(ctx, after, last); err != nil {
			continue
		}
		p.upTo = after
		w.planned <- p
		w.toRead <- p
	}
	if err != nil {
		p := &waitingPage{err: err, isRead: make(chan struct{}, 1)}
		p.isRead <- struct{}{}
		w.planned <- p
	}
}

// waitingEnd is up to which message the page goes that begins after another one, and goes no further than last.
func (d *database) waitingEnd(ctx context.Context, after, last sms.ID) (upTo sms.ID, err error) {
	upTo = last
	err = d.readers.read(ctx, func(r *reader) error {
		return r.each(waitingEnd, func(s *zombiezen.Stmt) error {
			upTo = min(sms.ID(s.ColumnInt64(0)), last)
			return nil
		}, int64(after), waitingStep-1)
	})
	return upTo, err
}

// readWaiting reads a page. A read that takes too long is followed by another one.
func (d *database) readWaiting(ctx context.Context, p *waitingPage) {
	for {
		before := p.n
		p.err = d.readers.read(ctx, func(r *reader) error {
			return r.each(waiting, func(s *zombiezen.Stmt) error {
				m := &p.ms[p.n]
				m.Receipt = &p.receipts[p.n]
				if err := r.message(s, m); err != nil {
					return err
				}
				p.n++
				p.after = m.ID
				return nil
			}, int64(p.after), int64(p.upTo), int64(waitingStep-p.n))
		})
		if p.n == before || !errors.Is(p.err, errReadTime) {
			return
		}
	}
}
