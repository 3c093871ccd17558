package smsc

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/testkit"
)

func TestTheBindRespTellsTheLowerVersionButNotTo33Clients(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) { r.bob().InterfaceVersion = smpp.V34 })
	for _, tc := range []struct {
		client      string
		asked, told byte
	}{{"alice", 0x00, 0}, {"alice", 0x33, 0}, {"alice", 0x34, 0x34}, {"alice", 0x50, 0x50}, {"alice", 0x52, 0x50}, {"bob", 0x50, 0x34}} {
		c := r.dial()
		resp := c.Bind(smpp.CmdBindTransceiver, tc.client, "pw", tc.asked)
		told, ok := resp.TLVs.Uint8(smpp.TagScInterfaceVersion)
		if resp.SystemID != "centre" || ok != (tc.told != 0) || told != tc.told || !ok && len(resp.TLVs) > 0 {
			t.Errorf("%s asked for %#x and was told %#x by %q (%v)", tc.client, tc.asked, told, resp.SystemID, resp.TLVs)
		}
		c.Unbind() // its place is free at once
	}
}

func TestABindWithoutTheRightIsRefusedWithItsStatusAndCloses(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(r *rig, _ *Options) { r.bob().Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	for _, tc := range []struct {
		id, password string
		status       smpp.Status
	}{{"nobody", "pw", smpp.RINVSYSID}, {"", "", smpp.RINVSYSID}, {"alice", "PW", smpp.RINVPASWD}, {"alice", "", smpp.RINVPASWD}, {"bob", "pw", smpp.RBINDFAIL}} {
		for _, bind := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindReceiver, smpp.CmdBindTransceiver} {
			c := r.dial()
			c.ExpectResp(c.Send(&smpp.Bind{Type: bind, SystemID: tc.id, Password: tc.password, InterfaceVersion: smpp.V34}), tc.status)
			if bind == smpp.CmdBindTransceiver {
				c.ExpectClosed(patience)
			}
			c.Close()
		}
	}
}

func TestAnAddressThatAClientMayNotUseIsToldAsTheNetworkToAdd(t *testing.T) {
	var log testkit.Log
	r := newRig(t, func(r *rig, o *Options) {
		o.Log = zerolog.New(&log)
		r.bob().Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	c := r.dial()
	c.ExpectResp(c.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "bob", Password: "pw"}), smpp.RBINDFAIL)
	if said := log.String(); !strings.Contains(said, `to let it in add \"127.0.0.1/32\"`) {
		t.Errorf("the log says\n%s", said)
	}
}

func TestFailedBindsAreSlowedAndGoodOnesAreNot(t *testing.T) {
	const delay = 500 * time.Millisecond
	r := newRig(t, func(_ *rig, o *Options) { o.FailedBindDelay = delay })
	guess := func() (answered chan time.Duration) {
		answered = make(chan time.Duration, 1)
		start := time.Now()
		c := r.dial()
		seq := c.Send(&smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "alice", Password: "guess"})
		go func() {
			c.ExpectResp(seq, smpp.RINVPASWD)
			answered <- time.Since(start)
		}()
		return answered
	}
	for n := 1; n <= 2; n++ {
		if took, least := <-guess(), time.Duration(n)*delay; took < least {
			t.Errorf("failure %d was answered after %v, want %v", n, took, least)
		}
	}
	third := guess()
	r.transceiver()
	select {
	case <-third:
		t.Error("a good bind took as long as a failed one")
	default:
	}
	<-third
}

// expectTooMany has one more bind refused while the holders of the places answer their probes.
func (r *rig) expectTooMany(bind smpp.CommandID, holders ...*smpptest.Client) {
	r.t.Helper()
	c := r.dial()
	seq := c.Send(&smpp.Bind{Type: bind, SystemID: "alice", Password: "pw", InterfaceVersion: smpp.V34})
	for _, holder := range holders {
		h, _ := holder.Expect(smpp.CmdEnquireLink)
		holder.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	}
	c.ExpectResp(seq, smpp.RALYBND)
	c.ExpectClosed(patience)
	for _, holder := range holders {
		holder.ExpectAlive()
	}
}

func TestASplitClientHasOneTransmitterAndOneReceiver(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	tx, rx := r.bind(smpp.CmdBindTransmitter, "alice"), r.bind(smpp.CmdBindReceiver, "alice")
	r.expectTooMany(smpp.CmdBindTransmitter, tx)
	r.expectTooMany(smpp.CmdBindReceiver, rx)
	r.expectTooMany(smpp.CmdBindTransceiver, tx, rx)
	r.bind(smpp.CmdBindTransceiver, "bob") // another client's sessions are not in the way
	tx.Unbind()
	r.bind(smpp.CmdBindTransmitter, "alice")
}

func TestASplitClientsTransceiverTakesBothPlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	trx := r.transceiver()
	for _, bind := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindReceiver, smpp.CmdBindTransceiver} {
		r.expectTooMany(bind, trx)
	}
}

func TestAPairClientHasAnyTwoSessions(t *testing.T) {
	for _, first := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindReceiver, smpp.CmdBindTransceiver} {
		for _, second := range []smpp.CommandID{smpp.CmdBindTransmitter, smpp.CmdBindReceiver, smpp.CmdBindTransceiver} {
			t.Run(first.String()+" and "+second.String(), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, func(r *rig, _ *Options) { r.alice().BindPolicy = Pair })
				r.expectTooMany(smpp.CmdBindTransceiver, r.bind(first, "alice"), r.bind(second, "alice"))
			})
		}
	}
}

func TestASilentHolderLosesItsPlace(t *testing.T) {
	r := newRig(t, func(_ *rig, o *Options) { o.ProbeTime = 100 * time.Millisecond })
	ghost := r.transceiver()
	r.transceiver().ExpectAlive()
	ghost.Expect(smpp.CmdEnquireLink)
	ghost.ExpectClosed(patience)
}

func TestAnAddressHasOnlySoManyConnections(t *testing.T) {
	r := newRig(t, func(_ *rig, o *Options) { o.MaxPerAddress = 1 })
	c := r.transceiver()
	r.dial().ExpectClosed(patience)
	c.ExpectAlive()
}

func TestAReloadUnbindsTheClientsThatAreGoneOrDisabled(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Settings)
		status smpp.Status // of alice's next bind
	}{
		"gone":     {func(st *Settings) { st.Clients = st.Clients[1:] }, smpp.RINVSYSID},
		"disabled": {func(st *Settings) { st.Clients[0].Disabled = true }, smpp.RBINDFAIL},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			alice, bob := r.transceiver(), r.bind(smpp.CmdBindTransceiver, "bob")
			st := r.st
			st.Clients = slices.Clone(st.Clients)
			test.change(&st)
			r.sv.Reload(st)
			h, _ := alice.Expect(smpp.CmdUnbind)
			alice.SendSeq(h.Sequence, &smpp.UnbindResp{})
			alice.ExpectClosed(patience)
			bob.ExpectAlive()
			c := r.dial()
			c.ExpectResp(c.Send(&smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "alice", Password: "pw"}), test.status)
			r.sv.Reload(r.st)
			r.transceiver()
		})
	}
}

func TestTheSessionsAreListed(t *testing.T) {
	r := newRig(t, nil)
	r.transceiver()
	all := r.sv.Sessions()
	if len(all) != 1 || all[0].SystemID() != "alice" || all[0].State() != session.BoundTRX || all[0].Version() != smpp.V34 {
		t.Fatalf("listed are %+v", all)
	}
}

func TestAStopUnbindsEverySession(t *testing.T) {
	r := newRig(t, nil)
	alice, stranger := r.transceiver(), r.dial()
	stranger.ExpectAlive()
	closed := r.stop(patience)
	stranger.ExpectClosed(patience)
	stranger.Close()
	h, _ := alice.Expect(smpp.CmdUnbind)
	alice.SendSeq(h.Sequence, &smpp.UnbindResp{})
	alice.ExpectClosed(patience)
	alice.Close()
	<-closed
}

func TestASessionHasNothingOfAVersionAboveTheClientsOwn(t *testing.T) {
	r := newRig(t, func(r *rig, _ *Options) {
		r.hermes.eager = true
		r.alice().InterfaceVersion, r.bob().InterfaceVersion = smpp.V34, smpp.V33
	})
	onSuccess := submit("x")
	onSuccess.RegisteredDelivery = smpp.RegReceiptSuccess // 5.0 only
	for _, asked := range []byte{smpp.V34, smpp.V50} {
		for _, client := range []string{"alice", "bob"} {
			c := r.dial()
			c.Bind(smpp.CmdBindTransceiver, client, "pw", asked)
			c.ExpectResp(c.Send(onSuccess), smpp.RINVREGDLVFLG)
			resp := c.ExpectResp(c.Send(withReceipt("x")), smpp.ROK).(*smpp.SubmitSMResp)
			if len(resp.TLVs) > 0 {
				t.Errorf("%s asked for %#x, and its submit_sm_resp has %v", client, asked, resp.TLVs)
			}
			if d := c.ExpectDeliver(); (len(d.TLVs) > 0) != (client == "alice") || receiptOf(t, d).ID != resp.MessageID {
				t.Errorf("%s asked for %#x, and its receipt is %+v", client, asked, d)
			}
			c.Unbind()
		}
	}
}
