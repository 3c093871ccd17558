// The launcher keeps the server program smppserv running: it starts it,
// restarts it when it ends, writes its logs, and stops it politely.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/commandline"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(launch(os.Args[1:], program{commandline.Console{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, signals}))
}

// program is what a command may touch of the world around it.
type program struct {
	commandline.Console
	signals <-chan os.Signal // the first asks for a stop, the second for a quick one
}

const description = `HNET SMPP Serv launcher: keeps the message centre (smppserv) running.

To try it out in this window:

    launcher run

To have it run at all times, as a service (administrator or root):

    launcher install
    launcher start

Logs are written to the folder logs, beside config.toml.`

type commandLine struct {
	Config string `placeholder:"PATH" help:"The configuration file. Default: config.toml in the current folder, else the one that the service was installed with, else beside this program."`

	Run       runCommand       `cmd:"" help:"Run the server in this console. Ctrl-C stops it politely, a second Ctrl-C kills it."`
	Install   installCommand   `cmd:"" help:"Register the server as a service that starts with the system."`
	Uninstall uninstallCommand `cmd:"" help:"Stop the service and remove its registration; configuration, data and logs stay."`
	Start     startCommand     `cmd:"" help:"Start the service and wait until the server is ready."`
	Stop      stopCommand      `cmd:"" help:"Stop the service; messages under way are finished first."`
	Restart   restartCommand   `cmd:"" help:"Stop the service and start it again."`
	Status    statusCommand    `cmd:"" help:"Tell how the service and its server are. Exit code 0: it serves; 5: nothing runs; 6: it starts, stops or waits."`
	Version   versionCommand   `cmd:"" help:"Say which version this is."`
}

// launch is main, without the process around it. It returns the exit code.
func launch(args []string, p program) int {
	launcher := commandline.Program{Name: "launcher", Description: description, Commands: &commandLine{}, Options: []kong.Option{kong.Bind(&p)}}
	if len(args) == 0 {
		launcher.Run([]string{"--help"}, p.Console)
		return commandline.ExitUsage
	}
	return launcher.Run(args, p.Console)
}
