package centre

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

type logBuffer struct {
	testkit.Log
	taken int // octets
}

// take returns what was logged since the last time.
func (l *logBuffer) take() string {
	s := l.String()[l.taken:]
	l.taken += len(s)
	return s
}

type onDisk struct{ done chan error }

func (d onDisk) Accepted(_ *sms.Message, _ bool, err error) { d.done <- err }
func (d onDisk) Concluded(*sms.Message, sms.Outcome)        {}
func (d onDisk) Awaits() bool                               { return true }
func (d onDisk) Answered() (uint64, time.Time, bool)        { return 0, time.Time{}, false }

// waitFor has a message wait for a client.
func waitFor(t *testing.T, mc *centre, systemID string) {
	t.Helper()
	now := time.Now()
	m := &sms.Message{Recipient: systemID, Source: sms.Address{Number: "3600"}, Dest: sms.Address{Number: "33612345678"}, Content: []byte("text"),
		State: sms.Enroute, ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour)}
	d := onDisk{make(chan error, 1)}
	if err := mc.queue.Add(m, 0, d); err != nil {
		t.Fatal(err)
	}
	if err := <-d.done; err != nil {
		t.Fatal(err)
	}
}

func configOf(t *testing.T, clients ...config.Client) *config.Config {
	cfg := config.Default()
	cfg.Server.ListenHost, cfg.Server.ListenPort, cfg.TCP.ListenHost, cfg.TCP.ListenPort = "127.0.0.1", 0, "127.0.0.1", 0
	cfg.Admin.Listen = ""
	cfg.Store.DSN = filepath.Join(t.TempDir(), "messages.db")
	cfg.Clients = clients
	return &cfg
}

func named(systemID string, disabled bool) config.Client {
	c := config.DefaultClient()
	c.SystemID, c.Password, c.Disabled = systemID, "secret", disabled
	return c
}

// configure puts a configuration into effect.
func (mc *centre) configure(cfg *config.Config) {
	mc.mu.Lock()
	mc.cfg = cfg
	mc.mu.Unlock()
	mc.warnStranded()
}

func TestMessagesThatWaitForAClientThatCannotComeAreToldWithWhatToDo(t *testing.T) {
	var log logBuffer
	cfg := configOf(t, named("alice", false), named("bob", false))
	mc := opened(t, cfg, zerolog.New(&log))
	defer func() { _ = mc.close() }()
	waitFor(t, mc, "alice")
	waitFor(t, mc, "bob")
	waitFor(t, mc, "bob")
	waitFor(t, mc, sms.Hermes)
	expect := func(when string, lines []string, page []string) {
		t.Helper()
		got := log.take()
		if n := strings.Count(got, "in vain"); n != len(lines) {
			t.Errorf("%s: %d lines of the log tell of it, want %d:\n%s", when, n, len(lines), got)
		}
		for _, want := range lines {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", when, want, got)
			}
		}
		problems := slices.DeleteFunc(mc.Problems(), func(p admin.Problem) bool { return !strings.Contains(p.Text, "in vain") })
		if len(problems) != len(page) {
			t.Errorf("%s: the page has %q", when, problems)
		}
		for i, want := range page[:min(len(page), len(problems))] {
			if !strings.Contains(problems[i].Text, want) {
				t.Errorf("%s: the page has %q, want %q", when, problems[i].Text, want)
			}
			if strings.Contains(problems[i].Brief, "bob") {
				t.Errorf("%s: strangers read %q", when, problems[i].Brief)
			}
		}
	}
	expect("both are there", nil, nil)
	mc.configure(configOf(t, named("alice", false), named("robert", false)))
	expect("bob is renamed", []string{`"system_id":"bob","messages":2,"message":"messages wait for a client in vain: config.toml has no such client; add a client`},
		[]string{"2 messages wait for bob in vain: config.toml has no such client"})
	mc.configure(configOf(t, named("alice", true), named("bob", true)))
	expect("both are disabled", []string{`"system_id":"bob","messages":2,"message":"messages wait for a client in vain: it is disabled`, `"system_id":"alice","messages":1,`},
		[]string{"2 messages wait for bob in vain: it is disabled", "1 message waits for alice in vain"})
	waitFor(t, mc, "alice")
	waitFor(t, mc, "carol")
	mc.warnNew()
	expect("a receipt came since", []string{`"system_id":"carol","messages":1`}, []string{"alice", "bob", "carol"})
	mc.configure(configOf(t, named("alice", false), named("bob", false), named("carol", false)))
	expect("all are there", nil, nil)
}

func TestMessagesThatWaitInVainAreToldAtTheStart(t *testing.T) {
	cfg := configOf(t, named("alice", false))
	mc := opened(t, cfg, zerolog.Nop())
	for i := range maxStranded + 2 {
		waitFor(t, mc, fmt.Sprint("esme", i))
	}
	if err := mc.close(); err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	ctx, cancel := context.WithCancel(t.Context())
	ready := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{File: File{File: config.File{Path: filepath.Join(t.TempDir(), "config.toml"), Config: cfg}}, Log: zerolog.New(&log),
			Ready: func(worker.Ready) { close(ready) }})
	}()
	<-ready
	got := log.take()
	if n := strings.Count(got, "messages wait for a client in vain"); n != maxStranded || !strings.Contains(got, `"clients":2,"messages":2`) {
		t.Errorf("%d clients are named:\n%s", n, got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
