// smppserv is the message centre: SMPP clients on one side, the contact centre Hermès.Net on the other.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(int(smppserv(ctx, os.Args[1:], console{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr})))
}

// console is what a command reads from and writes to.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

const description = `HNET SMPP Serv: the message centre between SMPP clients and Hermès.Net.

In one window:

    smppserv

and in another:

    smppserv send --to 3600 --text "Bonjour"
    smppserv reply --from 3600 --to 33612345678 --text "Bonjour à vous"`

type commandLine struct {
	Config string `placeholder:"PATH" help:"The configuration file. Default: config.toml in the current folder, else beside this program."`

	Run          runCommand          `cmd:"" default:"withargs" help:"Serve until Ctrl-C. This is what smppserv does when no command is given."`
	Check        checkCommand        `cmd:"" help:"Say what is wrong with the configuration file, with line and key."`
	Send         sendCommand         `cmd:"" help:"Act as the first SMPP client: send a text, wait for its receipt, and show what else comes for the client."`
	Reply        replyCommand        `cmd:"" help:"Act as Hermès: hand in one message for a client on the TCP port."`
	HashPassword hashPasswordCommand `cmd:"" help:"Read a password from the standard input and print its hash for config.toml."`
	Reload       reloadCommand       `cmd:"" help:"Have the running server take up the changed configuration file."`
	ImportConfig importConfigCommand `cmd:"" help:"Make a config.toml of the .NET service's .exe.config."`
	Version      versionCommand      `cmd:"" help:"Say which version this is."`
}

// exitUsage is for a command line that is not understood.
const exitUsage worker.ExitCode = 2

// exitError ends the program with a code of its own.
type exitError struct {
	code worker.ExitCode
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// smppserv is main, without the process around it.
func smppserv(ctx context.Context, args []string, c console) worker.ExitCode {
	var line commandLine
	helped := false
	parser, err := kong.New(&line,
		kong.Name("smppserv"),
		kong.Description(description),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(int) { helped = true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		fmt.Fprintln(c.stderr, "smppserv:", err)
		return worker.ExitCrashed
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return worker.ExitStopped
	case err != nil:
		fmt.Fprintf(c.stderr, "smppserv: %s (smppserv --help shows what there is)\n", err)
		return exitUsage
	}
	err = command.Run(&line, &c)
	if err == nil {
		return worker.ExitStopped
	}
	var problems *config.Error
	if errors.As(err, &problems) {
		for _, p := range problems.Problems {
			fmt.Fprintln(c.stderr, p)
		}
		return worker.ExitBadConfig
	}
	fmt.Fprintln(c.stderr, "smppserv:", err)
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return worker.ExitCrashed
}

// load finds and reads the configuration file.
func (line *commandLine) load() (centre.File, error) {
	path, err := line.find()
	if err != nil {
		return centre.File{}, err
	}
	return read(path)
}

func (line *commandLine) find() (string, error) {
	path, err := config.Find(line.Config)
	if err != nil {
		return "", &exitError{worker.ExitBadConfig, err}
	}
	return path, nil
}

func read(path string) (centre.File, error) {
	file, err := centre.Read(path)
	var problems *config.Error
	if err != nil && !errors.As(err, &problems) {
		err = &exitError{worker.ExitBadConfig, err}
	}
	return file, err
}
