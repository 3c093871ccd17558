package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type nodesCommand struct{ Asking }

// Run lists the workers on the store.
func (k nodesCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) ([]adminapi.Node, error) { return r.Nodes(ctx) }, sayNodes)
}

func sayNodes(s *server, all []adminapi.Node) error {
	t := table.New(table.Column{Name: "NODE"}, table.Column{Name: "EPOCH", Right: true}, table.Column{Name: "SINCE"}, table.Column{Name: "RENEWED", Right: true},
		table.Column{Name: "SESSIONS", Right: true}, table.Column{Name: "WAITING", Right: true}, table.Column{Name: "HERMES"}, table.Column{Name: "VERSION"},
		table.Column{Name: "ADDRESS"}, table.Column{Name: "WHAT", Flexible: true})
	for _, n := range all {
		renewed, epoch := "", ""
		if n.Epoch != 0 {
			renewed, epoch = fmt.Sprintf("%.1f s ago", n.Lag/1000), strconv.FormatInt(n.Epoch, 10)
		}
		t.Add(n.Name, epoch, clock(n.Since), renewed, strconv.Itoa(n.Sessions), strconv.Itoa(n.Waiting), hermesAt(n), shortVersion(n.Version), n.Address, whatNode(n))
	}
	return s.show(t, "no node is listed")
}

// shortVersion is a version without what it was built of, which --json tells.
func shortVersion(version string) string {
	short, _, _ := strings.Cut(version, " ")
	return short
}

func hermesAt(n adminapi.Node) string {
	for _, p := range n.Parts {
		if p.Name == adminapi.PartHermes {
			return string(p.Level)
		}
	}
	return ""
}

// whatNode is what sets a node apart.
func whatNode(n adminapi.Node) string {
	var all []string
	if n.Self {
		all = append(all, "this one")
	}
	if n.Leader {
		all = append(all, "leader")
	}
	if !n.Missing.IsZero() {
		all = append(all, n.Missing.String())
	}
	if len(n.Differs) > 0 {
		all = append(all, "config.toml is not as here: "+strings.Join(n.Differs, ", "))
	}
	return strings.Join(all, "; ")
}

// atNodes tells where something waits, if at several.
func atNodes(all []adminapi.WaitingAt) string {
	if len(all) < 2 {
		return ""
	}
	var parts []string
	for _, n := range all {
		parts = append(parts, fmt.Sprintf("%d at %s", n.Count, n.Node))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
