package admin

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The server gives up any connection that asks nothing for headerTime: one too many must be closed before those that came first.
func TestOneConnectionTooManyIsClosedAndNoOther(t *testing.T) {
	address := strings.TrimPrefix(start(t, Options{}), "http://")
	closed := func(c net.Conn, within time.Duration) bool {
		_ = c.SetReadDeadline(time.Now().Add(within))
		_, err := c.Read(make([]byte, 1))
		var timeout net.Error
		return !errors.As(err, &timeout) || !timeout.Timeout()
	}
	var open []net.Conn
	for range maxConnections + 1 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	if !closed(open[maxConnections], 2*headerTime) {
		t.Error("one too many stays open")
	}
	for i, c := range []net.Conn{open[0], open[maxConnections-1]} {
		if closed(c, 10*time.Millisecond) {
			t.Errorf("connection %d, which is not too many, is closed", i)
		}
	}
}

func TestConnectionsOnWhichNothingIsAskedKeepNobodyOut(t *testing.T) {
	url := start(t, Options{})
	address := strings.TrimPrefix(url, "http://")
	for range maxConnections { // each is kept alive after its answer
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	for range 3 {
		one := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := one.Get(url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
