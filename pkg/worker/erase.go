package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// EventErase is the third kind of line on a worker's stdout; see Erase.
const EventErase = "erase"

// Erase asks the launcher to take the lines that hold a number out of its log files: it alone can, for it has them open. The number
// goes through the pipe only. The launcher answers on stdin, twice: that it begins, and that it has ended.
type Erase struct {
	Event  string `json:"event"` // EventErase
	ID     uint64 `json:"id"`
	Number string `json:"number"` // without its +
}

// Erased is a line on the worker's stdin: the launcher's answer to an Erase.
type Erased struct {
	ID    uint64 `json:"erased"`
	Ended bool   `json:"ended"`
	Lines int    `json:"lines"`           // that were taken out
	Fault string `json:"error,omitempty"` // what was not
}

const (
	// beginTime is how long a launcher may take to begin; one of an earlier version never does. eraseTime is how long it may take.
	beginTime = 5 * time.Second
	eraseTime = 10 * time.Minute
)

// ErrNoAnswer means that the launcher does not erase lines.
var ErrNoAnswer = errors.New("the launcher does not answer: it may be of an earlier version, or hang")

// Launcher is who started the worker, seen from there. Its methods may be called at the same time.
type Launcher struct {
	report *Reporter

	begin time.Duration
	stop  chan struct{}

	mu    sync.Mutex
	next  uint64
	asked map[uint64]chan Erased
}

// Hear reads what the launcher says on r, the worker's stdin; see StopOnEOF. It is asked through report.
func Hear(r io.Reader, report *Reporter) *Launcher {
	signal.Ignore(syscall.SIGPIPE)
	l := &Launcher{report: report, asked: map[uint64]chan Erased{}, stop: make(chan struct{}), begin: beginTime}
	go l.read(r)
	return l
}

// Stop is closed at the end of stdin: the launcher asks for a stop, or is dead.
func (l *Launcher) Stop() <-chan struct{} { return l.stop }

func (l *Launcher) read(r io.Reader) {
	defer close(l.stop)
	lines := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		var answer Erased
		if json.Unmarshal(line, &answer) == nil && answer.ID != 0 {
			l.mu.Lock()
			asked := l.asked[answer.ID]
			l.mu.Unlock()
			if asked != nil {
				select {
				case asked <- answer:
				default: // more answers than there are
				}
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// Erase has the launcher take the lines that hold a number out of its log files, and returns how many there were. It waits for that
// for minutes, or until ctx ends.
func (l *Launcher) Erase(ctx context.Context, number string) (lines int, err error) {
	asked := make(chan Erased, 2)
	l.mu.Lock()
	l.next++
	id := l.next
	l.asked[id] = asked
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.asked, id)
		l.mu.Unlock()
	}()
	if err := l.report.write(Erase{Event: EventErase, ID: id, Number: number}); err != nil {
		return 0, err
	}
	wait := time.NewTimer(l.begin)
	defer wait.Stop()
	for {
		select {
		case answer := <-asked:
			switch {
			case !answer.Ended:
				wait.Reset(eraseTime)
			case answer.Fault != "":
				return answer.Lines, fmt.Errorf("the launcher: %s", answer.Fault)
			default:
				return answer.Lines, nil
			}
		case <-wait.C:
			return 0, ErrNoAnswer
		case <-l.stop:
			return 0, ErrNoAnswer
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Answer tells the worker what became of an Erase.
func (p *Process) Answer(a Erased) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = p.stdin.Write(append(line, '\n'))
	return err
}
