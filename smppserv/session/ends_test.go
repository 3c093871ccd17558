package session

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// judging is a Handler whose Bind lets a test act meanwhile.
type judging struct {
	*fake
	meanwhile func(s *Session)
}

func (j judging) Bind(s *Session, b *smpp.Bind) (byte, error) {
	j.meanwhile(s)
	return j.fake.Bind(s, b)
}

func TestASessionThatEndsWhileItsBindIsJudgedGivesItsPlaceBack(t *testing.T) {
	for name, meanwhile := range map[string]func(*Session){
		"closed":  func(s *Session) { s.Close(errStop) },
		"unbound": func(s *Session) { s.Unbind(errStop) },
	} {
		t.Run(name, func(t *testing.T) {
			var f *fake
			r := newRig(t, func(o *Options) {
				f = o.Handler.(*fake)
				o.Handler = judging{f, meanwhile}
			})
			r.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "client", InterfaceVersion: smpp.V34})
			if err := testkit.Receive(t, f.unbound, "Unbound"); !errors.Is(err, errStop) {
				t.Errorf("unbound because of %v", err)
			}
			if err := r.expectEnd(); !errors.Is(err, errStop) {
				t.Errorf("ended because of %v", err)
			}
			if len(f.bound) > 0 || len(f.unbound) > 0 {
				t.Errorf("%d times Bound, %d times more Unbound", len(f.bound), len(f.unbound))
			}
		})
	}
}

func TestWhatFollowsAnUnbindIsNotAnsweredEvenIfItIsNoPDU(t *testing.T) {
	r := newBound(t, smpp.CmdBindTransceiver, func(o *Options) { o.Logout = patience })
	r.ExpectResp(r.Send(&smpp.Unbind{}), smpp.ROK)
	testkit.Await(t, "it is closing", func() bool { return r.s.State() == Closing })
	r.SendRaw([]byte("GET / HTTP/1.1\r\n\r\n"))
	r.ExpectSilence(30 * time.Millisecond)
	r.Close()
	testkit.Receive(t, r.ended, "the end")
}

func TestTheLastAnswerComesThreeSecondsBeforeAStopIsOver(t *testing.T) {
	if got := LastAnswer(context.Background()); !got.IsZero() {
		t.Errorf("a stop without an end answers until %v", got)
	}
	end := time.Unix(1_700_000_000, 0)
	ctx, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	if got := LastAnswer(ctx); !got.Equal(end.Add(-3 * time.Second)) {
		t.Errorf("a stop until %v answers until %v", end, got)
	}
}

func TestStatesHaveTheNamesOfTheSpecification(t *testing.T) {
	for st, want := range map[State]string{Open: "OPEN", BoundTX: "BOUND_TX", BoundRX: "BOUND_RX", BoundTRX: "BOUND_TRX", Unbinding: "UNBINDING", Closing: "CLOSING"} {
		if st.String() != want {
			t.Errorf("%d is %s", st, st)
		}
		if got := st.Receives(); got != (st == BoundRX || st == BoundTRX) {
			t.Errorf("%s receives: %v", st, got)
		}
		if got := st.Transmits(); got != (st == BoundTX || st == BoundTRX) {
			t.Errorf("%s transmits: %v", st, got)
		}
	}
}

func TestASessionMayBeClosedBeforeItIsServed(t *testing.T) {
	r, w := net.Pipe()
	defer w.Close()
	s := New(Options{ID: 1, Conn: r, Handler: &fake{}, Log: zerolog.Nop()})
	s.Close(errStop)
	testkit.Receive(t, s.Done(), "Done")
	if err := s.Serve(); !errors.Is(err, errStop) {
		t.Errorf("ended because of %v", err)
	}
}
