package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"

	zombiezen "zombiezen.com/go/sqlite"
)

// writer is the connection that writes. Only the committer uses it.
type writer struct {
	conn    *zombiezen.Conn
	version int64 // data_version: it changes when somebody else writes
	add     additions
	keys    *store.Keys

	look, begin, commit, rollback, dataVersion         *zombiezen.Stmt
	end, try, progress, change                         *zombiezen.Stmt
	run, piece, clear, gone, firstID, anyNoted         *zombiezen.Stmt
	external, claim, known                             *zombiezen.Stmt
	keepTry, failed, facts, counters, count            *zombiezen.Stmt
	readdress, purgeTries, purgeFailed                 *zombiezen.Stmt
	sample, audit, client, event, pause                *zombiezen.Stmt
	oldCounters, oldSamples, oldAudit                  *zombiezen.Stmt
	keepLast, purge, purgeExternal, purgeKnown, forget *zombiezen.Stmt
	step, forgetSteps, purgedAt, probe                 *zombiezen.Stmt
	notedNumber, notedCampaign, rename, reword         *zombiezen.Stmt
}

func openWriter(file string) (*writer, error) {
	c, err := connect(file, writing...)
	if err != nil {
		return nil, err
	}
	return &writer{conn: c}, nil
}

// ended finds what is kept of messages of a range beside them, as long as they are there. One that waits again keeps it.
const ended = "message_id BETWEEN ?1 AND ?2 AND message_id NOT IN (SELECT id FROM messages INDEXED BY messages_waiting WHERE final_at IS NULL AND id BETWEEN ?1 AND ?2)"

// prepare prepares the statements of the newest schema.
func (w *writer) prepare() (err error) {
	if err := w.add.prepare(w.conn); err != nil {
		return err
	}
	for _, p := range []struct {
		stmt  **zombiezen.Stmt
		query string
	}{
		{&w.look, "BEGIN"},
		{&w.begin, "BEGIN IMMEDIATE"},
		{&w.commit, "COMMIT"},
		{&w.rollback, "ROLLBACK"},
		{&w.dataVersion, "PRAGMA data_version"},
		{&w.end, "UPDATE messages SET state = ?, final_at = ?, attempts = ?, error = ?, reason = ?, tried_at = ?, took_ms = ?, through = ?, unjudged = 0 " +
			"WHERE final_at IS NULL AND id = ?"},
		{&w.try, "UPDATE messages SET state = ?1, attempts = ?2, error = ?3, reason = ?4, due_at = coalesce(?5, due_at), wait = coalesce(?6, wait), " +
			"push_key = coalesce(?7, push_key), progress = coalesce(?8, progress), tried_at = ?10, took_ms = ?11, through = ?12, " +
			"unjudged = ?13 * (1 + CASE WHEN error = ?3 AND reason = ?4 THEN unjudged ELSE 0 END) WHERE final_at IS NULL AND id = ?9"},
		{&w.keepTry, "INSERT INTO tries SELECT id, coalesce((SELECT max(number) FROM tries WHERE message_id = ?1), 0) + 1, " +
			"tried_at, took_ms, through, error, reason, unjudged FROM messages " +
			"WHERE id = ?1 AND final_at IS NULL AND tried_at IS NOT NULL AND NOT (?2 AND unjudged > 0 AND error = ?3 AND reason = ?4)"},
		{&w.progress, "UPDATE messages SET progress = ? WHERE final_at IS NULL AND id = ?"},
		{&w.change, "UPDATE messages SET due_at = ?, wait = ?, expires_at = ?, content = ?, attributes = ? WHERE final_at IS NULL AND id = ?"},
		{&w.run, "INSERT OR REPLACE INTO runs (number, level, state, first_id, last_id, pairs, newest_only, blocks, directory, filter) " +
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&w.piece, "INSERT OR REPLACE INTO run_pieces (place, data) VALUES (?, ?)"},
		{&w.clear, "DELETE FROM run_pieces WHERE place >= ? AND place < ?"},
		{&w.gone, "DELETE FROM runs WHERE number = ?"},
		{&w.firstID, "SELECT min(id) FROM messages"},
		{&w.anyNoted, anyNoted},
		{&w.external, "SELECT message_id FROM external_ids WHERE external_id = ?"},
		{&w.claim, "INSERT INTO external_ids (external_id, message_id, received_at) VALUES (?, ?, ?)"},
		{&w.known, "INSERT INTO submit_multi (message_id, known_by) VALUES (?, ?)"},
		{&w.purgeTries, "DELETE FROM tries WHERE " + ended},
		{&w.purgeFailed, "DELETE FROM failed WHERE " + ended},
		{&w.failed, "INSERT OR IGNORE INTO failed (message_id) VALUES (?)"},
		{&w.facts, facts},
		{&w.counters, "SELECT " + counter + " FROM hourly WHERE hour = ? AND node = ''"},
		{&w.count, "INSERT OR REPLACE INTO hourly (" + counter + ", node) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')"},
		{&w.readdress, "UPDATE messages SET recipient = ?, progress = NULL WHERE final_at IS NULL AND id = ?"},
		{&w.sample, "INSERT OR REPLACE INTO minutes (" + sample + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&w.audit, "INSERT INTO audit (done_at, who, from_where, what, on_what, more) VALUES (?, ?, ?, ?, ?, ?)"},
		{&w.client, "INSERT OR IGNORE INTO clients (system_id) VALUES (?)"},
		{&w.event, "UPDATE clients SET " + events + " WHERE system_id = ?"},
		{&w.pause, "UPDATE clients SET paused_at = ?, paused_by = ? WHERE system_id = ?"},
		{&w.oldCounters, "DELETE FROM hourly WHERE (" + counterKey + ") IN (SELECT " + counterKey + " FROM hourly WHERE hour < ? ORDER BY " + counterKey + " LIMIT ?)"},
		{&w.oldSamples, "DELETE FROM minutes WHERE minute IN (SELECT minute FROM minutes WHERE minute < ? ORDER BY minute LIMIT ?)"},
		{&w.oldAudit, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM (SELECT id, done_at FROM audit ORDER BY id LIMIT ?2) WHERE done_at < ?1)"},
		{&w.keepLast, "UPDATE last_message_id SET id = ?1 WHERE id < ?1"},
		{&w.purge, "DELETE FROM messages WHERE id BETWEEN ? AND ? AND final_at IS NOT NULL"},
		{&w.purgeExternal, "DELETE FROM external_ids WHERE " + ended},
		{&w.purgeKnown, "DELETE FROM submit_multi WHERE " + ended},
		{&w.forget, "DELETE FROM conversations WHERE rowid > ? AND rowid <= ? AND written_at < ?"},
		{&w.notedNumber, "DELETE FROM conversations WHERE number = ?"},
		{&w.notedCampaign, "DELETE FROM conversations WHERE campaign = ?"},
		{&w.rename, "UPDATE hourly SET campaign = ? WHERE campaign = ? AND hour >= ? AND hour < ?"},
		{&w.reword, "UPDATE audit SET on_what = ?, more = ? WHERE id = ?"},
		{&w.step, "INSERT INTO clock_steps (message_id, on_their_way, set_from, set_to) VALUES (?, ?, ?, ?)"},
		{&w.forgetSteps, "DELETE FROM clock_steps WHERE max(message_id, on_their_way) < (SELECT coalesce(min(id), ?) FROM messages INDEXED BY messages_waiting " +
			"WHERE final_at IS NULL) OR rowid <= (SELECT max(rowid) FROM clock_steps) - ?"},
		{&w.purgedAt, "INSERT INTO jobs (name, ran_at) VALUES ('" + purgeJob + "', ?) ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at"},
		{&w.probe, "UPDATE last_message_id SET id = -id - 1"},
	} {
		if *p.stmt, err = w.conn.Prepare(p.query); err != nil {
			return err
		}
	}
	return nil
}

