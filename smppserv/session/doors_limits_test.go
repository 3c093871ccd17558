package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// visitor is a connection from somewhere; its other end is closed.
type visitor struct {
	net.Conn
	from net.Addr
}

func newVisitor(address string) visitor {
	ours, theirs := net.Pipe()
	theirs.Close()
	return visitor{ours, &net.TCPAddr{IP: net.ParseIP(address), Port: 5000}}
}

func (v visitor) RemoteAddr() net.Addr { return v.from }

func TestDoorsLetInSoManyConnectionsAndSoManyOfAnAddress(t *testing.T) {
	d := NewDoors(5, 2, 0)
	enter := func(address string, want error) {
		t.Helper()
		if err := d.Enter(newVisitor(address).RemoteAddr()); !errors.Is(err, want) {
			t.Fatalf("%s: %v, want %v", address, err, want)
		}
	}
	leave := func(address string) {
		t.Helper()
		if err := d.Serve(New(Options{ID: 1, Conn: newVisitor(address), Log: zerolog.Nop()})); !errors.Is(err, errPeerClosed) {
			t.Fatal(err)
		}
	}
	enter("10.0.0.1", nil)
	enter("::ffff:10.0.0.1", nil) // the same
	enter("10.0.0.1", errTooManyPerAddress)
	enter("10.0.0.2", nil)
	enter("10.0.0.3", nil)
	enter("10.0.0.4", nil)
	enter("10.0.0.2", errTooMany)
	leave("10.0.0.2")
	enter("10.0.0.1", errTooManyPerAddress)
	enter("10.0.0.3", nil)
	enter("10.0.0.4", errTooMany)
	leave("10.0.0.1")
	enter("10.0.0.1", nil)
	enter("10.0.0.4", errTooMany)
	leave("10.0.0.4")
	enter("10.0.0.1", errTooManyPerAddress)
	for range 2 {
		leave("10.0.0.1")
		leave("10.0.0.3")
	}
	if d.open != 0 || len(d.perAddr) != 0 {
		t.Errorf("%d connections are left, of %v", d.open, d.perAddr)
	}

	d = NewDoors(0, 0, 0)
	for range 1000 {
		enter("10.0.0.1", nil)
	}
}

func TestEachFailedBindOfAnAddressWithinAMinuteIsHeldBackLonger(t *testing.T) {
	a, b := newVisitor("10.0.0.1").from, newVisitor("10.0.0.2").from
	start := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		delay time.Duration
		want  []time.Duration // of failures a second apart
	}{
		{time.Second, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}},
		{2 * time.Second, []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}},
		{10 * time.Second, []time.Duration{5 * time.Second, 5 * time.Second}},
		{0, []time.Duration{0, 0, 0}},
	} {
		d := NewDoors(0, 0, c.delay)
		for i, want := range c.want {
			if got := d.failedBind(a, start.Add(time.Duration(i)*time.Second)); got != want {
				t.Errorf("of %v each, failure %d is held back by %v, want %v", c.delay, i+1, got, want)
			}
		}
		if c.delay == 0 && len(d.failed[AddrOf(a)]) > 0 {
			t.Errorf("%d failures are remembered for nothing", len(d.failed[AddrOf(a)]))
		}
		if got, want := d.failedBind(b, start.Add(time.Minute)), min(c.delay, maxBindDelay); got != want {
			t.Errorf("of %v each, another address is held back by %v", c.delay, got)
		}
	}
	d := NewDoors(0, 0, time.Second)
	for i, c := range []struct{ at, want time.Duration }{
		{0, time.Second}, {30 * time.Second, 2 * time.Second}, {time.Minute, 3 * time.Second},
		{time.Minute + 1, 3 * time.Second}, // the first one is forgotten
		{3 * time.Minute, time.Second},
	} {
		if got := d.failedBind(a, start.Add(c.at)); got != c.want {
			t.Errorf("failure %d, after %v, is held back by %v, want %v", i+1, c.at, got, c.want)
		}
	}
}

func TestAFailedBindIsHeldBackUntilItsConnectionEndsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDoors(0, 0, 2*time.Second)
		from := newVisitor("10.0.0.1").from
		began := time.Now()
		d.Delay(from, time.Now(), nil)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("held back for %v", took)
		}
		done := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(done) })
		d.Delay(from, time.Now(), done)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("held back until %v, its connection ended after 3s", took)
		}
	})
}

