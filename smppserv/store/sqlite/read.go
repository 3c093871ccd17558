package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	sqlite3 "modernc.org/sqlite/lib"
	zombiezen "zombiezen.com/go/sqlite"
)

// each calls f for each row of a query until it fails.
func (r *reader) each(query string, f func(*zombiezen.Stmt) error, args ...int64) error {
	s, err := r.conn.Prepare(query)
	if err != nil {
		return err
	}
	return rowsOf(s, f, args...)
}

func rows(s *zombiezen.Stmt, f func(*zombiezen.Stmt) error) error {
	for {
		more, err := s.Step()
		if err != nil {
			return err
		}
		if !more {
			return s.Reset()
		}
		if err := f(s); err != nil {
			_ = s.Reset()
			return err
		}
	}
}

// each calls f for each row of a query.
func (d *database) each(ctx context.Context, query string, f func(*zombiezen.Stmt), args ...int64) error {
	return d.readers.read(ctx, func(r *reader) error {
		return r.each(query, func(s *zombiezen.Stmt) error { f(s); return nil }, args...)
	})
}

func (d *database) ids(ctx context.Context, query string, args ...int64) (ids []sms.ID, err error) {
	err = d.each(ctx, query, func(s *zombiezen.Stmt) { ids = append(ids, sms.ID(s.ColumnInt64(0))) }, args...)
	return ids, err
}

// Answer implements store.Database.
func (d *database) Answer(ctx context.Context) error {
	d.gate.wait()
	return d.each(ctx, "SELECT 1 FROM last_message_id", func(*zombiezen.Stmt) {})
}

const highestID = "SELECT max((SELECT coalesce(max(id), 0) FROM last_message_id), (SELECT coalesce(max(id), 0) FROM messages))"

// LastID implements store.Database.
func (d *database) LastID(ctx context.Context) (id sms.ID, err error) {
	err = d.each(ctx, highestID, func(s *zombiezen.Stmt) { id = sms.ID(s.ColumnInt64(0)) })
	return id, err
}

const (
	loadStep = 256
	// loadGap is how far apart two ids may be that are read as of one range: to pass over what is between takes as long as to find
	// the next one from the root of the tree.
	loadGap = 4
)

// loading are the queries of a part of messages: of one, and of those of a range.
type loading struct{ one, within string }

func loadingOf(content string) loading {
	query := "SELECT " + fmt.Sprintf(read, content) + " FROM messages WHERE id "
	return loading{query + "= ?", query + "BETWEEN ? AND ?"}
}

var loadings = [...]loading{
	store.Whole: loadingOf("content"),
	store.Bare:  loadingOf("NULL"),
	store.Head:  loadingOf(fmt.Sprintf("CASE WHEN substr(attributes, 1, 1) = x'%02x' THEN content ELSE substr(content, 1, %d) END", store.SealedVersion, sms.HeadOctets)),
}

