package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

func TestADatabaseThatCannotBeUsedIsNamedWithWhatToDo(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	edit := func(dsn string, change func(u *url.URL)) string {
		u, err := url.Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		change(u)
		return u.String()
	}
	ours := func(statements ...string) string {
		dsn := pg.Database(t)
		if err := must(t, options(dsn, t.TempDir())).Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		pg.Exec(t, testkit.DatabaseName(t, dsn), statements...)
		return dsn
	}
	other := pg.Database(t)
	pg.Exec(t, testkit.DatabaseName(t, other), "CREATE TABLE customers (id int)")
	pg.Exec(t, "postgres", "CREATE ROLE poor LOGIN PASSWORD 'poor'", "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	closed := pg.Database(t)
	pg.Exec(t, testkit.DatabaseName(t, closed), "REVOKE CREATE ON SCHEMA public FROM PUBLIC") // as it is from PostgreSQL 15 on
	const secret = "hush-hush"
	for what, test := range map[string]struct {
		dsn, want string
		away, bad bool
	}{
		"no server":       {fmt.Sprintf("postgres://u:%s@127.0.0.1:%d/x?sslmode=disable", secret, testkit.FreePort(t)), "cannot be reached", true, false},
		"no password":     {edit(other, func(u *url.URL) { u.User = url.UserPassword(testkit.PGUser, secret) }), "refuses the user or the password", false, false},
		"wrong password":  {edit(other, func(u *url.URL) { u.User, u.RawQuery = url.UserPassword(testkit.PGUser, secret), "sslmode=prefer" }), "refuses the user or the password", false, false},
		"no TLS":          {edit(other, func(u *url.URL) { u.RawQuery = "sslmode=require" }), "turn TLS on", false, false},
		"no database":     {edit(other, func(u *url.URL) { u.Path = "/nowhere" }), "createdb", false, false},
		"no right":        {edit(closed, func(u *url.URL) { u.User = url.UserPassword("poor", "poor") }), "the right to make tables", false, false},
		"another program": {other, "another program", false, false},
		"newer":           {ours("UPDATE hnet_smpp SET usable_from = 999999"), "newer version", false, false},
		"read-only":       {edit(ours(), func(u *url.URL) { u.RawQuery += "&default_transaction_read_only=on" }), "can only be read", false, false},
		"encoding":        {pg.DSN("latin"), "LATIN1", false, false},
		"no DSN":          {"nothing of " + secret, "neither a postgres:// URL", false, true},
		"no sslmode":      {"postgres://u:" + secret + "@host/db?sslmode=sometimes", "sslmode", false, true},
		"no certificate":  {"host=h password=" + secret + " sslmode=verify-full sslrootcert=nowhere.pem", "CA file", false, true},
	} {
		_, err := postgres.Open(t.Context(), options(test.dsn, t.TempDir()))
		if err == nil {
			t.Errorf("%s: it was opened", what)
			continue
		}
		if text := err.Error(); !strings.Contains(text, test.want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %s", what, text)
		}
		for _, word := range []string{secret, testkit.PGPassword, "sslmode="} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%s: tells %s: %v", what, word, err)
			}
		}
		if (what == "no TLS") != strings.Contains(err.Error(), "refused TLS") {
			t.Errorf("%s: %v", what, err)
		}
		if errors.Is(err, sms.ErrUnavailable) != test.away {
			t.Errorf("%s: whether it passes by itself: %v", what, err)
		}
		if postgres.IsAway(err) != test.away || postgres.IsBadDSN(err) != test.bad {
			t.Errorf("%s: away %v, bad %v: %v", what, postgres.IsAway(err), postgres.IsBadDSN(err), err)
		}
	}
	if tables := pg.Value(t, testkit.DatabaseName(t, other), "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"); tables != "1" {
		t.Errorf("another program's database has %s tables", tables)
	}
}

