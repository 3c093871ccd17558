package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

// The pages for operators who look into the database. Their queries are alike.
var databasePages = []string{"../../../docs/database.md", "../../../docs/fr/database.md"}

// documented reads a page, and the queries in it.
func documented(t *testing.T, file string) (page string, queries []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page = strings.ReplaceAll(string(b), "\r\n", "\n")
	for _, m := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(page, -1) {
		queries = append(queries, m[1])
	}
	if len(queries) == 0 {
		t.Fatalf("%s has no queries", file)
	}
	return page, queries
}

// asDocumented is a store with what the queries of the page ask for: who wrote at five past ten, what waits, what failed today.
// It is open, as while the server runs.
func asDocumented(t *testing.T) (file string, atFivePastTen sms.ID) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	t.Cleanup(func() { s.Close(context.Background()) })
	add := func(change func(*sms.Message)) sms.ID {
		t.Helper()
		m := storetest.Sample()
		m.ReceivedAt, m.DueAt, m.ExpiresAt = time.Now(), time.Now(), time.Now().Add(time.Hour)
		change(m)
		m.StoredAt = m.ReceivedAt
		storetest.Add(t, s, m)
		return m.ID
	}
	ends := func(id sms.ID, state sms.State, code int, reason string) {
		storetest.Finish(s, road.Transition{IDs: []sms.ID{id}, State: state, Attempts: 1, Error: code, Reason: reason,
			At: time.Now(), Through: "hermes"})
	}
	atFivePastTen = add(func(m *sms.Message) { m.ReceivedAt = time.Date(2026, 11, 30, 10, 5, 0, 0, time.Local) })
	ends(atFivePastTen, sms.Delivered, 0, "")
	ends(add(func(*sms.Message) {}), sms.Undeliverable, 409, "HTTP 409 Conflict: campaign 3600 is closed")
	ends(add(func(m *sms.Message) {
		m.Submitter, m.Recipient, m.Source, m.Dest, m.ExternalID = sms.Hermes, "admin", m.Dest, m.Source, "h-123"
	}), sms.Delivered, 0, "")
	add(func(*sms.Message) {}) // waits
	if err := s.NotePurge(time.Now()); err != nil {
		t.Fatal(err)
	}
	return file, atFivePastTen
}

// readOnly opens a database as sqlite3 -readonly does.
func readOnly(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.ToSlash(file)+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestQueriesOfTheDatabasePageFindWhatTheyAskFor(t *testing.T) {
	file, id := asDocumented(t)
	db := readOnly(t, file)
	_, queries := documented(t, databasePages[0])
	for _, query := range queries {
		query = strings.ReplaceAll(query, "1042", id.String())
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Errorf("%v in\n%s", err, query)
			continue
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := rows.Err(); err != nil || n == 0 {
			t.Errorf("%d rows, %v, from\n%s", n, err, query)
		}
		rows.Close()
	}
}

func TestDatabasePagesNameEveryTableAndEveryColumnOfMessages(t *testing.T) {
	file, _ := asDocumented(t)
	rows, err := readOnly(t, file).QueryContext(t.Context(),
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' UNION ALL SELECT name FROM pragma_table_info('messages')")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil || len(names) < 20 {
		t.Fatalf("%d names, %v", len(names), err)
	}
	for _, file := range databasePages {
		page, _ := documented(t, file)
		for _, name := range names {
			if name != "messages" && !strings.Contains(page, "`"+name+"`") {
				t.Errorf("%s does not say what %s is", file, name)
			}
		}
	}
}

func TestDatabasePagesHaveTheSameQueries(t *testing.T) {
	_, queries := documented(t, databasePages[0])
	for _, file := range databasePages[1:] {
		if _, theirs := documented(t, file); !slices.Equal(queries, theirs) {
			t.Errorf("%s has other queries than %s", file, databasePages[0])
		}
	}
}
