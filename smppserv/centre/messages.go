package centre

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/logfile"
	"hnetsmpp/smppserv/admin/metrics"
	"hnetsmpp/smppserv/sms"
)

const (
	logsFolder  = "logs" // beside config.toml, where the launcher's are
	messagesLog = "messages.log"
	// maxUnwritten bounds the octets of lines that wait for the disk; more are left out, and counted.
	maxUnwritten = 1 << 20
	// gatherTime is how long the lines that follow on others are gathered: to write each costs more than the rest of it.
	gatherTime = 20 * time.Millisecond
	// endTime is how long a stop waits for them.
	endTime = 300 * time.Millisecond
)

// messages writes a line for each message that has come to its end, without its text: logs/messages.log. It implements
// queue.Observer, beside the counters, and waits for no disk.
type messages struct {
	*metrics.Counters
	log zerolog.Logger

	mu      sync.Mutex
	file    *logfile.File // nil = not known yet
	of      messagesFile
	lines   []byte // to be written
	left    int    // out
	clock   secondText
	erasing []erasingLines
	ended   bool
	wake    chan struct{}
	hurry   chan struct{} // somebody waits for what is written: nothing is gathered
	written chan struct{} // closed when the writer has ended
}

// messagesFile is what config.toml says of the file.
type messagesFile struct {
	off         bool
	path        string
	maxMB, keep int
}

func newMessages(counters *metrics.Counters, log zerolog.Logger) *messages {
	ms := &messages{Counters: counters, log: log, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), written: make(chan struct{})}
	go ms.write()
	return ms
}

// configure says where the lines go; before the first time they are kept.
func (ms *messages) configure(path string, cfg *config.Config) {
	of := messagesFile{!cfg.Log.Messages, filepath.Join(filepath.Dir(path), logsFolder, messagesLog), cfg.Launcher.LogMaxMB, cfg.Launcher.LogKeep}
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if of == ms.of {
		return
	}
	ms.of, ms.file = of, logfile.New(of.path, of.maxMB, of.keep)
	if of.off {
		ms.lines = nil
	}
	ms.kick()
}

func (ms *messages) kick() { signal(ms.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Concluded implements queue.Observer.
func (ms *messages) Concluded(m *sms.Message, state sms.State) {
	ms.Counters.Concluded(m, state)
	ms.mu.Lock()
	defer ms.mu.Unlock()
	switch {
	case ms.of.off:
	case len(ms.lines) >= maxUnwritten:
		ms.left++
	default:
		ms.lines = ms.appendLine(ms.lines, m, state, time.Now())
		ms.kick()
		if len(ms.lines) > maxUnwritten/4 { // room for those that come while these are written
			signal(ms.hurry)
		}
	}
}

// kindName is how a line calls what is no text.
func kindName(k sms.Kind) string {
	switch k {
	case sms.KindReceipt:
		return "receipt"
	case sms.KindIntermediate:
		return "intermediate"
	case sms.KindDPF:
		return "pending"
	case sms.KindAlert:
		return "alert"
	}
	return ""
}

// secondText writes times of which many are of the same second.
type secondText struct {
	second int64
	text   []byte // a time of that second, nil = there was none
	point  int    // where its milliseconds begin
}

func (t *secondText) append(b []byte, now time.Time) []byte {
	if s := now.Unix(); s != t.second || t.text == nil {
		t.second, t.text = s, now.AppendFormat(t.text[:0], "2006-01-02T15:04:05.000Z07:00")
		t.point = bytes.IndexByte(t.text, '.') + 1
	}
	at := len(b) + t.point
	b = append(b, t.text...)
	for i, ms := 2, now.Nanosecond()/1e6; i >= 0; i, ms = i-1, ms/10 {
		b[at+i] = byte('0' + ms%10)
	}
	return b
}

func (ms *messages) appendLine(b []byte, m *sms.Message, state sms.State, now time.Time) []byte {
	b = ms.clock.append(append(b, `{"time":"`...), now)
	b = strconv.AppendUint(append(b, `","id":"`...), uint64(m.ID), 10)
	b = appendJSON(append(b, `","from":`...), m.Source.Text())
	b = appendJSON(append(b, `,"to":`...), m.Dest.Text())
	b = appendJSON(append(b, `,"client":`...), m.Owner())
	if kind := kindName(m.Kind); kind != "" {
		b = append(append(append(b, `,"kind":"`...), kind...), '"')
	}
	if m.Receipt != nil {
		b = append(strconv.AppendUint(append(b, `,"receipt_of":"`...), uint64(m.Receipt.Of), 10), '"')
	}
	b = append(append(b, `,"state":"`...), state.String()...)
	return append(b, "\"}\n"...)
}

// appendJSON writes a number, a name or whatever a client has put into their place.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...)
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// write writes what waits, all of it at once, again and again.
func (ms *messages) write() {
	defer close(ms.written)
	var spare []byte
	broken := false
	var file *logfile.File
	var gathering <-chan time.Time // nil = what comes is written at once
	for range ms.wake {
		if gathering != nil {
			select {
			case <-gathering:
			case <-ms.hurry:
			}
			gathering = nil
		}
		ms.mu.Lock()
		if file != ms.file && file != nil {
			_ = file.Close()
		}
		lines, left, ended, erasing := ms.lines, ms.left, ms.ended, ms.erasing
		ms.erasing = nil
		if file = ms.file; file != nil {
			ms.lines, ms.left = spare[:0], 0
		}
		ms.mu.Unlock()
		if file != nil && len(lines) > 0 {
			_, err := file.Write(lines)
			gathering = time.After(gatherTime)
			switch {
			case err != nil && !broken:
				ms.log.Warn().Err(err).Msg("the messages that have come to their end are not written down: logs/" + messagesLog)
			case err == nil && left > 0:
				ms.log.Warn().Int("messages", left).Msg("the disk was too slow for logs/" + messagesLog + ": lines were left out")
			}
			broken = err != nil
		}
		if file != nil {
			spare = lines
		}
		for _, e := range erasing {
			e.erase(file)
		}
		if ended {
			if file != nil {
				_ = file.Close()
			}
			return
		}
	}
}

// erasingLines is who has lines taken out of the file.
type erasingLines struct {
	match func(line []byte) bool
	done  chan erasedLines
}

type erasedLines struct {
	lines int
	err   error
}

func (e *erasingLines) erase(file *logfile.File) {
	var d erasedLines
	if file != nil {
		d.lines, d.err = file.Erase(e.match)
	}
	e.done <- d
}

// erase takes the lines that match out of the file, those of messages that have come to their end before among them.
func (ms *messages) erase(ctx context.Context, match func(line []byte) bool) (lines int, err error) {
	e := erasingLines{match, make(chan erasedLines, 1)}
	ms.mu.Lock()
	ms.erasing = append(ms.erasing, e)
	ms.kick()
	signal(ms.hurry)
	ms.mu.Unlock()
	select {
	case d := <-e.done:
		return d.lines, d.err
	case <-ms.written:
		return 0, errors.New("the server stops")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// close writes what waits, if the disk does that in time.
func (ms *messages) close() {
	ms.mu.Lock()
	ms.ended = true
	ms.kick()
	signal(ms.hurry)
	ms.mu.Unlock()
	t := time.NewTimer(endTime)
	defer t.Stop()
	select {
	case <-ms.written:
	case <-t.C:
		ms.log.Warn().Msg("the stop did not wait any longer for logs/" + messagesLog)
	}
}
