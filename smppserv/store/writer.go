package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	columns = "id, kind, state, submitter, recipient, source, destination, received_at, due_at, expires_at, " +
		"final_at, attempts, error, reason, content, attributes"
	columnCount = 16
	// selected is what is read of a message: push_key and wait come with its first try that fails.
	selected = columns + ", push_key, wait"
)

// rowSteps are the sizes of the statements that write several rows: large ones cost least per row.
var rowSteps = [...]int{64, 16, 4, 1}

// writer owns the one connection that writes. Only the committer uses it.
type writer struct {
	database Database
	conn     *sql.Conn

	insert, finish [len(rowSteps)]*sql.Stmt

	lastID        sms.ID
	mark          *mark
	conversations conversationCache
	fresh         []sms.Conversation // of this transaction
	wroteAt       int64              // the time of the last conversations that were written, in milliseconds
	duplicate     []bool             // by operation of the last batch
	version       int64              // SQLite's data_version: it changes when somebody else writes

	rows   []*sms.Message // to insert
	args   boxes
	blobs  []byte // the attributes of the rows of one statement
	groups []finishGroup
}

// finishGroup is a set of messages that end alike, so that one statement serves them.
type finishGroup struct {
	state    sms.State
	attempts int
	error    int
	reason   string
	ids      []sms.ID
}

func newWriter(ctx context.Context, d Database, log zerolog.Logger) (w *writer, err error) {
	w = &writer{database: d, conversations: newConversationCache()}
	if w.conn, err = d.Writer().Conn(ctx); err != nil {
		return nil, err
	}
	opened := w
	defer func() {
		if err != nil {
			_ = opened.close()
		}
	}()
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columnCount), ",") + ")"
	for i, n := range rowSteps {
		w.insert[i], err = w.conn.PrepareContext(ctx, "INSERT INTO messages ("+columns+") VALUES "+repeat(row, n))
		if err != nil {
			return nil, err
		}
		w.finish[i], err = w.conn.PrepareContext(ctx, "UPDATE messages SET state = ?, final_at = ?, attempts = ?, error = ?, reason = ? "+
			"WHERE final_at IS NULL AND id IN ("+repeat("?", n)+")")
		if err != nil {
			return nil, err
		}
	}
	if w.lastID, err = LastID(ctx, w.conn); err != nil {
		return nil, err
	}
	if w.mark, err = openMark(d.MarkFile()); err != nil {
		return nil, err
	}
	if highest := sms.ID(w.mark.reserved.Load()); highest > w.lastID {
		level := zerolog.InfoLevel
		if w.lastID == 0 {
			level = zerolog.WarnLevel
		}
		log.WithLevel(level).Stringer("database", w.lastID).Stringer("mark", highest).Str("file", d.MarkFile()).
			Msg("message ids go on above the high-water mark: the database knows fewer, as after a crash, or when a backup was put back or the database moved away")
		w.lastID = highest
	}
	w.mark.extend(w.lastID)
	if _, err = w.writtenElsewhere(); err != nil {
		return nil, err
	}
	return w, w.afterAll(ctx, time.Now())
}

func (w *writer) writtenElsewhere() (bool, error) {
	var version int64
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&version); err != nil {
		return false, fmt.Errorf("store: look whether another program has written: %w", err)
	}
	written := w.version != version
	w.version = version
	return written, nil
}

