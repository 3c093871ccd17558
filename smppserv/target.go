package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	gosmpp "github.com/fiorix/go-smpp/smpp"
	"github.com/fiorix/go-smpp/smpp/pdu"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/centre"
)

const (
	// bindTime is how long a connection and a bind may take together. A bind that is refused is answered up to 5 s late.
	bindTime = 8 * time.Second
	// stepTime is how long an answer may take.
	stepTime = 10 * time.Second
)

// target is the server that a command speaks SMPP with, and as which client.
type target struct {
	addr   string
	tls    *tls.Config // nil = in clear
	flags  secured
	client config.Client
	token  string // of the server that runs with this configuration; "" = none does, or this account may not know
	unseen error  // why it may not
	cfg    *config.Config
}

// findTarget picks the client, "" = the first that is not disabled, and finds the server, addr "" = that of the configuration.
func findTarget(file centre.File, systemID, addr string, flags secured) (*target, error) {
	if err := checkAddr(addr); err != nil {
		return nil, err
	}
	t := &target{addr: addr, flags: flags, cfg: file.Config}
	at := slices.IndexFunc(file.Config.Clients, func(c config.Client) bool {
		return c.SystemID == systemID || systemID == "" && !c.Disabled
	})
	if at < 0 {
		var names []string
		for _, c := range file.Config.Clients {
			names = append(names, c.SystemID)
		}
		if systemID == "" {
			return nil, fmt.Errorf("every client of %s is disabled", file.Path)
		}
		return nil, fmt.Errorf("no client of %s has the system_id %q; there are: %s", file.Path, systemID, strings.Join(names, ", "))
	}
	t.client = file.Config.Clients[at]
	s := &file.Config.Server
	configured := loopback(s.ListenHost, s.ListenPort)
	server, err := running.Look(file.Path)
	t.unseen = err
	runs, runsTLS := "", ""
	if server != nil {
		runs, runsTLS = running.Reachable(server.SMPP), server.SMPPTLS
	}
	if runs != "" {
		configured = runs
	}
	secure, err := flags.port("", runsTLS, s.ListenHost, "server.tls", s.TLS)
	switch {
	case err != nil && (addr == "" || !flags.TLS):
		return nil, err
	case flags.TLS:
		configured = secure
	}
	if server != nil && (addr == "" || addr == configured) {
		t.token = server.Token
	}
	if addr == "" {
		t.addr = configured
	}
	t.tls, err = flags.config(t.addr, s.TLS.CertFile)
	return t, err
}

func loopback(host string, port int) string {
	return running.Reachable(net.JoinHostPort(host, strconv.Itoa(port)))
}

// password is the client's, as the configuration has it or as it is given.
func (t *target) password(given string) (string, error) {
	switch {
	case given != "":
		return given, nil
	case config.IsHash(t.client.Password):
		return "", fmt.Errorf("config.toml has only the hash of %s's password: give the password with --password%s", t.client.SystemID, t.rights())
	}
	return t.client.Password, nil
}

// rights is what to do where this account may not read what the running server says.
func (t *target) rights() string {
	if t.unseen == nil {
		return ""
	}
	return ", or run this as an administrator (root), who may send without it"
}

// await waits for the bind.
func (t *target) await(ctx context.Context, bound <-chan gosmpp.ConnStatus) error {
	select {
	case status := <-bound:
		if status.Status() == gosmpp.Connected {
			return nil
		}
		return t.bindError(status.Error())
	case <-time.After(bindTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return fmt.Errorf("no connection to %s within %s: does a firewall drop it?", t.addr, bindTime)
	}
	conn.Close()
	return fmt.Errorf("%s takes the connection, and does not answer a bind within %s%s", t.addr, bindTime, t.whatItIs())
}

// bindError tells in words why there was no bind.
func (t *target) bindError(err error) error {
	var status pdu.Status
	var op *net.OpError
	if fault := t.flags.fault(t.addr, err); fault != nil {
		return fault
	}
	switch {
	case errors.As(err, &status) && smpp.Status(status) == smpp.RALYBND:
		return fmt.Errorf("%s is bound already, with as many sessions as it may have%s", t.client.SystemID, t.rights())
	case errors.As(err, &status):
		return fmt.Errorf("the bind of %s at %s was refused: %w; the server's log says why", t.client.SystemID, t.addr, err)
	case errors.As(err, &op) && op.Op == "dial":
		return notThere(t.addr, err)
	case errors.As(err, &op), errors.Is(err, io.EOF):
		return fmt.Errorf("%s closed the connection before it answered the bind (%w)%s", t.addr, err, t.whatItIs())
	}
	return fmt.Errorf("%s answers, but does not speak SMPP%s", t.addr, t.whatItIs())
}

// whatItIs names the port where it is another one of the configuration.
func (t *target) whatItIs() string {
	_, port, _ := net.SplitHostPort(t.addr)
	_, adminPort, _ := net.SplitHostPort(t.cfg.Admin.Listen)
	what := ": is it the port for SMPP?"
	switch port {
	case strconv.Itoa(t.cfg.TCP.ListenPort):
		what = ": that is tcp.listen_port, where Hermès hands in its messages."
	case adminPort:
		what = ": that is the port of admin.listen, for operators."
	case strconv.Itoa(t.cfg.Server.TLS.ListenPort):
		what = ": that is server.tls.listen_port, which speaks TLS."
	}
	return what + " server.listen_port is " + strconv.Itoa(t.cfg.Server.ListenPort)
}

// checkAddr judges what --addr gives; "" = it is not given.
func checkAddr(addr string) error {
	if addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(addr)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || portErr != nil || number == 0 {
		return fmt.Errorf("--addr is %q; it must be HOST:PORT, such as 127.0.0.1:2346", addr)
	}
	return nil
}

// notThere tells how to start the server that does not answer; where it is not known that none is there, only that it cannot be
// reached.
func notThere(addr string, err error) error {
	var dns *net.DNSError
	var op net.Error
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("no connection to %s: %w", addr, dns)
	case errors.As(err, &op) && op.Timeout():
		return fmt.Errorf("no connection to %s in time: does a firewall drop it?", addr)
	}
	return fmt.Errorf("no server answers at %s (%w): start it with: %s", addr, err, registration.Start())
}
