package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

const inChecked = 3000

// filled is a database with messages of which every third waits, and one in a hundred failed.
func filled(t *testing.T, dsn string) postgres.Options {
	t.Helper()
	o := options(dsn, t.TempDir())
	s := must(t, o)
	var ended, failed []sms.ID
	for i := range inChecked {
		m := storetest.Sample()
		m.Source.Number, m.Content, m.ReceivedAt = fmt.Sprint(33600000000+i), []byte(strings.Repeat("text ", 20)), time.Now()
		if i == inChecked-1 {
			storetest.Add(t, s, m)
		} else {
			s.Add(unheard{m})
		}
		switch id := sms.ID(i + 1); {
		case id%100 == 1:
			failed = append(failed, id)
		case id%3 != 0:
			ended = append(ended, id)
		}
	}
	storetest.Finish(s, road.Transition{IDs: ended, State: sms.Delivered, Attempts: 1})
	storetest.Finish(s, road.Transition{IDs: failed, State: sms.Undeliverable, Attempts: 1})
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return o
}

type unheard struct{ m *sms.Message }

func (u unheard) Message() *sms.Message      { return u.m }
func (u unheard) Replaces() *road.Transition { return nil }
func (u unheard) Added(bool, error)          {}

func TestACheckOfPostgreSQLFindsNothingInAWholeDatabaseAlsoWhileWorkersRun(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	dsn := pg.Database(t)
	o := filled(t, dsn)
	steps := map[string]bool{}
	c, err := postgres.Check(t.Context(), o, true, func(step string, _ float64) { steps[step] = true })
	if err != nil || len(c.Faults) > 0 {
		t.Fatalf("%v: %q", err, c.Faults)
	}
	if c.Messages != inChecked || c.Compared != inChecked || c.Waiting != inChecked/3-inChecked/300 || c.LastID < inChecked || c.Hours == 0 || c.Rows < inChecked ||
		len(c.Left) != 1 || !steps["table messages"] {
		t.Errorf("got %+v, told of %v", c, steps)
	}
	if want := pg.Value(t, testkit.DatabaseName(t, dsn), "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'hnet_smpp_versions'"); want != fmt.Sprint(c.Tables) {
		t.Errorf("%d tables were read, and there are %s", c.Tables, want)
	}
	s := must(t, o)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // its rows move about, and there are new ones
		defer close(stopped)
		for id := sms.ID(3); ; id += 3 {
			select {
			case <-stop:
				return
			default:
			}
			storetest.Add(t, s, storetest.Sample())
			storetest.Finish(s, road.Transition{IDs: []sms.ID{id}, State: sms.Delivered, Attempts: 1})
		}
	}()
	for range 5 {
		if c, err = postgres.Check(t.Context(), o, true, nil); err != nil || len(c.Faults) > 0 {
			t.Errorf("while one runs: %v, %q", err, c.Faults)
		}
	}
	close(stop)
	<-stopped
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if c, err = postgres.Check(t.Context(), o, false, nil); err != nil || len(c.Faults) > 0 || c.Compared == 0 || c.Compared > c.Messages {
		t.Errorf("a sample: %v, %+v", err, c)
	}
}

