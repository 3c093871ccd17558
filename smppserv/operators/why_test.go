package operators

import (
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"
)

func TestAClientThatWasBoundWhenTheServerWasKilledIsUnboundSinceTheNextStart(t *testing.T) {
	r := newRig(t)
	bound := time.Now().Add(-time.Hour)
	r.store.NoteClient(store.ClientNote{Client: "acme", Bound: store.ClientEvent{At: bound, Remote: "192.0.2.1:5", Why: "bind_transceiver"},
		Unbound: store.ClientEvent{At: bound.Add(-time.Hour), Why: "unbind by the client"}})
	r.close()
	r.open()
	r.fromHermes("acme", "waits")
	c, err := r.ops.Client(t.Context(), "acme")
	if err != nil || !c.Since.Equal(r.ops.o.Started) || !strings.Contains(c.Why.String(), "since the server started at") {
		t.Errorf("since %s, why %q, %v", c.Since, c.Why, err)
	}
	if n := notice(r.state(), CodeClientUnbound, "acme"); n == nil || !strings.Contains(n.Text.String(), "since the server started at") {
		t.Errorf("attention: %+v", r.state().Attention)
	}
}

func TestOfTwoSessionsTheOneThatWentFirstIsNotTheEndOfTheClient(t *testing.T) {
	r := newRig(t)
	receiver := testkit.Bind(t, r.addr, smpp.CmdBindReceiver, "acme", "password")
	transmitter := testkit.Bind(t, r.addr, smpp.CmdBindTransmitter, "acme", "password")
	transmitter.Close()
	testkit.Await(t, "one of two is left", func() bool { c, err := r.ops.Client(t.Context(), "acme"); return err == nil && c.State == "BOUND_RX" })
	r.ops.noteClient("acme")
	r.noted(func(n store.ClientNote) bool { return !n.Bound.At.IsZero() && n.Unbound.At.IsZero() })
	receiver.Close()
	r.noted(func(n store.ClientNote) bool { return n.Unbound.At.After(n.Bound.At) })
}

// noted waits until the store has such a note of acme.
func (r *rig) noted(such func(store.ClientNote) bool) {
	r.t.Helper()
	testkit.Await(r.t, "the store knows", func() bool {
		notes, err := r.store.ClientNotes(r.t.Context())
		return err == nil && len(notes) == 1 && such(notes[0])
	})
}

func TestAMessageThatHermesCouldNotTakeSaysWhenItIsTriedAgain(t *testing.T) {
	r := newRig(t)
	r.status.Store(500)
	c := r.bind("acme")
	for range 2 {
		c.Submit("33612345678", "3600", "hello")
	}
	testkit.Await(t, "the first one says what failed, and when it is tried", func() bool {
		why := r.message("1").Why.String()
		return strings.Contains(why, "HTTP 500") && strings.Contains(why, "the next one is at")
	})
	if why := r.message("2").Why.String(); why != "message 1 of the same conversation goes first" {
		t.Errorf("the second one waits because %q", why)
	}
}
