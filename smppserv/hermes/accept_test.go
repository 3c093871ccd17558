package hermes

import (
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// failing is a listener of a system that is short of something: nil stands for a connection.
type failing struct {
	began  time.Time
	script []error
	calls  []time.Duration // when Accept was called
}

func (f *failing) Accept() (net.Conn, error) {
	f.calls = append(f.calls, time.Since(f.began))
	err := net.ErrClosed
	if len(f.script) > 0 {
		err, f.script = f.script[0], f.script[1:]
	}
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	theirs.Close()
	return caller{ours}, nil
}

func (f *failing) Close() error   { return nil }
func (f *failing) Addr() net.Addr { return &net.TCPAddr{} }

func TestAPortThatCannotTakeConnectionsTriesAgainMoreAndMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := errors.New("too many open files")
		l := &failing{began: time.Now(), script: []error{short, short, short, short, short, short, short, short, short, short, nil, short, short}}
		p := NewPort(PortOptions{Queue: &taking{}, Clients: toAdmin, Log: zerolog.Nop()})
		p.listener = l
		if err := p.Serve(); err != nil {
			t.Fatal(err)
		}
		var waits []time.Duration
		for i, at := range l.calls[1:] {
			waits = append(waits, (at-l.calls[i])/time.Millisecond)
		}
		if want := []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 0, 5, 10}; !slices.Equal(waits, want) {
			t.Errorf("it waited %d ms, want %d", waits, want)
		}
		p.running.Wait()
	})
}

func TestAPortIsNotServedBeforeItListens(t *testing.T) {
	if err := NewPort(PortOptions{}).Serve(); err == nil {
		t.Error("it was served")
	}
	if err := NewPort(PortOptions{}).Close(t.Context()); err != nil {
		t.Error(err)
	}
}
