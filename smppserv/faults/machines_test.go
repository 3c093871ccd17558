package faults

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// Several workers on one PostgreSQL. Each test prints how many messages were accepted, lost and repeated.

var machineRounds = flag.Int("rounds", 6, "how many workers TestMachinesAnyOneOfThreeIsKilled kills, one after the other")

func TestMachinesTwoShareTheWork(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	m.start(0, 1)
	m.load()
	m.account.awaitMore(t, 500, 100)
	m.finish(false)
}

func TestMachinesAnyOneOfThreeIsKilled(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 3, nil)
	m.start(0, 1, 2)
	m.load()
	random := rand.New(rand.NewPCG(1, uint64(*machineRounds)))
	for range *machineRounds {
		m.account.awaitMore(t, 100, 20)
		i := random.IntN(3)
		m.workers[i].Kill(t)
		killed := time.Now()
		m.account.awaitMore(t, 50, 10) // the others go on
		t.Logf("n%d was killed; %v later others had gone on", i+1, time.Since(killed).Round(time.Millisecond))
		m.start(i)
	}
	m.account.awaitMore(t, 100, 20)
	m.finish(true)
}

func TestMachinesAStopGivesEverythingAwayAtOnce(t *testing.T) {
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) { s["store.lease"] = "1m" }) // nobody waits for that
	m.start(0, 1)
	m.load()
	for i := range 4 {
		m.account.awaitMore(t, 100, 20)
		m.workers[i%2].Stop(t)
		m.account.awaitMore(t, 50, 10)
		m.start(i % 2)
	}
	m.finish(false)
}
