package cluster

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
)

// Queue is what takes up messages that come from others, and keeps account of those that went to them; see queue.Queue.
type Queue interface {
	TakeOver(ctx context.Context, waiting func(ctx context.Context, f func(*sms.Message) error) error) (n int, err error)
	TakeIn(ctx context.Context, ids []sms.ID) (n int, err error)
	Parted(m *sms.Message)
	Abroad() []sms.ID
	Ended(ms []*sms.Message, gone []sms.ID)
	Apart(all bool) (ids []sms.ID)
	Located(ids []sms.ID, at map[sms.ID]sms.Epoch) (waits bool)
}

// Reads is what is asked where messages are; see store.Store.
type Reads interface {
	WaitingOf(ctx context.Context, holders []sms.Epoch, f func(*sms.Message) error) error
	HandedOn(ctx context.Context, by []sms.Epoch, f func(*sms.Message)) error
	LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Holders(ctx context.Context, ids []sms.ID) (map[sms.ID]sms.Epoch, error)
}

// Rows are the Duties that concern messages.
type Rows struct {
	queue Queue
	store Reads
	apart func()
	log   zerolog.Logger

	located time.Time // when all conversations that go on elsewhere were looked for; Ended's
	// damaged are the messages elsewhere whose rows cannot be read; Ended's. Each is read by itself.
	damaged map[sms.ID]bool
}

// NewRows makes those of a queue. apart has Ended be called soon; see Forwarder.Apart.
func NewRows(queue Queue, store Reads, apart func(), log zerolog.Logger) *Rows {
	return &Rows{queue: queue, store: store, apart: apart, log: log, damaged: map[sms.ID]bool{}}
}

// Parted tells the queue what these handed on to others, which what they had left must not overtake.
func (r *Rows) Parted(ctx context.Context, estates []sms.Epoch) error {
	if len(estates) == 0 {
		return nil
	}
	err := r.store.HandedOn(ctx, estates, r.queue.Parted)
	if err != nil && ctx.Err() == nil { // that it is delivered matters more
		r.log.Warn().Err(undisclosed(err)).Msg("it is not known what a worker had handed on to others: what it had left may overtake that")
		return nil
	}
	return err
}

// Inherit is Duties.Inherit.
func (r *Rows) Inherit(ctx context.Context, estates []sms.Epoch) error {
	if err := r.Parted(ctx, estates); err != nil {
		return err
	}
	total, err := r.queue.TakeOver(ctx, func(ctx context.Context, f func(*sms.Message) error) error {
		return r.store.WaitingOf(ctx, estates, f)
	})
	if err == nil {
		r.log.Info().Int("messages", total).Msg("what waited at another worker was taken up")
	}
	return err
}

// Arrived is Duties.Arrived.
func (r *Rows) Arrived(ctx context.Context, ids []sms.ID) error {
	_, err := r.queue.TakeIn(ctx, ids)
	return err
}

// abroadStep is how many messages that are elsewhere are looked up together.
const abroadStep = 200

// Ended is Duties.Ended.
func (r *Rows) Ended(ctx context.Context) error {
	ids := r.queue.Abroad()
	maps.DeleteFunc(r.damaged, func(id sms.ID, _ bool) bool { return !slices.Contains(ids, id) })
	alone := slices.Sorted(maps.Keys(r.damaged))
	ids = slices.DeleteFunc(ids, func(id sms.ID) bool { return r.damaged[id] })
	for some := range slices.Chunk(ids, abroadStep) {
		if err := r.ended(ctx, some); err != nil {
			return err
		}
	}
	for _, id := range alone {
		if err := r.ended(ctx, []sms.ID{id}); err != nil {
			return err
		}
	}
	return r.locate(ctx)
}

// ended tells the queue which of these are final or gone. One that cannot be read may be either, and holds up no others.
func (r *Rows) ended(ctx context.Context, ids []sms.ID) error {
	var damaged []sms.ID
	ms, err := sms.Readable(ids, func(ids []sms.ID) ([]*sms.Message, error) { return r.store.LoadHeads(ctx, ids) }, func(id sms.ID, err error) {
		damaged = append(damaged, id)
		if !r.damaged[id] {
			r.damaged[id] = true
			r.log.Error().Stringer("message_id", id).Err(undisclosed(err)).
				Msg("the row of a message that another worker has cannot be read here: it is not known whether it has ended. " + sms.MendRow)
		}
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.Contains(damaged, id) {
			delete(r.damaged, id)
		}
	}
	gone := slices.DeleteFunc(slices.Clone(ids), func(id sms.ID) bool {
		return r.damaged[id] || slices.ContainsFunc(ms, func(m *sms.Message) bool { return m.ID == id })
	})
	r.queue.Ended(ms, gone)
	return nil
}

const (
	// apartStep is how many conversations that go on elsewhere are looked for together, and apartEvery how often all of them are.
	apartStep, apartEvery = 5000, 2 * time.Second
	// apartSoon is the wait until something is looked for again that messages here wait for.
	apartSoon = 100 * time.Millisecond
)

// locate looks where the messages are that those of the same conversation must not overtake.
func (r *Rows) locate(ctx context.Context) error {
	all := time.Since(r.located) >= apartEvery
	ids := r.queue.Apart(all)
	waits := false
	for some := range slices.Chunk(ids, apartStep) {
		at, err := r.store.Holders(ctx, some)
		if err != nil {
			return err
		}
		waits = r.queue.Located(some, at) || waits
	}
	if all {
		r.located = time.Now()
	}
	if waits {
		time.AfterFunc(apartSoon, r.apart)
	}
	return nil
}
