// The launcher keeps the server program smppserv running: it starts it,
// restarts it when it ends, writes its logs, and stops it politely.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/worker"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(launch(os.Args[1:], program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, signals: signals}))
}

// program is what a command may touch of the world around it.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	signals        <-chan os.Signal // the first asks for a stop, the second for a quick one
}

// Exit codes of the launcher itself, beside those of the worker contract.
const (
	exitFailed = 1
	exitUsage  = 2
)

const description = `HNET SMPP Serv launcher: keeps the message centre (smppserv) running.

To try it out in this window:

    launcher run

To have it run at all times, as a service (administrator or root):

    launcher install
    launcher start

Logs are written to the folder logs, beside config.toml.`

type commandLine struct {
	Config string `placeholder:"PATH" help:"The configuration file. Default: config.toml in the current folder, else beside this program."`

	Run       runCommand       `cmd:"" help:"Run the server in this console. Ctrl-C stops it politely, a second Ctrl-C kills it."`
	Install   installCommand   `cmd:"" help:"Register the server as a service that starts with the system."`
	Uninstall uninstallCommand `cmd:"" help:"Stop the service and remove its registration; configuration, data and logs stay."`
	Start     startCommand     `cmd:"" help:"Start the service and wait until the server is ready."`
	Stop      stopCommand      `cmd:"" help:"Stop the service; messages under way are finished first."`
	Restart   restartCommand   `cmd:"" help:"Stop the service and start it again."`
	Status    statusCommand    `cmd:"" help:"Tell how the service and its server are."`
	Version   versionCommand   `cmd:"" help:"Say which version this is."`
}

// launch is main, without the process around it. It returns the exit code.
func launch(args []string, p program) int {
	var line commandLine
	helped := false
	parser, err := kong.New(&line,
		kong.Name("launcher"),
		kong.Description(description),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		fmt.Fprintln(p.stderr, "launcher:", err)
		return exitFailed
	}
	if len(args) == 0 {
		_, _ = parser.Parse([]string{"--help"})
		return exitUsage
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return int(worker.ExitStopped)
	case err != nil:
		fmt.Fprintf(p.stderr, "launcher: %s (launcher --help shows what there is)\n", err)
		return exitUsage
	}
	if err := command.Run(&line, &p); err != nil {
		fmt.Fprintln(p.stderr, "launcher:", err)
		return exitCode(err)
	}
	return int(worker.ExitStopped)
}
