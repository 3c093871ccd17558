//go:build unix

package faults

import (
	"net"
	"syscall"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

func TestAServerThatTakesNoConnectionIsGivenUpInTime(t *testing.T) {
	p := startPlugin(t, deaf(t), map[string]string{"TimeoutMs": "300", "RetryPauseMs": "0"})
	began := time.Now()
	fails(t, p.send(t, campaign, customer, "x"), "not sent: cannot connect to ", "no connection within 300 ms; is a firewall", "tried twice")
	if took := time.Since(began); took < 600*time.Millisecond || took > testkit.Patience/2 {
		t.Errorf("it took %v", took)
	}
}

// deaf is an address where connecting gets no answer, as behind a firewall: a listener whose backlog is full.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }); err != nil || listenErr != nil {
		t.Fatal(err, listenErr)
	}
	for range 10 {
		conn, err := net.DialTimeout("tcp", l.Addr().String(), 300*time.Millisecond)
		if err != nil {
			return l.Addr().String()
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("this system has room for more connections than a backlog of 0")
	return ""
}
