// Package commandline is a program's command line: from its arguments to its exit code.
package commandline

import (
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// The exit codes of every program here. An Error has one of its own.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2 // the arguments are not understood
)

// Error ends the program with an exit code of its own.
type Error struct {
	Code int
	Err  error
	// Silent: nothing is printed, since the code says it all to a program.
	Silent bool
	Bare   bool // printed without the program's name before it, since each of its lines names its place
}

// Error is the text of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is Err.
func (e *Error) Unwrap() error { return e.Err }

// Console is what a command reads from and writes to.
type Console struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Program is one with commands.
type Program struct {
	Name, Description string
	Commands          any           // a pointer to kong's struct of flags and commands, which their Run methods get
	Options           []kong.Option // what else the Run methods get: kong.Bind, kong.BindTo
}

// Run runs the command that args name and returns the exit code. What went wrong is on c.Stderr then.
func (p Program) Run(args []string, c Console) int {
	helped := false
	parser, err := kong.New(p.Commands, append([]kong.Option{
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Writers(c.Stdout, c.Stderr),
		kong.Exit(func(int) { helped = true }),
	}, p.Options...)...)
	if err != nil {
		fmt.Fprintf(c.Stderr, "%s: %s\n", p.Name, err)
		return ExitFailed
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return ExitDone
	case err != nil:
		fmt.Fprintf(c.Stderr, "%s: %s (%[1]s --help shows what there is)\n", p.Name, err)
		return ExitUsage
	}
	err = command.Run(p.Commands)
	if err == nil {
		return ExitDone
	}
	own, ok := errors.AsType[*Error](err)
	if !ok {
		own = &Error{Code: ExitFailed}
	}
	switch {
	case own.Silent:
	case own.Bare:
		fmt.Fprintln(c.Stderr, err)
	default:
		fmt.Fprintf(c.Stderr, "%s: %s\n", p.Name, err)
	}
	return own.Code
}
