package postgres

import (
	"context"
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Checked is what a check of a database has found.
type Checked struct {
	Where             string
	Schema            int64
	Tables            int
	Rows              int64 // of all tables
	Messages, Waiting int
	LastID            sms.ID
	Compared          int // messages looked for in the indexes of the two numbers
	Hours             int // of which the counters were held against the rows
	store.Findings
}

// CheckProgress is told how far a step of a check is: part from 0 to 1.
type CheckProgress func(step string, part float64)

const (
	// checking is what the connection of a check calls itself.
	checking = "hnetsmpp check"
	// windowBlocks are read by one statement, 8 MB.
	windowBlocks = 1024
	// sampled is how many messages a check compares, unless it compares all.
	sampled = 1000
	// compareStep is how many are looked for at once.
	compareStep = 1000
	// tidRanges is PostgreSQL 14, which reads a part of a table by its bounds; before, each place in it must be named.
	tidRanges = 140000
)

// tables are ours, as the migrations make them.
var tables = []string{"hnet_smpp", "messages", "submit_multi", "external_ids", "tries", "last_message_id", "clock_steps", "jobs", "counted", "hourly", "minutes", "audit",
	"clients", "nodes", "fences", "estates", "slots", "asks", "leader", "groups", "pending", "once", "content_keys"}

// Check looks through a database without changing it, in one snapshot, so that workers may run meanwhile: it reads each row of each table,
// decodes each message, and holds what waits against who has it, the indexes and the counters against the rows. With all each message is
// looked for by its numbers, else about a thousand. An error means that it could not be looked through; what is wrong is in Faults.
func Check(ctx context.Context, o Options, all bool, progress CheckProgress) (c Checked, err error) {
	config, err := parse(o.DSN, o.Beside)
	if err != nil {
		return c, err
	}
	d := &Database{o: o, config: config}
	c.Where = "PostgreSQL " + d.where()
	p := config.RuntimeParams
	p["application_name"], p["client_encoding"], p["timezone"], p["jit"] = checking, "UTF8", "UTC", "off"
	p["statement_timeout"], p["lock_timeout"], p["idle_in_transaction_session_timeout"] = "0", "10s", "0"
	p["default_transaction_read_only"] = "on"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return c, d.unchecked(ctx, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	k := &check{Checked: &c, d: d, all: all, progress: progress}
	if k.progress == nil {
		k.progress = func(string, float64) {}
	}
	if err := k.schema(ctx, conn); err != nil {
		return c, d.unchecked(ctx, err)
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return c, d.unchecked(ctx, pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		k.tx = tx
		return k.run(ctx)
	}))
}

// unchecked is why a database could not be looked through.
func (d *Database) unchecked(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return advise(d.where(), err, "; PostgreSQL cannot be reached")
}

type check struct {
	*Checked
	d        *Database
	tx       pgx.Tx
	all      bool
	progress CheckProgress

	ofBlocks string          // a condition: of a part of a table
	there    map[int64]int64 // messages of each hour, of those that are counted
	counted  int64           // the last message before counting began
	highest  sms.ID
	failed   int // messages whose state is one of a failure
	step     int // every so many messages is looked for by its numbers
}

func (k *check) schema(ctx context.Context, c *pgx.Conn) error {
	_, newest, err := schemas()
	if err != nil {
		return err
	}
	if k.Schema, err = k.d.version(ctx, c, newest); err != nil {
		return err
	}
	switch {
	case k.Schema == 0:
		return errors.New("there are no tables of ours yet: the first start of a worker makes them")
	case k.Schema < newest:
		return fmt.Errorf("its schema is %d, of an earlier version of smppserv: the next start brings it to %d; or check it with that version", k.Schema, newest)
	case k.Schema > newest:
		k.Left = append(k.Left, fmt.Sprintf("what the schema %d has and %d has not: a newer version of smppserv runs on this database, and its check knows", k.Schema, newest))
	}
	var server int
	err = c.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&server)
	k.ofBlocks = blocksByBounds
	if server < tidRanges {
		k.ofBlocks = blocksByPlaces
	}
	return err
}

