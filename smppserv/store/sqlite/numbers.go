package sqlite

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/numbers"
	"hnetsmpp/smppserv/store/runs"

	zombiezen "zombiezen.com/go/sqlite"
)

// Start implements store.Database: it opens the index of numbers and waits until that has all messages.
func (d *database) Start(ctx context.Context, own func(func() error) error) error {
	d.own = own
	first, last, err := d.firstAndLast(ctx)
	if err != nil {
		return err
	}
	if err := d.lookForNoted(ctx); err != nil {
		return err
	}
	book, err := numbers.Open(ctx, numbers.Options{Storage: (*pieces)(d), Rows: (*messages)(d), First: first, Last: last, Log: d.log, TailMessages: d.tailMessages})
	if err != nil {
		return err
	}
	d.numbers.Store(book)
	return book.Ready(ctx)
}

func (d *database) firstAndLast(ctx context.Context) (first, last sms.ID, err error) {
	err = d.each(ctx, "SELECT (SELECT coalesce(min(id), 0) FROM messages), (SELECT coalesce(max(id), 0) FROM messages)", func(s *zombiezen.Stmt) {
		first, last = sms.ID(s.ColumnInt64(0)), sms.ID(s.ColumnInt64(1))
	})
	return first, last, err
}

const anyNoted = "SELECT EXISTS (SELECT 1 FROM conversations)"

// lookForNoted looks whether there is anything left of what earlier versions noted of conversations.
func (d *database) lookForNoted(ctx context.Context) error {
	return d.each(ctx, anyNoted, func(s *zombiezen.Stmt) { d.noted.Store(s.ColumnInt64(0) != 0) })
}

// written tells the index of a batch that is on disk.
func (d *database) written(b *store.Batch) {
	book := d.numbers.Load()
	if book == nil { // it reads them itself
		return
	}
	book.Add(b.Added)
	if len(b.Purged) > 0 {
		first := b.LastID + 1
		err := rows(d.writer.firstID, func(s *zombiezen.Stmt) error {
			if !s.ColumnIsNull(0) {
				first = sms.ID(s.ColumnInt64(0))
			}
			return nil
		})
		if err == nil { // else the next purge tells
			book.Forget(first)
		}
	}
	if b.Forgotten != (store.Forgotten{}) {
		_ = rows(d.writer.anyNoted, func(s *zombiezen.Stmt) error { d.noted.Store(s.ColumnInt64(0) != 0); return nil }) // it may stay true
	}
	if !b.PurgedAt.IsZero() || b.Forgotten != (store.Forgotten{}) || len(b.Erased) > 0 {
		book.ForgetAnswers()
	}
}

// LastWriter implements store.Database.
func (d *database) LastWriter(ctx context.Context, number, campaign string) (sms.Conversation, bool, error) {
	return d.numbers.Load().LastWriter(ctx, number, campaign)
}

// LastUse implements store.Database.
func (d *database) LastUse(ctx context.Context, client, number string) (sms.Address, bool, error) {
	return d.numbers.Load().LastUse(ctx, client, number)
}

// ByNumber implements store.Database.
func (d *database) ByNumber(ctx context.Context, number string, from, to sms.ID, f func(*sms.Message) error) error {
	return d.numbers.Load().Each(ctx, number, from, to, f)
}

// Since implements store.Database. It halves the ids, each time with the first message behind the middle.
func (d *database) Since(ctx context.Context, at time.Time) (sms.ID, error) {
	first, last, err := d.firstAndLast(ctx)
	if err != nil || last == 0 {
		return 0, err
	}
	found := sms.ID(0)
	err = d.readers.read(ctx, func(r *reader) error {
		for low, high := first, last; low <= high; { // what is before low came earlier, and found is the first message behind high
			middle := low + (high-low)/2
			var id sms.ID
			var received int64
			err := r.each("SELECT id, received_at FROM messages WHERE id >= ? ORDER BY id LIMIT 1", func(s *zombiezen.Stmt) error {
				id, received = sms.ID(s.ColumnInt64(0)), s.ColumnInt64(1)
				return nil
			}, int64(middle))
			switch {
			case err != nil:
				return err
			case id == 0:
				high = middle - 1
			case received >= at.UnixMilli():
				found, high = id, middle-1
			default:
				low = id + 1
			}
		}
		return nil
	})
	return found, err
}

// messages implements numbers.Rows.
type messages database

// Bare implements numbers.Rows.
func (ms *messages) Bare(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
	return (*database)(ms).Load(ctx, ids, store.Bare)
}

const ends = "SELECT id, kind, submitter, source, destination FROM messages "

// Ends implements numbers.Rows.
func (ms *messages) Ends(ctx context.Context, after sms.ID, limit int, f func(*sms.Message)) error {
	return ms.ends(ctx, ends+"WHERE id > ? ORDER BY id LIMIT ?", f, int64(after), int64(limit))
}

// Latest implements numbers.Rows.
func (ms *messages) Latest(ctx context.Context, limit int, f func(*sms.Message)) error {
	return ms.ends(ctx, ends+"ORDER BY id DESC LIMIT ?", f, int64(limit))
}

