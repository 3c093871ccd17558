package postgres

import (
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

func TestNothingThatTheWriterDoesIsCompiled(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	d, err := OpenDatabase(t.Context(), Options{DSN: pg.Database(t), Folder: t.TempDir(), Node: "a", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.pool.Exec(t.Context(), "INSERT INTO fences (epoch, commits) VALUES (1, 0)"); err != nil {
		t.Fatal(err)
	}
	if err := d.writer.open(t.Context(), d, sms.Epoch(1)); err != nil {
		t.Fatal(err)
	}
	rows, err := d.writer.conn.Query(t.Context(), "EXPLAIN ANALYZE UPDATE last_message_id SET id = id + 1 RETURNING id")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "JIT") {
			t.Error("the server compiles it, which takes longer than the statement may under load")
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
