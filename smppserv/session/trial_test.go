package session

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/pkg/smpp"
)

const (
	// slowBind is the longest that a bind's judgement takes here.
	slowBind = 40 * time.Second
	// longEnough is more than all the timers of a session's end together.
	longEnough = notReading + 2*time.Minute
	// longestAnswer bounds the answers given here, in octets.
	longestAnswer = 100
)

type withoutCloseWrite struct{ net.Conn }

// numbered is what an answer and its request have in common.
type numbered struct {
	answer   smpp.CommandID
	sequence uint32
}

// trial is a session, its handler and its peer; the fields below mu are the handler's.
type trial struct {
	t    *testing.T
	o    Options
	pipe *pipe
	s    *Session

	ended      chan struct{}
	sent       []byte           // by the peer, not a whole PDU yet
	total      int              // octets that the peer sent
	lost       bool             // the peer's octets are no PDUs any more
	gone       bool             // the peer sends nothing more
	auto       bool             // the peer answers enquire_link and unbind
	hurry      bool             // the next step does not wait for this one
	owed       map[numbered]int // answers that the peer may still get
	got        []byte           // by the peer, not a whole PDU yet
	asked      []smpp.Header    // our requests that the peer has not answered
	unbinds    int              // that we sent
	unbindResp bool             // our unbind_resp came: nothing may follow
	bindResps  int              // bind_*_resp ROK
	probing    int

	mu          sync.Mutex
	rough       bool // the connection was cut, stalled or raced with: answers may be lost
	bindMode    int
	requestMode int
	grants      int
	bounds      int
	unbounds    int
	pending     []*Ticket
	tickets     []*Ticket
	due         []*Ticket // answered while the peer could be told
	sends       int       // calls of Send
	dones       int       // and of their done
	octets      int       // of them all
}

func (tr *trial) start() {
	tr.s = New(tr.o)
	tr.ended = make(chan struct{})
	tr.owed = map[numbered]int{}
	tr.t.Cleanup(func() { tr.s.Close(nil) })
	go func() {
		defer close(tr.ended)
		_ = tr.s.Serve()
	}()
}

func (tr *trial) Bind(*Session, *smpp.Bind) (byte, error) {
	tr.mu.Lock()
	mode := tr.bindMode
	tr.mu.Unlock()
	switch mode % 6 {
	case 1:
		return 0, smpp.RINVPASWD
	case 2:
		return 0, errors.New("the directory is down")
	case 3:
		time.Sleep(3 * time.Second)
	case 4:
		time.Sleep(slowBind)
	case 5:
		time.Sleep(time.Second)
		return 0, smpp.RBINDFAIL
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.grants++
	return 0, nil
}

func (tr *trial) Bound(*Session) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.bounds++
}

func (tr *trial) Unbound(*Session, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.unbounds++
}

func (tr *trial) Request(s *Session, h smpp.Header, _ smpp.PDU) {
	t := &Ticket{}
	t.Open(s, h)
	tr.mu.Lock()
	tr.tickets = append(tr.tickets, t)
	tr.pending = append(tr.pending, t)
	mode := tr.requestMode % 5
	tr.rough = tr.rough || mode == 3
	tr.mu.Unlock()
	switch mode {
	case 1:
		tr.answer(t, 0)
	case 2:
		tr.answer(t, 1)
	case 3: // perhaps in the very moment in which the connection closes
		time.AfterFunc(700*time.Millisecond, func() { tr.answer(t, 0) })
	case 4:
		go tr.answer(t, 0)
	}
}

// answer answers t, once.
func (tr *trial) answer(t *Ticket, how int) {
	tr.mu.Lock()
	found := false
	for i, p := range tr.pending {
		if found = p == t; found {
			tr.pending = append(tr.pending[:i:i], tr.pending[i+1:]...)
			break
		}
	}
	tr.mu.Unlock()
	if !found {
		return
	}
	if tr.s.closed.Load() == 0 {
		defer func() {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.due = append(tr.due, t)
		}()
	}
	switch how % 4 {
	case 1:
		t.Refuse(smpp.RTHROTTLED)
	case 2:
		t.Refuse(errors.New("the store is full"))
	case 3:
		t.Answer(smpp.RDELIVERYFAILURE, &smpp.SubmitSMResp{TLVs: smpp.TLVs{smpp.TLVUint8(smpp.TagDeliveryFailureReason, 1)}})
	default:
		t.Reply(replyTo(t.command))
	}
}

