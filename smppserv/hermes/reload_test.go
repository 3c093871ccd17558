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
		{"the same settings", "", func() {}},
		{"another URL", "resume", func() { o.URL = "http://elsewhere/" }},
		{"another path", "resume", func() { o.URL = "http://elsewhere/push" }},
		{"another status URL", "", func() { o.StatusURL = "http://elsewhere/status" }},
		{"another schedule and URL", "detach, attach 1 [2s] true, resume", func() { o.URL, o.Retry = "http://hermes/", []time.Duration{2 * time.Second} }},
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
	if got := q.take(); got != "attach 1 [1m0s] true" {
		t.Errorf("%q", got)
	}
	if err := newPush(t, o).Close(t.Context()); err != nil { // never attached
		t.Error(err)
	}
}

func TestWithoutAScheduleADeadHermesIsProbedEveryMaxPause(t *testing.T) {
	b := newPressure(8)
	for range 3 {
		if got := b.probePause(nil); got > maxPause || got < maxPause*4/5 {
			t.Errorf("the pause is %v", got)
		}
		b.probes++
	}
}

func TestAnotherServerIsPressedAsOneThatNothingIsKnownOf(t *testing.T) {
	p, q, o, answered := scripted(t, nil)
	for range 3 {
		answered(503)
	}
	o.URL = "http://elsewhere/"
	if err := p.Reload(o); err != nil {
		t.Fatal(err)
	}
	if got := q.take(); got != "resume" {
		t.Errorf("%q", got)
	}
	if got := answered(503); got != "" { // the first of three
		t.Errorf("%q", got)
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
