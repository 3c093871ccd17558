package main

import (
	"bytes"
	"io"
	"os"
	"time"

	"github.com/mattn/go-colorable"
	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/logbuffer"
)

// screen is the standard error: a console, or whatever it was led to. Nobody waits for who reads it: a selection in a Windows
// console stops the reading, and must not stop the server.
type screen struct {
	*logbuffer.Writer
	terminal bool
}

// lastLines is how long an end waits for who reads them.
const lastLines = time.Second

// withScreen runs the program and sees to its last lines, also in a crash of its goroutine. It returns the exit code.
func withScreen(f *os.File, program func(*screen) int) int {
	s := &screen{terminal: isatty.IsTerminal(f.Fd())}
	out := io.Writer(f)
	if s.terminal {
		out = colorable.NewColorable(f)
	}
	s.Writer = logbuffer.New(out, 0)
	defer s.Close(lastLines)
	return program(s)
}

// flush waits for the lines that were written, not long.
func flush(w io.Writer) {
	if s, ok := w.(*screen); ok {
		s.Flush(lastLines)
	}
}

// newLog writes JSON when a launcher reads it, else lines for people; and to also, which gets JSON.
func newLog(w io.Writer, supervised bool, also ...io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	s, ok := w.(*screen)
	if !ok {
		return logTo(w, nil, supervised, also...)
	}
	s.Tell(func(lost int) []byte {
		var line bytes.Buffer
		log := logTo(&line, s, supervised)
		log.Log().Str(zerolog.LevelFieldName, zerolog.LevelWarnValue).Int("lines", lost).
			Msg("lines of the log were left out here, since nobody took them: the console was held by a selection, or whoever reads the log hung")
		return line.Bytes()
	})
	return logTo(s, s, supervised, also...)
}

// logTo writes to w as a log for s is written; nil = it is for no console.
func logTo(w io.Writer, s *screen, supervised bool, also ...io.Writer) zerolog.Logger {
	if s != nil && !supervised {
		w = zerolog.ConsoleWriter{Out: w, NoColor: !s.terminal, TimeFormat: time.DateTime}
	}
	if len(also) > 0 {
		w = zerolog.MultiLevelWriter(append([]io.Writer{w}, also...)...)
	}
	return zerolog.New(w).With().Timestamp().Logger()
}
