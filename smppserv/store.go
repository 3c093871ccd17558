package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/store/sqlite"
)

type storeCommand struct {
	Backup  backupCommand     `cmd:"" help:"Copy the store into FILE, also while the server runs. The copy is checked; FILE must not exist."`
	Check   storeCheckCommand `cmd:"" help:"Look the store through without changing it, also while servers run: its pages, or in PostgreSQL its rows, what waits, the index of numbers, the counters. It ends with an error when something is wrong."`
	Copy    copyCommand       `cmd:"" help:"Copy all of the store into another database, from SQLite to PostgreSQL or back, which then is the store; all workers must be stopped. Interrupted and called again, it goes on. The store that config.toml names is marked as moved: no worker starts on it any more."`
	Recover recoverCommand    `cmd:"" help:"Save what can be read of a damaged store into the new FILE, which store restore puts in its place, and say what not. The server must be stopped; the damaged file stays as it is."`
	Restore restoreCommand    `cmd:"" help:"Put the copy FILE in the place of the store, which is kept under another name. The server must be stopped."`
}

type backupCommand struct {
	File string `arg:"" help:"The new file."`
}

func (b backupCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	if err := ofSQLite(file.Config); err != nil {
		return err
	}
	start := time.Now()
	made, err := sqlite.Backup(ctx, file.Config.Store.DSN, b.File, func(octets int64) {
		fmt.Fprintf(c.Stderr, "%s written\n", megabytes(octets))
	})
	if err != nil {
		return storeError(err)
	}
	_, err = fmt.Fprintf(c.Stdout, "%s: %s in %.1f s, checked; messages that wait: %d, message ids up to %s\n",
		b.File, megabytes(made.Octets), time.Since(start).Seconds(), made.Waiting, made.LastID)
	return err
}

type restoreCommand struct {
	File string `arg:"" help:"A copy made by store backup, or any other whole copy of the database."`
}

func (r restoreCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	if err := ofSQLite(file.Config); err != nil {
		return err
	}
	database := file.Config.Store.DSN
	done, err := sqlite.Restore(ctx, database, r.File, func(octets int64) {
		fmt.Fprintf(c.Stderr, "%s copied\n", megabytes(octets))
	})
	if err != nil {
		return storeError(err)
	}
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(c.Stdout, format+"\n", args...)
		}
	}
	say("%s is now the copy %s: %s, checked", database, r.File, megabytes(done.Octets))
	if done.Aside != "" {
		say("the database that was there is kept as %s: what was accepted after the copy was made is only there", done.Aside)
	}
	if done.Unread != nil {
		say("it could not be read, and is kept as it was: %s", done.Unread)
	}
	if done.Skipped > 0 {
		say("nothing tells which message ids it gave out, so %s are skipped", done.Skipped)
	}
	say("message ids go on after %s", done.Mark)
	say("messages that waited when the copy was made: %d; they are tried again, also those that were delivered since: to Hermès under the same "+
		"Idempotency-Key, so that it can tell; a client may get a text or a receipt twice", done.Waiting)
	say("now start the server: %s", registration.Start())
	return err
}

// ofSQLite refuses what is for the file of a SQLite store.
func ofSQLite(cfg *config.Config) error {
	if cfg.Store.Driver == config.DriverSQLite {
		return nil
	}
	return errors.New("the messages are in PostgreSQL (store.driver): back them up and restore them with its own pg_dump and pg_restore, or pg_basebackup")
}

// storeError gives the error of a held store its exit code.
func storeError(err error) error {
	if centre.IsHeld(err) {
		return &commandline.Error{Code: int(worker.ExitHeld), Err: err}
	}
	return err
}

func megabytes(octets int64) string { return fmt.Sprintf("%.1f MB", float64(octets)/1e6) }
