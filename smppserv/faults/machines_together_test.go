package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// What is one at a worker alone is one over all of them.

// submitted is a message as a client submits it from a number.
func submitted(client, source, text string) *smpp.SubmitSM {
	return &smpp.SubmitSM{Source: smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: source}, Dest: smpp.Address{NPI: smpp.NPIISDN, Addr: campaignOf(client)},
		RegisteredDelivery: 1, ShortMessage: []byte(text)}
}

// receipt waits for the next receipt, and answers it.
func receipt(t *testing.T, c *smpptest.Client) smpp.Receipt {
	t.Helper()
	d := c.ExpectDeliver()
	r, err := smpp.ParseReceipt(d.ShortMessage)
	if err != nil {
		t.Fatalf("%q: %v", d.ShortMessage, err)
	}
	return r
}

// tcpLine sends one line to a TCP port, and returns the answers: one, and as many more.
func tcpLine(t *testing.T, addr string, more int, fields map[string]any) (answers []map[string]any) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, testkit.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testkit.Patience))
	line, _ := json.Marshal(fields)
	if _, err := conn.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(conn)
	for range 1 + more {
		answer := map[string]any{}
		if !in.Scan() || json.Unmarshal(in.Bytes(), &answer) != nil {
			t.Fatalf("%s: no answer: %v", line, in.Err())
		}
		answers = append(answers, answer)
	}
	return answers
}

func TestMachinesChangeWhatWaitsAtAnother(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) { s["server.response_timeout"] = "10s" })
	m.account.hermes.Script("", testkit.Answer{Status: 503}) // everything waits
	m.start(0, 1)
	here := testkit.Bind(t, m.smpp[0], smpp.CmdBindTransmitter, "m1", testkit.Password)
	source := func(n int) string { return fmt.Sprintf("336123400%02d", n) }
	var ids []string
	for n := range 4 {
		ids = append(ids, here.SubmitSM(submitted("m1", source(n), fmt.Sprintf("text %d", n))))
	}
	here.Unbind()
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindTransceiver, "m1", testkit.Password)
	from := func(n int) smpp.Address {
		return smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: source(n)}
	}
	query := func(n int) smpp.MessageState {
		return there.ExpectResp(there.Send(&smpp.QuerySM{MessageID: ids[n], Source: from(n)}), smpp.ROK).(*smpp.QuerySMResp).State
	}
	if state := query(0); state != smpp.StateEnroute {
		t.Errorf("it is %v", state)
	}
	there.ExpectResp(there.Send(&smpp.CancelSM{MessageID: ids[0], Source: from(0), Dest: smpp.Address{NPI: smpp.NPIISDN, Addr: "36001"}}), smpp.ROK)
	if r := receipt(t, there); r.ID != ids[0] || r.State != smpp.StateDeleted {
		t.Errorf("the receipt of the cancelled one: %+v", r)
	}
	if state := query(0); state != smpp.StateDeleted {
		t.Errorf("what was cancelled is %v", state)
	}
	there.ExpectResp(there.Send(&smpp.CancelSM{MessageID: ids[0], Source: from(0)}), smpp.RCANCELFAIL)
	there.ExpectResp(there.Send(&smpp.ReplaceSM{MessageID: ids[1], Source: from(1), ShortMessage: []byte("another text"), RegisteredDelivery: 1}), smpp.ROK)
	// All of a conversation, and what replaces one that waits elsewhere.
	there.ExpectResp(there.Send(&smpp.CancelSM{Source: from(2), Dest: smpp.Address{NPI: smpp.NPIISDN, Addr: "36001"}}), smpp.ROK)
	if r := receipt(t, there); r.ID != ids[2] || r.State != smpp.StateDeleted {
		t.Errorf("the receipt of the conversation: %+v", r)
	}
	replacing := submitted("m1", source(3), "in its place")
	replacing.ReplaceIfPresent = 1
	newer := there.SubmitSM(replacing)
	if r := receipt(t, there); r.ID != ids[3] || r.State != smpp.StateDeleted {
		t.Errorf("the receipt of the replaced one: %+v", r)
	}
	m.account.hermes.Script("", testkit.Answer{Status: 200})
	got := map[string]string{}
	for range 2 {
		r := receipt(t, there)
		got[r.ID] = r.State.String()
	}
	if len(got) != 2 || got[ids[1]] != smpp.StateDelivered.String() || got[newer] != smpp.StateDelivered.String() {
		t.Errorf("receipts: %v", got)
	}
	var texts []string
	for _, p := range m.account.hermes.Pushes(func(p testkit.Push) bool { return p.Status == 200 }) {
		texts = append(texts, p.Message.Text)
	}
	if len(texts) != 2 || !strings.Contains(strings.Join(texts, "|"), "another text") || !strings.Contains(strings.Join(texts, "|"), "in its place") {
		t.Errorf("Hermès took %q", texts)
	}
}

