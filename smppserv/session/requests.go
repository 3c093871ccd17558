package session

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// request is a line of the table below.
type request struct {
	states State // in which it is allowed; elsewhere it is answered RINVBNDSTS
	handle func(s *Session, h smpp.Header, body []byte)
}

// requests says what the peer may ask for, and when (SMPP 3.4, table 2-1; 5.0, table 2-1).
// What has no line is unknown to us: generic_nack with RINVCMDID.
//
//	                    OPEN  TX  RX  TRX  UNBINDING
//	bind_*               x     RALYBND
//	submit_sm, submit_multi, data_sm, query_sm, cancel_sm, replace_sm
//	                           x       x   RSYSERR
//	enquire_link         x     x   x   x    x
//	unbind                     x   x   x    x
//
// deliver_sm is ours to send: from the peer it is always RINVBNDSTS.
var requests = map[smpp.CommandID]request{
	smpp.CmdBindReceiver:    {Open, (*Session).bind},
	smpp.CmdBindTransmitter: {Open, (*Session).bind},
	smpp.CmdBindTransceiver: {Open, (*Session).bind},
	smpp.CmdSubmitSM:        {transmits, (*Session).submitSM},
	smpp.CmdSubmitMulti:     {transmits, (*Session).pass},
	smpp.CmdDataSM:          {transmits, (*Session).pass},
	smpp.CmdQuerySM:         {transmits, (*Session).pass},
	smpp.CmdCancelSM:        {transmits, (*Session).pass},
	smpp.CmdReplaceSM:       {transmits, (*Session).pass},
	smpp.CmdEnquireLink:     {Open | bound | Unbinding, (*Session).enquireLink},
	smpp.CmdUnbind:          {bound | Unbinding, (*Session).unbind},
	smpp.CmdDeliverSM:       {0, nil},
}

// handle judges a PDU by its header, which came in this state, and has it handled.
func (s *Session) handle(st State, h smpp.Header, body []byte) {
	s.traceIn(h, body)
	if h.Command.IsResponse() {
		s.response(h, st)
		return
	}
	r, known := requests[h.Command]
	switch {
	case st == Closing:
	case h.Command == smpp.CmdAlertNotification: // has no response
	case !known:
		s.nack(h.Sequence, smpp.RINVCMDID)
	case r.states&st == 0 && h.Command == smpp.CmdUnbind:
		s.refuse(h, smpp.RINVBNDSTS)
		s.finish(errPeerUnbound, refusedPatience)
	case r.states&st == 0 && r.states == Open:
		s.refuse(h, smpp.RALYBND)
	case r.states&st == 0 && st == Unbinding && r.states&s.wasBound != 0:
		s.refuse(h, smpp.RSYSERR) // it was sent before our unbind was read, and is to be sent again
	case r.states&st == 0:
		s.refuse(h, smpp.RINVBNDSTS)
	default:
		r.handle(s, h, body)
		if h.Command != smpp.CmdSubmitSM || s.submit.ReplaceIfPresent != 0 { // it may have taken its time
			s.now = time.Now()
		}
	}
}

// response takes an answer to one of our requests; strays are ignored (4.3 allows no answer to them but for unknown ones).
func (s *Session) response(h smpp.Header, st State) {
	switch {
	case h.Command == smpp.CmdUnbindResp && st == Unbinding:
		if s.answerAll() {
			s.finish(nil, 0)
		}
	case !h.Command.Known() && st != Closing:
		s.nack(h.Sequence, smpp.RINVCMDID)
	default:
		s.settle(h)
	}
}

// refusedPatience is how long a client whose bind was refused may take to close.
const refusedPatience = time.Second

