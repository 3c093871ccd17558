package smsc

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/passwords"
	"hnetsmpp/smppserv/testkit"
)

// hashing is a check of passwords that ends when the test says so.
type hashing struct {
	begun  chan string // the passwords
	goOn   chan struct{}
	atOnce atomic.Int32
	most   atomic.Int32
}

func newHashing() *hashing {
	return &hashing{begun: make(chan string, 1000), goOn: make(chan struct{})}
}

func (h *hashing) check(given string) bool {
	if n := h.atOnce.Add(1); n > h.most.Load() {
		h.most.Store(n)
	}
	defer h.atOnce.Add(-1)
	h.begun <- given
	<-h.goOn
	return given == "pw"
}

// dialFrom connects from an address of this machine.
func (r *rig) dialFrom(address string) *smpptest.Client {
	r.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: patience}
	c, err := d.Dial("tcp", r.addr)
	if err != nil {
		r.t.Skipf("this machine has no %s: %v", address, err)
	}
	return smpptest.New(r.t, c)
}

func bindAs(systemID, password string) *smpp.Bind {
	return &smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: systemID, Password: password, InterfaceVersion: smpp.V34}
}

func TestWrongBindsOfOneAddressDelayNeitherASubmitNorAnotherAddressesBind(t *testing.T) {
	const places, guesses = 2, 200
	h := newHashing()
	r := newRig(t, func(r *rig, o *Options) {
		o.Passwords = passwords.NewPlaces(places)
		r.bob().Hash, r.bob().CheckPassword = "$2a$bob", h.check
		r.st.Clients = append(r.st.Clients, Client{SystemID: "carol", Hash: "$2a$carol", CheckPassword: h.check})
	})
	healthy := r.transceiver()
	var guessing sync.WaitGroup
	for i := range guesses {
		c := r.dial()
		c.Send(bindAs("bob", fmt.Sprint("guess", i)))
		guessing.Go(func() { _, _ = c.Conn().Read(make([]byte, smpp.HeaderLen)) })
	}
	for range places {
		testkit.Receive(t, h.begun, "a check")
	}
	waiting := func() int { return r.sv.o.Passwords.Waiting() }
	testkit.Await(t, "all others wait", func() bool { return waiting() == guesses-places })
	for range 10 { // while every place is taken
		healthy.ExpectResp(healthy.Send(submit("x")), smpp.ROK)
	}
	carol := r.dialFrom("127.0.0.2")
	seq := carol.Send(bindAs("carol", "pw"))
	testkit.Await(t, "it waits, too", func() bool { return waiting() == guesses-places+1 })
	before := 0 // guesses whose checks begin before hers
	for h.goOn <- struct{}{}; testkit.Receive(t, h.begun, "the next check") != "pw"; h.goOn <- struct{}{} {
		before++
	}
	if before > 1 {
		t.Errorf("she waited behind %d guesses of another address", before)
	}
	close(h.goOn)
	carol.ExpectResp(seq, smpp.ROK)
	guessing.Wait()
	if most := h.most.Load(); most > places {
		t.Errorf("%d passwords were checked at once, want %d at most", most, places)
	}
}

func TestAClientThatBindsAgainWithItsLastGoodPasswordCostsNothing(t *testing.T) {
	checks := atomic.Int32{}
	r := newRig(t, func(r *rig, o *Options) {
		r.alice().Hash = "$2a$alice"
		r.alice().CheckPassword = func(given string) bool { checks.Add(1); return given == "pw" }
	})
	bind := func(password string, status smpp.Status, wantChecks int32) {
		t.Helper()
		c := r.dial()
		c.ExpectResp(c.Send(bindAs("alice", password)), status)
		if status == smpp.ROK {
			c.Unbind()
		}
		if n := checks.Swap(0); n != wantChecks {
			t.Errorf("%d checks, want %d", n, wantChecks)
		}
	}
	bind("pw", smpp.ROK, 1)
	bind("pw", smpp.ROK, 0)
	bind("wrong", smpp.RINVPASWD, 1)
	bind("pw", smpp.ROK, 0) // somebody else's guess takes nothing from it
	r.sv.Reload(r.st)
	bind("pw", smpp.ROK, 0) // nothing of it has changed
	st := r.st
	st.Clients = slices.Clone(st.Clients)
	st.Clients[0].Hash = "$2a$anew"
	r.sv.Reload(st)
	bind("pw", smpp.ROK, 1)
	st.Clients = slices.Clone(st.Clients)
	st.Clients[0].Disabled = true
	r.sv.Reload(st)
	bind("pw", smpp.RBINDFAIL, 0)
}

