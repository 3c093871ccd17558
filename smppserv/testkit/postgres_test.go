package testkit_test

import (
	"testing"

	"hnetsmpp/smppserv/testkit"
)

func TestAPostgresThatIsKilledKeepsItsDatabases(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	pg.Exec(t, "postgres", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
	pg.Kill(t)
	pg.Start(t)
	if n := pg.Value(t, "postgres", "SELECT n FROM kept"); n != "42" {
		t.Fatalf("kept %q", n)
	}
}

func TestAPromotedStandbyHasWhatWasCommitted(t *testing.T) {
	pg := testkit.Postgres(t)
	standby := pg.Standby(t)
	pg.Exec(t, "postgres", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
	pg.Kill(t)
	standby.Promote(t)
	standby.Exec(t, "postgres", "INSERT INTO kept VALUES (1)")
	if n := standby.Value(t, "postgres", "SELECT sum(n) FROM kept"); n != "43" {
		t.Fatalf("kept %q", n)
	}
}