func TestACertificateStartsFromTheFolderOfTheConfiguration(t *testing.T) {
	o := options("host=127.0.0.1 sslmode=verify-full sslrootcert=ca.pem", t.TempDir())
	o.Beside = t.TempDir()
	_, err := postgres.OpenDatabase(t.Context(), o)
	if !postgres.IsBadDSN(err) {
		t.Errorf("a certificate that is not there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(o.Beside, "ca.pem"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenDatabase(t.Context(), o); !postgres.IsBadDSN(err) {
		t.Errorf("a certificate that is none: %v", err)
	}
}

func TestWhatADSNLeavesOutComesFromTheEnvironment(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	came := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = c.Close()
		}
		came <- err
	}()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	t.Setenv("PGHOST", host)
	t.Setenv("PGPORT", port)
	_, err = postgres.OpenDatabase(t.Context(), options("postgres://smpp@/smpp?sslmode=disable", t.TempDir()))
	if !postgres.IsAway(err) {
		t.Errorf("a server that hangs up: %v", err)
	}
	if err := <-came; err != nil {
		t.Error(err)
	}
}

func TestACharacterOfAPasswordThatIsNotEncodedIsNamed(t *testing.T) {
	for dsn, stray := range map[string]string{
		"postgres://u:s3cr/hush@host/db":          "a / ",
		"postgres://u:123/hush@host/db":           "a / ", // a server u with port 123, else
		"postgres://u:123/hush@db1,db2/db?a=b":    "a / ",
		"postgres://u:s3cr/hu?sh@host/db":         "a / ",
		"postgresql://u:s3cr@hush@host/db":        "a @ ",
		"postgres://u:s3cr/hush@x@host:5432/db":   "a / ",
		"postgres://u:s3cr%hush@host/db":          "a % ",
		"postgres://u:s3cr hush@host/db":          "a space ",
		"postgres://u:s3cr%2Fhush@host/db":        "",
		"postgres://u:s3cr:hush@host/db":          "",
		"postgres://u:%40%25@db1:1,db2:2/db":      "",
		"postgres://host/db?user=a@b":             "",
		"postgres:///db?host=/run/x":              "",
		"host=h user=u password=s3cr/h@u:s%h":     "",
		"postgres://u@[fe80::1%25eth0]:5432/db":   "",
		"host=h user=u password='postgres://a@/'": "",
	} {
		err := postgres.CheckDSN(dsn, t.TempDir())
		switch {
		case stray == "" && err != nil:
			t.Errorf("%s: %v", dsn, err)
		case stray != "" && (!postgres.IsBadDSN(err) || !strings.Contains(err.Error(), "has "+stray+"that is not percent-encoded")):
			t.Errorf("%s: %v", dsn, err)
		case stray != "" && (strings.Contains(err.Error(), "s3cr") || strings.Contains(err.Error(), "hu")):
			t.Errorf("%s: it shows the password: %v", dsn, err)
		}
	}
}

func TestANewerSchemaThatKeepsOurTablesIsUsed(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	o := options(pg.Database(t), t.TempDir())
	if err := must(t, o).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	pg.Exec(t, testkit.DatabaseName(t, o.DSN), "INSERT INTO hnet_smpp_versions (version_id, is_applied) VALUES (999, true)")
	s := must(t, o)
	storetest.Add(t, s, storetest.Sample())
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestASecondProcessAloneIsRefused(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	o := options(pg.Database(t), t.TempDir())
	s := must(t, o)
	if _, err := postgres.Open(t.Context(), o); !errors.Is(err, store.ErrHeld) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatPutsMessagesAtRiskIsWarnedOf(t *testing.T) {
	pg := testkit.Postgres(t, "synchronous_commit=off")
	var log bytes.Buffer
	o := options(pg.Database(t), t.TempDir())
	o.Log = zerolog.New(&log)
	if err := must(t, o).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fsync = off", "synchronous_commit = off"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("nothing of %s: %s", want, log.String())
		}
	}
	if strings.Contains(log.String(), testkit.PGPassword) {
		t.Errorf("the log tells the password: %s", log.String())
	}
}