// attempt does one thing whose failure is a fault, and no end of the check, unless the server is away.
func (k *check) attempt(ctx context.Context, what string, f func(pgx.Tx) error) error {
	return k.attemptIn(ctx, k.tx, what, f)
}

func (k *check) attemptIn(ctx context.Context, tx pgx.Tx, what string, f func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, tx, f) // a savepoint
	if fault, refused := errors.AsType[*pgconn.PgError](err); refused && ctx.Err() == nil && !IsAway(err) {
		k.Fault("%s cannot be read: %s (%s)", what, fault.Message, fault.Code)
		return nil
	}
	return err
}

func (k *check) run(ctx context.Context) error {
	k.Left = append(k.Left, "PostgreSQL's files: what is in no row that can be read, and indexes but by what is looked for, is found by its own pg_amcheck")
	k.there = map[int64]int64{}
	err := k.attempt(ctx, "the table counted", func(tx pgx.Tx) error {
		var estimate int64
		err := tx.QueryRow(ctx, "SELECT coalesce(max(message_id), 0), (SELECT greatest(reltuples, pg_relation_size(oid) / 500)::bigint FROM pg_class WHERE oid = 'messages'::regclass) FROM counted").Scan(&k.counted, &estimate)
		if k.step = 1; !k.all {
			k.step = max(1, int(estimate/sampled))
		}
		return err
	})
	for _, table := range tables {
		if err == nil {
			err = k.table(ctx, table)
		}
	}
	for _, look := range []func(context.Context) error{k.listed, k.holders, k.counters, k.lastID, k.marks} {
		if err == nil {
			err = look(ctx)
		}
	}
	return err
}

// table reads all of a table, in windows of blocks. One that cannot be read is halved until the blocks are found that are damaged.
func (k *check) table(ctx context.Context, table string) error {
	var blocks int64
	found := false
	err := k.attempt(ctx, "the size of the table "+table, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::int", pgx.Identifier{table}.Sanitize()).Scan(&blocks)
		found = err == nil
		return err
	})
	if err != nil || !found {
		return err
	}
	k.Tables++
	for from := int64(0); from < blocks; from += windowBlocks {
		k.progress("table "+table, float64(from)/float64(blocks))
		if err := k.window(ctx, table, from, min(from+windowBlocks, blocks)); err != nil {
			return err
		}
	}
	return nil
}

func (k *check) window(ctx context.Context, table string, from, to int64) error {
	read := k.rows
	if table == "messages" {
		read = k.messages
	}
	err := pgx.BeginFunc(ctx, k.tx, func(tx pgx.Tx) error { return read(ctx, tx, table, from, to) })
	fault, refused := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil || !refused || ctx.Err() != nil || IsAway(err):
		return err
	case to-from == 1:
		k.Fault("table %s: block %d of its file, and the rows in it, cannot be read: %s (%s)", table, from, fault.Message, fault.Code)
		return nil
	}
	middle := from + (to-from)/2
	if err := k.window(ctx, table, from, middle); err != nil {
		return err
	}
	return k.window(ctx, table, middle, to)
}

// Conditions on ctid, of the blocks from $1 up to $2. A block has no more rows than one for each 28 octets: what each takes at least.
const (
	blocksByBounds = "ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid"
	blocksByPlaces = "ctid = ANY (ARRAY(SELECT format('(%s,%s)', b, o)::tid FROM generate_series($1::bigint, $2::bigint - 1) b, " +
		"generate_series(1, current_setting('block_size')::int / 28) o))"
)

// rows has the server read whole rows, also what of them is elsewhere.
func (k *check) rows(ctx context.Context, tx pgx.Tx, table string, from, to int64) error {
	var n int64
	var octets *int64
	if err := tx.QueryRow(ctx, "SELECT count(*), sum(octet_length(t::text)) FROM "+pgx.Identifier{table}.Sanitize()+" t WHERE "+k.ofBlocks, from, to).Scan(&n, &octets); err != nil {
		return err
	}
	k.Rows += n
	return nil
}
