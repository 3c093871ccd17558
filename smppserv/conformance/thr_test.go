package conformance

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var thrRows = []row{
	{"THR-01", "must", "submits over the account's rate get RTHROTTLED, on all its sessions together, and are not delivered", throttled},
	{"THR-02", "must", "a throttled session may do everything but submit", throttledSubmitsOnly},
	{"THR-03", "must", "submits over max_queued get RMSGQFUL until there is room", queueFull},
	{"THR-04", "should", "while the store is unavailable submits get RSYSERR; then all is well again", storeUnavailable},
}

const slowRate = 5 // of the fixtures slow and burst, a second

// submitWhenAllowed submits until the rate lets one through, and returns its message_id.
func (c *conn) submitWhenAllowed(submit func(seq uint32) []byte) (id string) {
	c.t.Helper()
	testkit.Await(c.t, "the rate lets a submit through", func() bool {
		pdu := submit(c.next())
		c.SendRaw(pdu)
		raw := c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RTHROTTLED))
		if statusOf(raw) != smpp.ROK {
			return false
		}
		id = c.messageID(raw)
		return true
	})
	return id
}

func throttled(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	burst := w.fixture(t, "burst") // its own: another row would have used it up
	sessions := []*conn{w.bind(t, burst, transceiver, smpp.V34), w.bind(t, burst, transceiver, smpp.V34)}
	number := w.numberEnding(t, "01")
	submit := func(seq uint32) []byte { return patch(s0To(seq, number), 44, 1) }

	began := time.Now()
	var accepted []string
	var excess int
	for _, c := range sessions {
		var all []byte
		for seq := range uint32(10) {
			all = append(all, submit(100+seq)...)
		}
		c.SendRaw(all)
	}
	for _, c := range sessions {
		for seq := range uint32(10) {
			raw := c.expectAnswer(100+seq, resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RTHROTTLED))
			switch {
			case statusOf(raw) == smpp.ROK:
				accepted = append(accepted, c.messageID(raw))
			case len(raw) != smpp.HeaderLen:
				t.Errorf("the error has a body: % x", raw)
			default:
				excess++
			}
		}
	}
	least, most := slowRate, slowRate+int(time.Since(began)*slowRate/time.Second)+1
	if w.second != nil { // each worker has its share, rounded down, and the first one had all of it until it heard of the second one
		least, most = slowRate/2*2, most+slowRate/2
	}
	if len(accepted) < least || len(accepted) > most {
		t.Errorf("of 20 submits over two sessions %d were taken, want %d to %d", len(accepted), least, most)
	}
	for _, c := range sessions {
		c.expectAlive()
	}

	accepted = append(accepted, sessions[0].submitWhenAllowed(submit))
	pushed := map[string]bool{}
	for _, id := range accepted {
		pushed[w.awaitPush(t, withID(id)).Message.ID] = true
	}
	for _, p := range w.pushes(func(p push) bool { return p.Message.To == number }) {
		if !pushed[p.Message.ID] {
			t.Errorf("a throttled submit was delivered: %s", p)
		}
	}
	receipts := map[string]bool{}
	for deadline := time.Now().Add(patience); len(receipts) < len(accepted) && time.Now().Before(deadline); {
		for _, c := range sessions {
			raw, err := c.TryRead(50 * time.Millisecond)
			if err != nil {
				continue
			}
			r := receiptOf(raw)
			if r == nil || !pushed[r.ID] || receipts[r.ID] {
				t.Fatalf("got % x, want a receipt for each of %v", raw, accepted)
			}
			receipts[r.ID] = true
			c.ack(raw)
		}
	}
	if len(receipts) != len(accepted) {
		t.Errorf("there came %d receipts for %d messages", len(receipts), len(accepted))
	}
	for _, c := range sessions {
		c.expectSilentAlive()
	}
}

