package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// An account counts message by message, in both directions, what clients and Hermès saw of several workers on one store.
type account struct {
	watched
	hermes    *testkit.Hermes
	acked     map[string]string            // message_id → text
	refused   map[string]smpp.Status       // text → the status of its submit_sm_resp
	receipts  map[string]smpp.MessageState // message_id → what its receipt says
	again     int                          // receipts that came once more
	accepted  map[string]string            // text → message_id, of lines that Hermès sent
	delivered map[string]int               // text → how often a client got it
	order     map[string]int               // conversation and session → the number of the last text that a client got
	resent    map[string]bool              // texts that were handed in once more, by another session: they have no place in the order of theirs
	last      map[string]time.Time         // client → when it got its last deliver_sm
	binds     int
	spans     []*span
}

// A span is a session from the bind's answer to the last thing that the server did for it.
type span struct {
	client      string
	transmitter bool
	begin, end  time.Time
}

// granted begins a session's span.
func (a *account) granted(client string, transmitter bool) *span {
	now := time.Now()
	s := &span{client, transmitter, now, now}
	a.change(func() { a.spans = append(a.spans, s) })
	return s
}

func (a *account) served(s *span) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.end = time.Now()
}

func newAccount(t *testing.T) *account {
	return &account{watched: newWatched(), acked: map[string]string{}, refused: map[string]smpp.Status{}, receipts: map[string]smpp.MessageState{},
		accepted: map[string]string{}, delivered: map[string]int{}, order: map[string]int{}, last: map[string]time.Time{}, resent: map[string]bool{}, hermes: testkit.StartHermes(t)}
}

// await returns once the account is as wanted; done has it to itself.
func (a *account) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	if a.until(2*testkit.Patience, done) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.Fatalf("%s did not come: %d submits acknowledged, %d receipts, %d lines accepted, %d texts delivered, %d binds; faults %q; lacking %v",
		what, len(a.acked), len(a.receipts), len(a.accepted), len(a.delivered), a.binds, a.faults, a.lacking())
}

// lacking are some of what was acknowledged and has not come to its end.
func (a *account) lacking() (some []string) {
	for id, text := range a.acked {
		_, receipt := a.receipts[id]
		if pushed := a.hermes.Accepted(id); !pushed || !receipt {
			some = append(some, fmt.Sprintf("%s %q pushed %v receipt %v", id, text, pushed, receipt))
		}
	}
	for text, id := range a.accepted {
		if a.delivered[text] == 0 {
			some = append(some, fmt.Sprintf("%s %q", id, text))
		}
	}
	return some[:min(len(some), 10)]
}

func (a *account) awaitMore(t *testing.T, submits, lines int) {
	t.Helper()
	a.mu.Lock()
	submits, lines = submits+len(a.acked), lines+len(a.accepted)
	a.mu.Unlock()
	a.await(t, "more messages", func() bool { return len(a.acked) >= submits && len(a.accepted) >= lines })
}

// complete tells whether everything that was acknowledged is where it belongs.
func (a *account) complete() bool { return len(a.lacking()) == 0 }

// judge requires that nothing is lost, mixed up or out of order, and prints how many were accepted, lost and repeated.
func (a *account) judge(t *testing.T, mayRepeat bool) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, fault := range a.faults {
		t.Error(fault)
	}
	texts, keys, times := map[string]string{}, map[string]string{}, map[string]int{}
	last := map[string]int{}
	repeats := 0
	for _, p := range a.hermes.Pushes(nil) {
		id, text := p.Message.ID, p.Message.Text
		if status, refused := a.refused[text]; refused {
			t.Errorf("%q was answered %v and pushed as %s", text, status, id)
		}
		times[text]++
		if before, again := texts[id]; again {
			repeats++
			if before != text || keys[id] != p.Key {
				t.Errorf("message %s was pushed as %q under %q, and as %q under %q", id, before, keys[id], text, p.Key)
			}
			continue
		}
		texts[id], keys[id] = text, p.Key
		conversation, number := conversationOf(text, p.Message.From)
		if number < last[conversation] {
			t.Errorf("%q came after no. %d of its session", text, last[conversation])
		}
		last[conversation] = number
	}
	lost := 0
	for id, text := range a.acked {
		state := a.receipts[id]
		if texts[id] != text {
			t.Errorf("id %s was given to %q, and pushed with %q", id, text, texts[id])
		}
		if state != smpp.StateDelivered {
			t.Errorf("the receipt of %s says %v", id, state)
		}
		if texts[id] != text || state != smpp.StateDelivered {
			lost++
		}
	}
	twice := 0
	for text, id := range a.accepted {
		switch n := a.delivered[text]; {
		case n == 0:
			lost++
			t.Errorf("line %q was accepted as %s, and no client got it", text, id)
		case n > 1:
			twice += n - 1
		}
	}
	if !mayRepeat && repeats+twice > 0 {
		t.Errorf("%d pushes and %d deliver_sm were repeated", repeats, twice)
	}
	t.Logf("submits: %d accepted, %d refused, %d pushes repeated; lines: %d accepted, %d deliver_sm repeated; %d receipts, %d of them again; %d binds",
		len(a.acked), len(a.refused), repeats, len(a.accepted), twice, len(a.receipts), a.again, a.binds)
	toll{sent: a.sent, acknowledged: len(a.acked) + len(a.accepted), lost: lost, repeated: repeats + twice + a.again}.tell(t)
}

