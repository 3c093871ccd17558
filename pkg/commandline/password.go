package commandline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"
	"golang.org/x/term"
)

// ReadPassword reads one line from Stdin, without its end; at a terminal it asks for it first, and nothing shows what is typed.
// "" = there is none. On the command line others could see it. A signal that ends programs, or the end of ctx, is an error, and
// leaves the terminal as it was; what reads goes on until the program ends.
func (c Console) ReadPassword(ctx context.Context, question string) (string, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	read := c.readLine
	if f, ok := c.Stdin.(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		before, err := term.GetState(int(f.Fd()))
		if err != nil {
			return "", err
		}
		fmt.Fprint(c.Stderr, question)
		defer fmt.Fprintln(c.Stderr)
		defer term.Restore(int(f.Fd()), before)
		read = func() (string, error) {
			text, err := term.ReadPassword(int(f.Fd()))
			return string(text), err
		}
	}
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := read()
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		return l.text, l.err
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}

func (c Console) readLine() (string, error) {
	text, err := bufio.NewReader(c.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}
