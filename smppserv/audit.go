package main

import (
	"context"
	"fmt"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type auditCommand struct {
	Asking
	Limit  int    `short:"n" default:"50" help:"At most so many (1-1000)."`
	Cursor string `placeholder:"TEXT" help:"Go on where the page before ended, as its last line says."`
}

// Run tells who did what.
func (k auditCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	if k.Limit < 1 || k.Limit > adminapi.MaxLimit {
		return &commandline.Error{Code: commandline.ExitUsage, Err: fmt.Errorf("--limit is from 1 to %d", adminapi.MaxLimit)}
	}
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Audit, error) {
		return r.Audit(ctx, k.Cursor, k.Limit)
	}, sayAudit)
}

func sayAudit(s *server, a adminapi.Audit) error {
	t := table.New(table.Column{Name: "AT"}, table.Column{Name: "WHO"}, table.Column{Name: "FROM"}, table.Column{Name: "WHAT"}, table.Column{Name: "ON"},
		table.Column{Name: "MORE", Flexible: true})
	for _, e := range a.Entries {
		t.Add(clock(e.At), e.Who, e.From, e.What, e.On, e.More)
	}
	if err := s.show(t, "nobody has done anything yet"); err != nil || a.Next == "" {
		return err
	}
	return s.say("there is more: --cursor %s", a.Next)
}
