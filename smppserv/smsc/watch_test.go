package smsc

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func (r *rig) facts(systemID string) ClientFacts {
	r.t.Helper()
	f, ok := r.sv.Client(systemID)
	if !ok {
		r.t.Fatalf("nothing is known of %s", systemID)
	}
	return f
}

func TestWhatHappensToAClientIsRememberedAndStrangersTakeNoMemory(t *testing.T) {
	var mu sync.Mutex
	told := map[string]int{}
	r := newRig(t, func(r *rig, o *Options) {
		r.alice().ThrottleRate = 1
		o.Changed = func(systemID string) {
			mu.Lock()
			defer mu.Unlock()
			told[systemID]++
		}
	})
	for i := range 3 {
		c := r.dial()
		c.ExpectResp(c.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: "alice", Password: "guess", InterfaceVersion: smpp.V34}), smpp.RINVPASWD)
		s := r.dial()
		s.ExpectResp(s.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: fmt.Sprint("stranger", i), Password: "guess", InterfaceVersion: smpp.V34}), smpp.RINVSYSID)
	}
	f := r.facts("alice")
	if len(f.Events) != 1 || f.Events[0].Kind != EventRefused || f.Events[0].Times != 3 || f.Refused.Reason != "the password is wrong" || f.Refused.Remote == "" || f.Refused.At.IsZero() {
		t.Fatalf("after three binds that were refused: %+v", f)
	}
	c := r.transceiver()
	c.Submit(person, campaign, "one a second")
	for range 3 {
		c.ExpectResp(c.Send(submit("more")), smpp.RTHROTTLED)
	}
	c.Unbind()
	testkit.Await(t, "it is unbound", func() bool { return r.facts("alice").Unbound.Reason == "unbind by the client" })
	f = r.facts("alice")
	var kinds []EventKind
	for _, e := range f.Events {
		kinds = append(kinds, e.Kind)
	}
	if got := fmt.Sprint(kinds); got != "[unbound throttled bound refused]" {
		t.Errorf("newest first it has %s", got)
	}
	if f.Bound.Reason != "bind_transceiver" || len(f.Sessions) != 0 {
		t.Errorf("got %+v", f)
	}
	if _, known := r.sv.Client("stranger1"); known {
		t.Error("a stranger is remembered")
	}
	mu.Lock()
	defer mu.Unlock()
	if told["alice"] < 5 || len(told) != 1 {
		t.Errorf("told of %v", told)
	}
}

func TestTheEventsOfAClientAreBoundedAndStayOverAReload(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 * maxEvents {
		r.sv.Note("alice", EventPaused, fmt.Sprint("operator ", i))
	}
	r.sv.Note("nobody", EventPaused, "operator")
	r.sv.Reload(r.st)
	f := r.facts("alice")
	if len(f.Events) != maxEvents || f.Events[0].Reason != fmt.Sprint("operator ", 3*maxEvents-1) {
		t.Fatalf("%d are kept, the newest is %+v", len(f.Events), f.Events[0])
	}
	at := time.Now().Add(-time.Hour)
	r.sv.Recall("alice", Event{At: at, Kind: EventBound}, Event{}, Event{At: at})
	if f := r.facts("alice"); !f.Bound.At.Equal(at) || !f.Unbound.At.IsZero() {
		t.Errorf("got %+v", f)
	}
	r.sv.Note("alice", EventBound, "bind_receiver")
	r.sv.Recall("alice", Event{At: at}, Event{}, Event{})
	if f := r.facts("alice"); f.Bound.At.Equal(at) {
		t.Error("what was before the start takes the place of what was since")
	}
	r.st.Clients = r.st.Clients[1:]
	r.sv.Reload(r.st)
	if _, known := r.sv.Client("alice"); known {
		t.Error("a client that config.toml does not have any more is remembered")
	}
}

