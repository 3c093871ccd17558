package hermes

import (
	"net"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestAnotherURLIsTriedAtOnce(t *testing.T) {
	p, q, o, _ := scripted(t, nil)
	for _, c := range []struct {
		what, want string
		change     func()
	}{
		{"the same settings", "window 8", func() {}},
		{"another URL", "window 8, resume", func() { o.URL = "http://elsewhere/" }},
		{"another path", "window 8, resume", func() { o.URL = "http://elsewhere/push" }},
		{"another status URL", "window 8", func() { o.StatusURL = "http://elsewhere/status" }},
		{"another schedule and URL", "detach, attach 8 [2s] true, resume", func() { o.URL, o.Retry = "http://hermes/", []time.Duration{2 * time.Second} }},
	} {
		c.change()
		if err := p.Reload(o); err != nil {
			t.Fatal(err)
		}
		if got := q.take(); got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := q.take(); got != "detach" {
		t.Errorf("Close: %q", got)
	}
	o.URL, o.Retry = "http://third/", []time.Duration{3 * time.Second}
	if err := p.Reload(o); err != nil {
		t.Fatal(err)
	}
	if got := q.take(); got != "" {
		t.Errorf("after Close: %q", got)
	}
}

func TestSettingsMayChangeBeforeThereIsAQueue(t *testing.T) {
	o := options("http://hermes/")
	p := newPush(t, o)
	o.URL, o.Concurrency, o.Retry = "http://elsewhere/", 3, []time.Duration{time.Minute}
	if err := p.Reload(o); err != nil {
		t.Fatal(err)
	}
	q := &outlets{}
	p.Attach(q)
	if got := q.take(); got != "attach 3 [1m0s] true" {
		t.Errorf("%q", got)
	}
	if err := newPush(t, o).Close(t.Context()); err != nil { // never attached
		t.Error(err)
	}
}

func TestWithoutAScheduleADeadHermesIsProbedEveryMaxPause(t *testing.T) {
	b := &breaker{}
	for range 3 {
		if got := b.pause(nil); got != 15*time.Second {
			t.Errorf("the pause is %v", got)
		}
		b.failed++
	}
}

func TestAConnectionThatComesDuringAStopIsClosed(t *testing.T) {
	p := NewPort(PortOptions{Queue: &taking{}, Clients: toAdmin, Log: zerolog.Nop()})
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	p.admit(caller{ours})
	if n, err := theirs.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d octets came", n)
	}
	if n := len(connections(p)); n != 0 {
		t.Errorf("%d connections are served", n)
	}
}
