package main

import (
	"fmt"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
)

// Set by the build: -ldflags "-X main.version=… -X main.commit=… -X main.date=…"
var version, commit, date string

type versionCommand struct{}

func (versionCommand) Run(c *commandline.Console) error {
	_, err := fmt.Fprintln(c.Stdout, "HNET SMPP Serv", versionText())
	return err
}

func versionText() string { return worker.Version(version, commit, date) }
