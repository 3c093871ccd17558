//go:build !windows

package hermes

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// connected is a connection of a poster that was used before, and its other end.
func connected(t *testing.T) (*postConn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	c := &postConn{nc: near, raw: raw, used: time.Now(), left: 1 << 20}
	c.r = bufio.NewReader(c)
	return c, far.(*net.TCPConn)
}

func TestARequestThatTheSystemDoesNotTakeWholeIsSentWhole(t *testing.T) {
	c, far := connected(t)
	request := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	n, read, err := ask(c.raw, request, make([]byte, 100))
	if n == 0 || n == len(request) || read != 0 || err != nil {
		t.Fatalf("%d of %d octets written, %d read, %v", n, len(request), read, err)
	}
	got := make(chan []byte)
	go func() {
		b := make([]byte, n+len(request))
		_, _ = io.ReadFull(far, b)
		_, _ = far.Write([]byte("thanks"))
		got <- b
	}()
	if sent, err := c.send(request); sent != len(request) || err != nil {
		t.Fatalf("%d octets sent, %v", sent, err)
	}
	answer := make([]byte, 6)
	if _, err := io.ReadFull(c.r, answer); err != nil || string(answer) != "thanks" {
		t.Errorf("%q, %v", answer, err)
	}
	if !bytes.Equal(<-got, append(request[:n:n], request...)) {
		t.Error("something else came")
	}
}

func TestAConnectionWhoseServerHasSpokenOrClosedTakesNothing(t *testing.T) {
	for what, do := range map[string]func(*net.TCPConn) error{
		"spoken":      func(far *net.TCPConn) error { _, err := far.Write([]byte("HTTP/1.1 408 \r\n\r\n")); return err },
		"half closed": (*net.TCPConn).CloseWrite,
	} {
		c, far := connected(t)
		if err := do(far); err != nil {
			t.Fatal(err)
		}
		for pending, _ := readable(c.raw); !pending; pending, _ = readable(c.raw) {
		}
		if n, err := c.send([]byte("POST")); n != 0 || !errors.Is(err, errUnsent) {
			t.Errorf("%s: %d octets sent, %v", what, n, err)
		}
		c.nc.Close()
		if b, _ := io.ReadAll(far); len(b) > 0 {
			t.Errorf("%s: %q came", what, b)
		}
	}
}

func TestWhatComesAfterARequestIsReadToItsEnd(t *testing.T) {
	for _, end := range []string{"", "rest"} {
		c, far := connected(t)
		go func() {
			b := make([]byte, 4)
			_, _ = io.ReadFull(far, b)
			_, _ = far.Write(bytes.Repeat([]byte{'x'}, firstRead))
			_, _ = far.Write([]byte(end))
			far.Close()
		}()
		if n, err := c.send([]byte("POST")); n != 4 || err != nil {
			t.Fatalf("%d octets sent, %v", n, err)
		}
		b, err := io.ReadAll(c.r)
		if want := firstRead + len(end); len(b) != want || err != nil {
			t.Errorf("%d octets came, want %d, %v", len(b), want, err)
		}
	}
}

func TestWhatComesOverANewConnectionBeforeItIsAskedIsTheAnswer(t *testing.T) {
	for _, end := range []func(*net.TCPConn) error{func(*net.TCPConn) error { return nil }, (*net.TCPConn).CloseWrite} {
		c, far := connected(t)
		c.used = time.Time{}
		const early = "HTTP/1.1 503 Service Unavailable\r\n"
		if _, err := far.Write([]byte(early)); err != nil {
			t.Fatal(err)
		}
		if err := end(far); err != nil {
			t.Fatal(err)
		}
		for pending, _ := readable(c.raw); !pending; pending, _ = readable(c.raw) {
		}
		_ = c.nc.SetDeadline(time.Now().Add(10 * time.Second))
		if n, err := c.send([]byte("POST")); n != 4 || err != nil {
			t.Fatalf("%d octets sent, %v", n, err)
		}
		if line, err := c.r.ReadString('\n'); line != early || err != nil {
			t.Errorf("%q, %v", line, err)
		}
	}
}