func (s *Session) bind(h smpp.Header, body []byte) {
	s.mu.Lock()
	s.times.judging = true
	s.mu.Unlock()
	var b smpp.Bind
	err := smpp.DecodeBody(h, body, &b)
	var highest byte
	if err == nil {
		highest, err = s.judge(&b)
	}
	if err != nil {
		s.refuse(h, s.status(err, h.Command))
		s.finish(errRefused, refusedPatience)
		return
	}
	s.mu.Lock()
	s.systemID = b.SystemID
	s.wasBound = BoundBy(h.Command)
	if s.state != Open { // closed or unbound meanwhile
		s.mu.Unlock()
		s.leave()
		return
	}
	if highest == 0 {
		highest = smpp.V50
	}
	s.state = s.wasBound
	version := min(versionOf(b.InterfaceVersion), highest)
	s.version.Store(uint32(version))
	resp := &smpp.BindResp{Type: h.Command.Response(), SystemID: s.o.SystemID}
	if version >= smpp.V34 { // there are no TLVs in 3.3
		resp.TLVs = smpp.TLVs{smpp.TLVUint8(smpp.TagScInterfaceVersion, min(b.InterfaceVersion, highest))}
	}
	s.out = smpp.AppendPDU(s.out, smpp.ROK, h.Sequence, resp)
	s.wake()
	s.arm(time.Now())
	s.mu.Unlock()
	s.o.Handler.Bound(s)
}

func (s *Session) judge(b *smpp.Bind) (highest byte, err error) {
	defer s.judged()
	return s.o.Handler.Bind(s, b)
}

// BoundBy is the state that a bind leads to.
func BoundBy(bind smpp.CommandID) State {
	switch bind {
	case smpp.CmdBindTransmitter:
		return BoundTX
	case smpp.CmdBindReceiver:
		return BoundRX
	}
	return BoundTRX
}

// versionOf reads an interface_version: below 3.4 counts as 3.3, above 5.0 as 5.0, in between as 3.4 (5.2.4).
func versionOf(v byte) byte {
	switch {
	case v < smpp.V34:
		return smpp.V33
	case v < smpp.V50:
		return smpp.V34
	}
	return smpp.V50
}

func (s *Session) submitSM(h smpp.Header, body []byte) {
	if s.submit == nil {
		s.submit = new(smpp.SubmitSM)
	}
	s.request(h, body, s.submit)
}

func (s *Session) pass(h smpp.Header, body []byte) {
	p, err := smpp.Decode(h, body)
	s.hand(h, p, err)
}

func (s *Session) request(h smpp.Header, body []byte, p smpp.PDU) {
	s.hand(h, p, smpp.DecodeBody(h, body, p))
}

func (s *Session) hand(h smpp.Header, p smpp.PDU, err error) {
	if err != nil {
		s.logFault(err)
		s.refuse(h, s.status(err, h.Command))
		return
	}
	s.mu.Lock()
	s.inflight++
	s.mu.Unlock()
	s.o.Handler.Request(s, h, p)
}

func (s *Session) enquireLink(h smpp.Header, _ []byte) {
	s.mu.Lock()
	s.append(smpp.CmdEnquireLinkResp, h.Sequence)
	s.mu.Unlock()
}

// unbind answers after all that came before it: no deliver_sm follows, and the place is free at once.
func (s *Session) unbind(h smpp.Header, _ []byte) {
	s.mu.Lock()
	s.blame(errPeerUnbound)
	if s.state != Unbinding {
		now := time.Now()
		s.state = Unbinding
		s.times.unbinding(now, 1)
		s.arm(now)
	}
	s.mu.Unlock()
	s.leave()
	s.failRequests()
	if !s.answerAll() {
		return
	}
	s.mu.Lock()
	if s.state == Unbinding {
		s.append(smpp.CmdUnbindResp, h.Sequence)
	}
	s.mu.Unlock()
	s.finish(errPeerUnbound, s.o.Logout)
}

// answerAll waits until the peer's requests are answered. Each has the response timer for that, which in transaction mode
// begins with its commit: after twice that time the session is over without them, our FIN follows, and it returns false.
func (s *Session) answerAll() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times.unbinding(time.Now(), 2)
	for s.inflight > 0 && s.state == Unbinding {
		s.room.Wait()
	}
	if end := s.times.unbindEnd; s.inflight > 0 && !end.IsZero() && !time.Now().Before(end) {
		s.inVain = true
		s.wake()
	}
	return !s.inVain
}
