package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"
)

// Fate is what becomes of a transaction.
type Fate uint8

const (
	Written Fate = iota
	Refused      // nothing of it is on disk, and the writer knows
	Lost         // nothing of it is on disk, and the answer is lost
	Kept         // it is on disk, and the answer is lost
)

var (
	errRefused = errors.New("the disk is full")
	errCut     = errors.New("the power is gone")
	errFenced  = fmt.Errorf("the fence is gone: %w", store.ErrFenced)
)

// Options say what goes wrong. Their functions may take their time.
type Options struct {
	Log zerolog.Logger
	// Write is asked before each transaction reaches the disk; nil = all are written.
	Write func(*store.Batch) Fate
	// Written is told of each transaction that is on disk, before anybody else; it must not ask the Disk. May be nil.
	Written func(*store.Batch)
	// Answer is asked before it is told that a transaction is on disk; it may ask the Disk. May be nil.
	Answer func()
	// Settle is asked before it is told what became of a transaction whose answer was lost; an error = that is not known yet. May be nil.
	Settle func() error
	// Read is asked before each read of messages; may be nil.
	Read func() error

	// Epoch is that of one of several workers on the Disk, from Disk.Epoch; 0 = the Disk is this store's alone.
	Epoch sms.Epoch
	// Node is the name of that worker, by whose clock are the times of what it accepts in all its lives; "" = it has this one.
	Node string
	// GroupTime is how long the parts of a long text go to the worker that has the first one; 0 = they stay where they come in.
	GroupTime time.Duration
}

// Power is what a store of Open has. The zero value is of none.
type Power struct{ d *database }

// Cut takes the power away: nothing more gets to the disk, and nothing can be read. A transaction that is under way is on disk if
// kept, else not.
func (p Power) Cut(kept bool) {
	d := p.d
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	if d.disk.open == d {
		d.disk.open = nil
	}
	d.cut.Store(true)
	if kept && d.under != nil && d.admitted() {
		d.write(d.under)
	}
	d.under = nil
}

// Open opens the store on a disk, which one store has at a time, or those of several workers.
func Open(ctx context.Context, disk *Disk, o Options) (*store.Store, Power, error) {
	o.Node = cmp.Or(o.Node, strconv.FormatInt(int64(o.Epoch), 10))
	d := &database{disk: disk, o: o}
	disk.mu.Lock()
	if o.Epoch == 0 && disk.open != nil {
		disk.mu.Unlock()
		return nil, Power{}, store.ErrHeld
	}
	if o.Epoch == 0 {
		disk.open = d
	} else {
		disk.names[o.Epoch] = o.Node
	}
	disk.mu.Unlock()
	s, err := store.New(ctx, d, o.Log)
	if err != nil {
		Power{d}.Cut(false)
		return nil, Power{d}, err
	}
	s.NeverGather()
	return s, Power{d}, nil
}

// database is a store's access to a Disk.
type database struct {
	disk  *Disk
	o     Options
	cut   atomic.Bool
	under *store.Batch // on its way to the disk
	doubt bool         // whether the last one in doubt is on disk
}

// Write implements store.Database.
func (d *database) Write(b *store.Batch) error {
	d.disk.mu.Lock()
	if d.cut.Load() {
		d.disk.mu.Unlock()
		return errCut
	}
	d.group(b)
	d.under = b
	d.disk.mu.Unlock()
	fate := Written
	if d.o.Write != nil {
		fate = d.o.Write(b)
	}
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.under = nil
	switch {
	case d.cut.Load():
		return errCut
	case !d.admitted():
		return errFenced
	case d.taken(b):
		d.ungroup(b)
		return store.ErrTaken
	}
	if d.doubt = fate == Written || fate == Kept; d.doubt {
		for _, write := range b.Own {
			if err := write(); err != nil {
				return err
			}
		}
		d.write(b)
	}
	switch fate {
	case Written:
		if d.o.Answer != nil {
			d.disk.mu.Unlock()
			d.o.Answer()
			d.disk.mu.Lock()
		}
		return nil
	case Refused:
		d.ungroup(b)
		return errRefused
	}
	return store.ErrInDoubt
}