func TestMachinesPutALongTextTogetherWhosePartsComeInAtEach(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 3, nil)
	m.start(0, 1, 2)
	var acked []string
	for seq := 1; seq <= 3; seq++ {
		c := testkit.Bind(t, m.smpp[seq-1], smpp.CmdBindTransmitter, "m1", testkit.Password)
		part := submitted("m1", "33612345678", "")
		part.ESMClass, part.ShortMessage = 0x40, append([]byte{5, 0, 3, 9, 3, byte(seq)}, fmt.Sprintf("part %d. ", seq)...)
		acked = append(acked, c.SubmitSM(part))
		c.Unbind()
	}
	p := m.account.hermes.Await(t, "the text", func(p testkit.Push) bool { return p.Status == 200 })
	if p.Message.Text != "part 1. part 2. part 3. " || p.Message.Parts != 3 || p.Message.Incomplete {
		t.Errorf("Hermès got %+v", p.Message)
	}
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindReceiver, "m1", testkit.Password)
	states := map[string]smpp.MessageState{}
	for range 3 {
		r := receipt(t, there)
		states[r.ID] = r.State
	}
	for _, id := range acked {
		if states[id] != smpp.StateDelivered {
			t.Errorf("the receipt of part %s: %v", id, states[id])
		}
	}
	if n := len(m.account.hermes.Pushes(nil)); n != 1 {
		t.Errorf("%d pushes", n)
	}
}

func TestMachinesTellTheConnectionThatAskedWhateverWorkerDelivers(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	m.start(0, 1)
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindReceiver, "m1", testkit.Password)
	got := make(chan string, 1)
	go func() { got <- string(there.ExpectDeliver().ShortMessage) }()
	answers := tcpLine(t, m.tcp[0], 1, map[string]any{"id": "h-1", "from": "36001", "to": "33612345678", "text": "bonjour", "status": true})
	if answers[0]["status"] != "accepted" || answers[1]["event"] != "status" || answers[1]["state"] != "DELIVERED" || answers[1]["message_id"] != answers[0]["message_id"] {
		t.Errorf("%v", answers)
	}
	if text := testkit.Receive(t, got, "the deliver_sm"); text != "bonjour" {
		t.Errorf("%q came", text)
	}
}

func TestMachinesTakeAnIDOfHermesOnceWhicheverOfThemGetsIt(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, nil)
	m.start(0, 1)
	const ids = 50
	var mu sync.Mutex
	accepted, duplicates := map[string]string{}, 0
	var all sync.WaitGroup
	for n := range ids {
		for node := range 2 {
			all.Go(func() {
				id := fmt.Sprintf("h-%d", n)
				a := tcpLine(t, m.tcp[node], 0, map[string]any{"id": id, "from": "36001", "to": fmt.Sprintf("336123456%02d", n), "text": id})[0]
				mu.Lock()
				defer mu.Unlock()
				message, _ := a["message_id"].(string)
				if a["status"] != "accepted" || accepted[id] != "" && accepted[id] != message {
					t.Errorf("%v, after %q", a, accepted[id])
				}
				accepted[id] = message
				if a["duplicate"] == true {
					duplicates++
				}
			})
		}
	}
	all.Wait()
	if duplicates != ids {
		t.Errorf("%d of %d were told that they are duplicates", duplicates, ids)
	}
	c := testkit.Bind(t, m.smpp[0], smpp.CmdBindReceiver, "m1", testkit.Password)
	seen := map[string]int{}
	for range ids {
		seen[string(c.ExpectDeliver().ShortMessage)]++
	}
	if len(seen) != ids {
		t.Errorf("%d different texts came", len(seen))
	}
	c.ExpectSilence(time.Second)
}

