package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

// writer makes transactions of operations. Only the committer uses it.
type writer struct {
	database Database
	log      zerolog.Logger

	lastID    sms.ID // that was given out
	begin     sms.ID // the first one of those that are reserved for this store
	end       sms.ID // the last one
	reserved  time.Time
	firstID   sms.ID // lastID before the batch
	mark      *mark
	duplicate []bool // by operation of the last batch

	tally     *tally.Sheet // the batch's; others ask it for its totals
	batch     Batch
	externals []string          // of the additions of a batch that have external ids
	earlier   []sms.ID          // the messages that have them already, 0 = none
	claimed   map[string]sms.ID // those that the batch itself has so far
}

func newWriter(ctx context.Context, d Database, log zerolog.Logger) (w *writer, err error) {
	w = &writer{database: d, log: log, claimed: map[string]sms.ID{}}
	w.tally = tally.NewSheet(func(hour int64, f func(*tally.Row)) error {
		return d.Counters(hour, func(r *tally.Row) error { f(r); return nil })
	})
	w.batch.Tally = w.tally
	if w.lastID, err = d.LastID(ctx); err != nil {
		return nil, err
	}
	if w.mark, err = openMark(d.MarkFile()); err != nil {
		return nil, err
	}
	if highest := sms.ID(w.mark.reserved.Load()); highest > w.lastID && w.mark.path != "" {
		level := zerolog.InfoLevel
		if w.lastID == 0 {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Stringer("database", w.lastID).Stringer("mark", highest).Str("file", d.MarkFile()).
			Msg("message ids go on above the high-water mark: the database knows fewer, as after a crash, or when a backup was put back or the database moved away")
		w.lastID = highest
	}
	if err = w.moreIDs(ctx); err != nil {
		return nil, err
	}
	w.mark.extend(w.lastID)
	if _, err = d.WrittenElsewhere(); err != nil {
		return nil, err
	}
	return w, nil
}

const (
	// idsTime bounds how long message_ids are reserved.
	idsTime = 10 * time.Second
	// idsLife is how long those that are reserved count, where not all are: so that ids that several workers give out rise with the
	// time, but for so much.
	idsLife = 2 * time.Second
)

// moreIDs reserves message_ids above those that were given out.
func (w *writer) moreIDs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, idsTime)
	defer cancel()
	first, last, err := w.database.MoreIDs(ctx, w.lastID)
	if err != nil {
		return fmt.Errorf("reserve message ids: %w", err)
	}
	w.lastID, w.begin, w.end, w.reserved = first-1, first, last, time.Now()
	return nil
}

// write commits the batch in one transaction, with one time for all of it; wrote tells whether there was anything to write.
// New messages get their IDs in the order of the batch. After ErrInDoubt, settled follows.
func (w *writer) write(batch []op) (wrote bool, err error) {
	w.firstID = w.lastID
	w.duplicate = append(w.duplicate[:0], make([]bool, len(batch))...)
	b := &w.batch
	b.reset()
	defer func() {
		if err != nil && !errors.Is(err, ErrInDoubt) {
			w.undo()
		}
	}()
	b.Now = time.Now()
	if err := w.fill(batch); err != nil {
		return false, err
	}
	if b.empty() {
		return false, nil
	}
	b.LastID = w.lastID
	reserve := w.lastID
	if b.Probe {
		reserve++
	}
	if err := w.mark.reserve(reserve); err != nil {
		return true, err
	}
	if err := w.database.Write(b); err != nil {
		return true, err
	}
	w.written()
	return true, nil
}

// undo is for a batch of which nothing is on disk.
func (w *writer) undo() {
	for _, m := range w.batch.Added {
		m.ID, m.Holder = 0, 0 // another message gets the ID
	}
	if w.firstID >= w.begin-1 { // else they are of the block before
		w.lastID = w.firstID
	}
	w.batch.Tally.Rollback()
}

// written is for a batch that is on disk.
func (w *writer) written() {
	b := &w.batch
	w.mark.extend(w.lastID)
	b.Tally.Commit()
	if len(b.Renamed) > 0 {
		b.Tally.Reload()
	}
	if b.Tally.TooMany() {
		w.log.Warn().Int("campaigns", tally.MaxCampaigns).
			Msg("clients write to too many numbers for reports to name each: in this hour the rest is counted under no campaign")
	}
}

