package faults

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// A record is what clients and Hermès saw. Its methods may be called at the same time.
type record struct {
	watched
	acked    map[string]string // message_id → text
	receipts map[string]smpp.MessageState
	binds    int
	hermes   *testkit.Hermes
}

func newRecord(t *testing.T) *record {
	return &record{watched: newWatched(), acked: map[string]string{}, receipts: map[string]smpp.MessageState{},
		hermes: testkit.StartHermes(t)}
}

// await returns once the record is as wanted. done is called with the record to itself.
func (r *record) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	if r.until(testkit.Patience, done) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Fatalf("%s did not come within %v: %d acknowledged, %d pushes, %d receipts, %d binds; faults %q",
		what, testkit.Patience, len(r.acked), len(r.hermes.Pushes(nil)), len(r.receipts), r.binds, r.faults)
}

// awaitAcked returns once n more submits are acknowledged.
func (r *record) awaitAcked(t *testing.T, n int) {
	t.Helper()
	r.mu.Lock()
	n += len(r.acked)
	r.mu.Unlock()
	r.await(t, fmt.Sprintf("acknowledgement %d", n), func() bool { return len(r.acked) >= n })
}

func (r *record) bound(string) { r.change(func() { r.binds++ }) }

func (r *record) wrong(format string, args ...any) { r.change(func() { r.fault(format, args...) }) }

// delivered takes a deliver_sm, which is to be a receipt.
func (r *record) delivered(_ string, p *smpp.DeliverSM) {
	receipt, err := smpp.ParseReceipt(p.ShortMessage)
	r.change(func() {
		if err != nil {
			r.fault("deliver_sm %q is no receipt", p.ShortMessage)
		}
		r.receipts[receipt.ID] = receipt.State
	})
}

// submitted takes a submit_sm_resp.
func (r *record) submitted(_, id, text string, status smpp.Status) {
	r.change(func() {
		switch first, twice := r.acked[id]; {
		case status != smpp.ROK:
			r.fault("submit of %q: %v", text, status)
		case twice:
			r.fault("id %s was given to %q and to %q", id, first, text)
		default:
			r.acked[id] = text
		}
	})
}

// judge requires that nothing acknowledged is lost or mixed up. Faults that were seen on the way count too.
func (r *record) judge(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fault := range r.faults {
		t.Error(fault)
	}
	pushed, repeats := r.pushed(t)
	lost := 0
	for id, text := range r.acked {
		got, state := pushed[id], r.receipts[id]
		if got != text {
			t.Errorf("id %s was given to %q and pushed with %q", id, text, got)
		}
		if state != smpp.StateDelivered {
			t.Errorf("the receipt of %s says %v", id, state)
		}
		if got != text || state != smpp.StateDelivered {
			lost++
		}
	}
	t.Logf("%d pushed, %d receipts, %d binds", len(pushed), len(r.receipts), r.binds)
	toll{sent: r.sent, acknowledged: len(r.acked), lost: lost, repeated: repeats}.tell(t)
}

// pushed returns the texts that Hermès got by their ids, and how often it got one again. It requires that a message stays
// the same, and that those of one number came in the order of their ids.
func (r *record) pushed(t *testing.T) (texts map[string]string, repeats int) {
	t.Helper()
	texts = map[string]string{}
	keys := map[string]string{} // message_id → Idempotency-Key
	last := map[string]uint64{} // number → the highest id that it was pushed with
	for _, p := range r.hermes.Pushes(nil) {
		m := p.Message.ID
		if text, again := texts[m]; again {
			repeats++
			if text != p.Message.Text || keys[m] != p.Key {
				t.Errorf("message %s was pushed with %q as %s, and with %q as %s", m, text, keys[m], p.Message.Text, p.Key)
			}
			continue
		}
		texts[m], keys[m] = p.Message.Text, p.Key
		id, err := strconv.ParseUint(p.Message.ID, 10, 64)
		if from := p.Message.From; err != nil || id < last[from] {
			t.Errorf("from %s came %s after %d: %v", from, p.Message.ID, last[from], err)
		}
		last[p.Message.From] = id
	}
	return texts, repeats
}

const (
	loadWindow     = 16 // submits in flight per session
	loadNumbers    = 8  // conversations per session
	reconnectAfter = 10 * time.Millisecond
	campaign       = "3600"
)

// A witness is told of what an ESME sees. Its methods may be called at the same time.
type witness interface {
	bound(client string)
	wrote()
	submitted(client, id, text string, status smpp.Status)
	delivered(client string, p *smpp.DeliverSM)
	wrong(format string, args ...any)
}