func TestACheckOfPostgreSQLSaysWhatIsWrong(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	for what, c := range map[string]struct {
		sql  []string
		want string
	}{
		"a counter that forgot messages":            {[]string{"UPDATE hourly SET n = 7 WHERE state = 1"}, "the counters of the hour"},
		"a message that cannot be decoded":          {[]string{`UPDATE messages SET attributes = '\xFF' WHERE id = 3`}, "message 3 waits, and cannot be read"},
		"one that has ended":                        {[]string{`UPDATE messages SET attributes = '\xFF' WHERE id = 4`}, "message 4 has ended, and cannot be read"},
		"messages that nobody has":                  {[]string{"UPDATE messages SET holder = 4711 WHERE id = 6"}, "1 messages wait, from 6 on, and the worker that is to have them, of the epoch 4711, does not exist"},
		"messages of an estate whose owner is none": {[]string{"UPDATE estates SET owner = 4712"}, "does not exist"},
		"ids that come again":                       {[]string{"UPDATE last_message_id SET id = 5"}, "ids may come again"},
		"a table that is gone":                      {[]string{"DROP TABLE clients"}, "the size of the table clients cannot be read"},
		"an unfinished copy":                        {[]string{`INSERT INTO jobs VALUES ('copy/begun {"Where":"elsewhere"}', 1)`}, "a copy into this store is not finished"},
		"an index of a number that lost one": {[]string{"UPDATE pg_index SET indisready = false WHERE indexrelid = 'messages_source'::regclass",
			"INSERT INTO messages SELECT (m).* FROM (SELECT jsonb_populate_record(m, '{\"id\": 99, \"final_at\": 1}') m FROM messages m WHERE id = 100) m",
			"UPDATE pg_index SET indisready = true WHERE indexrelid = 'messages_source'::regclass"}, "the index messages_source does not have message 99"},
		"an index of what waits that lost one": {[]string{"UPDATE pg_index SET indisready = false WHERE indexrelid = 'messages_waiting'::regclass",
			"UPDATE messages SET final_at = NULL, state = 1 WHERE id = 7", "UPDATE pg_index SET indisready = true WHERE indexrelid = 'messages_waiting'::regclass"}, "the index messages_waiting has"},
	} {
		t.Run(what, func(t *testing.T) {
			dsn := pg.Database(t)
			o := filled(t, dsn)
			if strings.Contains(c.want, "99") {
				pg.Exec(t, testkit.DatabaseName(t, dsn), "DELETE FROM messages WHERE id = 99")
			}
			pg.Exec(t, testkit.DatabaseName(t, dsn), c.sql...)
			got, err := postgres.Check(t.Context(), o, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(got.Faults, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("got %q", got.Faults)
			}
		})
	}
}

func TestOfADamagedFileACheckNamesTheBlockAndReadsTheRest(t *testing.T) {
	pg := testkit.Postgres(t)
	dsn := pg.Database(t)
	o := filled(t, dsn)
	const damaged = 20
	file := filepath.Join(pg.Value(t, "postgres", "SELECT current_setting('data_directory')"), pg.Value(t, testkit.DatabaseName(t, dsn), "SELECT pg_relation_filepath('messages')"))
	there := pg.Value(t, testkit.DatabaseName(t, dsn), fmt.Sprintf("SELECT count(*) FROM messages WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)'", damaged, damaged+1))
	pg.Stop(t)
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err == nil {
		_, err = f.WriteAt([]byte(strings.Repeat("\xA5", 8192)), damaged*8192)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	pg.Start(t)
	got, err := postgres.Check(t.Context(), o, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(got.Faults, func(f string) bool {
		return strings.HasPrefix(f, fmt.Sprintf("table messages: block %d of its file", damaged))
	}) {
		t.Errorf("got %q", got.Faults)
	}
	if want := fmt.Sprint(inChecked - got.Messages); want != there || there == "0" {
		t.Errorf("%s messages were not read, and %s were in the block: %q", want, there, got.Faults)
	}
}

func TestACheckOfPostgreSQLSaysWhyItCannotLook(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	older := pg.Database(t)
	if err := must(t, options(older, t.TempDir())).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, testkit.DatabaseName(t, older), "DELETE FROM hnet_smpp_versions WHERE version_id > 1")
	other := pg.Database(t)
	pg.Exec(t, testkit.DatabaseName(t, other), "CREATE TABLE customers (id int)")
	for what, c := range map[string]struct{ dsn, want string }{
		"an empty database": {pg.Database(t), "no tables of ours yet"},
		"another program's": {other, "another program"},
		"an older schema":   {older, "its schema is 1"},
		"no server":         {fmt.Sprintf("postgres://u@127.0.0.1:%d/x?sslmode=disable", testkit.FreePort(t)), "cannot be reached"},
		"no DSN":            {"postgres://%", "store.dsn"},
	} {
		_, err := postgres.Check(t.Context(), postgres.Options{DSN: c.dsn, Folder: t.TempDir(), Log: zerolog.Nop()}, false, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, store.ErrHeld) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
