package main

import (
	"fmt"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/smppserv/centre"
)

type checkCommand struct {
	Shorter bool `help:"Accept the file as it is now, although it has lost its end: a server that waits for a change starts with it."`
}

func (k checkCommand) Run(line *commandLine, c *commandline.Console) error {
	file, err := line.judge(c, k.Shorter)
	if err != nil {
		return err
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

// Run checks the file, so that its faults are seen here, and touches it: the server watches it. What cannot be touched is not
// accepted, either.
func (r reloadCommand) Run(line *commandLine, c *commandline.Console) error {
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
	_, err = fmt.Fprintf(c.Stdout, "%s is valid%s; a running server takes it up within seconds and logs what changed and what needs a restart\n",
		file.Path, accepted(r.Shorter))
	return err
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
	for _, w := range file.Config.Warnings() {
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