func (d *database) write(b *store.Batch) {
	d.disk.write(b, d.o.Epoch)
	if d.o.Written != nil {
		d.o.Written(b)
	}
}

// Settle implements store.Database.
func (d *database) Settle(context.Context, *store.Batch) (written bool, err error) {
	if d.o.Settle != nil {
		if err := d.o.Settle(); err != nil {
			return false, err
		}
	}
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	if d.cut.Load() {
		return false, errCut
	}
	return d.doubt, nil
}

// block is how many ids one of several workers reserves.
const block = 64

// MoreIDs implements store.Database: a store that is alone has all of them.
func (d *database) MoreIDs(_ context.Context, above sms.ID) (first, last sms.ID, err error) {
	if d.o.Epoch == 0 {
		return above + 1, math.MaxInt64, nil
	}
	err = d.look(func() {
		first = max(d.disk.reserved, above) + 1
		last = first + block - 1
		d.disk.reserved = last
	})
	return first, last, err
}

// ByExternalID implements store.Database.
func (d *database) ByExternalID(externalIDs []string, ids []sms.ID) error {
	return d.look(func() {
		for i, external := range externalIDs {
			ids[i] = d.disk.external[external]
		}
	})
}

// look is for what the committer reads.
func (d *database) look(f func()) error {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	if d.cut.Load() {
		return errCut
	}
	f()
	return nil
}

// read is for what others read.
func (d *database) read(ctx context.Context, f func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.o.Read != nil {
		if err := d.o.Read(); err != nil {
			return err
		}
	}
	return d.look(f)
}

// WrittenElsewhere implements store.Database.
func (d *database) WrittenElsewhere() (bool, error) { return false, d.look(func() {}) }

// Tend implements store.Database: there is nothing to care for.
func (d *database) Tend() {}

// OnDue implements store.Database.
func (d *database) OnDue(func()) {}

// RefusesRow implements store.Database: none is.
func (d *database) RefusesRow(error) bool { return false }

// MarkFile implements store.Database: the Disk is never exchanged for an earlier one.
func (d *database) MarkFile() string { return "" }

// Medium implements store.Database.
func (d *database) Medium() (name, look string) { return "disk", "the disk of the database" }

// Present implements store.Database.
func (d *database) Present() error { return nil }

// Start implements store.Database.
func (d *database) Start(context.Context, func(func() error) error) error { return nil }

// Scrub implements store.Database: what is deleted is nowhere.
func (d *database) Scrub(context.Context) error { return nil }

// Close implements store.Database.
func (d *database) Close() error {
	Power{d}.Cut(false)
	return nil
}

// Answer implements store.Database.
func (d *database) Answer(ctx context.Context) error { return d.read(ctx, func() {}) }

// LastID implements store.Database.
func (d *database) LastID(ctx context.Context) (id sms.ID, err error) {
	err = d.look(func() {
		id = max(d.disk.lastID, d.disk.reserved)
		if n := len(d.disk.ids); n > 0 {
			id = max(id, d.disk.ids[n-1])
		}
	})
	return id, err
}

// Load implements store.Database.
func (d *database) Load(ctx context.Context, ids []sms.ID, part store.Part) (ms []*sms.Message, err error) {
	err = d.read(ctx, func() {
		for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
			if m := d.disk.messages[id]; m != nil {
				ms = append(ms, d.seen(m, part))
			}
		}
	})
	return ms, err
}

// Waiting implements store.Database: what this worker holds, and those that it has taken over.
func (d *database) Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error {
	return d.waiting(ctx, d.holds, after, f)
}

// WaitingOf implements store.Database.
func (d *database) WaitingOf(ctx context.Context, holders []sms.Epoch, f func(*sms.Message) error) error {
	return d.waiting(ctx, func(e sms.Epoch) bool { return slices.Contains(holders, e) }, 0, f)
}

