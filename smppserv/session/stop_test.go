package session

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

var errStop = errors.New("a stop")

// building is Doors with a listener, and a fake that handles every session.
type building struct {
	*Doors
	t    *testing.T
	h    *fake
	addr string
}

func newBuilding(t *testing.T, response time.Duration) *building {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &building{NewDoors(0, 0, 0), t, &fake{requests: make(chan *Ticket, 10_000), bound: make(chan *Session, 10), unbound: make(chan error, 10)}, l.Addr().String()}
	go b.Accept(l, loglimit.New(zerolog.Nop()), func(c net.Conn) {
		go func() {
			_ = b.Serve(New(Options{ID: 1, Conn: c, Handler: b.h, Log: zerolog.Nop(), Window: 10, MaxRequests: 100,
				Timers: Timers{Response: response}, Logout: response}))
		}()
	})
	t.Cleanup(func() { b.stop(0) })
	return b
}

func (b *building) client() *smpptest.Client {
	b.t.Helper()
	c := smpptest.Dial(b.t, b.addr)
	c.Bind(smpp.CmdBindTransceiver, "client", "pw", smpp.V34)
	testkit.Receive(b.t, b.h.bound, "Bound")
	return c
}

// stop closes the doors and tells how many sessions were cut.
func (b *building) stop(within time.Duration) chan int {
	cut := make(chan int, 1)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	go func() {
		defer cancel()
		cut <- b.Close(ctx, errStop)
	}()
	return cut
}

func TestAStopDoesNotWaitForTheResponseTimer(t *testing.T) {
	t.Parallel()
	b := newBuilding(t, time.Hour)
	mute, unbound := b.client(), b.client()
	seq := mute.Send(submit("under way"))
	ticket := testkit.Receive(t, b.h.requests, "a request")
	unbound.ExpectResp(unbound.Send(&smpp.Unbind{}), smpp.ROK)
	cut := b.stop(lastWords + 200*time.Millisecond)
	mute.Expect(smpp.CmdUnbind)
	time.AfterFunc(400*time.Millisecond, func() { ticket.Reply(&smpp.SubmitSMResp{MessageID: "1"}) })
	mute.ExpectResp(seq, smpp.ROK) // after the last moment for its unbind_resp
	for _, c := range []*smpptest.Client{mute, unbound} {
		c.ExpectClosed(patience)
		c.Close()
	}
	if n := testkit.Receive(t, cut, "the end of the stop"); n != 0 {
		t.Fatalf("%d sessions were cut", n)
	}
}

func TestAStopCutsWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	b := newBuilding(t, time.Hour)
	c := b.client()
	s := b.Sessions()[0]
	stuck := flood(t, c, s)
	if n := testkit.Receive(t, b.stop(50*time.Millisecond), "the end of the stop"); n != 1 {
		t.Fatalf("%d sessions were cut", n)
	}
	testkit.Receive(t, stuck, "the end of the writes")
}

func TestAfterAStopNobodyIsLetIn(t *testing.T) {
	b := newBuilding(t, time.Second)
	late, theirs := net.Pipe()
	defer theirs.Close()
	if err := b.Enter(late.RemoteAddr()); err != nil {
		t.Fatal(err)
	}
	b.Shut()
	if err := b.Enter(late.RemoteAddr()); !errors.Is(err, errShut) {
		t.Fatalf("a connection came in: %v", err)
	}
	testkit.Await(t, "the listener is closed", func() bool {
		c, err := net.Dial("tcp", b.addr)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if err := b.Serve(New(Options{ID: 1, Conn: late, Handler: b.h, Log: zerolog.Nop()})); !errors.Is(err, errShut) {
		t.Fatalf("one that was in the doors ended because of %v", err)
	}
}

func TestASessionHasTheLowerOfTheTwoVersions(t *testing.T) {
	for _, tc := range []struct{ asked, highest, version, told byte }{
		{0x50, 0, smpp.V50, 0x50},
		{0x52, 0, smpp.V50, 0x50},
		{0x00, 0, smpp.V33, 0},
		{0x35, 0, smpp.V34, 0x35},
		{0x50, smpp.V34, smpp.V34, 0x34},
		{0x35, smpp.V34, smpp.V34, 0x34},
		{0x34, smpp.V50, smpp.V34, 0x34},
		{0x50, smpp.V33, smpp.V33, 0},
		{0x34, smpp.V33, smpp.V33, 0},
		{0x33, smpp.V34, smpp.V33, 0},
	} {
		r := newRig(t, nil)
		r.h.highest = tc.highest
		resp := r.Bind(smpp.CmdBindTransceiver, "client", "pw", tc.asked)
		told, ok := resp.TLVs.Uint8(smpp.TagScInterfaceVersion)
		if v := r.s.Version(); v != tc.version || told != tc.told || ok != (tc.told != 0) || len(resp.TLVs) > 1 {
			t.Errorf("asked for %#x, of %#x at most: the session is %#x, told was %v", tc.asked, tc.highest, v, resp.TLVs)
		}
	}
}
