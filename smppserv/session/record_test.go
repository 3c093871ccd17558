package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// notes are a Recorder.
type notes struct {
	on  atomic.Bool
	mu  sync.Mutex
	all []string
}

func (n *notes) Recording() bool { return n.on.Load() }

func (n *notes) Record(w Wire, octets []byte) {
	h := smpp.ParseHeader(octets)
	direction := "out"
	if w.In {
		direction = "in"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, fmt.Sprintf("%s %d %s %v", w.SystemID, w.Session, direction, h.Command))
	if int(h.Length) != len(octets) || w.At.IsZero() || w.Local.String() == w.Remote.String() {
		n.all = append(n.all, fmt.Sprintf("%d octets of %d, %+v", len(octets), h.Length, w))
	}
}

func (n *notes) taken() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.all, ", ")
}

func TestWhatGoesOverTheWireIsRecordedFromTheBindOn(t *testing.T) {
	n := &notes{}
	n.on.Store(true)
	r := newRig(t, func(o *Options) { o.Recorder = n })
	link := smpp.AppendHeader(nil, smpp.CmdEnquireLink, 0, 1)
	r.SendRaw(link) // nobody's
	r.Read(patience)
	r.Bind(smpp.CmdBindTransceiver, "client", "pw", smpp.V34)
	testkit.Receive(t, r.h.bound, "Bound")
	r.SendRaw(slices.Concat(link, link))
	r.Read(patience)
	r.Read(patience)
	n.on.Store(false)
	r.SendRaw(link)
	r.Read(patience)
	n.on.Store(true)
	answer := r.send("x")
	h, _, _ := r.Read(patience)
	r.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	testkit.Receive(t, answer, "the answer")
	got := n.taken()
	for _, c := range []struct {
		what string
		n    int
	}{{"client 7 in enquire_link,", 2}, {"client 7 out enquire_link_resp", 2}, {"client 7 in bind_transceiver,", 1}, {"client 7 out bind_transceiver_resp", 1},
		{"client 7 out deliver_sm,", 1}, {"client 7 in deliver_sm_resp", 1}, {"client 7", 8}, {",", 7}} {
		if strings.Count(got, c.what) != c.n {
			t.Errorf("%q stands not %d times in: %s", c.what, c.n, got)
		}
	}
}

func TestARefusedBindIsRecordedAsOfWhomItNames(t *testing.T) {
	for systemID, want := range map[string]string{"client": "client 7 in bind_receiver, client 7 out bind_receiver_resp", strings.Repeat("x", 1000): ""} {
		n := &notes{}
		n.on.Store(true)
		r := newRig(t, func(o *Options) { o.Recorder = n })
		r.h.refuse = smpp.RINVPASWD
		r.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: systemID, InterfaceVersion: smpp.V34})
		r.Read(patience)
		if got := n.taken(); got != want {
			t.Errorf("%.20s: %s", systemID, got)
		}
	}
}

func TestNothingIsAllocatedForARecordThatIsOff(t *testing.T) {
	s := &Session{o: Options{Recorder: &notes{}}}
	pdu := smpp.AppendPDU(nil, 0, 1, submit("text"))
	h := smpp.ParseHeader(pdu)
	if n := testing.AllocsPerRun(100, func() { s.recordIn(h, pdu); s.recordOut(s.opened, pdu) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