func TestABindWhoseClientChangesWhileItsPasswordIsCheckedIsJudgedAnew(t *testing.T) {
	h := newHashing()
	r := newRig(t, func(r *rig, _ *Options) { r.alice().Hash, r.alice().CheckPassword = "$2a$alice", h.check })
	c := r.dial()
	seq := c.Send(bindAs("alice", "pw"))
	testkit.Receive(t, h.begun, "a check")
	st := r.st
	st.Clients = st.Clients[1:]
	r.sv.Reload(st)
	close(h.goOn)
	c.ExpectResp(seq, smpp.RINVSYSID)
}

func TestABindThatWaitsForACheckDoesNotHoldUpAStop(t *testing.T) {
	h := newHashing()
	r := newRig(t, func(r *rig, o *Options) {
		o.Passwords = passwords.NewPlaces(1)
		r.alice().Hash, r.alice().CheckPassword = "$2a$alice", h.check
	})
	first, second := r.dial(), r.dial()
	first.Send(bindAs("alice", "pw"))
	testkit.Receive(t, h.begun, "a check")
	seq := second.Send(bindAs("alice", "pw"))
	testkit.Await(t, "the second waits", func() bool { return r.sv.o.Passwords.Waiting() == 1 })
	r.sv.doors.Shut()
	second.ExpectResp(seq, smpp.RSYSERR)
	close(h.goOn)
}

func TestAFloodOfRefusedBindsIsAFewLinesForEachReasonAndTheRestIsCounted(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(_ *rig, o *Options) { o.Log = zerolog.New(&log) })
	flood := 10 * bindRefused.PerPeer
	for i := range flood {
		for _, b := range []*smpp.Bind{bindAs("alice", "wrong"), bindAs(fmt.Sprint("nobody", i), "pw")} {
			c := r.dial()
			c.Send(b)
			c.Read(patience)
			c.Close()
		}
	}
	if n := strings.Count(log.String(), bindRefused.Text); n != 2*bindRefused.PerPeer {
		t.Errorf("%d lines, want %d", n, 2*bindRefused.PerPeer)
	}
	r.sv.limited.Flush()
	for _, status := range []smpp.Status{smpp.RINVPASWD, smpp.RINVSYSID} {
		want := fmt.Sprintf(`"left_out":%d,"peers":1,"reason":%q,"most_from":"127.0.0.1"`, flood-bindRefused.PerPeer, status.String())
		if !strings.Contains(log.String(), want) {
			t.Errorf("no line says %s:\n%s", want, log.String())
		}
	}
}

func TestAFloodOfGoodBindsIsAFewLines(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(_ *rig, o *Options) { o.Log = zerolog.New(&log) })
	for range 3 * bindGranted.PerPeer {
		c := r.transceiver()
		c.Unbind()
		c.ExpectClosed(patience)
	}
	for _, what := range []string{bindGranted.Text, unbound.Text} {
		if n := bytes.Count([]byte(log.String()), fmt.Appendf(nil, `"message":%q`, what)); n != bindGranted.PerPeer {
			t.Errorf("%d lines of %q, want %d", n, what, bindGranted.PerPeer)
		}
	}
}