func TestAMeterTellsTheLastWholeSecond(t *testing.T) {
	var m meter
	at := time.Unix(1_800_000_000, 0)
	if m.last(at) != 0 {
		t.Error("nothing was counted")
	}
	for second, n := range []int{3, 5, 0, 7} {
		for range n {
			m.add(at.Add(time.Duration(second)*time.Second+200*time.Millisecond), 1)
		}
	}
	for second, want := range []int{0, 0, 0, 0, 7, 0} {
		if got := m.last(at.Add(time.Duration(second) * time.Second)); second > 3 && got != want {
			t.Errorf("in second %d it is %d, want %d", second, got, want)
		}
	}
	m.add(at.Add(10*time.Second), 1<<30)
	m.add(at.Add(10*time.Second), 5)
	if got := m.last(at.Add(11 * time.Second)); got != 1<<meterBits-1 {
		t.Errorf("more than it can count is %d", got)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				m.add(at.Add(20*time.Second), 1)
			}
		})
	}
	wg.Wait()
	if got := m.last(at.Add(21 * time.Second)); got != 4000 {
		t.Errorf("four at a time count %d", got)
	}
}

func TestASessionTellsWhatItTookAndWhatWasRefused(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.hermes.eager = true })
	c := r.transceiver()
	c.SubmitSM(withReceipt("taken"))
	c.ExpectDeliver()
	bad := submit("refused")
	bad.Dest = smpp.Address{}
	c.Send(bad)
	var s *session.Session
	testkit.Await(t, "all is counted", func() bool {
		f := r.facts("alice")
		if len(f.Sessions) != 1 {
			return false
		}
		s = f.Sessions[0]
		facts := s.Facts()
		return facts.Submits == 1 && facts.Refused == 1 && facts.Delivers == 1
	})
	f := s.Facts()
	if f.Fault.Command != smpp.CmdSubmitSM || f.Fault.Status == smpp.ROK || f.Fault.At.IsZero() || f.TLS || f.Heard.IsZero() || f.State != session.BoundTRX || f.SystemID != "alice" {
		t.Errorf("got %+v", f)
	}
	if n := r.sv.Window(s); n != 10 || s.Handler().(*peer).operator {
		t.Errorf("its window is %d", n)
	}
}

func TestASubmitSaysHowItCame(t *testing.T) {
	r := newRig(t, nil)
	c := r.transceiver()
	sequence := c.Send(submit("x"))
	c.ExpectResp(sequence, smpp.ROK)
	m := r.next().Message
	if a := m.Accepted; a.Session == 0 || a.Command != uint32(smpp.CmdSubmitSM) || a.Sequence != sequence || a.Remote != c.Conn().LocalAddr().String() {
		t.Errorf("got %+v", a)
	}
	stored := r.message(m.ID.String())
	if stored.Accepted != m.Accepted {
		t.Errorf("the store has %+v", stored.Accepted)
	}
}

func TestAnOperatorSubmitsInAClientsPlace(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.alice().Numbers = []string{campaign} })
	s := &quiet{done: make(chan error, 1)}
	if err := r.sv.SubmitAs(t.Context(), "alice", "+"+person, campaign, "as if", s); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Receive(t, s.done, "its acceptance"); err != nil {
		t.Fatal(err)
	}
	m := r.next().Message
	if m.Submitter != "alice" || m.RegisteredDelivery != 0 || string(m.Content) != "as if" || m.Source.TON != 1 {
		t.Errorf("got %+v", m)
	}
	for _, c := range [][3]string{{"stranger", person, campaign}, {"alice", person, "4711"}, {"alice", person, ""}, {"alice", "1234567890123456789012", campaign}, {"alice", "1\x00", campaign}} {
		if err := r.sv.SubmitAs(t.Context(), c[0], c[1], c[2], "x", s); err == nil {
			t.Errorf("%q: no error", c)
		}
	}
}

// quiet is a submission that waits for its acceptance alone.
type quiet struct{ done chan error }

func (q *quiet) Accepted(_ *sms.Message, _ bool, err error)           { q.done <- err }
func (q *quiet) Awaits() bool                                         { return false }
func (q *quiet) Concluded(*sms.Message, sms.Outcome)                  {}
func (q *quiet) Answered() (session uint64, since time.Time, ok bool) { return 0, time.Time{}, false }
