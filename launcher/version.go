package main

import (
	"fmt"

	"hnetsmpp/pkg/worker"
)

// Set by the build: -ldflags "-X main.version=… -X main.commit=… -X main.date=…"
var version, commit, date string

type versionCommand struct{}

func (versionCommand) Run(p *program) error {
	_, err := fmt.Fprintln(p.Stdout, "HNET SMPP Serv launcher", versionText())
	return err
}

func versionText() string { return worker.Version(version, commit, date) }
