package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/transfer"
)

type copyCommand struct {
	To     string `placeholder:"DSN" xor:"to" required:"" help:"Where to: postgres://… or key=value words as store.dsn has them, with $${NAME} for a variable of the environment; or the path of an SQLite file."`
	ToFile string `placeholder:"FILE" xor:"to" required:"" help:"A file that holds the DSN, so that a password in it is in no list of processes."`
}

func (cp copyCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	named, err := config.NamedStore(cp.To, cp.ToFile)
	if err != nil {
		return &commandline.Error{Code: commandline.ExitUsage, Err: err}
	}
	own := file.Config.Store
	if named.Driver == own.Driver {
		return &commandline.Error{Code: commandline.ExitUsage, Err: sameDriver(own.Driver)}
	}
	from, err := openEnd(ctx, file, own, true)
	if err != nil {
		return notBegun(ctx, err)
	}
	defer from.Close()
	to, err := openEnd(ctx, file, named, false)
	if err != nil {
		return notBegun(ctx, fmt.Errorf("--to: %w", err))
	}
	start := time.Now()
	var meter transfer.Meter
	stop := showProgress(c.Stderr, &meter)
	done, err := transfer.Copy(ctx, from, to, &meter)
	stop()
	if closed := to.Close(); err == nil && closed != nil {
		err = closed
	}
	switch {
	case err != nil && !done.Begun:
		return notBegun(ctx, err)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted: the same command goes on where it stood; no worker starts on %s until it is through", to.Where())
	case err != nil:
		return copyError(err)
	}
	return cp.tell(c, from.Where(), to.Where(), done, named.Driver, time.Since(start))
}

// notBegun gives an error its exit code; after an interrupt that is the reason, whatever else was said.
func notBegun(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("interrupted before anything was copied")
	}
	return copyError(err)
}

func sameDriver(driver string) error {
	if driver == config.DriverPostgres {
		return errors.New("both stores are PostgreSQL: pg_dump and pg_restore copy one to the other, while no worker runs")
	}
	return errors.New("both stores are SQLite: store backup copies one")
}

// openEnd opens a store to copy from or to.
func openEnd(ctx context.Context, file centre.File, s config.Store, source bool) (transfer.Database, error) {
	if s.Driver == config.DriverPostgres {
		return postgres.OpenTransfer(ctx, postgresOptions(file, s))
	}
	o := sqlite.Options{File: s.DSN, Log: zerolog.Nop()}
	if source {
		return sqlite.OpenSource(ctx, o)
	}
	return sqlite.OpenDestination(ctx, o)
}

// postgresOptions are those of a store in PostgreSQL that a command opens.
func postgresOptions(file centre.File, s config.Store) postgres.Options {
	cfg := *file.Config
	cfg.Store.Driver = s.Driver
	return postgres.Options{DSN: s.DSN, Beside: filepath.Dir(file.Path), Folder: config.DataFolder(file.Path, &cfg), Node: centre.NodeName(file.Config),
		GroupTime: file.Config.Hermes.ReassembleTimeout, Log: zerolog.Nop()}
}

// copyError gives an error its exit code.
func copyError(err error) error {
	switch {
	case postgres.IsBadDSN(err):
		return &commandline.Error{Code: int(worker.ExitBadConfig), Err: err}
	case errors.Is(err, transfer.ErrSame), errors.Is(err, transfer.ErrNotEmpty), errors.Is(err, store.ErrForeign):
		return &commandline.Error{Code: int(worker.ExitHeld), Err: err}
	}
	return storeError(err)
}

func (cp copyCommand) tell(c *commandline.Console, from, to string, done transfer.Copied, driver string, took time.Duration) error {
	var err error
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(c.Stdout, format+"\n", args...)
		}
	}
	say("%s is now what %s was: %d rows in %.1f s, read back and found the same", to, from, done.Rows, took.Seconds())
	for _, t := range done.Tables {
		if t.Rows > 0 {
			say("  %-12s %d", t.Table, t.Rows)
		}
	}
	if done.Anew {
		say("the store had been at work since an earlier try: all was copied anew")
	} else if done.Resumed > 0 {
		say("%d of them were there from an earlier try", done.Resumed)
	}
	if done.Aside != "" {
		say("what was left there when it was moved is kept as %s", done.Aside)
	}
	if done.Noted > 0 {
		say("%d conversations that versions before the index of numbers noted stay behind: a text of Hermès to such a number, whose client "+
			"has written to it from no message that is still kept, finds its client by the configuration alone", done.Noted)
	}
	say("messages that wait: %d; message ids go on after %s", done.Waiting, done.LastID)
	say("no worker starts on %s any more: it was moved", from)
	dsn := cp.To
	if cp.ToFile != "" {
		say(`now set store.driver = %q and store.dsn_file = %q in config.toml, and start the server: %s`, driver, absolute(cp.ToFile), registration.Start())
		return err
	}
	if driver == config.DriverSQLite {
		dsn = absolute(dsn)
	}
	say("now set store.driver = %q and store.dsn%s in config.toml, and start the server: %s", driver, dsnShown(dsn, driver), registration.Start())
	return err
}

// dsnShown is a dsn that may be shown.
func dsnShown(dsn, driver string) string {
	if driver == config.DriverSQLite {
		return fmt.Sprintf(" = %q", dsn)
	}
	return " as it was given to --to"
}

func absolute(path string) string {
	if a, err := filepath.Abs(path); err == nil {
		return a
	}
	return path
}

const (
	// A bar is drawn so often, a line written so often where nobody sees a bar.
	barTime, lineTime = 200 * time.Millisecond, 5 * time.Second
	barWidth          = 24
)

// showProgress shows how far a copy is, until stop is called.
func showProgress(w interface{ Write([]byte) (int, error) }, meter *transfer.Meter) (stop func()) {
	s, ok := w.(*screen)
	bar := ok && s.terminal && os.Getenv("TERM") != "dumb"
	every := lineTime
	if bar {
		every = barTime
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-over:
				if bar {
					fmt.Fprint(w, "\r\x1b[K")
				}
				return
			case <-t.C:
			}
			p, ok := meter.Now()
			switch {
			case !ok:
			case bar:
				fmt.Fprintf(w, "\r%s\x1b[K", progressBar(p))
			default:
				fmt.Fprintln(w, progressLine(p))
			}
		}
	}()
	return func() { close(over); <-ended }
}

func progressBar(p transfer.Progress) string {
	full := min(int(p.Part*barWidth), barWidth)
	return fmt.Sprintf("%s %-12s [%s%s] %s", p.Step, p.Table, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), figures(p))
}

func progressLine(p transfer.Progress) string {
	return fmt.Sprintf("%s %s: %s", p.Step, p.Table, figures(p))
}

func figures(p transfer.Progress) string {
	text := fmt.Sprintf("%d rows  %.0f rows/s", p.Rows, p.PerSec)
	if p.Part > 0 { // else it is not known
		text = fmt.Sprintf("%3.0f %%  ", 100*p.Part) + text
	}
	if p.Left > 0 {
		text += "  " + p.Left.Round(time.Second).String() + " left"
	}
	return text
}
