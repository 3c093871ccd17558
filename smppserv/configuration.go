package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
	"hnetsmpp/smppserv/store/postgres"
)

type checkCommand struct {
	Strict  bool `help:"Refuse, too, what is accepted only because an earlier version did: other machines on the TCP port without a token, passwords of operators in clear."`
	Shorter bool `help:"Accept the file as it is now, although it has lost its end: a server that waits for a change starts with it."`
}

func (k checkCommand) Run(line *commandLine, c *commandline.Console) error {
	file, err := line.judge(c, k.Shorter)
	if err != nil {
		return err
	}
	if careless := file.Config.Careless(); k.Strict && len(careless) > 0 {
		text := file.Path + " is accepted, but not strictly:"
		for _, p := range careless {
			text += "\n  " + p.String()
		}
		return &commandline.Error{Code: int(worker.ExitBadConfig), Err: errors.New(text)}
	}
	fmt.Fprintln(c.Stdout, file.Path, "is valid"+accepted(k.Shorter))
	if !k.Shorter {
		return nil
	}
	if err := centre.Touch(file.Path); err != nil { // a start does without it
		fmt.Fprintln(c.Stderr, "warning:", err, "\n  a server that starts takes the file; one that runs, and a launcher that waits for a change, are to be restarted")
	}
	return nil
}

type reloadCommand struct {
	Shorter bool `help:"Have it take up the file as it is now, although that has lost its end."`
}

// Run checks the file, so that its faults are seen here, touches it, since the server watches it, and tells what the server
// made of it.
func (r reloadCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	path, err := line.find()
	if err != nil {
		return err
	}
	if err := centre.CanTouch(path); r.Shorter && err != nil {
		return fmt.Errorf("nothing was changed: %w; do it as the owner of the file, or have the next start take it with: smppserv check --shorter", err)
	}
	file, err := line.judge(c, r.Shorter)
	if err == nil {
		err = centre.Touch(file.Path)
	}
	if err != nil {
		return err
	}
	told, err := awaitReload(ctx, file.Path)
	switch {
	case errors.Is(err, errNotTold):
		_, err = fmt.Fprintf(c.Stdout, "%s is valid%s; %s\n", file.Path, accepted(r.Shorter), err)
		return err
	case err != nil:
		return fmt.Errorf("%s is valid%s; %w", file.Path, accepted(r.Shorter), err)
	case told.Fault != "":
		return &commandline.Error{Code: int(worker.ExitBadConfig), Err: errors.New("the running server did not take the file up: " + told.Fault)}
	}
	text := "; the running server has taken it up, and nothing has changed"
	if len(told.Keys) > 0 {
		text = "; the running server has taken it up: " + strings.Join(told.Keys, ", ")
	}
	if len(told.Pending) > 0 {
		text += "; these wait for a restart: " + strings.Join(told.Pending, ", ")
	}
	_, err = fmt.Fprintln(c.Stdout, file.Path, "is valid"+accepted(r.Shorter)+text)
	return err
}

const (
	// reloadTime is how long a server may take: it lets the file settle, and where the system tells nothing of changes it looks
	// every other second.
	reloadTime = 15 * time.Second
	reloadPoll = 50 * time.Millisecond
)

// errNotTold means that what the server made of the file cannot be told here.
var errNotTold = errors.New("a server that runs takes it up within seconds; only its log tells what it made of it, since this account may not read what it says")

// awaitReload waits until the running server has read the file as it is now, and returns what it made of it.
func awaitReload(ctx context.Context, path string) (running.Reload, error) {
	info, err := os.Stat(path)
	if err != nil {
		return running.Reload{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	for {
		server, err := running.Look(path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return running.Reload{}, errNotTold
		case err != nil:
			return running.Reload{}, err
		case server == nil:
			return running.Reload{}, fmt.Errorf("no server runs with it; start it with: %s", registration.Start())
		case !server.Config.Changed.Before(info.ModTime()):
			return server.Config, nil
		}
		select {
		case <-ctx.Done():
			return running.Reload{}, fmt.Errorf("the running server, process %d, has not read it within %s; see its log", server.PID, reloadTime)
		case <-time.After(reloadPoll):
		}
	}
}

// judge reads the configuration file, or with shorter has it accepted, and prints what the operator should know.
func (line *commandLine) judge(c *commandline.Console, shorter bool) (centre.File, error) {
	path, err := line.find()
	if err != nil {
		return centre.File{}, err
	}
	var file centre.File
	if shorter {
		if file, err = badConfig(centre.ReadShorter(path)); err == nil {
			err = file.Accept()
		}
	} else {
		file, err = read(path)
	}
	if err != nil {
		return file, err
	}
	if file.Config.Store.Driver == config.DriverPostgres {
		if err := postgres.CheckDSN(file.Config.Store.DSN, filepath.Dir(file.Path)); err != nil {
			return badConfig(file, fmt.Errorf("%s: %w", file.Path, err))
		}
	}
	if err := centre.CheckKeys(file.Config); err != nil {
		return badConfig(file, fmt.Errorf("%s: %w", file.Path, err))
	}
	for _, w := range append(file.Config.Warnings(), file.Config.TriedWarnings()...) {
		fmt.Fprintln(c.Stderr, "warning:", w)
	}
	if file.Blind != nil {
		fmt.Fprintln(c.Stderr, "warning:", file.Blind)
	}
	return file, nil
}

func accepted(shorter bool) string {
	if shorter {
		return " and accepted as it is now"
	}
	return ""
}
