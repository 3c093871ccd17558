package smsc

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// slow is a client that takes so many deliver_sm a second and answers RTHROTTLED to others.
type slow struct {
	c     *smpptest.Client
	each  int
	began time.Time

	mu    sync.Mutex
	trace []string
	came  []time.Time // whatever came
	taken []*smpp.DeliverSM
	last  []time.Time // those that were taken within a second
}

func newSlow(c *smpptest.Client, each int) *slow {
	s := &slow{c: c, each: each, began: time.Now()}
	go s.run()
	return s
}

// eachRequest calls f for every request that comes on c until its end, and answers with the status that f returns; noAnswer = not at all.
func eachRequest(c *smpptest.Client, f func(smpp.Header, smpp.PDU) smpp.Status) {
	conn := c.Conn()
	_ = conn.SetDeadline(time.Time{})
	var rest []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		rest = append(rest, buf[:n]...)
		for len(rest) >= smpp.HeaderLen {
			h := smpp.ParseHeader(rest)
			if len(rest) < int(h.Length) {
				break
			}
			p, _ := smpp.Decode(h, rest[smpp.HeaderLen:h.Length])
			rest = rest[h.Length:]
			if h.Command.IsResponse() {
				continue
			}
			if status := f(h, p); status != noAnswer {
				_, _ = conn.Write(smpp.AppendRefusal(nil, h.Command, status, h.Sequence))
			}
		}
	}
}

const noAnswer smpp.Status = 0xFFFFFFFF

func (s *slow) run() {
	eachRequest(s.c, func(_ smpp.Header, p smpp.PDU) smpp.Status {
		if d, ok := p.(*smpp.DeliverSM); ok {
			return s.judge(d)
		}
		return smpp.ROK
	})
}

func (s *slow) judge(d *smpp.DeliverSM) smpp.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.last) > 0 && now.Sub(s.last[0]) >= time.Second {
		s.last = s.last[1:]
	}
	status := smpp.RTHROTTLED
	if len(s.last) < s.each {
		s.last = append(s.last, now)
		s.taken = append(s.taken, d)
		status = smpp.ROK
	}
	s.came = append(s.came, now)
	what := string(d.ShortMessage)
	if d.ESMClass&smpp.ESMUDHI != 0 {
		what = fmt.Sprintf("part %d of %d", d.ShortMessage[5], d.ShortMessage[4])
	}
	s.trace = append(s.trace, fmt.Sprintf("%6.3f s  to %s  %-12s %v", now.Sub(s.began).Seconds(), d.Dest.Addr, what, status))
	return status
}

// await waits until so many were taken, and shows what came.
func (s *slow) await(t *testing.T, n int, within time.Duration) (taken []*smpp.DeliverSM, came int) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		taken, came = s.taken, len(s.came)
		done := len(taken) >= n
		trace := strings.Join(s.trace, "\n")
		s.mu.Unlock()
		if done {
			t.Logf("what came:\n%s", trace)
			return taken, came
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d were taken within %v:\n%s", len(taken), n, within, trace)
		}
	}
}

func TestAClientThatTakesTwoASecondGetsAll(t *testing.T) {
	t.Parallel()
	const all = 20
	r := newRig(t, nil)
	s := newSlow(r.transceiver(), 2)
	var ms []*sms.Message
	for i := range all {
		ms = append(ms, r.writeTo(fmt.Sprint(33612340000+i), fmt.Sprint("reply ", i)))
	}
	// It takes 10 s; a schedule of 1, 5 and 15 s would not be through in a minute.
	taken, came := s.await(t, all, 20*time.Second)
	seen := map[string]bool{}
	for _, d := range taken {
		seen[d.Dest.Addr] = true
	}
	if len(seen) != all || came > 50 {
		t.Errorf("%d people have their reply, with %d deliver_sm", len(seen), came)
	}
	for _, m := range ms {
		r.awaitState(m.ID.String(), sms.Delivered)
		if got := r.message(m.ID.String()); got.Attempts != 1 {
			t.Errorf("message %v took %d tries", m.ID, got.Attempts)
		}
	}
}

