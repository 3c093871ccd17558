package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
)

func parameter(n int) string { return "$" + strconv.Itoa(n) }

// rows calls f for each row of a query until it fails.
func (d *Database) rows(ctx context.Context, query string, f func(pgx.Rows) error, args ...any) error {
	rows, err := d.reads.Query(ctx, query, args...)
	if err != nil {
		return explain(d.where(), err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explain(d.where(), err)
	}
	return nil
}

// each is rows for one that has its columns read into to.
func (d *Database) each(ctx context.Context, query string, to []any, f func() error, args ...any) error {
	return d.rows(ctx, query, func(rows pgx.Rows) error {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		return f()
	}, args...)
}

// messages calls f for each message of a query, whose columns are columns, until it fails.
func (d *Database) messages(ctx context.Context, query string, f func(*sms.Message) error, args ...any) error {
	return d.passing(ctx, query, func(sms.ID, error) bool { return false }, f, args...)
}

// passing is messages that leaves those out of which passes tells, when they cannot be read.
func (d *Database) passing(ctx context.Context, query string, passes func(sms.ID, error) bool, f func(*sms.Message) error, args ...any) error {
	r := reader{epoch: d.Epoch(), lives: *d.lives.Load(), keys: d.o.Keys}
	return d.rows(ctx, query, func(rows pgx.Rows) error {
		m := &sms.Message{}
		switch err := r.read(rows, m); {
		case err == nil:
			return f(m)
		case passes(m.ID, err):
			return nil
		default:
			return err
		}
	}, args...)
}

func (d *Database) ids(ctx context.Context, query string, args ...any) (ids []sms.ID, err error) {
	var id int64
	err = d.each(ctx, query, []any{&id}, func() error { ids = append(ids, sms.ID(id)); return nil }, args...)
	return ids, err
}

// Answer implements store.Database.
func (d *Database) Answer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return d.rows(ctx, "SELECT 1 FROM last_message_id", func(pgx.Rows) error { return nil })
}

// LastID implements store.Database.
func (d *Database) LastID(ctx context.Context) (sms.ID, error) {
	var id int64
	err := d.each(ctx, "SELECT id FROM last_message_id", []any{&id}, func() error { return nil })
	return sms.ID(id), err
}

const loadStep = 256

var (
	loadWhole = "SELECT " + fmt.Sprintf(columns, "m.content") + " FROM messages m WHERE m.id = any($1) ORDER BY m.id"
	loadBare  = "SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE m.id = any($1) ORDER BY m.id"
	loadHead  = "SELECT " + fmt.Sprintf(columns, fmt.Sprintf("CASE WHEN get_byte(m.attributes, 0) = %d THEN m.content ELSE substr(m.content, 1, %d) END", store.SealedVersion, sms.HeadOctets)) + " FROM messages m WHERE m.id = any($1) ORDER BY m.id"
)

// Load implements store.Database.
func (d *Database) Load(ctx context.Context, ids []sms.ID, part store.Part) ([]*sms.Message, error) {
	query := [...]string{store.Whole: loadWhole, store.Head: loadHead, store.Bare: loadBare}[part]
	if !slices.IsSorted(ids) {
		ids = slices.Sorted(slices.Values(ids))
	}
	ms := make([]*sms.Message, 0, len(ids))
	for step := range slices.Chunk(slices.Compact(slices.Clone(ids)), loadStep) {
		if err := d.messages(ctx, query, func(m *sms.Message) error {
			if part == store.Head {
				m.Content = m.Content[:min(len(m.Content), sms.HeadOctets)]
			}
			ms = append(ms, m)
			return nil
		}, numbersOf(step)); err != nil {
			return nil, err
		}
	}
	return ms, nil
}

// waitingStep is how many messages are read together.
const waitingStep = 2000

var (
	waitingOf   = "SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE m.final_at IS NULL AND m.holder %s AND m.id > $2 ORDER BY m.id LIMIT $3"
	waitingOwn  = fmt.Sprintf(waitingOf, own)
	waitingHeld = fmt.Sprintf(waitingOf, "= any($1::bigint[])")
)

// Waiting implements store.Database: what this epoch holds, and those that it has taken over. Rows that cannot be read are left out, see
// passes.
func (d *Database) Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error {
	return d.waiting(ctx, waitingOwn, d.epoch.Load(), after, f)
}

// WaitingOf implements store.Database.
func (d *Database) WaitingOf(ctx context.Context, holders []sms.Epoch, f func(*sms.Message) error) error {
	numbers := make([]int64, len(holders))
	for i, e := range holders {
		numbers[i] = int64(e)
	}
	return d.waiting(ctx, waitingHeld, numbers, 0, f)
}

func (d *Database) waiting(ctx context.Context, query string, holders any, after sms.ID, f func(*sms.Message) error) error {
	r := reader{epoch: d.Epoch(), lives: *d.lives.Load(), keys: d.o.Keys}
	m, own := &sms.Message{}, &sms.Receipt{}
	for n := waitingStep; n == waitingStep; {
		n = 0
		last := after
		var failed error
		err := d.rows(ctx, query, func(rows pgx.Rows) error {
			m.Receipt = own
			failed = r.read(rows, m)
			passed := failed != nil && d.passes(m.ID, failed)
			if failed != nil && !passed {
				return failed
			}
			n++
			if last, failed = m.ID, nil; passed {
				return nil
			}
			if failed = d.place(ctx, m); failed == nil {
				failed = f(m)
			}
			return failed
		}, holders, int64(after), waitingStep)
		switch {
		case failed != nil:
			return failed
		case err != nil && n > 0 && ctx.Err() == nil: // f took its time, and the statement its end
			n = waitingStep
		case err != nil:
			return err
		}
		after = last
	}
	return nil
}

