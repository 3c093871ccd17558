package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"hnetsmpp/smppserv/testkit"

	_ "modernc.org/sqlite" // the driver
)

// Rows are not made up here: the server stores some, and these are multiplied by SQL while it does not run. So they are as
// it writes them, and a column more needs nothing here. This file alone knows the schema.

const (
	seedPattern = 1000      // messages that the server stores itself
	seedStep    = 100_000   // rows of one transaction
	seedPhones  = 1_000_000 // numbers that they come from
)

// open opens the store with SQL; readOnly beside a running server.
func open(t *trial, store string, readOnly bool) *sql.DB {
	pragmas := "_pragma=busy_timeout(10000)"
	if readOnly {
		pragmas += "&mode=ro&_pragma=query_only(true)"
	} else {
		pragmas += "&_pragma=synchronous(off)"
	}
	path := (&url.URL{Path: filepath.ToSlash(store)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?"+pragmas)
	t.must(err)
	db.SetMaxOpenConns(1)
	return db
}

// count reads one number beside the server.
func count(t *trial, store, query string, args ...any) (n int) {
	db := open(t, store, true)
	defer db.Close()
	t.must(db.QueryRow(query, args...).Scan(&n))
	return n
}

// settled returns when nothing waits.
func (w *server) settled(t *trial) {
	db := open(t, w.store, true)
	defer db.Close()
	for until := time.Now().Add(5 * time.Minute); ; {
		var n int
		t.must(db.QueryRow("SELECT count(*) FROM messages WHERE final_at IS NULL").Scan(&n))
		if n == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d messages still wait", n)
		}
		t.note(fmt.Sprintf("%s messages left", thousands(float64(n))))
		time.Sleep(100 * time.Millisecond)
	}
}

// seeded is a server that does not run, with a pattern of final messages in its store.
func (t *trial) seeded(more ...testkit.Settings) *server {
	folder := t.TempDir()
	store := filepath.Join(folder, storeFile)
	testkit.WriteConfig(t, folder, settings(false), testkit.Settings{"jobs.purge_messages_hour": -1}) // with the stand-in for Hermès
	w := &server{Worker: testkit.StartWorker(t, filepath.Join(folder, "config.toml")), store: store}
	t.submit("storing a pattern", eight(seedPattern, seedPattern), w.SMPP)
	w.settled(t)
	w.Stop(t)
	testkit.WriteConfig(t, folder, append([]testkit.Settings{settings(false)}, more...)...)
	return w
}

// grow brings the number of final messages to n. Their ids rise with their times, which lie between from and to. The server
// makes its index of numbers anew at the next start: see startSeeded.
func (w *server) grow(t *trial, n int, from, to time.Time) {
	db := open(t, w.store, false)
	defer db.Close()
	conn, err := db.Conn(context.Background())
	t.must(err)
	defer conn.Close()
	exec := func(query string, args ...any) {
		_, err := conn.ExecContext(context.Background(), query, args...)
		t.must(err)
	}
	var have, last int
	scan := func() {
		t.must(conn.QueryRowContext(context.Background(), "SELECT count(*), coalesce(max(id), 0) FROM messages").Scan(&have, &last))
	}
	scan()
	step := max(1, to.Sub(from).Milliseconds()/int64(t.max+seedStep)) // milliseconds from one message to the next
	at := func(id string) string { return fmt.Sprintf("%d + %s * %d", from.UnixMilli(), id, step) }
	exec("UPDATE messages SET received_at = " + at("id") + ", due_at = " + at("id") + ", final_at = 1000 + " + at("id") + ", expires_at = 86400000 + " + at("id"))

	names, values := columns(t, conn, "messages", map[string]string{
		"id": "m.id + ?1", "source": fmt.Sprintf("printf('336%%08d', (m.id + ?1) * 7919 %% %d)", seedPhones), "received_at": at("(m.id + ?1)"),
		"due_at": at("(m.id + ?1)"), "final_at": "1000 + " + at("(m.id + ?1)"), "expires_at": "86400000 + " + at("(m.id + ?1)"),
	})
	first := last - have + 1
	for have < n {
		rows := min(have, seedStep, n-have)
		t.note(fmt.Sprintf("storing messages: %s of %s", thousands(float64(have)), thousands(float64(n))))
		exec(fmt.Sprintf("INSERT INTO messages (%s) SELECT %s FROM messages m WHERE m.id >= ?2 AND m.id < ?3", names, values), last+1-first, first, first+rows)
		have, last = have+rows, last+rows
		if have%(5*seedStep) == 0 {
			exec("PRAGMA wal_checkpoint(TRUNCATE)")
		}
	}
	exec("DELETE FROM run_pieces")
	exec("DELETE FROM runs")
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
}

// seededPatience is for the start of a server that makes its index.
const seededPatience = 5 * time.Minute

// startSeeded starts it and returns when its index of numbers has what grow put there, and rests.
func (w *server) startSeeded(t *trial) {
	t.note("starting, with an index to make")
	w.StartWithin(t, seededPatience)
	const still = 4 // looks
	blocks, same := -1, 0
	for until := time.Now().Add(seededPatience); same < still; {
		if n := count(t, w.store, "SELECT count(*) + coalesce(sum(1000 * blocks + state), 0) FROM runs"); n == blocks {
			same++
		} else {
			blocks, same = n, 0
		}
		if time.Now().After(until) {
			t.Fatal("the index of numbers does not rest")
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// columns are the names of a table's columns, and for each its value: of row m, or another.
func columns(t *trial, conn *sql.Conn, table string, other map[string]string) (names, values string) {
	rows, err := conn.QueryContext(context.Background(), "SELECT name FROM pragma_table_info(?)", table)
	t.must(err)
	defer rows.Close()
	var n, v []string
	for rows.Next() {
		var name string
		t.must(rows.Scan(&name))
		value, ok := other[name]
		if !ok {
			value = "m." + name
		}
		n, v = append(n, name), append(v, value)
	}
	t.must(rows.Err())
	return strings.Join(n, ", "), strings.Join(v, ", ")
}

// drop removes what waits, so that the next measurement finds what this one found.
func (w *server) drop(t *trial) {
	db := open(t, w.store, false)
	defer db.Close()
	_, err := db.Exec("DELETE FROM messages WHERE final_at IS NULL")
	t.must(err)
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	t.must(err)
}

// failing is one of how many messages that grow makes to have failed.
const failing = 97

// count has the counters of what grow made, and some of it failed: as the server would have counted it.
func (w *server) count(t *trial) {
	db := open(t, w.store, false)
	defer db.Close()
	const (
		hour = "%s / 3600000 * 3600000"
		key  = "CASE submitter WHEN '' THEN recipient ELSE submitter END, CASE recipient WHEN '' THEN destination ELSE source END, '', kind, submitter = '' AND recipient <> ''"
	)
	for _, query := range []string{
		fmt.Sprintf("UPDATE messages SET state = 5, error = 404 WHERE id %% %d = 0", failing),
		"DELETE FROM failed", "DELETE FROM hourly", "UPDATE counted SET message_id = 0, since = 0",
		"INSERT INTO failed SELECT id FROM messages WHERE state IN (3, 5, 8)",
		"INSERT INTO hourly SELECT " + fmt.Sprintf(hour, "received_at") + ", " + key + ", 1, '', '', count(*), count(*), x'' FROM messages GROUP BY 1, 2, 3, 5, 6",
		"INSERT INTO hourly SELECT " + fmt.Sprintf(hour, "final_at") + ", " + key + ", state, iif(error = 0, '', 'http ' || error), '', count(*), 0, " +
			"iif(state = 2, x'0F640119031E0201', x'') FROM messages GROUP BY 1, 2, 3, 5, 6, 7, 8",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		_, err := db.Exec(query)
		t.must(err)
	}
}
