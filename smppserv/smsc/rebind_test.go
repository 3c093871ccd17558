package smsc

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// leavers are a queue in which the ways out of sessions take their time to be shut.
type leavers struct {
	*queue.Queue
	leaving chan struct{} // one begins
	through chan struct{} // and may end
	goOn    func()        // closes through
}

type leaver struct {
	road.Outlet
	of *leavers
}

func (q *leavers) Attach(o road.OutletOptions) road.Outlet { return &leaver{q.Queue.Attach(o), q} }

func (l *leaver) Detach() {
	l.of.leaving <- struct{}{}
	<-l.of.through
	l.Outlet.Detach()
}

// places are the other workers on the store, which have nothing: a client has one session over all of them.
type places struct {
	mu    sync.Mutex
	taken map[string]bool
}

func (ps *places) Take(_ context.Context, p road.Place) (func(), error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.taken[p.Client] {
		return nil, sms.ErrNoPlace
	}
	ps.taken[p.Client] = true
	return func() {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		ps.taken[p.Client] = false
	}, nil
}

func (*places) Mute(string, uint64, bool)    {}
func (*places) Transmitters(string) int      { return 1 }
func (*places) TakeIn(context.Context) error { return nil }
func (*places) Ask(context.Context, sms.Epoch, string, []byte) ([]byte, error) {
	return nil, sms.ErrHeldElsewhere
}

func newLeavingRig(t *testing.T) (*rig, *leavers) {
	l := &leavers{leaving: make(chan struct{}, 10), through: make(chan struct{})}
	l.goOn = sync.OnceFunc(func() { close(l.through) })
	r := newRig(t, func(r *rig, o *Options) {
		l.Queue = r.q
		o.Queue, o.Others = l, &places{taken: map[string]bool{}}
	})
	t.Cleanup(l.goOn)
	return r, l
}

// probed asks, as another worker does, whether the session is gone; its place is needed there.
func (r *rig) probed(session uint64) <-chan bool {
	gone := make(chan bool, 1)
	go func() {
		body, _ := json.Marshal(request{Session: session})
		answer, _ := r.sv.Answer(context.Background(), AskProbe, body)
		var got reply
		_ = json.Unmarshal(answer, &got)
		gone <- got.Gone
	}()
	return gone
}

func TestWhoDropsItsConnectionAndBindsAtOnceIsGranted(t *testing.T) {
	r, l := newLeavingRig(t)
	first := r.transceiver()
	first.Close()
	testkit.Receive(t, l.leaving, "the session leaves")
	second := r.dial()
	seq := second.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "alice", Password: "pw", InterfaceVersion: smpp.V34})
	if answer, err := second.TryRead(50 * time.Millisecond); err == nil {
		t.Fatalf("the bind was answered while the first session was not over: % x", answer)
	}
	l.goOn()
	second.ExpectResp(seq, smpp.ROK)
	second.ExpectAlive()
}

func TestWhoUnbindsAndBindsAtAnotherWorkerAtOnceIsGrantedWhenItsSessionIsOver(t *testing.T) {
	r, l := newLeavingRig(t)
	c := r.transceiver()
	session := r.sv.Sessions()[0].ID()
	unbind := c.Send(&smpp.Unbind{})
	testkit.Receive(t, l.leaving, "the session leaves")
	gone := r.probed(session)
	select {
	case <-gone:
		t.Error("its place was given away while it was not over")
	case <-time.After(50 * time.Millisecond):
	}
	l.goOn()
	if !testkit.Receive(t, gone, "the answer of the probe") {
		t.Error("it is said to be there")
	}
	c.ExpectResp(unbind, smpp.ROK) // its connection was not cut
	if !testkit.Receive(t, r.probed(session), "the answer of a further probe") {
		t.Error("it is said to be there when it is over")
	}
}

func TestASessionThatAnswersKeepsItsPlaceAtAnotherWorkersProbe(t *testing.T) {
	r, l := newLeavingRig(t)
	l.goOn()
	c := r.transceiver()
	gone := r.probed(r.sv.Sessions()[0].ID())
	h, _ := c.Expect(smpp.CmdEnquireLink)
	c.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	if testkit.Receive(t, gone, "the answer of the probe") {
		t.Error("it is said to be gone")
	}
	c.ExpectAlive()
}

