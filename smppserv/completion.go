package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/completion"
)

type completionCommand struct {
	PowerShell powershellCommand `cmd:"" name:"powershell" help:"For PowerShell: smppserv completion powershell | Out-String | Invoke-Expression"`
	Bash       bashCommand       `cmd:"" help:"For bash: source <(smppserv completion bash)"`
	Words      wordsCommand      `cmd:"" hidden:"" help:"What may come after WORDS; the scripts ask this."`
}

type powershellCommand struct{}

func (powershellCommand) Run(c *commandline.Console) error { return writeScript(c, "powershell") }

type bashCommand struct{}

func (bashCommand) Run(c *commandline.Console) error { return writeScript(c, "bash") }

func writeScript(c *commandline.Console, shell string) error {
	script, err := completion.Script(shell, "smppserv")
	if err == nil {
		_, err = io.WriteString(c.Stdout, script)
	}
	return err
}

type wordsCommand struct {
	Words []string `arg:"" optional:""`
}

func (k wordsCommand) Run(parsed *kong.Context, c *commandline.Console) error {
	for _, w := range completion.Next(parsed.Model, k.Words) {
		if _, err := fmt.Fprintf(c.Stdout, "%s\t%s\n", w.Text, w.Help); err != nil {
			return err
		}
	}
	return nil
}