func TestATextOfMorePartsThanTheClientTakesASecondArrivesWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	s := newSlow(r.transceiver(), 2)
	m := r.writeTo(person, strings.Repeat("x", 153*7))
	taken, _ := s.await(t, 7, 15*time.Second)
	r.awaitState(m.ID.String(), sms.Delivered)
	seen := map[byte]bool{}
	for _, d := range taken {
		seen[d.ShortMessage[5]] = true
	}
	if len(seen) != 7 || len(taken) != 7 {
		t.Errorf("parts %v were taken, of %d", seen, len(taken))
	}
}

func TestAClientThatTakesNothingGetsOneASecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	s := newSlow(r.transceiver(), 0)
	for i := range 200 {
		r.writeTo(fmt.Sprint(33612340000+i), "reply")
	}
	r.writeTo(person, strings.Repeat("x", 153*100))
	begun := time.Now()
	s.mu.Lock()
	before := len(s.came)
	s.mu.Unlock()
	time.Sleep(5 * time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.came) - before; n < 2 || n > int(time.Since(begun).Seconds())+1 {
		t.Errorf("%d came in %v:\n%s", n, time.Since(begun), strings.Join(s.trace, "\n"))
	}
	for i := 1; i < len(s.trace) && i > before; i++ {
		if s.came[i].Sub(s.came[i-1]) < 900*time.Millisecond {
			t.Errorf("two came within %v", s.came[i].Sub(s.came[i-1]))
		}
	}
}

func TestAConversationStaysInOrderWhileItsClientTakesFew(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *rig, o *Options) { o.Window = 1 })
	s := newSlow(r.transceiver(), 3)
	const all = 9
	for i := range all {
		r.writeTo(person, fmt.Sprint(i))
	}
	taken, _ := s.await(t, all, 15*time.Second)
	for i, d := range taken {
		if string(d.ShortMessage) != fmt.Sprint(i) {
			t.Errorf("number %d was %q", i, d.ShortMessage)
		}
	}
}

func TestTheOtherSessionGoesOnWhileOneIsThrottled(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true; r.alice().BindPolicy = Pair })
	a := r.bind(smpp.CmdBindTransceiver, "alice")
	id := a.SubmitSM(withReceipt("x")) // so that receipts of this session prefer it
	a.ExpectDeliver()
	r.awaitState(id, sms.Delivered)
	for range 50 {
		a.Send(withReceipt("y"))
	}
	for range 50 {
		a.Expect(smpp.CmdSubmitSMResp)
	}
	throttled := newSlow(a, 0)
	b := newSlow(r.bind(smpp.CmdBindReceiver, "alice"), 1000)
	const texts = 50
	for i := range texts {
		r.writeTo(fmt.Sprint(33612340000+i), "reply")
	}
	b.await(t, texts, 10*time.Second)
	throttled.mu.Lock()
	defer throttled.mu.Unlock()
	if n := len(throttled.came); n > 30 {
		t.Errorf("%d came on the session that takes nothing", n)
	}
}

// mute answers enquire_link, or nothing at all, and counts the deliver_sm that come.
func mute(c *smpptest.Client, alive bool) (came func() int) {
	var n atomic.Int64
	go eachRequest(c, func(h smpp.Header, _ smpp.PDU) smpp.Status {
		if h.Command == smpp.CmdDeliverSM {
			n.Add(1)
		} else if alive {
			return smpp.ROK
		}
		return noAnswer
	})
	return func() int { return int(n.Load()) }
}

func pair(r *rig, o *Options) {
	r.alice().BindPolicy = Pair
	o.Timers = session.Timers{Response: 200 * time.Millisecond}
}