// heirs are other workers one of which is dead: who asks first for a place waits until that is taken over from.
type heirs struct {
	places
	begun, over chan struct{}
	once        sync.Once
}

func newHeirs() *heirs {
	return &heirs{places: places{taken: map[string]bool{}}, begun: make(chan struct{}), over: make(chan struct{})}
}

func (h *heirs) Take(ctx context.Context, p road.Place) (func(), error) {
	h.once.Do(func() {
		close(h.begun)
		select {
		case <-h.over:
		case <-ctx.Done():
		}
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h.places.Take(ctx, p)
}

var bindAlice = &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "alice", Password: "pw", InterfaceVersion: smpp.V34}

func TestWhoBindsAnewWhileABindWaitsForADeadWorkerIsGrantedWhenThatHasCome(t *testing.T) {
	h := newHeirs()
	r := newRig(t, func(_ *rig, o *Options) { o.Others = h })
	first := r.dial()
	seq := first.Send(bindAlice)
	testkit.Receive(t, h.begun, "the first one waits for a place")
	second := r.dial()
	again := second.Send(bindAlice)
	if answer, err := second.TryRead(50 * time.Millisecond); err == nil {
		t.Fatalf("the bind was answered while it was not known what became of the first one: % x", answer)
	}
	close(h.over)
	first.ExpectResp(seq, smpp.ROK)
	probe, _ := first.Expect(smpp.CmdEnquireLink)
	first.SendSeq(probe.Sequence, &smpp.EnquireLinkResp{})
	second.ExpectResp(again, smpp.RALYBND)
}

func TestWhoGivesUpABindThatWaitsForADeadWorkerTakesNoPlace(t *testing.T) {
	for name, giveUp := range map[string]func(*smpptest.Client){
		"it closes its connection": (*smpptest.Client).Close, "it resets it": (*smpptest.Client).Reset,
		"it unbinds and closes": func(c *smpptest.Client) {
			c.Send(&smpp.Unbind{})
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHeirs()
			r := newRig(t, func(_ *rig, o *Options) { o.Others = h })
			first := r.dial()
			first.Send(bindAlice)
			testkit.Receive(t, h.begun, "the first one waits for a place")
			giveUp(first)
			second := r.dial()
			second.ExpectResp(second.Send(bindAlice), smpp.ROK)
			second.ExpectAlive()
			if n := len(r.sv.Sessions()); n > 2 {
				t.Errorf("%d sessions are there", n)
			}
		})
	}
}

func TestWhoGivesUpABindThatWaitsForAProbeTakesNoPlace(t *testing.T) {
	r := newRig(t, func(_ *rig, o *Options) { o.ProbeTime = patience })
	r.transceiver()
	second := r.dial()
	second.Send(bindAlice)
	testkit.Await(t, "it is judged", func() bool { return len(r.sv.Sessions()) == 2 })
	second.Close()
	testkit.Await(t, "it is over", func() bool { return len(r.sv.Sessions()) == 1 })
}

func TestTheSessionOfAClientThatWasDisabledIsThereForOtherWorkersUntilItIsOver(t *testing.T) {
	r, l := newLeavingRig(t)
	r.transceiver()
	session := r.sv.Sessions()[0].ID()
	st := r.st
	st.Clients = slices.Clone(st.Clients)
	st.Clients[slices.IndexFunc(st.Clients, func(c Client) bool { return c.SystemID == "alice" })].Disabled = true
	reloaded := make(chan struct{})
	go func() {
		defer close(reloaded)
		r.sv.Reload(st)
	}()
	testkit.Receive(t, l.leaving, "the session leaves")
	if r.sv.registry.holder(session) == nil {
		t.Error("it is said to be gone")
	}
	l.goOn()
	testkit.Receive(t, reloaded, "the reload")
	if !testkit.Receive(t, r.probed(session), "the answer of a probe") {
		t.Error("it is said to be there when it is over")
	}
}