func TestAStandbyIsRefusedAndServesWhenItIsPromoted(t *testing.T) {
	pg := testkit.Postgres(t)
	o := options(pg.Database(t), t.TempDir())
	s := must(t, o)
	standby := pg.Standby(t)
	storetest.Add(t, s, storetest.Sample())
	second := o
	second.DSN, second.Folder = standby.DSN(testkit.DatabaseName(t, o.DSN)), t.TempDir()
	if _, err := postgres.Open(t.Context(), second); err == nil || !strings.Contains(err.Error(), "standby") || postgres.IsAway(err) {
		t.Errorf("got %v", err)
	}
	pg.Kill(t)
	if _, err := add(s, storetest.Sample()); !errors.Is(err, sms.ErrUnavailable) {
		t.Errorf("without a server: %v", err)
	}
	standby.Promote(t)
	after := must(t, second)
	if ids := waiting(t, after); len(ids) != 1 {
		t.Errorf("%d messages wait", len(ids))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // what it had in doubt, nobody can tell it any more
	defer cancel()
	for _, s := range []*store.Store{after, s} {
		_ = s.Close(ctx)
	}
}

func TestAWorkerGoesOnAtTheSecondHostBehindAFirstOneThatIsSilent(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	u, err := url.Parse(pg.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	at, beSilent := testkit.SilentLater(t)
	u.Host = at + "," + u.Host
	o := options(u.String(), t.TempDir())
	o.Lease = time.Second
	s := must(t, o)
	storetest.Add(t, s, storetest.Sample())
	beSilent()
	pg.Exec(t, testkit.DatabaseName(t, u.String()), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
	testkit.Await(t, "it writes again", func() bool {
		_, err := add(s, storetest.Sample())
		return err == nil
	})
}

func TestAWorkerGoesOnWhenItsPostgresWasKilled(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	s := must(t, options(pg.Database(t), t.TempDir()))
	accepted := map[sms.ID]bool{}
	for range 3 {
		for range 20 {
			m := storetest.Sample()
			storetest.Add(t, s, m)
			accepted[m.ID] = true
		}
		pg.Kill(t)
		a := &addition{m: storetest.Sample(), done: make(chan error, 1)}
		s.Add(a)
		pg.Start(t)
		if err := <-a.done; err == nil {
			accepted[a.m.ID] = true
		} else if !errors.Is(err, sms.ErrUnavailable) {
			t.Errorf("without a server: %v", err)
		}
		for s.Check() != nil { // it writes, too
			if t.Context().Err() != nil {
				t.FailNow()
			}
		}
	}
	ids := waiting(t, s)
	for _, id := range ids {
		if !accepted[id] {
			t.Errorf("%d was refused", id)
		}
	}
	if len(ids) != len(accepted) {
		t.Errorf("%d were accepted, %d wait", len(accepted), len(ids))
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestAnyOctetsAreKept(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	s := must(t, options(pg.Database(t), t.TempDir()))
	texts := []string{"a\x00b", "\xff\xfe", "é€😀", "\uf700\uf7ff", "\xed\xa0\x80", "", "\xef\xbf\xbd"}
	for _, text := range texts {
		m := storetest.Sample()
		m.Source.Number, m.ExternalID, m.Reason = text+"1", "id "+text, text
		storetest.Add(t, s, m)
		if got := get(t, s, m.ID); got.Source.Number != m.Source.Number || got.ExternalID != m.ExternalID || got.Reason != text {
			t.Errorf("%q came back as %q, %q, %q", text, got.Source.Number, got.ExternalID, got.Reason)
		}
		again := storetest.Sample()
		again.ExternalID = m.ExternalID
		if !storetest.Add(t, s, again) || again.ID != m.ID {
			t.Errorf("%q is known as %d", m.ExternalID, again.ID)
		}
		if c, ok, err := s.LastWriter(t.Context(), m.Source.Number, m.Dest.Number); err != nil || !ok || c.Number.Number != m.Source.Number {
			t.Errorf("%q was written by %+v, %v, %v", text, c, ok, err)
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