// Load implements store.Database.
func (d *database) Load(ctx context.Context, ids []sms.ID, part store.Part) ([]*sms.Message, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	ms := make([]*sms.Message, 0, len(ids))
	load := func(ids []sms.ID) error {
		return d.readers.read(ctx, func(r *reader) error {
			return r.load(loadings[part], ids, func(s *zombiezen.Stmt) error {
				m := &sms.Message{}
				ms = append(ms, m)
				err := r.message(s, m)
				if part == store.Head {
					m.Content = m.Content[:min(len(m.Content), sms.HeadOctets)]
				}
				return err
			})
		})
	}
	for step := range slices.Chunk(ids, loadStep) {
		before := len(ms)
		err := load(step)
		if code(err) == sqlite3.SQLITE_CORRUPT { // what is damaged may be beside what is wanted
			ms, err = ms[:before], nil
			for i := 0; i < len(step) && err == nil; i++ {
				err = load(step[i : i+1])
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return ms, nil
}

// load calls f for the rows with ids, which are sorted, each once.
func (r *reader) load(q loading, ids []sms.ID, f func(*zombiezen.Stmt) error) error {
	if len(ids) == 1 {
		return r.each(q.one, f, int64(ids[0]))
	}
	if err := r.each("BEGIN", nil); err != nil { // else each range locks the log anew
		return err
	}
	for len(ids) > 0 {
		n := dense(ids)
		of := ids[:n]
		ids = ids[n:]
		if n == 1 {
			if err := r.each(q.one, f, int64(of[0])); err != nil {
				return err
			}
			continue
		}
		err := r.each(q.within, func(s *zombiezen.Stmt) error {
			if _, wanted := slices.BinarySearch(of, sms.ID(s.ColumnInt64(0))); !wanted {
				return nil
			}
			return f(s)
		}, int64(of[0]), int64(of[n-1]))
		if err != nil {
			return err
		}
	}
	return r.each("COMMIT", nil)
}

// dense is how many of the first ids, which are sorted, are read as of one range.
func dense(ids []sms.ID) int {
	n := 1
	for n < len(ids) && ids[n]-ids[n-1] <= loadGap {
		n++
	}
	return n
}

// idStep is how many ids are read together.
const idStep = 100_000

// WaitingIDs implements store.Database.
func (d *database) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) (ids []sms.ID, err error) {
	for len(ids) < limit {
		step := min(idStep, limit-len(ids))
		some, err := d.ids(ctx, "SELECT id FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id > ? AND id <= ? ORDER BY id LIMIT ?",
			int64(after), int64(upTo), int64(step))
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
		if len(some) < step {
			break
		}
		after = some[len(some)-1]
	}
	return ids, nil
}

// KnownAs implements store.Database.
func (d *database) KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error) {
	return d.ids(ctx, "SELECT id FROM messages WHERE id = ? UNION SELECT message_id FROM submit_multi WHERE known_by = ? ORDER BY 1", int64(id), int64(id))
}

// ClockSteps implements store.Database.
func (d *database) ClockSteps(ctx context.Context) (steps []road.ClockStep, err error) {
	err = d.each(ctx, "SELECT message_id, on_their_way, set_from, set_to FROM clock_steps ORDER BY rowid", func(s *zombiezen.Stmt) {
		steps = append(steps, road.ClockStep{LastID: sms.ID(s.ColumnInt64(0)), OnTheirWay: sms.ID(s.ColumnInt64(1)), From: time.UnixMilli(s.ColumnInt64(2)), To: time.UnixMilli(s.ColumnInt64(3))})
	})
	return steps, err
}

const purgeJob = "purge"

// LastPurge implements store.Database.
func (d *database) LastPurge(ctx context.Context) (at time.Time, err error) {
	err = d.each(ctx, "SELECT ran_at FROM jobs WHERE name = '"+purgeJob+"'", func(s *zombiezen.Stmt) { at = time.UnixMilli(s.ColumnInt64(0)) })
	return at, err
}

// Ages implements store.Database.
func (d *database) Ages(ctx context.Context, after sms.ID, limit int, f func(store.Age)) error {
	return d.each(ctx, "SELECT id, received_at, final_at, expires_at FROM messages WHERE id > ? ORDER BY id LIMIT ?", func(s *zombiezen.Stmt) {
		f(store.Age{ID: sms.ID(s.ColumnInt64(0)), Received: s.ColumnInt64(1), Final: s.ColumnInt64(2), Expires: s.ColumnInt64(3), Ended: !s.ColumnIsNull(2)})
	}, int64(after), int64(limit))
}

// Conversations implements store.Database.
func (d *database) Conversations(ctx context.Context, after int64, limit int, f func(row, writtenAt int64)) error {
	return d.each(ctx, "SELECT rowid, written_at FROM conversations WHERE rowid > ? ORDER BY rowid LIMIT ?", func(s *zombiezen.Stmt) {
		f(s.ColumnInt64(0), s.ColumnInt64(1))
	}, after, int64(limit))
}
