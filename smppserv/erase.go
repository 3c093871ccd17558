package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type eraseCommand struct {
	Asking
	Number string `required:"" placeholder:"NUMBER" help:"The person's number, with or without its +."`
}

// eraseAgain is the wait until the server is asked to go on where it has not done anything, and eraseIdle how long that may be so.
const eraseAgain, eraseIdle = time.Second, 5 * time.Minute

// Run has a number erased, in as many requests as it takes. Ctrl-C breaks that off; the same command goes on.
func (k eraseCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	s, err := k.find(ctx, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	var all adminapi.Erasure
	var progress atomic.Value
	last := time.Now()
	progress.Store("erasing")
	err = s.patiently(ctx, func() string { return progress.Load().(string) }, func(ctx context.Context) error {
		for {
			e, err := s.Erase(ctx, k.Number)
			all.Messages += e.Messages
			all.Lines += e.Lines
			all.Done, all.Text = e.Done, e.Text
			if err != nil || e.Done {
				return err
			}
			progress.Store(fmt.Sprintf("%d messages are erased; %s", all.Messages, table.Plain(e.Text.String())))
			switch {
			case e.Messages > 0:
				last = time.Now()
				continue
			case time.Since(last) > eraseIdle:
				return fmt.Errorf("not all is erased: %s", e.Text)
			}
			select {
			case <-time.After(eraseAgain):
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", e.Text, ctx.Err())
			}
		}
	})
	if err != nil {
		return err
	}
	if k.JSON {
		return s.json(all)
	}
	return s.say("%s", all.Text)
}
