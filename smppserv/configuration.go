package main

import (
	"fmt"
	"os"
	"time"

	"hnetsmpp/pkg/commandline"
)

type checkCommand struct{}

func (checkCommand) Run(line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	for _, w := range file.Config.Warnings() {
		fmt.Fprintln(c.Stderr, "warning:", w)
	}
	fmt.Fprintln(c.Stdout, file.Path, "is valid")
	return nil
}

type reloadCommand struct{}

// Run checks the file, so that its faults are seen here, and touches it: the server watches it.
func (reloadCommand) Run(line *commandLine, c *commandline.Console) error {
	file, err := line.load()
	if err != nil {
		return err
	}
	for _, w := range file.Config.Warnings() {
		fmt.Fprintln(c.Stderr, "warning:", w)
	}
	now := time.Now()
	if err := os.Chtimes(file.Path, now, now); err != nil {
		return fmt.Errorf("cannot give the signal, which is the file's time of change: %w", err)
	}
	_, err = fmt.Fprintf(c.Stdout, "%s is valid; a running server takes it up within seconds and logs what changed and what needs a restart\n", file.Path)
	return err
}
