//go:build !windows

package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSystemdHearsWhenTheServerIsReady runs the launcher as systemd would, with a configuration that is mended while it waits.
func TestSystemdHearsWhenTheServerIsReady(t *testing.T) {
	r := newRunning(t, "bad")
	address := filepath.Join(r.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", address)
	hear := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(long)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 4096)
		n, err := conn.Read(b)
		if err != nil || !strings.Contains(string(b[:n]), want) {
			t.Fatalf("heard %q, %v, want %q", b[:n], err, want)
		}
	}
	r.start()
	hear("STATUS=waiting for config.toml to change: bad configuration: config.toml:1: it is wrong")
	if err := os.Remove(r.config()); err != nil { // under a service manager no file is nothing to end for
		t.Fatal(err)
	}
	r.configure("good")
	hear("READY=1\nSTATUS=ready, process ")
	r.signal()
	hear("STOPPING=1")
	hear("STATUS=stopped: stopped as asked")
	r.wantExit(0)
}