func replyTo(command smpp.CommandID) smpp.PDU {
	switch command {
	case smpp.CmdSubmitMulti:
		return &smpp.SubmitMultiResp{MessageID: "1"}
	case smpp.CmdDataSM:
		return &smpp.DataSMResp{MessageID: "1"}
	case smpp.CmdQuerySM:
		return &smpp.QuerySMResp{MessageID: "1", State: smpp.StateEnroute}
	case smpp.CmdCancelSM:
		return &smpp.CancelSMResp{}
	case smpp.CmdReplaceSM:
		return &smpp.ReplaceSMResp{}
	}
	return &smpp.SubmitSMResp{MessageID: "1"}
}

func (tr *trial) answerOne(n, how int) {
	tr.mu.Lock()
	var t *Ticket
	if len(tr.pending) > 0 {
		t = tr.pending[n%len(tr.pending)]
	}
	tr.mu.Unlock()
	if t == nil {
		return
	}
	if how%4 == 3 && t.command != smpp.CmdSubmitSM {
		how = 0
	}
	tr.answer(t, how)
}

func (tr *trial) answerAll() {
	for {
		tr.mu.Lock()
		n := len(tr.pending)
		tr.mu.Unlock()
		if n == 0 {
			return
		}
		tr.answerOne(0, 0)
	}
}

// answerHenceforth answers what waits and what will come.
func (tr *trial) answerHenceforth() {
	tr.mu.Lock()
	tr.requestMode = 1
	tr.mu.Unlock()
	for range 2 {
		tr.answerAll()
		synctest.Wait()
	}
}

// roughly does what may cost the peer an answer.
func (tr *trial) roughly(f func()) {
	tr.mu.Lock()
	tr.rough = true
	tr.mu.Unlock()
	f()
}

// deliver sends a deliver_sm, and again from its done so many times.
func (tr *trial) deliver(size, again int) {
	p := &smpp.DeliverSM{Source: smpp.Address{Addr: "1"}, Dest: smpp.Address{Addr: "2"}}
	if size%10 == 9 {
		p.TLVs = smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 60_000)}}
	} else {
		p.ShortMessage = make([]byte, 25*(size%10))
	}
	tr.mu.Lock()
	tr.sends++
	tr.octets += len(smpp.AppendPDU(nil, 0, 0, p))
	tr.mu.Unlock()
	tr.s.Send(p, func(Answer) {
		tr.mu.Lock()
		tr.dones++
		tr.mu.Unlock()
		if again > 0 {
			tr.deliver(size, again-1)
		}
	})
}

func (tr *trial) probe(d time.Duration) {
	tr.probing++
	go func() {
		start := time.Now()
		tr.s.Probe(d)
		if over := time.Since(start); over > d {
			tr.t.Errorf("a probe of %v took %v", d, over)
		}
	}()
}

// send has the peer send b, and notes which answers it may expect.
func (tr *trial) send(b []byte) {
	if tr.gone || tr.total+len(b) > maxScript {
		return
	}
	tr.total += len(b)
	tr.pipe.send(b)
	if tr.lost {
		return
	}
	tr.sent = append(tr.sent, b...)
	for len(tr.sent) >= smpp.HeaderLen {
		h := smpp.ParseHeader(tr.sent)
		if h.Length < smpp.HeaderLen || h.Length > smpp.MaxPDU {
			tr.lost = true
			if h.Length < smpp.HeaderLen {
				h.Sequence = 0
			}
			tr.owed[numbered{smpp.CmdGenericNack, h.Sequence}]++
			return
		}
		if len(tr.sent) < int(h.Length) {
			return
		}
		tr.sent = tr.sent[h.Length:]
		if answer := answerTo(h.Command); answer != 0 {
			tr.owed[numbered{answer, h.Sequence}]++
		}
	}
}

// answerTo is what a bound session answers a PDU with, 0 if with nothing.
func answerTo(c smpp.CommandID) smpp.CommandID {
	switch {
	case !c.Known() || c == smpp.CmdOutbind:
		return smpp.CmdGenericNack
	case c.IsResponse() || c == smpp.CmdAlertNotification:
		return 0
	}
	return c | 0x80000000
}

