package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/runs"

	"github.com/rs/zerolog"
)

// Checked is what a check of a database has found.
type Checked struct {
	Schema            int64
	Messages, Waiting int
	LastID, Mark      sms.ID
	Compared          int // messages looked for in the index of numbers
	Hours             int // of which the counters were held against the rows
	store.Findings
}

// CheckProgress is told how far a step of a check, or of a recovery, is: part from 0 to 1.
type CheckProgress func(step string, part float64)

const (
	// sampled is how many messages a check compares, unless it compares all.
	sampled = 1000
)

// Check looks through a database without changing it: its pages, the waiting messages, the index of numbers and the counters against the
// rows, the high-water mark. The worker may run meanwhile; then the index is left out. With all each message is compared, else about a
// thousand. An error means that it could not be looked through; what is wrong is in Faults.
func Check(ctx context.Context, file string, all bool, progress CheckProgress) (c Checked, err error) {
	if _, err := os.Stat(file); err != nil {
		return c, explain(file, err)
	}
	stopped := false
	if _, err := os.Stat(file + ".lock"); errors.Is(err, fs.ErrNotExist) {
		stopped = true
	} else if release, err := lock(file); err == nil {
		stopped = true
		defer release()
	}
	mark := markFile(file)
	file = followed(file)
	if err := checkOwner(ctx, file); err != nil {
		return c, explain(file, err)
	}
	db, err := sql.Open("sqlite", dsn(file, "query_only(true)")+"&mode=rw")
	if err != nil {
		return c, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	k := check{Checked: &c, ctx: ctx, db: db, all: all, progress: progress}
	if k.progress == nil {
		k.progress = func(string, float64) {}
	}
	if err := k.schema(); err != nil {
		return c, explain(file, err)
	}
	k.integrity()
	d := &database{file: file, gate: newGate(file)}
	d.readers = newPool(file, d.gate, store.Blind())
	defer func() { err = errors.Join(err, d.readers.close(), d.gate.close()) }()
	k.waiting(d)
	k.counters()
	if stopped {
		k.index(d)
	} else {
		c.Left = append(c.Left, "the index of numbers: the server runs and works on it")
	}
	k.mark(mark)
	return c, ctx.Err()
}

type check struct {
	*Checked
	ctx      context.Context
	db       *sql.DB
	all      bool
	progress CheckProgress
}

func (k *check) schema() (err error) {
	if k.Schema, err = version(k.ctx, k.db); err != nil {
		return err
	}
	newest, err := newestSchema(k.db)
	switch {
	case err != nil:
		return err
	case k.Schema > newest:
		return errNewer
	case k.Schema < newest:
		return fmt.Errorf("its schema is %d, of an earlier version of smppserv: the next start brings it to %d; or check it with that version", k.Schema, newest)
	}
	return nil
}

func newestSchema(db *sql.DB) (int64, error) {
	p, err := migrator(db, zerolog.Nop())
	if err != nil {
		return 0, err
	}
	sources := p.ListSources()
	return sources[len(sources)-1].Version, nil
}

// integrity looks through the pages, table by table.
func (k *check) integrity() {
	tables, err := tablesOf(k.ctx, k.db)
	if err != nil {
		k.Fault("the list of its tables cannot be read: %v", err)
		return
	}
	for i, table := range tables {
		k.progress("pages of "+table, float64(i)/float64(len(tables)))
		rows, err := k.db.QueryContext(k.ctx, "PRAGMA integrity_check("+table+")")
		if err != nil {
			k.Fault("table %s: %v", table, err)
			continue
		}
		for rows.Next() {
			var answer string
			if err := rows.Scan(&answer); err == nil && answer != "ok" {
				k.Fault("table %s: %s", table, answer)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			k.Fault("table %s: %v", table, err)
		}
	}
}

func tablesOf(ctx context.Context, db *sql.DB) (tables []string, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	return tables, rows.Err()
}

// waiting reads what waits, with its text, as the server does.
func (k *check) waiting(d *database) {
	if err := k.db.QueryRowContext(k.ctx, "SELECT count(*) FROM messages").Scan(&k.Messages); err != nil {
		k.Fault("the messages cannot be counted: %v", err)
	}
	ids, err := d.WaitingIDs(k.ctx, 0, 1<<62, 1<<30)
	if err != nil {
		k.Fault("what waits cannot be listed: %v", err)
	}
	k.Waiting = len(ids)
	for i, id := range ids {
		if i%loadStep == 0 {
			k.progress("waiting messages", float64(i)/float64(len(ids)))
		}
		switch ms, err := d.Load(k.ctx, []sms.ID{id}, store.Whole); {
		case k.ctx.Err() != nil:
			return
		case err != nil:
			k.Fault("message %d waits, and cannot be read: %v", id, err)
		case len(ms) == 0: // it was purged meanwhile
		}
	}
}

// counters holds what was accepted in an hour against the rows of it. Rows may have been purged; of an hour whose ids are without a gap
// none was, and the counters say the same.
func (k *check) counters() {
	rows, err := k.db.QueryContext(k.ctx, "SELECT h.hour, h.n, (SELECT count(*) FROM messages m WHERE m.id > (SELECT message_id FROM counted) AND m.id >= f.first "+
		"AND m.id <= f.last AND m.received_at >= h.hour AND m.received_at < h.hour + 3600000) "+
		"FROM (SELECT hour, sum(n) AS n FROM hourly WHERE state = 1 GROUP BY hour ORDER BY hour DESC LIMIT ?) h, (SELECT min(id) AS first, max(id) AS last FROM messages) f", k.hours())
	if err != nil {
		k.Fault("the counters cannot be read: %v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var hour, counted, there int64
		if err := rows.Scan(&hour, &counted, &there); err != nil {
			k.Fault("the counters cannot be read: %v", err)
			return
		}
		k.Hours++
		k.progress("counters", float64(k.Hours)/float64(k.hours()))
		k.FaultOfHour(hour, counted, there)
	}
	if err := rows.Err(); err != nil {
		k.Fault("the counters cannot be held against the rows: %v", err)
	}
}

func (k *check) hours() int {
	if k.all {
		return 1 << 30
	}
	return 48
}

// index looks for messages by their numbers.
func (k *check) index(d *database) {
	storage := &readOnly{pieces: (*pieces)(d), asked: make(chan struct{})}
	all, err := storage.Runs(k.ctx)
	if err != nil {
		k.Fault("the index of numbers cannot be read: %v", err)
		return
	}
	first, last := sms.ID(0), sms.ID(0)
	for _, r := range all {
		if r.State == runs.Whole && (first == 0 || r.First < first) {
			first = r.First
		}
		if r.State == runs.Whole {
			last = max(last, r.Last)
		}
	}
	if last == 0 {
		k.Left = append(k.Left, "the index of numbers: nothing of it is on disk yet, and a start makes it")
		return
	}
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	none := func(_ context.Context, _ sms.ID, into []runs.Entry) ([]runs.Entry, error) { return into, nil }
	x, err := runs.Open(ctx, runs.Options{Storage: storage, Messages: none, Log: zerolog.Nop()})
	if err != nil {
		k.Fault("the index of numbers cannot be opened: %v; a start makes it anew", err)
		return
	}
	defer x.Close()
	ready, done := context.WithCancel(ctx)
	go func() {
		defer done()
		select {
		case <-storage.asked: // before it is ready it writes only to be made anew
		case <-ctx.Done():
		}
	}()
	if err = x.Ready(ready); err != nil {
		if k.ctx.Err() != nil {
			return
		}
		k.Fault("the index of numbers is damaged: a start makes it anew from the messages")
		return
	}
	step := sms.ID(1)
	if n := last - first; !k.all && n > sampled {
		step = n / sampled
	}
	for after := first - 1; after < last && ctx.Err() == nil; {
		found := sms.ID(0)
		err := (*messages)(d).ends(ctx, ends+"WHERE id > ? AND id <= ? ORDER BY id LIMIT 1", func(m *sms.Message) {
			found = m.ID
			k.find(ctx, x, m.ID, m.Source.Number)
			k.find(ctx, x, m.ID, m.Dest.Number)
		}, int64(after), int64(last))
		switch {
		case err != nil:
			k.Fault("messages after %d cannot be read: %v", after, err)
			return
		case found == 0:
			return
		}
		k.Compared++
		k.progress("index of numbers", float64(found-first)/float64(last-first+1))
		after = found - 1 + step
	}
}

func (k *check) find(ctx context.Context, x *runs.Index, id sms.ID, number string) {
	for got, err := range x.Find(ctx, runs.NumberKey(number), id, id) {
		if err != nil {
			k.Fault("the index of numbers cannot be searched for message %d: %v; a start makes it anew", id, err)
			return
		}
		if got == id {
			return
		}
	}
	k.Fault("the index of numbers does not have message %d", id)
}

// readOnly is the storage of an index that nobody works on: what would be written waits for the end.
type readOnly struct {
	*pieces
	asked chan struct{} // closed when something would be written
	once  sync.Once
}

// Write implements runs.Storage.
func (r *readOnly) Write(ctx context.Context, _ *runs.Step) error {
	r.once.Do(func() { close(r.asked) })
	<-ctx.Done()
	return ctx.Err()
}

func (k *check) mark(file string) {
	if err := k.db.QueryRowContext(k.ctx, highestID).Scan(&k.LastID); err != nil {
		k.Fault("the highest message_id cannot be read: %v", err)
	}
	var err error
	switch k.Mark, err = store.ReadMark(file); {
	case err != nil:
		k.Fault("%v", err)
	case k.Mark < k.LastID && k.Mark > 0:
		k.Fault("the high-water mark of the message ids, %d, is below the highest one, %d; a start raises it", k.Mark, k.LastID)
	}
}