// idStep is how many ids are read together.
const idStep = 100_000

// WaitingIDs implements store.Database.
func (d *Database) WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) (ids []sms.ID, err error) {
	for len(ids) < limit {
		step := min(idStep, limit-len(ids))
		some, err := d.ids(ctx, "SELECT id FROM messages WHERE final_at IS NULL AND holder "+own+" AND id > $2 AND id <= $3 ORDER BY id LIMIT $4",
			d.epoch.Load(), int64(after), int64(upTo), step)
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

var heldElsewhere = "SELECT " + fmt.Sprintf(columns, noContent) + " FROM messages m WHERE m.final_at IS NULL AND NOT (m.holder " + own + ") " +
	"AND m.submitter = $2 AND m.recipient = $3 AND m.source = $4 AND m.destination = $5 ORDER BY m.id"

// HeldElsewhere implements store.Database.
func (d *Database) HeldElsewhere(ctx context.Context, like *sms.Message, limit int) (ms []*sms.Message, err error) {
	err = d.messages(ctx, heldElsewhere, func(m *sms.Message) error {
		if like.ServiceType == "" || m.ServiceType == like.ServiceType {
			ms = append(ms, m)
		}
		if len(ms) == limit {
			return errEnough
		}
		return nil
	}, d.epoch.Load(), escape(like.Submitter), escape(like.Recipient), escape(like.Source.Number), escape(like.Dest.Number))
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ms, err
}

// errEnough ends a query that has what is wanted.
var errEnough = errors.New("enough")

// KnownAs implements store.Database.
func (d *Database) KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error) {
	return d.ids(ctx, "SELECT id FROM messages WHERE id = $1 UNION SELECT message_id FROM submit_multi WHERE known_by = $1 ORDER BY 1", int64(id))
}

// named are the epochs whose workers have a name, those that are over among them.
const named = "SELECT epoch, lower(node) AS node FROM estates WHERE node <> '' UNION ALL SELECT epoch, lower(name) FROM nodes"

// clockSteps are those of all workers, with the lives of each.
const clockSteps = "WITH lives AS (" + named + ") " +
	"SELECT c.message_id, c.on_their_way, c.set_from, c.set_to, ARRAY(SELECT o.epoch FROM lives l JOIN lives o ON o.node = l.node WHERE l.epoch = c.epoch " +
	"UNION SELECT c.epoch) FROM clock_steps c ORDER BY c.id"

// ClockSteps implements store.Database.
func (d *Database) ClockSteps(ctx context.Context) (steps []road.ClockStep, err error) {
	if err := d.readLives(ctx); err != nil {
		return nil, err
	}
	var last, onTheirWay, from, to int64
	var of []sms.Epoch
	err = d.each(ctx, clockSteps, []any{&last, &onTheirWay, &from, &to, &of}, func() error {
		if slices.ContainsFunc(of, d.isLife) {
			of = nil
		}
		steps = append(steps, road.ClockStep{LastID: sms.ID(last), OnTheirWay: sms.ID(onTheirWay), From: time.UnixMilli(from), To: time.UnixMilli(to), Of: of})
		of = nil
		return nil
	})
	return steps, err
}

// isLife tells whether an epoch is a life of this worker: the present one, or one before.
func (d *Database) isLife(e sms.Epoch) bool {
	return e == d.Epoch() || slices.Contains(*d.lives.Load(), e)
}

// readLives reads which lives this worker had before. Of who has the database for itself they are all.
func (d *Database) readLives(ctx context.Context) error {
	lives := []sms.Epoch{}
	var e int64
	err := d.each(ctx, "SELECT epoch FROM estates WHERE $2 OR lower(node) = lower($1::text)", []any{&e}, func() error {
		lives = append(lives, sms.Epoch(e))
		return nil
	}, d.o.Node, d.alone)
	if err == nil {
		d.lives.Store(&lives)
	}
	return err
}

// LastPurge implements store.Database.
func (d *Database) LastPurge(ctx context.Context) (at time.Time, err error) {
	var ms int64
	err = d.each(ctx, "SELECT ran_at FROM jobs WHERE name = '"+purgeJob+"'", []any{&ms}, func() error { at = time.UnixMilli(ms); return nil })
	return at, err
}

// Ages implements store.Database.
func (d *Database) Ages(ctx context.Context, after sms.ID, limit int, f func(store.Age)) error {
	var a store.Age
	var id int64
	var final *int64
	return d.each(ctx, "SELECT id, received_at, final_at, expires_at FROM messages WHERE id > $1 ORDER BY id LIMIT $2", []any{&id, &a.Received, &final, &a.Expires}, func() error {
		a.ID, a.Ended, a.Final = sms.ID(id), final != nil, 0
		if final != nil {
			a.Final = *final
		}
		f(a)
		return nil
	}, int64(after), limit)
}

// Conversations implements store.Database: there was no earlier version.
func (d *Database) Conversations(context.Context, int64, int, func(row, writtenAt int64)) error {
	return nil
}
