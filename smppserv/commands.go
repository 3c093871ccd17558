package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
)

// Set by the build: -ldflags "-X main.version=… -X main.commit=… -X main.date=…"
var version, commit, date string

type versionCommand struct{}

func (versionCommand) Run(c *console) error {
	_, err := fmt.Fprintln(c.stdout, "HNET SMPP Serv", versionText())
	return err
}

func versionText() string { return worker.Version(version, commit, date) }

type checkCommand struct{}

func (checkCommand) Run(line *commandLine, c *console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	for _, w := range file.Config.Warnings() {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	fmt.Fprintln(c.stdout, file.Path, "is valid")
	return nil
}

type hashPasswordCommand struct{}

func (hashPasswordCommand) Run(c *console) error {
	if f, ok := c.stdin.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		fmt.Fprint(c.stderr, "Password (it is shown while you type): ")
	}
	text, err := bufio.NewReader(c.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the password: %w", err)
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return errors.New("the standard input holds no password: type one, or use: echo secret | smppserv hash-password")
	}
	hash, err := config.HashPassword(text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.stdout, hash)
	return err
}

type reloadCommand struct{}

// Run checks the file, so that its faults are seen here, and touches it: the server watches it.
func (reloadCommand) Run(line *commandLine, c *console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	for _, w := range file.Config.Warnings() {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	now := time.Now()
	if err := os.Chtimes(file.Path, now, now); err != nil {
		return fmt.Errorf("cannot give the signal, which is the file's time of change: %w", err)
	}
	_, err = fmt.Fprintf(c.stdout, "%s is valid; a running server takes it up within seconds and logs what changed and what needs a restart\n", file.Path)
	return err
}