func TestMachinesCountWhatAClientHasWaitingOverAllOfThem(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) {
		s["clients"] = []map[string]any{{"system_id": "m1", "password": testkit.Password, "max_queued": 10}}
	})
	m.account.hermes.Script("", testkit.Answer{Status: 503})
	m.start(0, 1)
	here := testkit.Bind(t, m.smpp[0], smpp.CmdBindTransmitter, "m1", testkit.Password)
	for n := range 10 {
		here.SubmitSM(submitted("m1", fmt.Sprintf("336123456%02d", n), "waits"))
	}
	here.ExpectResp(here.Send(submitted("m1", "33612345699", "too many")), smpp.RMSGQFUL)
	here.Unbind()
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindTransmitter, "m1", testkit.Password)
	status := smpp.ROK
	for deadline := time.Now().Add(testkit.Patience); time.Now().Before(deadline) && status != smpp.RMSGQFUL; {
		seq := there.Send(submitted("m1", "33612345698", "one more"))
		h, _ := there.Expect(smpp.CmdSubmitSMResp)
		if h.Sequence != seq {
			t.Fatalf("answer %d to %d", h.Sequence, seq)
		}
		status = h.Status
		time.Sleep(50 * time.Millisecond) // the workers tell each other once a second
	}
	if status != smpp.RMSGQFUL {
		t.Errorf("at the other worker more are taken: %v", status)
	}
}

func TestMachinesAnswerATransactionThatIsDeliveredAtAnother(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) { s["mode"] = "opportunity" })
	m.start(0, 1)
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindReceiver, "m2", testkit.Password)
	got := make(chan string, 1)
	go func() { got <- string(there.ExpectDeliver().ShortMessage) }()
	here := testkit.Bind(t, m.smpp[0], smpp.CmdBindTransmitter, "m1", testkit.Password)
	data := &smpp.DataSM{Source: smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: "33612345678"}, Dest: smpp.Address{NPI: smpp.NPIISDN, Addr: campaignOf("m2")},
		ESMClass: 0x02, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("now")}}}
	here.ExpectResp(here.Send(data), smpp.ROK)
	if text := testkit.Receive(t, got, "the deliver_sm"); text != "now" {
		t.Errorf("%q came", text)
	}
}

func TestMachinesReplaceWhatIsOnItsWayToAnother(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) {
		s["mode"], s["server.window"], s["server.response_timeout"] = "opportunity", 1, "1m"
	})
	m.start(0, 1)
	there := testkit.Bind(t, m.smpp[1], smpp.CmdBindReceiver, "m2", testkit.Password)
	here := testkit.Bind(t, m.smpp[0], smpp.CmdBindTransceiver, "m1", testkit.Password)
	message := func(n int, text string) *smpp.SubmitSM {
		s := submitted("m1", fmt.Sprintf("336123456%02d", n), text)
		s.Dest.Addr = campaignOf("m2")
		return s
	}
	here.SubmitSM(message(0, "first"))
	first, _ := there.Expect(smpp.CmdDeliverSM) // until it is answered the others wait there
	const pairs = 40
	asked := map[uint32]string{}
	for n := 1; n <= pairs; n++ {
		asked[here.Send(message(n, "old"))] = "old"
		time.Sleep(time.Duration(n%8) * time.Millisecond) // it is at one worker, on its way, or at the other one
		replacing := message(n, "new")
		replacing.ReplaceIfPresent = 1
		asked[here.Send(replacing)] = "new"
	}
	ids := map[string]string{}
	for range 2 * pairs {
		h, pdu := here.Expect(smpp.CmdSubmitSMResp)
		if h.Status != smpp.ROK {
			t.Fatalf("%v", h.Status)
		}
		ids[pdu.(*smpp.SubmitSMResp).MessageID] = asked[h.Sequence]
	}
	for range pairs {
		if r := receipt(t, here); ids[r.ID] != "old" || r.State != smpp.StateDeleted {
			t.Fatalf("of what was %q: %+v", ids[r.ID], r)
		}
	}
	there.SendSeq(first.Sequence, &smpp.DeliverSMResp{})
	for range pairs {
		if text := string(there.ExpectDeliver().ShortMessage); text != "new" {
			t.Fatalf("%q was delivered", text)
		}
	}
	there.ExpectSilence(500 * time.Millisecond)
}