// fill makes a Batch of the operations.
func (w *writer) fill(batch []op) error {
	if err := w.findExternals(batch); err != nil {
		return err
	}
	external := 0 // the next of externals
	for i := range batch {
		if ask := batch[i].ask; ask != nil {
			w.batch.Asked = append(w.batch.Asked, *ask)
		}
		switch o := &batch[i]; {
		case o.add != nil:
			m := o.add.Message()
			if m.ExternalID != "" {
				external++
				if w.duplicate[i] = w.isDuplicate(m, external-1); w.duplicate[i] {
					continue
				}
			}
			if err := w.add(m); err != nil {
				return err
			}
			if m.ExternalID != "" {
				w.claimed[m.ExternalID] = m.ID
			}
			if v := o.add.Replaces(); v != nil {
				o.replaces = true
				if err := w.collect(v); err != nil {
					return err
				}
			}
		case o.known != nil:
			o.known.id = w.knownAs(external)
			external++
		case o.change != nil:
			w.batch.Changed = append(w.batch.Changed, o.change)
		case o.transition != nil:
			if err := w.collect(o.transition); err != nil {
				return err
			}
		case o.ends != nil:
			for _, v := range o.ends {
				if err := w.collect(v); err != nil {
					return err
				}
			}
		case o.purge != nil:
			w.batch.Purged = append(w.batch.Purged, o.purge...)
		case o.probe:
			w.batch.Probe = true
		case o.own != nil:
			w.batch.Own = append(w.batch.Own, o.own)
		case o.fill != nil:
			if err := o.fill(&w.batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// findExternals looks up which external ids of the batch are known.
func (w *writer) findExternals(batch []op) error {
	clear(w.externals)
	clear(w.claimed)
	w.externals = w.externals[:0]
	for i := range batch {
		switch o := &batch[i]; {
		case o.known != nil:
			w.externals = append(w.externals, o.known.externalID)
		case o.add != nil && o.add.Message().ExternalID != "":
			w.externals = append(w.externals, o.add.Message().ExternalID)
		}
	}
	if len(w.externals) == 0 {
		return nil
	}
	w.earlier = append(w.earlier[:0], make([]sms.ID, len(w.externals))...)
	if err := w.database.ByExternalID(w.externals, w.earlier); err != nil {
		return fmt.Errorf("look up external ids: %w", err)
	}
	return nil
}

// isDuplicate gives m the ID of the message that has its external id, the at-th of the batch, if there is one.
func (w *writer) isDuplicate(m *sms.Message, at int) bool {
	earlier := w.knownAs(at)
	if earlier != 0 {
		m.ID = earlier
	}
	return earlier != 0
}

// knownAs is the message that has the at-th external id of the batch, which may be in the batch itself, 0 = none.
func (w *writer) knownAs(at int) sms.ID {
	if earlier := w.earlier[at]; earlier != 0 {
		return earlier
	}
	return w.claimed[w.externals[at]]
}

func (w *writer) add(m *sms.Message) error {
	err := w.number(m)
	if m.First != nil {
		m.KnownBy = m.First.ID // 0 when the first one could not be stored
	}
	return err
}

// number gives a new message its ID.
func (w *writer) number(m *sms.Message) error {
	if w.lastID == w.end || w.end != math.MaxInt64 && w.batch.Now.Sub(w.reserved) > idsLife {
		if err := w.moreIDs(context.Background()); err != nil {
			return err
		}
	}
	w.lastID++
	m.ID = w.lastID
	if m.StoredAt.IsZero() {
		m.StoredAt = m.ReceivedAt
	}
	w.batch.Added = append(w.batch.Added, m)
	if err := w.batch.Tally.Add(m); err != nil {
		return fmt.Errorf("read the counters: %w", err)
	}
	return nil
}

func (w *writer) collect(v *road.Transition) error {
	for _, r := range v.Receipts {
		if err := w.number(r); err != nil {
			return err
		}
	}
	if v.State.Final() {
		w.batch.Ended = append(w.batch.Ended, v)
	} else {
		w.batch.Tried = append(w.batch.Tried, v)
	}
	return nil
}
