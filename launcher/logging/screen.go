package logging

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
)

// longestLine bounds what is kept of a line whose end has not come.
const longestLine = 64 << 10

// screen puts whole lines of several sources on a console: in readable form on
// a terminal, as they are anywhere else.
type screen struct {
	mu     sync.Mutex
	out    io.Writer
	pretty *zerolog.ConsoleWriter // nil = as they are
}

// newScreen puts lines on out, which leads to the console.
func newScreen(console, out io.Writer) *screen {
	if !isTerminal(console) {
		return &screen{out: out}
	}
	return newTerminal(out)
}

func isTerminal(console io.Writer) bool {
	file, ok := console.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}

// colored has a terminal show the colours that lines have.
func colored(console io.Writer) io.Writer {
	if file, ok := console.(*os.File); ok && isTerminal(console) {
		return colorable.NewColorable(file)
	}
	return console
}

func newTerminal(out io.Writer) *screen {
	return &screen{out: out, pretty: &zerolog.ConsoleWriter{Out: out, TimeFormat: time.DateTime}}
}

// source is a writer whose lines are not torn by those of other sources.
func (s *screen) source() io.Writer { return &source{screen: s} }

type source struct {
	screen *screen

	mu   sync.Mutex
	rest []byte
}

func (o *source) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, ok := bytes.Cut(o.rest, []byte("\n"))
		if !ok {
			break
		}
		o.screen.show(line)
		o.rest = rest
	}
	if len(o.rest) > longestLine {
		o.screen.show(o.rest)
		o.rest = nil
	}
	return len(p), nil
}

func (s *screen) show(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pretty != nil && bytes.HasPrefix(line, []byte("{")) {
		if _, err := s.pretty.Write(line); err == nil {
			return
		}
	}
	fmt.Fprintf(s.out, "%s\n", line)
}