func TestABindThatIsDearToJudgeIsHeldBackAsItsAddressHasFailedAndCountsThatTowardsItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDoors(0, 0, time.Second)
		from, neighbour := newVisitor("2001:db8::1").from, newVisitor("2001:db8::2").from
		d.Hold(from, nil)
		came := time.Now()
		for range 3 {
			d.failedBind(neighbour, came) // the same /64
		}
		d.Hold(from, nil)
		if took := time.Since(came); took != 3*time.Second {
			t.Errorf("held back for %v", took)
		}
		d.Delay(from, came, nil)
		if took := time.Since(came); took != 4*time.Second {
			t.Errorf("answered after %v", took)
		}
		d.Hold(newVisitor("2001:db8:0:1::1").from, nil)
		if took := time.Since(came); took != 4*time.Second {
			t.Error("another /64 is held back")
		}
		time.AfterFunc(time.Second, d.Shut)
		d.Hold(from, nil)
		if took := time.Since(came); took != 5*time.Second {
			t.Errorf("a stop waits until %v", took)
		}
	})
}

func TestAnIPv6NetworkCountsAsOneAddressAtTheDoors(t *testing.T) {
	d := NewDoors(0, 2, time.Second)
	for i, c := range []struct {
		address string
		want    error
	}{{"2001:db8::1", nil}, {"2001:db8::2:1", nil}, {"2001:db8::3", errTooManyPerAddress}, {"2001:db8:0:1::1", nil}} {
		if err := d.Enter(newVisitor(c.address).RemoteAddr()); !errors.Is(err, c.want) {
			t.Errorf("connection %d: %v, want %v", i+1, err, c.want)
		}
	}
}

func TestSessionsAreListedAsTheyCame(t *testing.T) {
	d := NewDoors(0, 0, 0)
	h := &fake{unbound: make(chan error, 10)}
	var theirs []net.Conn
	served := make(chan error, 20)
	for _, id := range []uint64{7, 3, 11, 5, 2} {
		ours, peer := net.Pipe()
		theirs = append(theirs, peer)
		if err := d.Enter(ours.RemoteAddr()); err != nil {
			t.Fatal(err)
		}
		s := New(Options{ID: id, Conn: ours, Handler: h, Log: zerolog.Nop()})
		go func() { served <- d.Serve(s) }()
	}
	testkit.Await(t, "all sessions are served", func() bool { return len(d.Sessions()) == len(theirs) })
	var ids []uint64
	for _, s := range d.Sessions() {
		ids = append(ids, s.ID())
	}
	if got := fmt.Sprint(ids); got != "[2 3 5 7 11]" {
		t.Errorf("listed as %s", got)
	}
	for _, c := range theirs {
		c.Close()
		testkit.Receive(t, served, "the end of a session")
	}
	if n := len(d.Sessions()); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestOnlyWhoIsSilentIsDropped(t *testing.T) {
	b := newBuilding(t, time.Hour)
	alive := b.client()
	all := b.Sessions()
	tell := make(chan bool, 1)
	go func() { tell <- DropSilent(all, patience, errStop) }()
	h, _ := alive.Expect(smpp.CmdEnquireLink)
	alive.SendSeq(h.Sequence, &smpp.EnquireLinkResp{})
	if testkit.Receive(t, tell, "the end of the probe") {
		t.Fatal("one that answers was dropped")
	}
	if !DropSilent(all, time.Millisecond, errStop) {
		t.Fatal("a silent one was kept")
	}
	testkit.Receive(t, all[0].Done(), "the end of the silent session")
}

// faulty is a listener of which each Accept does what the script says; then it is closed.
type faulty struct {
	net.Listener
	script []func() (net.Conn, error)
	closed bool
}

func (f *faulty) Accept() (net.Conn, error) {
	if len(f.script) == 0 {
		return nil, net.ErrClosed
	}
	do := f.script[0]
	f.script = f.script[1:]
	return do()
}

func (f *faulty) Close() error { f.closed = true; return nil }

func TestWhoFindsNoPlaceIsClosedAndAListenerThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := NewDoors(1, 0, 0)
		short := func() (net.Conn, error) { return nil, errors.New("too many open files") }
		in, out := net.Pipe()
		late, kept := net.Pipe()
		l := &faulty{script: []func() (net.Conn, error){short, short,
			func() (net.Conn, error) { return in, nil }, func() (net.Conn, error) { return late, nil }}}
		began, served := time.Now(), 0
		d.Accept(l, loglimit.New(zerolog.Nop()), func(c net.Conn) {
			if served++; c != in {
				t.Error("one without a place is served")
			}
		})
		if took := time.Since(began); took != 200*time.Millisecond || served != 1 {
			t.Errorf("%d were served after %v", served, took)
		}
		if _, err := kept.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("who found no place sees %v", err)
		}
		out.Close()
		d.Shut()
		if !l.closed {
			t.Error("the listener is open")
		}
		l = &faulty{}
		d.Accept(l, loglimit.New(zerolog.Nop()), nil)
		if !l.closed {
			t.Error("a listener that came after the end is open")
		}
	})
}
