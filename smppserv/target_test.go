package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/fiorix/go-smpp/smpp/pdu"

	"hnetsmpp/pkg/config"
)

func TestAnAddressThatCannotBeIsNamedBeforeItIsTried(t *testing.T) {
	for addr, good := range map[string]bool{"": true, "127.0.0.1:2346": true, "[::1]:1": true, "smpp.example.com:65535": true,
		"127.0.0.1": false, ":2346": false, "h:0": false, "h:65536": false, "h:smpp": false, "::1:2346": false, "h:2346x": false} {
		if err := checkAddr(addr); (err == nil) != good || err != nil && !strings.Contains(err.Error(), "it must be HOST:PORT") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

func TestWhoCannotBeReachedIsNotToBeStarted(t *testing.T) {
	for _, c := range []struct {
		err   error
		want  string
		start bool
	}{
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "h"}}, "no such host", false},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "does a firewall drop it?", false},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "no server answers at h:1", true},
	} {
		if got := notThere("h:1", c.err).Error(); !strings.Contains(got, c.want) || strings.Contains(got, "start it with") != c.start {
			t.Errorf("%v: got %s", c.err, got)
		}
	}
}

func TestABindThatFailsIsToldInWords(t *testing.T) {
	cfg := config.Default()
	cfg.Server.TLS.ListenPort = 2347
	at := func(port string) *target {
		return &target{addr: "127.0.0.1:" + port, client: config.Client{SystemID: "acme"}, cfg: &cfg}
	}
	locked := at("2346")
	locked.unseen = fs.ErrPermission
	for _, c := range []struct {
		target *target
		err    error
		want   string
	}{
		{at("2346"), pdu.Status(5), "acme is bound already, with as many sessions as it may have"},
		{locked, pdu.Status(5), "run this as an administrator"},
		{at("2346"), pdu.Status(0x0E), "the bind of acme at 127.0.0.1:2346 was refused"},
		{at("2346"), &net.OpError{Op: "dial", Err: errors.New("refused")}, "no server answers at 127.0.0.1:2346"},
		{at("18182"), io.EOF, "closed the connection before it answered the bind (EOF): that is tcp.listen_port"},
		{at("2347"), &net.OpError{Op: "read", Err: errors.New("reset")}, "that is server.tls.listen_port, which speaks TLS"},
		{at("8346"), fmt.Errorf("PDU too large: 1213486160"), "answers, but does not speak SMPP: that is the port of admin.listen"},
		{at("80"), fmt.Errorf("PDU too large: 1213486160"), "is it the port for SMPP? server.listen_port is 2346"},
	} {
		if got := c.target.bindError(c.err).Error(); !strings.Contains(got, c.want) || strings.Contains(got, "1213486160") {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}
