package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

// What status ends with, for monitoring, besides 0 where all is good and 1 where the server cannot be asked.
const (
	exitWarning = 5 // work goes on, somebody should look
	exitBad     = 6 // work stands still
)

type statusCommand struct{ Asking }

// Run tells how the server is. The exit code is that of the worst that there is.
func (k statusCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	var level adminapi.Level
	err := ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Status, error) {
		status, err := r.Status(ctx)
		level = worst(status)
		return status, err
	}, sayStatus)
	code := map[adminapi.Level]int{adminapi.Warning: exitWarning, adminapi.Bad: exitBad}[level]
	if err != nil || code == 0 {
		return err
	}
	return &commandline.Error{Code: code, Silent: true, Err: errors.New("the server's state is " + string(level))}
}

// worst is the level of the server as a whole.
func worst(s adminapi.Status) adminapi.Level {
	levels := map[adminapi.Level]bool{}
	for _, p := range s.Parts {
		levels[p.Level] = true
	}
	for _, n := range s.Attention {
		levels[n.Level] = true
	}
	switch {
	case levels[adminapi.Bad], !s.Ready:
		return adminapi.Bad
	case levels[adminapi.Warning]:
		return adminapi.Warning
	}
	return adminapi.Good
}

func sayStatus(s *server, st adminapi.Status) error {
	ready := "yes"
	if !st.Ready {
		ready = "no: " + st.Why
	}
	l, t := st.Load, st.Today
	waiting := "nothing"
	if l.Waiting > 0 {
		waiting = fmt.Sprintf("%d (texts %d, receipts %d), %d being tried", l.Waiting, l.Texts, l.Receipts, l.InFlight)
		if !l.Oldest.IsZero() { // one whose outcome is on its way to disk waits for nothing else
			waiting += ", the oldest for " + age(l.Oldest)
		}
	}
	if l.Unwritten > 0 {
		waiting += fmt.Sprintf("; %d outcomes on their way to disk", l.Unwritten)
	}
	err := s.facts("server", strings.TrimPrefix(st.Node+", ", ", ")+"up "+age(st.Started), "version", st.Version, "mode", st.Mode, "accepts", ready, "sessions", fmt.Sprint(l.Sessions), "waiting", waiting,
		"today", fmt.Sprintf("%d submitted (%d parts), %d delivered, %d failed, %d deleted, %d receipts", t.Submitted, t.Parts, t.Delivered, t.Failed, t.Deleted, t.Receipts))
	if err != nil {
		return err
	}
	parts := table.New(table.Column{Name: "PART"}, table.Column{Name: "STATE"}, table.Column{Name: "SINCE"}, table.Column{Name: "WHY", Flexible: true})
	for _, p := range st.Parts {
		parts.Add(p.Name, string(p.Level), clock(p.Since), p.Text.String())
	}
	fmt.Fprintln(s.Stdout)
	if err := s.show(parts, "no part is listed"); err != nil {
		return err
	}
	if len(st.Nodes) > 1 {
		fmt.Fprintln(s.Stdout)
		if err := sayNodes(s, st.Nodes); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.Stdout)
	if len(st.Attention) == 0 {
		return s.say("Nothing needs attention.")
	}
	if err := s.say("Needs attention:"); err != nil {
		return err
	}
	for _, n := range st.Attention { // whole: what to do must be legible
		if err := s.say("- %s: %s", strings.TrimSpace(string(n.Level)+" "+since(n.Since)), n.Text); err != nil {
			return err
		}
		if !n.ToDo.IsZero() {
			if err := s.say("  to do: %s", n.ToDo); err != nil {
				return err
			}
		}
	}
	return nil
}

type alertsCommand struct {
	Test alertsTestCommand `cmd:"" help:"Have each alert of config.toml send a test, and tell what became of it."`
}

type alertsTestCommand struct{ Asking }

func (k alertsTestCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Done, error) { return r.TestAlerts(ctx) },
		func(s *server, d adminapi.Done) error {
			return s.done(d, fmt.Sprintf("%d alerts were sent a test", d.Count))
		})
}