// conversationOf tells what is to stay in order of a text such as "m1 s3 no. 17".
func conversationOf(text, number string) (conversation string, n int) {
	session, no, _ := strings.Cut(text, " no. ")
	n, _ = strconv.Atoi(no)
	return session + " " + number, n
}

// A party is one that keeps working with whichever worker it reaches, until the test's end.
type party struct {
	account *account
	addrs   func() []string // of all workers
	at      int             // the one that it tries now
	name    string
	slow    time.Duration // it takes so long for each PDU

	once  sync.Once
	quiet chan struct{}
	stop  chan struct{}
	ended chan struct{}
}

func (p *party) start(t *testing.T, session func(conn net.Conn)) {
	p.quiet, p.stop, p.ended = make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(p.ended)
		for !closed(p.stop) {
			addrs := p.addrs()
			conn, err := net.DialTimeout("tcp", addrs[p.at%len(addrs)], testkit.Patience)
			p.at++
			if err == nil {
				p.serve(conn, session)
			}
			select {
			case <-p.stop:
			case <-time.After(reconnectAfter):
			}
		}
	}()
	t.Cleanup(func() {
		close(p.stop)
		<-p.ended
	})
}

func (p *party) serve(conn net.Conn, session func(conn net.Conn)) {
	defer conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-p.stop:
		case <-over:
		}
		conn.Close()
	}()
	session(conn)
}

func (p *party) hush() { p.once.Do(func() { close(p.quiet) }) }

// bind binds, and tells whether that was granted. A place that is not free yet, and a worker that cannot tell, are no faults.
func (p *party) bind(conn net.Conn, request, response smpp.CommandID, client string) bool {
	b := &smpp.Bind{Type: request, SystemID: client, Password: testkit.Password, InterfaceVersion: smpp.V34}
	if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, 1<<20, b)); err != nil {
		return false
	}
	h, _, err := smpp.ReadPDU(conn, smpp.MaxPDU)
	if err != nil {
		return false
	}
	switch {
	case h.Command == response && h.Status == smpp.ROK:
		p.account.change(func() { p.account.binds++ })
		return true
	case h.Command == response && (h.Status == smpp.RALYBND || h.Status == smpp.RSYSERR):
	default:
		p.account.change(func() { p.account.fault("bind of %s: %v %v", client, h.Command, h.Status) })
	}
	return false
}

var machineSessions atomic.Int64

// startTransmitter submits for a client as fast as it is answered.
func startTransmitter(t *testing.T, a *account, addrs func() []string, client string, first int, slow time.Duration) *party {
	p := &party{account: a, addrs: addrs, at: first, name: client, slow: slow}
	texts := 0
	p.start(t, func(conn net.Conn) {
		if !p.bind(conn, smpp.CmdBindTransmitter, smpp.CmdBindTransmitterResp, client) {
			return
		}
		session := machineSessions.Add(1)
		served := a.granted(client, true)
		inFlight := map[uint32]string{}
		for seq := uint32(1); ; {
			for ; len(inFlight) < loadWindow && !closed(p.quiet); seq++ {
				texts++
				text := fmt.Sprintf("%s s%d no. %d", client, session, texts)
				m := &smpp.SubmitSM{Source: smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: fmt.Sprintf("3361234%02d", texts%loadNumbers)},
					Dest: smpp.Address{NPI: smpp.NPIISDN, Addr: campaignOf(client)}, RegisteredDelivery: 1, ShortMessage: []byte(text)}
				inFlight[seq] = text
				a.wrote()
				if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, seq, m)); err != nil {
					return
				}
			}
			h, body, err := smpp.ReadPDU(conn, smpp.MaxPDU)
			if err != nil || !p.takeResp(conn, h, body, inFlight) {
				return
			}
			a.served(served)
			time.Sleep(p.slow)
			if len(inFlight) == 0 && closed(p.quiet) { // a transmitter in peace
				<-p.stop
				return
			}
		}
	})
	return p
}

func campaignOf(client string) string { return "3600" + strings.TrimPrefix(client, "m") }

func (p *party) takeResp(conn net.Conn, h smpp.Header, body []byte, inFlight map[uint32]string) bool {
	a := p.account
	switch h.Command {
	case smpp.CmdSubmitSMResp:
		text := inFlight[h.Sequence]
		delete(inFlight, h.Sequence)
		if h.Status != smpp.ROK {
			a.change(func() {
				if h.Status != smpp.RSYSERR {
					a.fault("submit of %q: %v", text, h.Status)
				}
				a.refused[text] = h.Status
			})
			time.Sleep(20 * time.Millisecond) // it is not asked as fast as it refuses
			return true
		}
		pdu, err := smpp.Decode(h, body)
		resp, ok := pdu.(*smpp.SubmitSMResp)
		if err != nil || !ok {
			return false
		}
		a.change(func() {
			if before, twice := a.acked[resp.MessageID]; twice {
				a.fault("id %s was given to %q and to %q", resp.MessageID, before, text)
			}
			a.acked[resp.MessageID] = text
		})
		return true
	case smpp.CmdEnquireLink:
		_, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.EnquireLinkResp{}))
		return err == nil
	case smpp.CmdUnbind:
		_, _ = conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.UnbindResp{}))
		return false
	}
	a.change(func() { a.fault("%v came to a transmitter", h.Command) })
	return true
}