// respond has the peer answer one of our requests.
func (tr *trial) respond(n int, status smpp.Status, nack bool) {
	if len(tr.asked) == 0 {
		return
	}
	n %= len(tr.asked)
	h := tr.asked[n]
	tr.asked = append(tr.asked[:n:n], tr.asked[n+1:]...)
	command := h.Command | 0x80000000
	if nack {
		command = smpp.CmdGenericNack
	}
	b := smpp.AppendHeader(nil, command, status, h.Sequence)
	if command == smpp.CmdDeliverSMResp {
		b[3]++
		b = append(b, 0)
	}
	tr.send(b)
}

// check holds what is true of a session whenever nothing moves.
func (tr *trial) check() {
	tr.t.Helper()
	tr.read()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	s := tr.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inflight < 0 || s.inflight > tr.o.MaxRequests {
		tr.t.Fatalf("%d requests are in flight, not 0 to %d", s.inflight, tr.o.MaxRequests)
	}
	if s.inflight != len(tr.pending) {
		tr.t.Fatalf("%d requests are in flight, the handler has %d", s.inflight, len(tr.pending))
	}
	if limit := maxOut + (tr.o.MaxRequests+1)*longestAnswer + tr.octets + (tr.probing+maxSteps)*100; len(s.out) > limit {
		tr.t.Fatalf("%d octets are waiting, more than %d", len(s.out), limit)
	}
	if len(s.window.flying) > tr.o.Window || len(s.window.flying) > len(s.window.order) {
		tr.t.Fatalf("%d of our requests are in flight, %d in order", len(s.window.flying), len(s.window.order))
	}
	if len(s.buf) > smpp.MaxPDU {
		tr.t.Fatalf("the reader has %d octets", len(s.buf))
	}
	for _, ticket := range tr.due {
		if !tr.rough && !s.inVain && ticket.written.Load() == 0 {
			tr.t.Fatalf("the answer to %d was lost", ticket.sequence)
		}
	}
	tr.due = tr.due[:0]
	if over := tr.dones > tr.sends || tr.unbounds > 1 || tr.bounds > 1 || tr.grants > 1 || tr.unbounds > tr.grants; over {
		tr.t.Fatalf("%d binds were granted, %d times Bound, %d times Unbound; %d deliver_sm came to %d ends",
			tr.grants, tr.bounds, tr.unbounds, tr.sends, tr.dones)
	}
}

// end ends the session in one of several ways, and looks back.
func (tr *trial) end(how int) {
	t, s := tr.t, tr.s
	t.Helper()
	switch how % 5 {
	case 0:
		tr.farewell()
	case 1:
		tr.roughly(tr.pipe.reset)
		tr.answerHenceforth() // a session that may read no further sees the reset when it may
	case 2:
		tr.roughly(func() { s.Close(nil) })
	case 3:
		s.Unbind(nil) // and the peer does nothing any more
	case 4:
		s.mu.Lock()
		stuck := !s.writing.IsZero()
		s.mu.Unlock()
		if !stuck { // else the session must notice by itself
			tr.pipe.halfClose()
			tr.answerHenceforth()
		}
	}
	select {
	case <-tr.ended:
	case <-time.After(longEnough):
		s.Close(nil)
		t.Fatalf("Serve did not return, state %v", s.State())
	}
	select {
	case <-s.Done():
	default:
		t.Fatal("Serve returned before Done")
	}
	synctest.Wait()
	tr.answerAll()
	tr.deliver(0, 0)
	tr.check()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.unbounds != tr.grants {
		t.Errorf("%d binds were granted, Unbound was called %d times", tr.grants, tr.unbounds)
	}
	if tr.dones != tr.sends {
		t.Errorf("%d of %d deliver_sm came to an end", tr.dones, tr.sends)
	}
	for _, ticket := range tr.tickets {
		if _, _, ok := ticket.Answered(); !ok {
			t.Errorf("the answer to %d is still on its way", ticket.sequence)
		}
	}
	if len(tr.got) > 0 && !tr.pipe.torn {
		t.Errorf("the stream ends within a PDU: % x", tr.got)
	}
	if st := s.State(); st != Closing {
		t.Errorf("state %v in the end", st)
	}
}