func (d *database) waiting(ctx context.Context, of func(sms.Epoch) bool, after sms.ID, f func(*sms.Message) error) error {
	var ids []sms.ID
	if err := d.read(ctx, func() { ids = slices.Clone(d.disk.waiting) }); err != nil {
		return err
	}
	for _, id := range ids {
		var m *sms.Message
		err := d.look(func() {
			if waits := d.disk.unended(id); waits != nil && id > after && of(waits.Holder) {
				m = d.seen(waits, store.Bare)
				d.place(m)
			}
		})
		if err == nil && m != nil {
			err = f(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// WaitingIDs implements store.Database.
func (d *database) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) (ids []sms.ID, err error) {
	err = d.read(ctx, func() {
		for _, id := range d.disk.waiting {
			if id > after && id <= upTo && len(ids) < limit && d.holds(d.disk.messages[id].Holder) {
				ids = append(ids, id)
			}
		}
	})
	return ids, err
}

// KnownAs implements store.Database.
func (d *database) KnownAs(ctx context.Context, id sms.ID) (ids []sms.ID, err error) {
	err = d.read(ctx, func() {
		if d.disk.messages[id] != nil {
			ids = append(ids, id)
		}
		ids = append(ids, d.disk.known[id]...)
	})
	return ids, err
}

// newest calls f for the messages from one to another one, the newest first, until it returns false.
func (d *Disk) newest(from, to sms.ID, f func(*sms.Message) bool) {
	for i := len(d.ids) - 1; i >= 0 && d.ids[i] >= from; i-- {
		if d.ids[i] <= to && !f(d.messages[d.ids[i]]) {
			return
		}
	}
}

func wrote(m *sms.Message) bool { return m.Submitter != sms.Hermes && m.Kind == sms.KindText }

// LastWriter implements store.Database.
func (d *database) LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error) {
	err = d.read(ctx, func() {
		d.disk.newest(0, math.MaxInt64, func(m *sms.Message) bool {
			if ok = wrote(m) && m.Source.Number == number && m.Dest.Number == campaign; ok {
				c = sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}
			}
			return !ok
		})
	})
	return c, ok, err
}

// LastUse implements store.Database.
func (d *database) LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error) {
	err = d.read(ctx, func() {
		d.disk.newest(0, math.MaxInt64, func(m *sms.Message) bool {
			if ok = wrote(m) && m.Submitter == client && m.Source.Number == number; ok {
				a = m.Source
			}
			return !ok
		})
	})
	return a, ok, err
}

// ByNumber implements store.Database.
func (d *database) ByNumber(ctx context.Context, number string, from, to sms.ID, f func(*sms.Message) error) error {
	var ms []*sms.Message
	err := d.read(ctx, func() {
		d.disk.newest(from, to, func(m *sms.Message) bool {
			if m.Source.Number == number || m.Dest.Number == number {
				ms = append(ms, d.seen(m, store.Bare))
			}
			return true
		})
	})
	for i := 0; err == nil && i < len(ms); i++ {
		err = f(ms[i])
	}
	return err
}

// ClockSteps implements store.Database.
func (d *database) ClockSteps(ctx context.Context) (steps []road.ClockStep, err error) {
	err = d.read(ctx, func() { steps = d.stepsSeen() })
	return steps, err
}

// LastPurge implements store.Database.
func (d *database) LastPurge(ctx context.Context) (at time.Time, err error) {
	err = d.read(ctx, func() { at = d.disk.purgedAt })
	return at, err
}

// Counters implements store.Database. Within Write the Disk is locked already.
func (d *database) Counters(hour int64, f func(*tally.Row) error) error {
	if d.disk.mu.TryLock() {
		defer d.disk.mu.Unlock()
	}
	for key, count := range d.disk.counters {
		if key.Hour == hour {
			if err := f(&tally.Row{Key: key, Count: count}); err != nil {
				return err
			}
		}
	}
	return nil
}

var _ store.Database = (*database)(nil)
