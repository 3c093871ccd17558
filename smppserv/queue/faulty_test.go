package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// faulty is a store that can be made to fail, or to be slow.
type faulty struct {
	Store
	mu        sync.Mutex
	before    func() // an addition
	addErr    error
	changeErr error
	endErr    error
	loadErr   error
	loads     int
	damaged   sms.ID // cannot be read
	onLoad    func()
	looks     int // by number
	slow      bool
	outcomes  []*road.Transition // while slow
}

var errDisk = errors.New("the disk is full")

func (f *faulty) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *faulty) Add(a road.Addition) {
	f.mu.Lock()
	err, before := f.addErr, f.before
	f.mu.Unlock()
	if before != nil {
		before()
	}
	if err != nil {
		a.Added(false, err)
		return
	}
	f.Store.Add(a)
}

func (f *faulty) Change(m *sms.Message, ask *road.Ask, changed func(error)) {
	f.mu.Lock()
	err := f.changeErr
	f.mu.Unlock()
	if err != nil {
		changed(err)
		return
	}
	f.Store.Change(m, ask, changed)
}

func (f *faulty) Readdress(ids []sms.ID, recipient string, done func(error)) {
	f.mu.Lock()
	err := f.changeErr
	f.mu.Unlock()
	if err != nil {
		done(err)
		return
	}
	f.Store.Readdress(ids, recipient, done)
}

func (f *faulty) End(vs []*road.Transition, ask *road.Ask, ended func(error)) {
	f.mu.Lock()
	err := f.endErr
	f.mu.Unlock()
	if err != nil {
		ended(err)
		return
	}
	f.Store.End(vs, ask, ended)
}

// read counts a read, and is why it fails.
func (f *faulty) read(count *int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	*count++
	return f.loadErr
}

func (f *faulty) Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	if err := f.read(&f.loads); err != nil {
		return nil, err
	}
	f.mu.Lock()
	on, damaged := f.onLoad, f.damaged
	f.mu.Unlock()
	if on != nil {
		on()
	}
	if slices.Contains(ids, damaged) {
		return nil, fmt.Errorf("message %d: %w", damaged, sms.ErrUnreadable)
	}
	return f.Store.Load(ctx, ids)
}

func (f *faulty) ByNumber(ctx context.Context, number string, from, to time.Time, below sms.ID, each func(*sms.Message) error) error {
	if err := f.read(&f.looks); err != nil {
		return err
	}
	return f.Store.ByNumber(ctx, number, from, to, below, each)
}

func (f *faulty) LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	if err := f.read(&f.loads); err != nil {
		return nil, err
	}
	return f.Store.LoadHeads(ctx, ids)
}

func (f *faulty) Finish(m *road.Transition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slow {
		f.outcomes = append(f.outcomes, m)
		return
	}
	f.Store.Finish(m)
}

// waitingOutcomes is how many outcomes the slow disk has not taken.
func (f *faulty) waitingOutcomes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.outcomes)
}

func (f *faulty) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = false
	for _, m := range f.outcomes {
		f.Store.Finish(m)
	}
	f.outcomes = nil
}