func TestWhatASessionLeavesUnansweredGoesThroughTheOther(t *testing.T) {
	for name, alive := range map[string]bool{"it answers enquire_link": true, "it answers nothing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(r *rig, o *Options) {
				pair(r, o)
				o.ProbeTime = 500 * time.Millisecond
			})
			came := mute(r.bind(smpp.CmdBindReceiver, "alice"), alive)
			const first = 5
			for i := range first {
				r.writeTo(fmt.Sprint(33612340000+i), "reply")
			}
			for came() < first {
				time.Sleep(time.Millisecond)
			}
			other := newSlow(r.bind(smpp.CmdBindReceiver, "alice"), 1000)
			other.await(t, first, 10*time.Second)
			const more = 30
			for i := range more {
				r.writeTo(fmt.Sprint(33612350000+i), "reply")
			}
			other.await(t, first+more, 10*time.Second)
			if n := came(); n != first {
				t.Errorf("the mute session got %d deliver_sm, want %d", n, first)
			}
			if !alive {
				testkit.Await(t, "the mute session is dropped", func() bool { return len(r.sv.Sessions()) == 1 })
			} else if n := len(r.sv.Sessions()); n != 2 {
				t.Errorf("there are %d sessions", n)
			}
		})
	}
}

func TestAReceiptGoesThroughAnotherSessionWhenItsOwnDoesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig, o *Options) { pair(r, o); r.hermes.eager = true })
	a, b := r.transceiver(), r.bind(smpp.CmdBindReceiver, "alice")
	id := a.SubmitSM(withReceipt("x"))
	a.Expect(smpp.CmdDeliverSM) // and nothing is said to it
	a.ExpectAlive()
	if rc := receiptOf(t, b.ExpectDeliver()); rc.ID != id {
		t.Errorf("the receipt is of %s, want %s", rc.ID, id)
	}
	r.awaitState(id, sms.Delivered)
	second := a.SubmitSM(withReceipt("y"))
	if rc := receiptOf(t, b.ExpectDeliver()); rc.ID != second {
		t.Errorf("the receipt is of %s, want %s", rc.ID, second)
	}
	a.ExpectAlive()
}

func TestALateAnswerHasASessionUsedLikeOthersAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig, o *Options) { pair(r, o); r.hermes.eager = true })
	a, b := r.transceiver(), r.bind(smpp.CmdBindReceiver, "alice")
	a.SubmitSM(withReceipt("x"))
	h, _ := a.Expect(smpp.CmdDeliverSM)
	b.ExpectDeliver()
	a.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	a.ExpectAlive()
	id := a.SubmitSM(withReceipt("y"))
	if rc := receiptOf(t, a.ExpectDeliver()); rc.ID != id {
		t.Errorf("the receipt is of %s, want %s", rc.ID, id)
	}
	b.ExpectSilence(300 * time.Millisecond)
}

func TestTheOnlySessionIsTriedByTheScheduleThoughItDoesNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, pair)
	c := r.bind(smpp.CmdBindReceiver, "alice")
	m := r.writeTo(person, "x")
	c.Expect(smpp.CmdDeliverSM)
	began := time.Now()
	h, _ := c.Expect(smpp.CmdEnquireLink)
	c.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	c.ExpectDeliver()
	if d := time.Since(began); d < time.Second {
		t.Errorf("it came again after %v", d)
	}
	r.awaitState(m.ID.String(), sms.Delivered)
}

func TestWhatIsBrokenOffIsSentNoMore(t *testing.T) {
	outcomes := map[string]sms.Outcome{}
	of := func(name string, parts int) *delivery {
		d := &delivery{report: func(o sms.Outcome) { outcomes[name] = o }}
		d.parts.PDUs = make([]smpp.PDU, parts)
		return d
	}
	sd := &sender{p: &peer{}, now: 1}
	begun, fresh := of("begun", 3), of("fresh", 1)
	sd.line = []*delivery{begun, fresh}
	if d, i, _ := sd.following(); d != begun || i != 0 {
		t.Fatalf("got %v, %d", d, i)
	}
	sd.breakOff(sms.Outcome{Reason: "another worker may have it"})
	if o, ok := outcomes["fresh"]; !ok || o.Verdict != sms.Returned || o.Reason == "" {
		t.Errorf("what was not begun: %+v", o)
	}
	if _, ok := outcomes["begun"]; ok || begun.part() >= 0 {
		t.Error("what is under way has ended, or has more to send")
	}
	sd.flying = 0
	if d, _, _ := sd.following(); d != nil {
		t.Error("something is sent")
	}
	begun.flying = 0 // it is answered
	if o, over := begun.outcome(); !over || o.Verdict != sms.Returned {
		t.Errorf("what was under way: %+v", o)
	}
}