// LastID is the highest message_id that the database knows of.
func LastID(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (sms.ID, error) {
	var purged, kept int64
	err := q.QueryRowContext(ctx, "SELECT (SELECT coalesce(max(id), 0) FROM last_message_id), (SELECT coalesce(max(id), 0) FROM messages)").Scan(&purged, &kept)
	return sms.ID(max(purged, kept)), err
}

func repeat(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

func (w *writer) close() error {
	// database/sql does not close what was prepared on one connection, and SQLite folds its log into the database only
	// when nothing of the last connection is left open.
	for _, statements := range [][]*sql.Stmt{w.insert[:], w.finish[:]} {
		for _, s := range statements {
			if s != nil {
				_ = s.Close()
			}
		}
	}
	return w.conn.Close()
}

func (w *writer) exec(query string, args ...any) error {
	_, err := w.conn.ExecContext(context.Background(), query, args...)
	return err
}

// write commits the batch in one transaction, with one time for all of it.
// New messages get their IDs in the order of the batch.
func (w *writer) write(batch []op) (err error) {
	firstID := w.lastID
	w.duplicate = append(w.duplicate[:0], make([]bool, len(batch))...)
	w.rows, w.fresh, w.groups = w.rows[:0], w.fresh[:0], w.groups[:0]
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			for _, m := range w.rows {
				m.ID = 0 // another message gets it
			}
		}
		clear(w.rows)
		if err == nil {
			return
		}
		w.lastID = firstID
		w.conversations.forget(w.fresh)
		if rollback := w.exec("ROLLBACK"); rollback != nil && !w.database.NoTransaction(rollback) {
			err = errors.Join(err, rollback)
		}
	}()
	now := time.Now()
	for i := range batch {
		switch o := &batch[i]; {
		case o.add != nil:
			w.duplicate[i], err = w.add(o.add)
		case o.change != nil:
			err = w.change(o.change)
		case o.probe:
			err = w.probe()
		case o.purge != nil:
			err = w.purge(o.purge)
		case o.write != nil:
			err = o.write(w)
		case o.transition != nil:
			err = w.collect(o.transition)
		}
		if err != nil {
			return err
		}
	}
	if err := w.insertRows(); err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	if err := w.finishGroups(now); err != nil {
		return fmt.Errorf("write outcomes: %w", err)
	}
	if err := w.writeConversations(now); err != nil {
		return fmt.Errorf("write conversations: %w", err)
	}
	if err := w.mark.reserve(w.lastID); err != nil {
		return err
	}
	if err := w.exec("COMMIT"); err != nil {
		return err
	}
	w.mark.extend(w.lastID)
	return nil
}

// probe writes and changes nothing. SQLite writes no page that stays as it was.
func (w *writer) probe() error {
	for range 2 {
		if err := w.exec("UPDATE last_message_id SET id = -id - 1"); err != nil {
			return err
		}
	}
	return w.mark.reserve(w.lastID + 1)
}

func (w *writer) add(a road.Addition) (duplicate bool, err error) {
	m := a.Message()
	if m.ExternalID != "" {
		if duplicate, err = w.claimExternalID(m); duplicate || err != nil {
			return duplicate, err
		}
	} else {
		w.lastID++
		m.ID = w.lastID
	}
	if m.First != nil {
		m.KnownBy = m.First.ID // 0 when the first one could not be stored
	}
	if m.KnownBy != 0 {
		if err := w.exec(insertKnown, int64(m.ID), int64(m.KnownBy)); err != nil {
			return false, fmt.Errorf("note the message_id of a submit_multi: %w", err)
		}
	}
	w.rows = append(w.rows, m)
	if m.Submitter != sms.Hermes && m.Kind == sms.KindText {
		if c := conversationOf(m); w.conversations.news(c) {
			w.fresh = append(w.fresh, c)
		}
	}
	if v := a.Replaces(); v != nil {
		err = w.collect(v)
	}
	return false, err
}

// claimExternalID gives m a new ID, or that of the message which has its ExternalID already.
func (w *writer) claimExternalID(m *sms.Message) (duplicate bool, err error) {
	ctx := context.Background()
	err = w.conn.QueryRowContext(ctx, "SELECT message_id FROM external_ids WHERE external_id = ?", m.ExternalID).Scan(&m.ID)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("look up an external id: %w", err)
	}
	w.lastID++
	m.ID = w.lastID
	err = w.exec("INSERT INTO external_ids (external_id, message_id, received_at) VALUES (?, ?, ?)", m.ExternalID, int64(m.ID), milli(m.ReceivedAt))
	return false, err
}

