package faults

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// Several workers on one PostgreSQL. Each test prints how many messages were accepted, lost and repeated.

var machineRounds = flag.Int("rounds", 6, "how many workers TestMachinesAnyOneOfThreeIsKilled kills, one after the other")

// long is for a test that go test ./... does without, and a short run.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() || !strings.Contains(flag.Lookup("test.run").Value.String(), "Machines") {
		t.Skip("it takes long; all of them are run by: go test ./smppserv/faults -run Machines")
	}
}

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

// takeOverTries is how often the next try is measured: on a busy machine one may be late.
const takeOverTries = 4

func TestMachinesTryWhatADeadOneHeldWithinItsLeaseAndTwoSeconds(t *testing.T) {
	long(t)
	pg := testkit.Postgres(t, "fsync=on")
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	client, campaign := machineClients[0], campaignOf(machineClients[0])
	m.account.hermes.ScriptEach(campaign, testkit.Answer{Status: http.StatusOK, After: testkit.Patience}, testkit.Answer{Status: http.StatusOK})
	m.start(0, 1)
	bound := m.lease + 2*time.Second
	for try := range takeOverTries {
		dead, heir := try%2, 1-try%2
		arrived := make(chan time.Time, 1)
		m.account.hermes.OnArrival(func(p testkit.Push) {
			if p.Message.Text == fmt.Sprint("text ", try) {
				arrived <- p.At
			}
		})
		c := testkit.Bind(t, m.smpp[dead], smpp.CmdBindTransceiver, client, testkit.Password)
		c.Submit("33612345677", campaign, fmt.Sprint("text ", try))
		testkit.Receive(t, arrived, "the push of the first worker")
		if answer := handIn(t, m.tcp[heir], fmt.Sprintf(`{"from":%q,"to":"33698765432","text":"answer %d"}`, campaign, try)); !strings.Contains(answer, "accepted") {
			t.Fatal(answer)
		}
		c.Await("the answer", testkit.Patience, isDeliver) // and does not acknowledge it: the dead one has it

		m.workers[dead].Kill(t)
		killed := time.Now()
		again := testkit.Bind(t, m.smpp[heir], smpp.CmdBindTransceiver, client, testkit.Password)
		again.Await("the answer again", testkit.Patience, isDeliver)
		delivered := time.Since(killed)
		pushed := testkit.Receive(t, arrived, "the push of the second worker").Sub(killed)
		t.Logf("the next push began %v after the kill, the next deliver_sm came %v after it", pushed.Round(time.Millisecond), delivered.Round(time.Millisecond))
		again.Close()
		if pushed <= bound && delivered <= bound {
			return
		}
		m.start(dead)
	}
	t.Errorf("of %d none was within %v", takeOverTries, bound)
}

func isDeliver(raw []byte) bool {
	return smpp.CommandID(binary.BigEndian.Uint32(raw[4:])) == smpp.CmdDeliverSM
}
