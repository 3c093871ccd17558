package hermes

import (
	"net"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"
)

// unserved is a connection that nobody reads or writes.
func unserved(t *testing.T) *connection {
	p := NewPort(PortOptions{Queue: &taking{}, Clients: toAdmin, Log: zerolog.Nop()})
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return newConnection(p, ours)
}

func TestEventsWaitUpToABoundAndThenThePeerIsLetGo(t *testing.T) {
	c := unserved(t)
	c.event(make([]byte, maxUnread-10))
	c.event(make([]byte, 10))
	if c.failed || len(c.out) != maxUnread {
		t.Fatalf("let go, or %d octets wait", len(c.out))
	}
	c.event(make([]byte, 1))
	if !c.failed || len(c.out) != 0 {
		t.Fatalf("%d octets wait", len(c.out))
	}
	c.event(make([]byte, 1))
	if len(c.out) != 0 {
		t.Fatal("an event waits for a peer that is gone")
	}
}

func TestEventsComeWhileAnyLineWaitsForItsAnswerThoughThePeerSendsNoMore(t *testing.T) {
	c := unserved(t)
	c.expect()
	c.read = true
	c.event([]byte("event\n"))
	c.answer([]byte("answer\n"))
	c.event([]byte("too late\n"))
	if got := string(c.out); got != "event\nanswer\n" {
		t.Errorf("%q", got)
	}
}

func TestAConnectionIsNotReadWhileTooManyAnswersWaitToBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := unserved(t)
		read := false
		c.out = make([]byte, maxUnwritten)
		go func() { read = c.awaitRoom() }()
		for range 2 {
			synctest.Wait()
			if read {
				t.Fatalf("it is read with %d octets to be sent", len(c.out))
			}
			signal(c.room)
		}
		synctest.Wait()
		c.mu.Lock()
		c.out = c.out[:maxUnwritten-1]
		c.mu.Unlock()
		signal(c.room)
		synctest.Wait()
		if !read {
			t.Fatalf("it is not read with %d octets to be sent", len(c.out))
		}
	})
}