func (w *writer) change(m *sms.Message) error {
	return w.exec("UPDATE messages SET due_at = ?, wait = ?, expires_at = ?, content = ?, attributes = ? WHERE final_at IS NULL AND id = ?",
		milli(m.DueAt), m.Wait.Milliseconds(), milli(m.ExpiresAt), blob(m.Content), appendAttributes(nil, m), int64(m.ID))
}

// collect writes what is no end at once and puts ends into groups.
func (w *writer) collect(f *road.Transition) error {
	for _, r := range f.Receipts {
		w.lastID++
		r.ID = w.lastID
		w.rows = append(w.rows, r)
	}
	if !f.State.Final() {
		for _, id := range f.IDs {
			err := w.exec("UPDATE messages SET state = ?, attempts = ?, error = ?, reason = ?, due_at = ?, wait = ?, push_key = coalesce(?, push_key) "+
				"WHERE final_at IS NULL AND id = ?",
				int64(f.State), f.Attempts, f.Error, f.Reason, milli(f.DueAt), f.Wait.Milliseconds(),
				sql.NullString{String: f.PushKey, Valid: f.PushKey != ""}, int64(id))
			if err != nil {
				return fmt.Errorf("write the next try of message %d: %w", id, err)
			}
		}
		return nil
	}
	for i := range w.groups {
		g := &w.groups[i]
		if g.state == f.State && g.attempts == f.Attempts && g.error == f.Error && g.reason == f.Reason {
			g.ids = append(g.ids, f.IDs...)
			return nil
		}
	}
	if len(w.groups) < cap(w.groups) {
		w.groups = w.groups[:len(w.groups)+1]
	} else {
		w.groups = append(w.groups, finishGroup{})
	}
	g := &w.groups[len(w.groups)-1]
	*g = finishGroup{f.State, f.Attempts, f.Error, f.Reason, append(g.ids[:0], f.IDs...)}
	return nil
}

func (w *writer) insertRows() error {
	rows := w.rows
	for i, n := range rowSteps {
		for len(rows) >= n {
			w.args.reset(columnCount)
			w.blobs = w.blobs[:0]
			for _, m := range rows[:n] {
				w.bind(m)
			}
			if _, err := w.insert[i].ExecContext(context.Background(), w.args.values...); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return nil
}

func (w *writer) bind(m *sms.Message) {
	if m.StoredAt.IsZero() {
		m.StoredAt = m.ReceivedAt
	}
	a := &w.args
	a.int(int64(m.ID))
	a.int(int64(m.Kind))
	a.int(int64(m.State))
	a.text(m.Submitter)
	a.text(m.Recipient)
	a.text(m.Source.Number)
	a.text(m.Dest.Number)
	a.int(milli(m.ReceivedAt))
	a.int(milli(m.DueAt))
	a.int(milli(m.ExpiresAt))
	a.null()
	a.int(int64(m.Attempts))
	a.int(int64(m.Error))
	a.text(m.Reason)
	a.blob(blob(m.Content))
	from := len(w.blobs)
	w.blobs = appendAttributes(w.blobs, m)
	a.blob(w.blobs[from:len(w.blobs):len(w.blobs)])
}

// blob keeps an empty text from becoming NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (w *writer) finishGroups(now time.Time) error {
	for gi := range w.groups {
		g := &w.groups[gi]
		ids := g.ids
		for i, n := range rowSteps {
			for len(ids) >= n {
				w.args.reset(0)
				w.args.int(int64(g.state))
				w.args.int(milli(now))
				w.args.int(int64(g.attempts))
				w.args.int(int64(g.error))
				w.args.text(g.reason)
				for _, id := range ids[:n] {
					w.args.int(int64(id))
				}
				if _, err := w.finish[i].ExecContext(context.Background(), w.args.values...); err != nil {
					return err
				}
				ids = ids[n:]
			}
		}
	}
	return nil
}