// An esme is a transceiver that keeps submitting, and comes back whenever its connection is lost.
type esme struct {
	witness  witness
	addr     string
	client   string
	number   int // of this ESME; the numbers that it writes from begin with it
	numbers  int // that it writes from in turn; 0 = loadNumbers
	texts    int
	every    time.Duration // between two submits; 0 = as fast as they are answered
	dest     string        // "" = campaign
	validity string
	mute     atomic.Bool // deliver_sm are not answered

	once  sync.Once
	quiet chan struct{} // closed: no more submits
	stop  chan struct{} // closed: come to an end
	ended chan struct{}
}

// startESME starts one; it ends with the test.
func startESME(t *testing.T, w witness, addr, client string, number int) *esme {
	e := &esme{witness: w, addr: addr, client: client, number: number}
	e.start(t)
	return e
}

// start has it bind and submit until the test's end.
func (e *esme) start(t *testing.T) {
	e.quiet, e.stop, e.ended = make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(e.ended)
		for !closed(e.stop) {
			e.session()
			select {
			case <-e.stop:
			case <-time.After(reconnectAfter):
			}
		}
	}()
	t.Cleanup(func() {
		close(e.stop)
		<-e.ended
	})
}

// hush ends the submits; answers and receipts are still taken.
func (e *esme) hush() { e.once.Do(func() { close(e.quiet) }) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// session binds and keeps the window full until the connection is lost.
func (e *esme) session() {
	conn, err := net.DialTimeout("tcp", e.addr, testkit.Patience)
	if err != nil {
		return // no worker listens
	}
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() { // unblocks reads
		select {
		case <-e.stop:
		case <-over:
		}
		conn.Close()
	}()
	if !e.bind(conn) {
		return
	}
	e.witness.bound(e.client)
	inFlight := map[uint32]string{}
	due := time.Now()
	for seq := uint32(1); ; {
		for ; len(inFlight) < loadWindow && !closed(e.quiet); seq++ {
			time.Sleep(time.Until(due))
			if due = due.Add(e.every); time.Since(due) > time.Second { // no more is made up for
				due = time.Now()
			}
			e.texts++
			m := e.submit(e.texts)
			inFlight[seq] = string(m.ShortMessage)
			e.witness.wrote()
			if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, seq, m)); err != nil {
				return
			}
		}
		h, body, err := smpp.ReadPDU(conn, smpp.MaxPDU)
		if err != nil || !e.take(conn, h, body, inFlight) {
			return
		}
	}
}

func (e *esme) bind(conn net.Conn) bool {
	b := &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: e.client, Password: testkit.Password, InterfaceVersion: smpp.V34}
	if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, 1<<20, b)); err != nil {
		return false
	}
	h, _, err := smpp.ReadPDU(conn, smpp.MaxPDU)
	if err != nil {
		return false
	}
	if h.Command != smpp.CmdBindTransceiverResp || h.Status != smpp.ROK {
		e.witness.wrong("bind of %s: %v %v", e.client, h.Command, h.Status)
		return false
	}
	return true
}

func (e *esme) submit(number int) *smpp.SubmitSM {
	return &smpp.SubmitSM{
		Source:             smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: fmt.Sprintf("3361234%d%02d", e.number, number%cmp.Or(e.numbers, loadNumbers))},
		Dest:               smpp.Address{NPI: smpp.NPIISDN, Addr: cmp.Or(e.dest, campaign)},
		ValidityPeriod:     e.validity,
		RegisteredDelivery: 1,
		ShortMessage:       fmt.Appendf(nil, "%s no. %d", e.client, number),
	}
}

// take answers requests and records the rest. It is false when the connection is lost.
func (e *esme) take(conn net.Conn, h smpp.Header, body []byte, inFlight map[uint32]string) bool {
	p, err := smpp.Decode(h, body)
	if err != nil {
		e.witness.wrong("%v: %v", h.Command, err)
		return false
	}
	var answer smpp.PDU
	switch p := p.(type) {
	case *smpp.SubmitSMResp:
		e.witness.submitted(e.client, p.MessageID, inFlight[h.Sequence], h.Status)
		delete(inFlight, h.Sequence)
		return true
	case *smpp.DeliverSM:
		e.witness.delivered(e.client, p)
		if e.mute.Load() {
			return true
		}
		answer = &smpp.DeliverSMResp{}
	case *smpp.EnquireLink:
		answer = &smpp.EnquireLinkResp{}
	case *smpp.Unbind:
		answer = &smpp.UnbindResp{}
	default:
		e.witness.wrong("%v came", h.Command)
		return true
	}
	_, err = conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, answer))
	return err == nil
}

// ofClient returns the acknowledged messages of an ESME by their ids, with the source that they were submitted with.
func (r *record) ofClient(e *esme) map[string]*smpp.SubmitSM {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := map[string]*smpp.SubmitSM{}
	for id, text := range r.acked {
		var number int
		if _, err := fmt.Sscanf(text, e.client+" no. %d", &number); err == nil {
			of[id] = e.submit(number)
		}
	}
	return of
}