func throttledSubmitsOnly(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	slow := w.fixture(t, "slow")
	c := w.bind(t, slow, transceiver, smpp.V34)
	id := c.submitWhenAllowed(s0)
	w.mo(t, slow, "1000", w.number(t), "meanwhile")
	_, outstanding := c.awaitDeliver("the message", func(*smpp.DeliverSM) bool { return true })
	for {
		pdu := s0(c.next())
		c.SendRaw(pdu)
		raw := c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RTHROTTLED))
		if statusOf(raw) == smpp.RTHROTTLED {
			break
		}
	}
	c.expectAlive()
	c.queryState(id, "1000")
	c.ack(outstanding)
	c.SendRaw(u0(9))
	c.expectHdr16(9, smpp.CmdUnbind, smpp.ROK)
	c.expectClose(soon)
	w.bind(t, slow, transceiver, smpp.V34).ExpectSilence(1500 * time.Millisecond) // the answer to the message counted
}

func queueFull(t *testing.T, s *suite) {
	w := s.vocalcom(t)
	const room = 3 // of the fixture small
	c := w.bind(t, w.fixture(t, "small"), transceiver, smpp.V34)
	submit := func() []byte { return s0To(c.next(), w.numberEnding(t, "03")) }
	cancel := func(id string) {
		t.Helper()
		// The server may not have read yet that Hermès refused this try.
		testkit.Await(t, fmt.Sprintf("message %s can be cancelled", id), func() bool {
			seq := c.next()
			c.SendRaw(c0(seq, id, "1000", ""))
			return statusOf(c.expectAnswer(seq, resp(smpp.CmdCancelSM, smpp.ROK), resp(smpp.CmdCancelSM, smpp.RCANCELFAIL))) == smpp.ROK
		})
	}
	var ids []string
	for range room {
		ids = append(ids, c.submit(submit()))
	}
	for _, id := range ids {
		w.awaitPush(t, withID(id))
	}
	fourth := submit()
	c.SendRaw(fourth)
	c.expectHdr16(sequenceOf(fourth), smpp.CmdSubmitSM, smpp.RMSGQFUL)
	cancel(ids[0])
	ids[0] = c.submit(submit())
	w.awaitPush(t, withID(ids[0]))
	for _, id := range ids {
		cancel(id) // the next row that takes this account finds room
	}
	c.expectAlive()
}

func storeUnavailable(t *testing.T, s *suite) {
	if *machinesFlag {
		t.Skip("it locks a database of SQLite; that of PostgreSQL goes away in the tests of faults")
	}
	w := s.world(t, nil)
	a := w.account(t)
	c := w.bind(t, a, transceiver, smpp.V34)
	kept := c.submit(s0(2))
	w.awaitPush(t, withID(kept))

	db, err := sql.Open("sqlite", filepath.Join(w.dir, "messages.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lock, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(context.Background(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatalf("locking the store: %v", err)
	}
	for range 3 {
		pdu := s0(c.next())
		sent := time.Now()
		c.SendRaw(pdu)
		raw := c.Await("submit_sm_resp", patience, func(raw []byte) bool { return sequenceOf(raw) == sequenceOf(pdu) })
		if commandOf(raw) != smpp.CmdSubmitSMResp || statusOf(raw) != smpp.RSYSERR || len(raw) != smpp.HeaderLen {
			t.Errorf("got % x, want submit_sm_resp RSYSERR", raw)
		}
		if took := time.Since(sent); took > soon {
			t.Errorf("the submit was answered after %v, want at most %v", took, soon)
		}
		c.expectAlive()
	}
	// The design has RSYSERR for submits; a bind may be granted, since it needs no store.
	late := w.dial(t)
	late.SendRaw(bindOf(transceiver, w.account(t)))
	late.expectAnswer(1, resp(transceiver, smpp.ROK), resp(transceiver, smpp.RSYSERR))

	if _, err := lock.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatalf("letting go of the store: %v", err)
	}
	testkit.Await(t, "the store that is available again takes a submit", func() bool {
		pdu := s0(c.next())
		c.SendRaw(pdu)
		raw := c.expectAnswer(sequenceOf(pdu), resp(smpp.CmdSubmitSM, smpp.ROK), resp(smpp.CmdSubmitSM, smpp.RSYSERR))
		if statusOf(raw) != smpp.ROK {
			return false
		}
		w.awaitPush(t, withID(c.messageID(raw)))
		return true
	})
	if pushes := w.pushes(by(a)); len(pushes) != 2 {
		t.Errorf("the submits that were refused were stored: %s", pushes)
	}
	w.bind(t, w.account(t), transceiver, smpp.V34).expectAlive()
}
