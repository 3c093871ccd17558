package runs_test

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"
	_ "modernc.org/sqlite"

	"hnetsmpp/smppserv/store/runs"
)

// tables is a Storage in SQLite.
type tables struct {
	db *sql.DB
}

const schema = `
CREATE TABLE runs (
    number      INTEGER PRIMARY KEY,
    level       INTEGER NOT NULL,
    state       INTEGER NOT NULL, -- 1 growing, 2 whole, 3 leaving
    first_id    INTEGER NOT NULL,
    last_id     INTEGER NOT NULL,
    pairs       INTEGER NOT NULL,
    newest_only INTEGER NOT NULL,
    blocks      INTEGER NOT NULL,
    directory   INTEGER NOT NULL,
    filter      INTEGER NOT NULL
) STRICT;
CREATE TABLE run_pieces (
    place INTEGER PRIMARY KEY, -- run << 32 | piece
    data  BLOB NOT NULL
) STRICT;`

func newTables(t testing.TB) *tables {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "runs.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(schema); err != nil {
		t.Fatal(err)
	}
	return &tables{db}
}

func (s *tables) Runs(ctx context.Context) (rows []runs.Run, err error) {
	all, err := s.db.QueryContext(ctx, "SELECT number, level, state, first_id, last_id, pairs, newest_only, blocks, directory, filter FROM runs")
	if err != nil {
		return nil, err
	}
	defer all.Close()
	for all.Next() {
		var r runs.Run
		if err := all.Scan(&r.Number, &r.Level, &r.State, &r.First, &r.Last, &r.Pairs, &r.NewestOnly, &r.Blocks, &r.Directory, &r.Filter); err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, all.Err()
}

func rowid(run uint64, n runs.PieceNumber) int64 { return int64(run<<32 | uint64(n)) }

func (s *tables) Piece(ctx context.Context, run uint64, n runs.PieceNumber) (data []byte, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT data FROM run_pieces WHERE place = ?", rowid(run, n)).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

func (s *tables) Write(ctx context.Context, step *runs.Step) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	for _, r := range step.Runs {
		if _, err := tx.Exec("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", int64(r.Number), r.Level, int64(r.State), int64(r.First),
			int64(r.Last), int64(r.Pairs), int64(r.NewestOnly), r.Blocks, r.Directory, r.Filter); err != nil {
			return err
		}
	}
	for _, p := range step.Pieces {
		if _, err := tx.Exec("INSERT OR REPLACE INTO run_pieces VALUES (?, ?)", rowid(p.Run, p.Number), p.Data); err != nil {
			return err
		}
	}
	for _, c := range step.Clear {
		if _, err := tx.Exec("DELETE FROM run_pieces WHERE place >= ? AND place < ?", rowid(c.Run, c.From), rowid(c.Run, c.To)); err != nil {
			return err
		}
	}
	for _, n := range step.Gone {
		if _, err := tx.Exec("DELETE FROM runs WHERE number = ?", int64(n)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func TestAnIndexInSQLiteIsFoundAgainAfterARestart(t *testing.T) {
	disk, m := newTables(t), &messages{}
	o := runs.Options{Storage: disk, Messages: m.read, TailMessages: 500, FanIn: 3, Pause: -1, Log: zerolog.Nop()}
	for range 3 {
		m.add(many(m.last()+1, make([]runs.Entry, 4000))...)
		x := open(t, o)
		for _, e := range m.entries {
			if e.ID%50 == 0 {
				m.check(t, x, e.Keys[0], 0, math.MaxUint64)
				m.check(t, x, e.Keys[2], 0, math.MaxUint64)
			}
		}
		x.Close()
	}
	var pages, pieces int
	if err := disk.db.QueryRow("SELECT (SELECT count(*) FROM dbstat WHERE name = 'run_pieces' AND pagetype = 'overflow'), (SELECT count(*) FROM run_pieces)").Scan(&pages, &pieces); err != nil {
		t.Skip("this SQLite has no dbstat: ", err)
	}
	if pages > 0 || pieces < 50 {
		t.Errorf("%d pieces take %d pages beside their own", pieces, pages)
	}
}
