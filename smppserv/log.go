package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
)

type logCommand struct {
	Asking
	Level    string `enum:"trace,debug,info,warn,error" default:"info" help:"Lines of at least this level: trace, debug, info, warn, error."`
	Contains string `placeholder:"TEXT" help:"Only lines in which this stands."`
	Limit    int    `short:"n" default:"50" help:"At most so many of the last lines (1-1000)."`
	Follow   bool   `short:"f" help:"Go on with the lines that come, until Ctrl-C; also over a restart of the server."`
}

// Run shows the last lines of the log, and those that come.
func (k logCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	if k.Limit < 1 || k.Limit > adminapi.MaxLimit {
		return &commandline.Error{Code: commandline.ExitUsage, Err: fmt.Errorf("--limit is from 1 to %d", adminapi.MaxLimit)}
	}
	if !k.Follow {
		return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) ([]adminapi.LogLine, error) {
			return r.Log(ctx, k.Level, k.Contains, k.Limit)
		}, func(s *server, all []adminapi.LogLine) error { return s.lines(all, false) })
	}
	login, err := k.login(ctx, c) // once, and not after each restart
	if err != nil {
		return err
	}
	t := &tail{logCommand: k, login: login}
	for {
		err := t.follow(ctx, line, c)
		switch {
		case ctx.Err() != nil:
			return nil
		case !t.stood, errors.Is(err, errWrite), errors.Is(err, adminapi.ErrForbidden), errors.Is(err, adminapi.ErrUnknown) && k.User != "":
			return err
		case !t.away:
			t.away = true
			fmt.Fprintln(c.Stderr, "the server is away; its lines go on when it is back, until Ctrl-C")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// errWrite is that nobody takes what is shown.
var errWrite = errors.New("cannot write")

// tail is a log that is followed.
type tail struct {
	logCommand
	login adminapi.Login
	stood bool               // the server was reached once
	away  bool               // it went away since, which was said
	shown []adminapi.LogLine // the last answer
}

// follow shows what comes until the server goes away.
func (t *tail) follow(ctx context.Context, line *commandLine, c *commandline.Console) error {
	s, err := t.findAs(t.login, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.explain(s.Changes(ctx, func(topics []string) error {
		if topics != nil && !slices.Contains(topics, "log") {
			return nil
		}
		limit := adminapi.MaxLimit
		if !t.stood {
			limit = t.Limit
		}
		all, err := s.Log(ctx, t.Level, t.Contains, limit)
		if err != nil {
			return err
		}
		fresh, met := after(t.shown, all)
		if !met && len(all) == limit && t.stood {
			fmt.Fprintln(c.Stderr, "… lines were left out here: more came than the server keeps …")
		}
		t.stood, t.away, t.shown = true, false, all
		if err := s.lines(fresh, t.JSON); err != nil {
			return fmt.Errorf("%w: %w", errWrite, err)
		}
		return nil
	}))
}

// after are the lines that were not shown yet; met tells whether they follow upon those that were.
func after(shown, all []adminapi.LogLine) (fresh []adminapi.LogLine, met bool) {
	if len(shown) == 0 {
		return all, true
	}
	for i := len(all); i > 0; i-- {
		n := min(i, len(shown))
		if slices.EqualFunc(all[i-n:i], shown[len(shown)-n:], func(a, b adminapi.LogLine) bool { return reflect.DeepEqual(a, b) }) {
			return all[i:], true
		}
	}
	last := shown[len(shown)-1].At
	return slices.DeleteFunc(slices.Clone(all), func(l adminapi.LogLine) bool { return !l.At.After(last) }), false
}

// lines shows lines of the log as a console does, or as one JSON object each.
func (s *server) lines(all []adminapi.LogLine, asJSON bool) error {
	for _, l := range all {
		if asJSON {
			data, err := json.Marshal(l)
			if err == nil {
				_, err = fmt.Fprintf(s.Stdout, "%s\n", data)
			}
			if err != nil {
				return err
			}
			continue
		}
		var text strings.Builder
		fmt.Fprintf(&text, "%s %-5s %s", l.At.Local().Format("2006-01-02 15:04:05.000"), l.Level, l.Message)
		for _, name := range slices.Sorted(maps.Keys(l.Fields)) {
			fmt.Fprintf(&text, " %s=%s", name, l.Fields[name])
		}
		if err := s.say("%s", text.String()); err != nil {
			return err
		}
	}
	return nil
}
