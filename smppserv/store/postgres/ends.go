package postgres

import (
	"context"
	"errors"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/tally"

	"github.com/jackc/pgx/v5"
)

// ends are those of a batch, the first of each message.
type ends struct {
	written tries
	took    map[sms.ID]struct{}     // their states
	facts   map[sms.ID]*sms.Message // of those that the counters did not know
	likely  bool                    // the counters know all of them
}

const facts = "kind, submitter, recipient, source, destination, received_at"

func (w *writer) ends(b *store.Batch) *ends {
	e := &ends{likely: len(b.Ended) > 0}
	if !e.likely {
		return e
	}
	e.took = make(map[sms.ID]struct{}, len(b.Ended))
	seen := make(map[sms.ID]struct{}, len(b.Ended))
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			if _, again := seen[id]; again {
				continue
			}
			seen[id] = struct{}{}
			e.likely = e.likely && b.Tally.Known(id)
			tried, took := triedAt(v)
			a := &e.written
			a.ids, a.states = append(a.ids, int64(id)), append(a.states, int16(v.State))
			a.attempts, a.errors = append(a.attempts, int32(v.Attempts)), append(a.errors, int64(v.Error))
			a.reasons, a.tried = append(a.reasons, escape(v.Reason)), append(a.tried, tried)
			a.took, a.through = append(a.took, took), append(a.through, escape(v.Through))
		}
	}
	if e.likely {
		e.took = seen
	}
	return e
}

func (e *ends) args(b *store.Batch) []any {
	a := &e.written
	return []any{a.ids, a.states, a.attempts, a.errors, a.reasons, a.tried, a.took, a.through, store.Milli(b.Now)}
}

// keepTries queues what their rows have of tries before: of the same batch too, which have to be queued first.
func (e *ends) keepTries(q *pgx.Batch, t *tally.Sheet) {
	var before tries
	a := &e.written
	for i, id := range a.ids {
		if !t.Untried(sms.ID(id)) {
			before.keep(id, false, a.errors[i], a.reasons[i])
		}
	}
	before.queue(q)
}

// queue has them written; those that take their states are known when it is run.
func (e *ends) queue(q *pgx.Batch, b *store.Batch) {
	clear(e.took)
	query := endMessages
	if !e.likely {
		query = endUnknown
	}
	e.keepTries(q, b.Tally)
	q.Queue(query, e.args(b)...).Query(func(rows pgx.Rows) error {
		return e.read(rows, query == endUnknown)
	})
}

// queueLikely has them written, if all take their states.
func (e *ends) queueLikely(q *pgx.Batch, b *store.Batch) {
	e.keepTries(q, b.Tally)
	q.Queue(endLikely, append(e.args(b), int64(len(e.written.ids)))...)
}

func (e *ends) read(rows pgx.Rows, whole bool) error {
	var id int64
	for rows.Next() {
		if !whole {
			if err := rows.Scan(&id); err != nil {
				return err
			}
			e.took[sms.ID(id)] = struct{}{}
			continue
		}
		m, err := factsOf(rows, &id)
		if err != nil {
			return err
		}
		if e.facts == nil {
			e.facts = map[sms.ID]*sms.Message{}
		}
		m.ID = sms.ID(id)
		e.took[m.ID], e.facts[m.ID] = struct{}{}, m
	}
	return rows.Err()
}

// factsOf reads the columns in facts, behind others.
func factsOf(row pgx.Row, others ...any) (*sms.Message, error) {
	var kind int16
	var received int64
	m := &sms.Message{}
	err := row.Scan(append(others, &kind, &m.Submitter, &m.Recipient, &m.Source.Number, &m.Dest.Number, &received)...)
	m.Kind, m.ReceivedAt = sms.Kind(kind), time.UnixMilli(received)
	m.Submitter, m.Recipient = unescape(m.Submitter), unescape(m.Recipient)
	m.Source.Number, m.Dest.Number = unescape(m.Source.Number), unescape(m.Dest.Number)
	return m, err
}

// count tells the counters of the ends.
func (e *ends) count(ctx context.Context, w *writer, b *store.Batch) error {
	for _, v := range b.Ended {
		for _, id := range v.IDs {
			if _, took := e.took[id]; !took {
				continue
			}
			delete(e.took, id)
			if err := e.learn(ctx, w, b, id); err != nil {
				return err
			}
			if err := b.Tally.End(id, v.State, v.Error, store.Milli(b.Now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// learn has the counters know a message.
func (e *ends) learn(ctx context.Context, w *writer, b *store.Batch, id sms.ID) error {
	m := e.facts[id]
	switch {
	case b.Tally.Known(id):
		return nil
	case m == nil: // it was known, and another one of the batch took its place
		var err error
		m, err = factsOf(w.conn.QueryRow(ctx, "SELECT "+facts+" FROM messages WHERE id = $1", int64(id)))
		if errors.Is(err, pgx.ErrNoRows) {
			m = &sms.Message{}
		} else if err != nil {
			return err
		}
		m.ID = id
	}
	b.Tally.Learn(m)
	return nil
}
