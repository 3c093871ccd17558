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

func newScreen(console io.Writer) *screen {
	file, ok := console.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) && !isatty.IsCygwinTerminal(file.Fd()) {
		return &screen{out: console}
	}
	return newTerminal(colorable.NewColorable(file))
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
