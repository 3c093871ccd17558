// smppserv is the message centre: SMPP clients on one side, the contact centre Hermès.Net on the other.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/registration"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/centre"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(withScreen(os.Stderr, func(s *screen) int {
		return smppserv(ctx, os.Args[1:], commandline.Console{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: s})
	}))
}

const description = `HNET SMPP Serv: the message centre between SMPP clients and Hermès.Net.

In one window:

    smppserv

and in another:

    smppserv send --to 3600 --text "Bonjour"
    smppserv reply --from 3600 --to 33612345678 --text "Bonjour à vous"`

type commandLine struct {
	Config string `placeholder:"PATH" help:"The configuration file. Default: config.toml in the current folder, else the one that the service was installed with, else beside this program."`

	Run          runCommand          `cmd:"" default:"withargs" help:"Serve until Ctrl-C. This is what smppserv does when no command is given."`
	Check        checkCommand        `cmd:"" help:"Say what is wrong with the configuration file, with line and key."`
	Send         sendCommand         `cmd:"" help:"Act as an SMPP client, beside it: send a text and tell what becomes of it."`
	Receive      receiveCommand      `cmd:"" help:"Act as an SMPP client, in its place: take what waits for it, and show it."`
	Reply        replyCommand        `cmd:"" help:"Act as Hermès: hand in one message for a client on the TCP port."`
	HashPassword hashPasswordCommand `cmd:"" help:"Read a password from the standard input and print its hash for config.toml."`
	Reload       reloadCommand       `cmd:"" help:"Have the running server take up the changed configuration file, and tell what it made of it."`

	Status    statusCommand    `cmd:"" group:"running" help:"Tell how the running server is, and what needs attention. Exit code 0: all is good; 1: it cannot be asked; 5: somebody should look; 6: work stands still."`
	Nodes     nodesCommand     `cmd:"" group:"running" help:"List the workers on the store: their leases, sessions and what waits at each."`
	Clients   clientsCommand   `cmd:"" group:"running" help:"List the clients, bound or not, and what waits for them; or tell all of one."`
	Sessions  sessionsCommand  `cmd:"" group:"running" help:"List the SMPP connections."`
	Messages  messagesCommand  `cmd:"" group:"running" help:"Find messages, the newest first."`
	Message   messageCommand   `cmd:"" group:"running" help:"Tell what became of a message: its tries, its receipts, the fields of its PDU."`
	Waiting   waitingCommand   `cmd:"" group:"running" help:"Tell what waits, for whom and why."`
	Retry     retryCommand     `cmd:"" group:"running" help:"Have messages that wait tried now."`
	Cancel    cancelCommand    `cmd:"" group:"running" help:"End messages that wait: they are not delivered."`
	SendAgain sendAgainCommand `cmd:"" group:"running" help:"Send what messages say once more, as new messages, of which their submitter hears nothing."`
	Erase     eraseCommand     `cmd:"" group:"running" help:"Erase a person's number: its messages in any state, what waits among them, and the lines of logs that hold it. For the role admin."`
	Unbind    unbindCommand    `cmd:"" group:"running" help:"End an SMPP session; the client may bind again."`
	Pause     pauseCommand     `cmd:"" group:"running" help:"Send nothing to a client until resume; it may submit."`
	Resume    resumeCommand    `cmd:"" group:"running" help:"End a pause."`
	HandOver  handOverCommand  `cmd:"" group:"running" help:"Give what waits for a client that was renamed or removed to another one."`
	Trace     traceCommand     `cmd:"" group:"running" help:"Record the PDUs of a client, and save them for Wireshark."`
	Report    reportCommand    `cmd:"" group:"running" help:"Count messages by campaign, client, number, day or hour."`
	Log       logCommand       `cmd:"" group:"running" help:"Show the last lines of the server's log, and follow it."`
	Audit     auditCommand     `cmd:"" group:"running" help:"Tell who did what, and from where."`
	Alerts    alertsCommand    `cmd:"" group:"running" help:"Try the alerts out."`

	Store        storeCommand        `cmd:"" help:"Copy the store of messages, put a copy in its place, or move it to another database."`
	ImportConfig importConfigCommand `cmd:"" help:"Make a config.toml of the .NET service's .exe.config."`
	Completion   completionCommand   `cmd:"" help:"Print what has a shell complete these commands."`
	Version      versionCommand      `cmd:"" help:"Say which version this is."`
}

// smppserv is main, without the process around it. It returns the exit code.
func smppserv(ctx context.Context, args []string, c commandline.Console) int {
	program := commandline.Program{Name: "smppserv", Description: description, Commands: &commandLine{},

		Options: []kong.Option{kong.ExplicitGroups([]kong.Group{{Key: "running", Title: "Commands that ask the running server:"}}), kong.Bind(&c), kong.BindTo(ctx, (*context.Context)(nil))}}
	return program.Run(args, c)
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
	path, err := config.Find(line.Config, registration.Config)
	if err != nil {
		return "", &commandline.Error{Code: int(worker.ExitBadConfig), Err: err}
	}
	return path, nil
}

func read(path string) (centre.File, error) { return badConfig(centre.Read(path)) }

// badConfig gives the error of a file that was read its exit code.
func badConfig(file centre.File, err error) (centre.File, error) {
	if err == nil {
		return file, nil
	}
	var problems *config.Error // each of its lines names the file
	return file, &commandline.Error{Code: int(worker.ExitBadConfig), Err: err, Bare: errors.As(err, &problems)}
}
