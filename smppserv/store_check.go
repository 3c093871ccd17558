package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
)

type storeCheckCommand struct {
	All bool `help:"Look for every message by its numbers instead of for a sample; in SQLite also hold every hour against its counters, which PostgreSQL's check always does."`
}

func (k storeCheckCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	if file.Config.Store.Driver == config.DriverPostgres {
		return k.postgres(ctx, file, c)
	}
	start := time.Now()
	tell, stop := stepProgress(c, "check")
	got, err := sqlite.Check(ctx, file.Config.Store.DSN, k.All, tell)
	stop()
	if err != nil {
		return storeError(err)
	}
	return tellFindings(c, got.Findings, fmt.Sprintf("%s: schema %d, %d messages, %d of them wait, message ids up to %s; %d looked for in the index of numbers, the counters of %d hours; %.1f s",
		file.Config.Store.DSN, got.Schema, got.Messages, got.Waiting, got.LastID, got.Compared, got.Hours, time.Since(start).Seconds()),
		fmt.Sprintf("put a backup back with: %s; or save what can be read with: %s", sqlite.RestoreCommand, sqlite.RecoverCommand))
}

// postgres looks through the database, which workers may share meanwhile.
func (k storeCheckCommand) postgres(ctx context.Context, file centre.File, c *commandline.Console) error {
	start := time.Now()
	tell, stop := stepProgress(c, "check")
	got, err := postgres.Check(ctx, postgresOptions(file, file.Config.Store), k.All, postgres.CheckProgress(tell))
	stop()
	if err != nil {
		return copyError(err)
	}
	return tellFindings(c, got.Findings, fmt.Sprintf("%s: schema %d, %d rows of %d tables; %d messages, %d of them wait, message ids up to %s; %d looked for by their numbers, the counters of %d hours; "+
		"as of one moment, workers may run; %.1f s", got.Where, got.Schema, got.Rows, got.Tables, got.Messages, got.Waiting, got.LastID, got.Compared, got.Hours, time.Since(start).Seconds()),
		"each line says which; where rows cannot be read, look at the files with PostgreSQL's pg_amcheck and put a backup of the database back")
}

// tellFindings says what a check has found, and is an error when something is wrong.
func tellFindings(c *commandline.Console, f store.Findings, sum, advice string) error {
	for _, left := range f.Left {
		fmt.Fprintf(c.Stdout, "not looked at: %s\n", left)
	}
	for _, fault := range f.Faults {
		fmt.Fprintf(c.Stdout, "wrong: %s\n", fault)
	}
	fmt.Fprintln(c.Stdout, sum)
	if n := len(f.Faults); n > 0 {
		return fmt.Errorf("%d faults: %s", n, advice)
	}
	_, err := fmt.Fprintln(c.Stdout, "nothing is wrong")
	return err
}

type recoverCommand struct {
	File string `arg:"" help:"The new file, for what can be saved."`
	From string `placeholder:"FILE" help:"The damaged database; without it the one that config.toml names."`
}

func (r recoverCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	damaged := r.From
	if damaged == "" {
		if err := ofSQLite(file.Config); err != nil {
			return errors.New("the messages are in PostgreSQL (store.driver), and store recover is for the file of a SQLite store: PostgreSQL's files are for its own tools: " +
				"pg_amcheck says what is damaged, and a backup (pg_dump, pg_basebackup) puts it back; smppserv store check says which messages can be read")
		}
		damaged = file.Config.Store.DSN
	}
	tell, stop := stepProgress(c, "recover")
	got, err := sqlite.Recover(ctx, damaged, r.File, tell)
	stop()
	if err != nil {
		return storeError(err)
	}
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(c.Stdout, format+"\n", args...)
		}
	}
	say("%s: what could be read of %s, %s, checked", r.File, damaged, megabytes(got.Octets))
	for _, t := range got.Tables {
		switch {
		case t.Scattered > 0:
			say("  %-16s %d rows, %d of them found page by page, where no way led to them: %s", t.Table, t.Rows, t.Scattered, t.Unread)
		case t.Unread != "":
			say("  %-16s %d rows, and not all: %s", t.Table, t.Rows, t.Unread)
		case t.Rows > 0 || t.Table == "messages":
			say("  %-16s %d rows, all", t.Table, t.Rows)
		}
	}
	lost := uint64(0)
	for i, l := range got.Lost {
		lost += uint64(l.To - l.From + 1)
		if i < 20 {
			say("lost: message ids %s to %s, as far as there were any", l.From, l.To)
		}
	}
	if n := len(got.Lost); n > 20 {
		say("lost: %d more ranges", n-20)
	}
	for i, id := range got.Doubtful {
		if i < 20 {
			say("doubtful: message %s, saved as it is: a part of its text is zeros, or ones, as a damaged disk leaves them", id)
		}
	}
	if n := len(got.Doubtful); n > 20 {
		say("doubtful: %d more messages", n-20)
	}
	say("message ids that cannot be read: %d; messages that wait: %d; the damaged file is as it was", lost, got.Waiting)
	say("to go on with it: smppserv store restore %s", r.File)
	return err
}

// stepProgress shows how far a step is, until stop is called.
func stepProgress(c *commandline.Console, word string) (tell sqlite.CheckProgress, stop func()) {
	var mu sync.Mutex
	var last time.Time
	s, ok := c.Stderr.(*screen)
	bar := ok && s.terminal
	tell = func(step string, part float64) {
		mu.Lock()
		defer mu.Unlock()
		every := lineTime
		if bar {
			every = barTime
		}
		if now := time.Now(); now.Sub(last) < every {
			return
		} else {
			last = now
		}
		if bar {
			full := min(int(part*barWidth), barWidth)
			fmt.Fprintf(c.Stderr, "\r%s %-24s [%s%s] %3.0f %%\x1b[K", word, step, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*part)
			return
		}
		fmt.Fprintf(c.Stderr, "%s: %s, %.0f %%\n", word, step, 100*part)
	}
	return tell, func() {
		if bar {
			fmt.Fprint(c.Stderr, "\r\x1b[K")
		}
	}
}