// startReceiver takes what is for a client.
func startReceiver(t *testing.T, a *account, addrs func() []string, client string, first int, slow time.Duration) *party {
	p := &party{account: a, addrs: addrs, at: first, name: client, slow: slow}
	p.start(t, func(conn net.Conn) {
		if !p.bind(conn, smpp.CmdBindReceiver, smpp.CmdBindReceiverResp, client) {
			return
		}
		for {
			h, body, err := smpp.ReadPDU(conn, smpp.MaxPDU)
			if err != nil {
				return
			}
			var answer smpp.PDU
			switch h.Command {
			case smpp.CmdDeliverSM:
				pdu, err := smpp.Decode(h, body)
				if err != nil {
					a.change(func() { a.fault("deliver_sm: %v", err) })
					return
				}
				time.Sleep(p.slow)
				// The answer first: what was not answered may come again.
				if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.DeliverSMResp{})); err != nil {
					return
				}
				a.took(client, pdu.(*smpp.DeliverSM))
				continue
			case smpp.CmdEnquireLink:
				answer = &smpp.EnquireLinkResp{}
			case smpp.CmdUnbind:
				_, _ = conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, &smpp.UnbindResp{}))
				return
			default:
				a.change(func() { a.fault("%v came to a receiver", h.Command) })
				continue
			}
			if _, err := conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, answer)); err != nil {
				return
			}
		}
	})
	return p
}

func (a *account) took(client string, d *smpp.DeliverSM) {
	a.change(func() {
		a.last[client] = time.Now()
		if d.ESMClass&0x3C == 0 {
			text := string(d.ShortMessage)
			if a.delivered[text]++; a.delivered[text] > 1 {
				return
			}
			if a.resent[text] {
				return
			}
			conversation, n := conversationOf(text, d.Dest.Addr)
			if n < a.order[conversation] {
				a.fault("%q came after no. %d", text, a.order[conversation])
			}
			a.order[conversation] = n
			return
		}
		r, err := smpp.ParseReceipt(d.ShortMessage)
		if err != nil {
			a.fault("receipt %q: %v", d.ShortMessage, err)
			return
		}
		if _, twice := a.receipts[r.ID]; twice {
			a.again++
		}
		a.receipts[r.ID] = r.State
	})
}

// startAgent sends lines for a client to the TCP ports, as Hermès does: what was not answered goes again, under its id, to the next worker.
func startAgent(t *testing.T, a *account, addrs func() []string, client string, first int, between time.Duration) *party {
	p := &party{account: a, addrs: addrs, at: first, name: client}
	lines := 0
	open := map[string]string{} // id → text
	p.start(t, func(conn net.Conn) {
		session := machineSessions.Add(1)
		answers := bufio.NewScanner(conn)
		send := func(id, text string) bool {
			line, _ := json.Marshal(map[string]string{"id": id, "from": campaignOf(client), "to": fmt.Sprintf("3369876%02d", lines%loadNumbers), "text": text})
			_, err := conn.Write(append(line, '\n'))
			return err == nil
		}
		take := func() bool {
			var answer struct{ ID, Status, Code, MessageID string }
			if !answers.Scan() {
				return false
			}
			raw := map[string]any{}
			if json.Unmarshal(answers.Bytes(), &raw) != nil {
				return false
			}
			answer.ID, _ = raw["id"].(string)
			answer.Status, _ = raw["status"].(string)
			answer.Code, _ = raw["code"].(string)
			answer.MessageID, _ = raw["message_id"].(string)
			text := open[answer.ID]
			switch {
			case answer.Status == "accepted":
				delete(open, answer.ID)
				a.change(func() { a.accepted[text] = answer.MessageID })
			case answer.Code == "store_unavailable":
				return false // elsewhere
			default:
				a.change(func() { a.fault("line %q: %s", text, answers.Bytes()) })
			}
			return true
		}
		for _, id := range slices.Sorted(maps.Keys(open)) {
			a.change(func() { a.resent[open[id]] = true })
			if !send(id, open[id]) || !take() {
				return
			}
		}
		for !closed(p.quiet) {
			lines++
			id := fmt.Sprintf("%s-%d-%d", client, session, lines)
			a.wrote()
			open[id] = fmt.Sprintf("to %s s%d no. %d", client, session, lines)
			if !send(id, open[id]) || !take() {
				return
			}
			select {
			case <-p.stop:
				return
			case <-time.After(between):
			}
		}
		<-p.stop
	})
	return p
}
