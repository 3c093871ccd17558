package faults

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

func TestMachinesLoseNothingWhenTheServersDiskIsFull(t *testing.T) {
	long(t)
	if os.Geteuid() != 0 {
		t.Skip("a small file system can be mounted by root alone")
	}
	pg := testkit.Postgres(t, "fsync=on")
	folder := t.TempDir()
	for _, args := range [][]string{{"chmod", "755", folder, filepath.Dir(folder)}, {"mount", "-t", "tmpfs", "-o", "size=64m,mode=777", "none", folder}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%v: %v: %s", args, err, out)
		}
	}
	t.Cleanup(func() {
		pg.Kill(t) // it has files open there, for a moment more
		if out, err := exec.Command("umount", "-l", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	pg.TableSpace(t, "small", filepath.Join(folder, "small"))
	pg.Exec(t, "postgres", "CREATE DATABASE tight TABLESPACE small")
	admin := testkit.Loopback(testkit.FreePort(t))
	m := newMachines(t, pg, pg.DSN("tight"), 1, func(_ int, s testkit.Settings) { s["admin.listen"] = admin })
	m.start(0)
	m.load()
	m.account.awaitMore(t, 100, 20)
	filler := filepath.Join(folder, "filler")
	if err := exec.Command("dd", "if=/dev/zero", "of="+filler, "bs=4k").Run(); err == nil { // it ends when there is no room
		t.Fatal("the disk is not full")
	}
	l := &lone{admin: admin}
	l.says(t, http.StatusServiceUnavailable, "disk of the PostgreSQL server is full")
	m.account.await(t, "a refused submit", func() bool { return len(m.account.refused) > 0 })
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	l.says(t, http.StatusOK)
	m.account.awaitMore(t, 100, 20)
	m.finish(true)
}

func TestMachinesMindNoStepOfTheDatabasesClock(t *testing.T) {
	long(t)
	pg, clock := testkit.PostgresClock(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	m.start(0, 1)
	m.load()
	m.account.awaitMore(t, 100, 20)
	for _, ahead := range []time.Duration{time.Hour, 0, -time.Hour} {
		clock(ahead)
		seconds, err := strconv.ParseFloat(pg.Value(t, "postgres", "SELECT extract(epoch FROM clock_timestamp())"), 64)
		if off := time.Duration(seconds-float64(time.Now().Unix())) * time.Second; err != nil || (off-ahead).Abs() > time.Minute {
			t.Fatalf("its clock is %v off: %v", off, err)
		}
		m.account.awaitMore(t, 300, 60)
		time.Sleep(3 * m.lease) // as long as somebody might be taken for dead
	}
	m.finish(false)
	m.held()
}