// integers executes a prepared statement whose parameters are integers.
func integers(s *zombiezen.Stmt, args ...int64) error {
	for i, arg := range args {
		s.BindInt64(i+1, arg)
	}
	return run(s)
}

// rowsOf is integers for a statement that returns rows.
func rowsOf(s *zombiezen.Stmt, f func(*zombiezen.Stmt) error, args ...int64) error {
	for i, arg := range args {
		s.BindInt64(i+1, arg)
	}
	return rows(s, f)
}

// WrittenElsewhere implements store.Database.
func (d *database) WrittenElsewhere() (written bool, err error) {
	w := d.writer
	d.gate.wait()
	err = rows(w.dataVersion, func(s *zombiezen.Stmt) error {
		version := s.ColumnInt64(0)
		written, w.version = w.version != version, version
		return nil
	})
	return written, err
}

// ByExternalID implements store.Database.
func (d *database) ByExternalID(externalIDs []string, ids []sms.ID) (err error) {
	w := d.writer
	d.gate.wait()
	if err := run(w.look); err != nil { // else each of them takes the locks anew
		return err
	}
	defer func() {
		if !w.conn.AutocommitEnabled() {
			err = errors.Join(err, run(w.commit))
		}
	}()
	for i, external := range externalIDs {
		ids[i] = 0
		w.external.BindText(1, external)
		err := rows(w.external, func(s *zombiezen.Stmt) error {
			ids[i] = sms.ID(s.ColumnInt64(0))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errAlone is for what only workers that share a store do.
var errAlone = errors.New("the SQLite store has one worker: there is nobody to hand messages on to")

// Settle implements store.Database: the answer to a commit is never lost.
func (d *database) Settle(context.Context, *store.Batch) (bool, error) { return false, errAlone }

// MoreIDs implements store.Database: all of them.
func (d *database) MoreIDs(_ context.Context, above sms.ID) (first, last sms.ID, err error) {
	return above + 1, math.MaxInt64, nil
}

// HandedOn implements store.Database: there are no other workers.
func (d *database) HandedOn(context.Context, []sms.Epoch, func(*sms.Message)) error {
	return nil
}

// Holders implements store.Database: there are no other workers.
func (d *database) Holders(context.Context, []sms.ID) (map[sms.ID]sms.Epoch, error) {
	return nil, nil
}

// HeldElsewhere implements store.Database: there are no other workers.
func (d *database) HeldElsewhere(context.Context, *sms.Message, int) ([]*sms.Message, error) {
	return nil, nil
}

// WaitingOf implements store.Database: there were no other workers.
func (d *database) WaitingOf(context.Context, []sms.Epoch, func(*sms.Message) error) error {
	return nil
}

// Write implements store.Database.
func (d *database) Write(b *store.Batch) (err error) {
	w := d.writer
	defer w.add.forget()
	if len(b.HandedOn) > 0 {
		return errAlone
	}
	d.gate.wait()
	if err := run(w.begin); err != nil {
		return err
	}
	d.lengthen()
	if err = w.write(b); err == nil {
		err = run(w.commit)
	}
	if err == nil {
		d.written(b)
		return nil
	}
	if !w.conn.AutocommitEnabled() { // SQLite rolls back by itself after some errors
		if e := run(w.rollback); e != nil {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (w *writer) write(b *store.Batch) error {
	if err := w.writePurged(b); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	if err := w.added(b.Added); err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	for _, v := range b.Tried {
		var err error
		if v.Underway {
			err = w.progressed(v)
		} else {
			err = w.tried(v, b.Tally)
		}
		if err != nil {
			return fmt.Errorf("write next tries: %w", err)
		}
	}
	for _, m := range b.Changed {
		w.change.BindInt64(1, store.Milli(m.DueAt))
		w.change.BindInt64(2, m.Wait.Milliseconds())
		w.change.BindInt64(3, store.Milli(m.ExpiresAt))
		attributes, content := w.keys.AppendColumns(nil, m)
		w.change.BindBytes(4, content)
		w.change.BindBytes(5, attributes)
		w.change.BindInt64(6, int64(m.ID))
		if err := run(w.change); err != nil {
			return fmt.Errorf("change message %d: %w", m.ID, err)
		}
	}
	if err := w.ended(b.Ended, b.Tally, store.Milli(b.Now)); err != nil {
		return fmt.Errorf("write outcomes: %w", err)
	}
	for _, r := range b.Readdressed {
		if err := w.readdressed(r, b.Tally); err != nil {
			return fmt.Errorf("give messages to another recipient: %w", err)
		}
	}
	for _, write := range b.Own {
		if err := write(); err != nil {
			return err
		}
	}
	if err := w.jobs(b); err != nil {
		return err
	}
	if err := w.records(b); err != nil {
		return fmt.Errorf("write what is no message: %w", err)
	}
	if err := w.counted(b.Tally); err != nil {
		return err
	}
	if err := w.erased(b); err != nil {
		return fmt.Errorf("erase a number: %w", err)
	}
	return nil
}

func (w *writer) added(ms []*sms.Message) error {
	for _, m := range ms {
		if m.ExternalID != "" {
			w.claim.BindText(1, m.ExternalID)
			w.claim.BindInt64(2, int64(m.ID))
			w.claim.BindInt64(3, store.Milli(m.ReceivedAt))
			if err := run(w.claim); err != nil {
				return err
			}
		}
		if m.KnownBy != 0 {
			if err := integers(w.known, int64(m.ID), int64(m.KnownBy)); err != nil {
				return err
			}
		}
	}
	return w.add.run(ms, w.keys)
}

func (w *writer) tried(v *road.Transition, t *tally.Sheet) error {
	w.try.BindInt64(1, int64(v.State))
	w.try.BindInt64(2, int64(v.Attempts))
	w.try.BindInt64(3, int64(v.Error))
	w.try.BindText(4, v.Reason)
	if v.DueAt.IsZero() {
		w.try.BindNull(5)
		w.try.BindNull(6)
	} else {
		w.try.BindInt64(5, store.Milli(v.DueAt))
		w.try.BindInt64(6, v.Wait.Milliseconds())
	}
	if v.PushKey == "" {
		w.try.BindNull(7)
	} else {
		w.try.BindText(7, v.PushKey)
	}
	if v.Progress == "" {
		w.try.BindNull(8)
	} else {
		w.try.BindBytes(8, []byte(v.Progress))
	}
	unjudged := v.Unjudged && !v.At.IsZero()
	bindTry(w.try, 10, v)
	w.try.BindBool(13, unjudged)
	for _, id := range v.IDs {
		if err := w.keepTryOf(id, v, unjudged, t); err != nil {
			return err
		}
		w.try.BindInt64(9, int64(id))
		if err := run(w.try); err != nil {
			return err
		}
		t.Tried(id)
	}
	return nil
}

// bindTry binds what the row has of a try, from a parameter on; NULL where there was none.
func bindTry(s *zombiezen.Stmt, from int, v *road.Transition) {
	if v.At.IsZero() {
		for i := range 3 {
			s.BindNull(from + i)
		}
		return
	}
	s.BindInt64(from, store.Milli(v.At))
	s.BindInt64(from+1, v.Took.Milliseconds())
	s.BindText(from+2, v.Through)
}

// keepTryOf has the try that the row of a message has, if any, among the tries beside it.
func (w *writer) keepTryOf(id sms.ID, v *road.Transition, unjudged bool, t *tally.Sheet) error {
	if t.Untried(id) {
		return nil
	}
	w.keepTry.BindInt64(1, int64(id))
	w.keepTry.BindBool(2, unjudged)
	w.keepTry.BindInt64(3, int64(v.Error))
	w.keepTry.BindText(4, v.Reason)
	return run(w.keepTry)
}

func (w *writer) progressed(v *road.Transition) error {
	w.progress.BindBytes(1, []byte(v.Progress))
	for _, id := range v.IDs {
		w.progress.BindInt64(2, int64(id))
		if err := run(w.progress); err != nil {
			return err
		}
	}
	return nil
}

// ended binds what differs from the one before.
func (w *writer) ended(ended []*road.Transition, t *tally.Sheet, now int64) error {
	var last *road.Transition
	for _, v := range ended {
		if last == nil {
			w.end.BindInt64(2, now)
		}
		if last == nil || v.State != last.State {
			w.end.BindInt64(1, int64(v.State))
		}
		if last == nil || v.Attempts != last.Attempts {
			w.end.BindInt64(3, int64(v.Attempts))
		}
		if last == nil || v.Error != last.Error {
			w.end.BindInt64(4, int64(v.Error))
		}
		if last == nil || v.Reason != last.Reason {
			w.end.BindText(5, v.Reason)
		}
		switch {
		case last == nil || v.At.IsZero() != last.At.IsZero():
			bindTry(w.end, 6, v)
		case !v.At.IsZero():
			w.end.BindInt64(6, store.Milli(v.At))
			w.end.BindInt64(7, v.Took.Milliseconds())
			if v.Through != last.Through {
				w.end.BindText(8, v.Through)
			}
		}
		last = v
		for i, id := range v.IDs {
			if v.Messages != nil && !t.Known(id) {
				t.Learn(v.Messages[i])
			}
			if err := w.keepTryOf(id, v, false, t); err != nil {
				return err
			}
			w.end.BindInt64(9, int64(id))
			if err := run(w.end); err != nil {
				return err
			}
			if w.conn.Changes() == 0 { // it had ended
				continue
			}
			if err := w.countEnd(id, v, t, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// writePurged leaves the pages that become free in the file: what is added next takes them, and nothing is moved about.
func (w *writer) writePurged(b *store.Batch) error {
	if len(b.Purged) > 0 {
		if err := integers(w.keepLast, int64(b.LastID)); err != nil {
			return err
		}
	}
	for _, r := range b.Purged {
		for _, s := range [...]*zombiezen.Stmt{w.purgeExternal, w.purgeKnown, w.purgeTries, w.purgeFailed, w.purge} {
			if err := integers(s, int64(r.From), int64(r.To)); err != nil {
				return err
			}
		}
	}
	if f := b.Forgotten; f != (store.Forgotten{}) {
		return integers(w.forget, f.After, f.UpTo, f.Before)
	}
	return nil
}

func (w *writer) jobs(b *store.Batch) error {
	for _, step := range b.Steps {
		if err := integers(w.step, int64(step.LastID), int64(b.LastID), store.Milli(step.From), store.Milli(step.To)); err != nil {
			return fmt.Errorf("note a step of the clock: %w", err)
		}
		if err := integers(w.forgetSteps, int64(max(step.LastID, b.LastID)), store.MaxClockSteps); err != nil {
			return fmt.Errorf("forget old steps of the clock: %w", err)
		}
	}
	if !b.PurgedAt.IsZero() {
		if err := integers(w.purgedAt, store.Milli(b.PurgedAt)); err != nil {
			return err
		}
	}
	if b.Probe { // SQLite writes no page that stays as it was
		for range 2 {
			if err := run(w.probe); err != nil {
				return err
			}
		}
	}
	return nil
}

var _ store.Database = (*database)(nil)
