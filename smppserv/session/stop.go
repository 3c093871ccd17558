package session

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// lastWords is how long before a stop has to be over its sessions are told FIN: they may read their answers until then.
const lastWords = drainTime + time.Second

// LastAnswer is until when, in a stop that ends with ctx, requests can still be answered. Zero = it takes what time it needs.
func LastAnswer(ctx context.Context) time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		return time.Time{}
	}
	return end.Add(-lastWords)
}

// Shut lets nobody in any more.
func (d *Doors) Shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.shut {
		close(d.closing)
	}
	d.shut = true
	for _, l := range d.listeners {
		_ = l.Close()
	}
	d.balancers.Close()
}

// Close shuts the doors, unbinds every session and waits until all are gone. Those that are not by the end of ctx,
// because their clients do not read, are cut: it returns how many.
func (d *Doors) Close(ctx context.Context, reason error) int {
	d.Shut()
	for _, s := range d.Sessions() {
		s.UnbindBy(reason, LastAnswer(ctx))
	}
	gone := make(chan struct{})
	go func() {
		d.inside.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return 0
	case <-ctx.Done():
	}
	cut := d.Sessions()
	for _, s := range cut {
		s.Close(reason)
	}
	<-gone
	return len(cut)
}

// Sessions lists the sessions in the order in which they came.
func (d *Doors) Sessions() []*Session {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*Session
	for s := range d.sessions {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Session) int { return cmp.Compare(a.ID(), b.ID()) })
	return all
}

// DropSilent probes sessions, all at the same time, and closes those that are silent for d. It tells whether there was one, or one that is
// over: that ends by itself, and its peer may still have an answer to read.
func DropSilent(all []*Session, d time.Duration, reason error) bool {
	var wg sync.WaitGroup
	silent := make([]bool, len(all))
	for i, s := range all {
		wg.Go(func() {
			if silent[i] = !s.Probe(d); silent[i] && s.State()&(Unbinding|Closing) == 0 {
				s.Close(reason)
			}
		})
	}
	wg.Wait()
	return slices.Contains(silent, true)
}
