package operators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
)

const (
	// maxLines and maxLineOctets bound what is kept of the log, and maxLine one line of it.
	maxLines      = 2000
	maxLineOctets = 2 << 20
	maxLine       = 16 << 10
)

// Lines are the last lines of the worker's log, in the form in which zerolog writes them. It is a writer beside the log's own.
type Lines struct {
	told atomic.Pointer[func()]

	mu     sync.Mutex
	ring   [maxLines][]byte
	next   int // the place of the next one
	n      int
	octets int
}

// NewLines makes one without any.
func NewLines() *Lines { return &Lines{} }

// tell has somebody be told of each new line.
func (l *Lines) tell(told func()) { l.told.Store(&told) }

// Write implements io.Writer: one call is one line.
func (l *Lines) Write(line []byte) (int, error) {
	kept := withoutText(line)
	kept = bytes.Clone(kept[:min(len(kept), maxLine)])
	l.mu.Lock()
	l.octets += len(kept) - len(l.ring[l.next])
	l.ring[l.next] = kept
	l.next = (l.next + 1) % maxLines
	l.n = min(l.n+1, maxLines)
	for l.octets > maxLineOctets {
		oldest := (l.next - l.n + maxLines) % maxLines
		l.octets -= len(l.ring[oldest])
		l.ring[oldest] = nil
		l.n--
	}
	l.mu.Unlock()
	if told := l.told.Load(); told != nil {
		(*told)()
	}
	return len(line), nil
}

// textField is what a line has the text of a message in, where log.content asks for that.
const textField = "text"

// withoutText takes the text of a message out of a line: the log's file is for administrators, this is for whoever looks.
func withoutText(line []byte) []byte {
	if !bytes.Contains(line, []byte(`"`+textField+`":`)) {
		return line
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return nil
	}
	if _, has := fields[textField]; !has {
		return line
	}
	fields[textField] = json.RawMessage(`"•••"`)
	masked, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return masked
}

// all are those that there are, newest first.
func (l *Lines) all() [][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([][]byte, 0, l.n)
	for i := range l.n {
		all = append(all, l.ring[(l.next-1-i+2*maxLines)%maxLines])
	}
	return all
}

// Log implements admin.Operators.
func (ops *Operators) Log(_ context.Context, level, contains string, limit int) ([]adminapi.LogLine, error) {
	least := zerolog.TraceLevel
	if level != "" {
		var err error
		if least, err = zerolog.ParseLevel(level); err != nil {
			return nil, fmt.Errorf("%w: level is one of trace, debug, info, warn, error", adminapi.ErrBadRequest)
		}
	}
	if limit <= 0 || limit > maxLines {
		limit = maxLines
	}
	contains = strings.ToLower(contains)
	lines := []adminapi.LogLine{}
	for _, raw := range ops.o.Lines.all() {
		if len(lines) == limit {
			break
		}
		if contains != "" && !strings.Contains(strings.ToLower(string(raw)), contains) {
			continue
		}
		if line, of := parseLine(raw); of >= least {
			lines = append(lines, line)
		}
	}
	slices.Reverse(lines)
	return lines, nil
}

// parseLine reads what zerolog wrote. A line that was cut is shown as it is.
func parseLine(raw []byte) (adminapi.LogLine, zerolog.Level) {
	line := adminapi.LogLine{Fields: map[string]string{}}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		line.Level, line.Message = "info", strings.ToValidUTF8(string(raw), "")
		return line, zerolog.InfoLevel
	}
	for name, value := range fields {
		text := string(value)
		if err := json.Unmarshal(value, &text); err != nil {
			text = string(value)
		}
		switch name {
		case zerolog.LevelFieldName:
			line.Level = text
		case zerolog.MessageFieldName:
			line.Message = text
		case zerolog.TimestampFieldName:
			line.At, _ = time.Parse(time.RFC3339Nano, text)
		default:
			line.Fields[name] = text
		}
	}
	level, err := zerolog.ParseLevel(line.Level)
	if err != nil || line.Level == "" {
		level = zerolog.InfoLevel
	}
	return line, level
}