func (ms *messages) ends(ctx context.Context, query string, f func(*sms.Message), args ...int64) error {
	return ms.readers.read(ctx, func(r *reader) error {
		var m sms.Message
		return r.each(query, func(s *zombiezen.Stmt) error {
			m.ID, m.Kind, m.Submitter = sms.ID(s.ColumnInt64(0)), sms.Kind(s.ColumnInt64(1)), r.names.Of(r.bytes(s, 2))
			r.texts = append(r.texts[:0], r.bytes(s, 3)...)
			source := len(r.texts)
			r.texts = append(r.texts, r.bytes(s, 4)...)
			texts := string(r.texts)
			m.Source.Number, m.Dest.Number = texts[:source], texts[source:]
			f(&m)
			return nil
		}, args...)
	})
}

const noted = "SELECT client, number_ton, number_npi, campaign_ton, campaign_npi FROM conversations WHERE number = ? "

// NotedWriter implements numbers.Rows.
func (ms *messages) NotedWriter(ctx context.Context, number, campaign string) (sms.Conversation, bool, error) {
	return ms.conversation(ctx, noted+"AND campaign = ?", number, campaign, campaign)
}

// NotedUse implements numbers.Rows.
func (ms *messages) NotedUse(ctx context.Context, client, number string) (sms.Address, bool, error) {
	c, ok, err := ms.conversation(ctx, noted+"AND client = ? ORDER BY written_at DESC LIMIT 1", number, client, "")
	return c.Number, ok, err
}

func (ms *messages) conversation(ctx context.Context, query, number, other, campaign string) (c sms.Conversation, ok bool, err error) {
	if !ms.noted.Load() {
		return c, false, nil
	}
	err = ms.readers.read(ctx, func(r *reader) error {
		s, err := r.conn.Prepare(query)
		if err != nil {
			return err
		}
		s.BindText(1, number)
		s.BindText(2, other)
		return rows(s, func(s *zombiezen.Stmt) error {
			ok = true
			c.Client = r.names.Of(r.bytes(s, 0))
			c.Number = sms.Address{TON: byte(s.ColumnInt(1)), NPI: byte(s.ColumnInt(2)), Number: number}
			c.Campaign = sms.Address{TON: byte(s.ColumnInt(3)), NPI: byte(s.ColumnInt(4)), Number: campaign}
			return nil
		})
	})
	return c, ok, err
}

// pieces implements runs.Storage.
type pieces database

// Runs implements runs.Storage.
func (p *pieces) Runs(ctx context.Context) (all []runs.Run, err error) {
	err = (*database)(p).each(ctx, "SELECT number, level, state, first_id, last_id, pairs, newest_only, blocks, directory, filter FROM runs", func(s *zombiezen.Stmt) {
		all = append(all, runs.Run{
			Number: uint64(s.ColumnInt64(0)), Level: s.ColumnInt(1), State: runs.State(s.ColumnInt64(2)),
			First: sms.ID(s.ColumnInt64(3)), Last: sms.ID(s.ColumnInt64(4)), Pairs: uint64(s.ColumnInt64(5)), NewestOnly: uint64(s.ColumnInt64(6)),
			Blocks: uint32(s.ColumnInt64(7)), Directory: uint32(s.ColumnInt64(8)), Filter: uint32(s.ColumnInt64(9)),
		})
	})
	return all, err
}

// place is where a piece is.
func place(run uint64, n runs.PieceNumber) int64 { return int64(run<<32 | uint64(n)) }

// Piece implements runs.Storage.
func (p *pieces) Piece(ctx context.Context, run uint64, n runs.PieceNumber) (data []byte, err error) {
	err = (*database)(p).each(ctx, "SELECT data FROM run_pieces WHERE place = ?", func(s *zombiezen.Stmt) {
		data = make([]byte, s.ColumnLen(0))
		s.ColumnBytes(0, data)
	}, place(run, n))
	return data, err
}

// Write implements runs.Storage.
func (p *pieces) Write(ctx context.Context, step *runs.Step) error {
	err := p.own(func() error {
		if err := p.writer.indexed(step); err != nil {
			return fmt.Errorf("the index of numbers: %w", err)
		}
		return nil
	})
	if err == sms.ErrUnavailable { // the store is closed, and this will be
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// indexed writes a step of the index.
func (w *writer) indexed(step *runs.Step) error {
	for i := range step.Runs {
		r := &step.Runs[i]
		err := integers(w.run, int64(r.Number), int64(r.Level), int64(r.State), int64(r.First), int64(r.Last), int64(r.Pairs), int64(r.NewestOnly),
			int64(r.Blocks), int64(r.Directory), int64(r.Filter))
		if err != nil {
			return err
		}
	}
	for _, p := range step.Pieces {
		w.piece.BindInt64(1, place(p.Run, p.Number))
		w.piece.BindBytes(2, p.Data)
		if err := run(w.piece); err != nil {
			return err
		}
	}
	for _, c := range step.Clear {
		if err := integers(w.clear, place(c.Run, c.From), place(c.Run, c.To)); err != nil {
			return err
		}
	}
	for _, n := range step.Gone {
		if err := integers(w.gone, int64(n)); err != nil {
			return err
		}
	}
	return nil
}
