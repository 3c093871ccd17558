package worker

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// ExitCode is what a worker ends with. Every other code is a crash.
type ExitCode int

// The exit codes of the contract.
const (
	ExitStopped   ExitCode = 0 // stopped as asked
	ExitCrashed   ExitCode = 1 // anything that has no code of its own
	ExitBadConfig ExitCode = 3 // not restarted before config.toml changes
	ExitHeld      ExitCode = 4 // restarted with backoff
)

// ExitKilled stands for a worker that was killed, and so has no code. No
// program ends with it.
const ExitKilled ExitCode = -1

// String is the code's text for logs and the Event Log.
func (c ExitCode) String() string {
	switch c {
	case ExitStopped:
		return "stopped as asked"
	case ExitBadConfig:
		return "bad configuration"
	case ExitHeld:
		return "a port or the store is held by another process"
	case ExitKilled:
		return "killed"
	default:
		return fmt.Sprintf("crashed (exit code %d)", int(c))
	}
}

// Exit is how a worker ended.
type Exit struct {
	Code   ExitCode
	Signal string // what killed it, on Unix; else ""
	Stderr string // the last of what it wrote, tailSize octets or little more
}

// Reason is one line that says why: the code's text and the worker's last word.
func (e Exit) Reason() string {
	reason := e.Code.String()
	if e.Signal != "" && e.Signal != reason {
		reason += " by signal: " + e.Signal
	}
	if last := lastWord(e.Stderr); last != "" && e.Code != ExitStopped && e.Code != ExitKilled {
		reason += ": " + last
	}
	return reason
}

func exitOf(state *os.ProcessState, stderr string) Exit {
	e := Exit{Code: ExitKilled, Stderr: stderr}
	if state == nil {
		return e
	}
	e.Code = ExitCode(state.ExitCode())
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal().String()
	}
	return e
}

// lastWord picks the line that explains an end: where a crash begins, else the
// last log line of level error or above, else the last line.
func lastWord(stderr string) string {
	last, lastError := "", ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if beginsCrash(line) {
			return shorten(line)
		}
		text, isError := logText(line)
		if isError {
			lastError = text
		}
		last = text
	}
	if lastError != "" {
		return shorten(lastError)
	}
	return shorten(last)
}

var signalled = regexp.MustCompile(`^SIG[A-Z0-9]+: `)

// beginsCrash tells whether a line is the first one that Go's runtime writes of a crash.
func beginsCrash(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "Exception 0x") || signalled.MatchString(line)
}

// logText makes a zerolog line readable; other lines stay as they are.
func logText(line string) (text string, isError bool) {
	var entry struct{ Level, Message, Error string }
	if line[0] != '{' || json.Unmarshal([]byte(line), &entry) != nil {
		return line, false
	}
	text = entry.Message
	if entry.Error != "" {
		text = strings.TrimPrefix(text+": "+entry.Error, ": ")
	}
	return text, entry.Level == "error" || entry.Level == "fatal" || entry.Level == "panic"
}

func shorten(line string) string {
	const most = 500
	line = strings.Join(strings.FieldsFunc(line, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if len(line) > most {
		return strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
