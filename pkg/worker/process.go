package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Options say which worker to start.
type Options struct {
	Path   string   // the program
	Config string   // its config.toml
	Args   []string // after the contract's own
	Env    []string // KEY=value, on top of this process's environment
	Dir    string   // "" = this process's folder
	// Stderr gets the worker's stderr; nil = dropped. Its errors are ignored. It must not wait for anybody: the worker would
	// not be read, and a launcher that does not read its worker takes it for hung.
	Stderr io.Writer
}

// drainTime is how long a worker's pipes are read after its end, should a
// child of its own hold them open.
const drainTime = 2 * time.Second

// eventBuffer holds events for a reader that is busy.
const eventBuffer = 16

// Process is a worker that was started. Its methods may be called at the same
// time, and after its end.
type Process struct {
	cmd    *exec.Cmd
	events chan Event
	stdout *lines
	stderr *tail

	treeMu sync.Mutex
	tree   tree
	freed  bool // tree is not to be touched any more
	killed bool

	stdin     io.WriteCloser
	closeOnce sync.Once

	ready     chan struct{} // closed after readyLine is set
	readyOnce sync.Once
	readyLine Ready

	done chan struct{} // closed after exit is set
	exit Exit
}

// Start starts `Path run --config Config --supervised Args…` and holds its
// stdin open. When ctx is done the worker and its children are killed; use Stop
// for a polite end.
func Start(ctx context.Context, opts Options) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start worker %s: %w", opts.Path, err)
	}
	args := append([]string{"run", "--config", opts.Config, "--supervised"}, opts.Args...)
	p := &Process{
		cmd:    exec.Command(opts.Path, args...),
		events: make(chan Event, eventBuffer),
		stderr: &tail{next: opts.Stderr},
		ready:  make(chan struct{}),
		done:   make(chan struct{}),
	}
	p.cmd.Dir = opts.Dir
	p.cmd.Env = append(os.Environ(), opts.Env...)
	p.stdout = &lines{each: p.line}
	p.cmd.Stdout = p.stdout
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = drainTime
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start worker %s: %w", opts.Path, err)
	}
	p.stdin = stdin
	if p.tree, err = startTree(p.cmd); err != nil {
		return nil, startError(opts.Path, err)
	}
	unwatch := context.AfterFunc(ctx, p.Kill)
	go func() {
		p.wait()
		unwatch()
	}()
	return p, nil
}

// startError names the program as it is. exec quotes the path, which doubles
// Windows' backslashes, and blames %PATH% for a missing file in any folder.
func startError(path string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		err = fs.ErrNotExist
	} else if quoted, ok := errors.AsType[*exec.Error](err); ok {
		err = quoted.Err
	} else {
		return fmt.Errorf("start worker: %w", err)
	}
	return fmt.Errorf("start worker: %s: %w", path, err)
}

func (p *Process) wait() {
	_ = p.cmd.Wait() // ProcessState says more
	p.stdout.flush()
	p.treeMu.Lock()
	p.tree.release()
	p.freed = true
	killed := p.killed
	p.treeMu.Unlock()
	p.exit = exitOf(p.cmd.ProcessState, p.stderr.String())
	if killed && p.exit.Code == ExitCrashed { // as Windows has it
		p.exit.Code = ExitKilled
	}
	close(p.events)
	close(p.done)
}

// line takes one line of stdout. What is no event must not be lost: it joins stderr.
func (p *Process) line(line []byte) {
	event, ok := ParseEvent(line)
	if !ok {
		if text := bytes.TrimSpace(line); len(text) > 0 {
			fmt.Fprintf(p.stderr, "%s\n", text)
		}
		return
	}
	if event.Kind == EventReady {
		p.readyOnce.Do(func() {
			p.readyLine = event.Ready
			close(p.ready)
		})
	}
	select {
	case p.events <- event:
	default:
	}
}

// PID is the worker's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Events delivers the lines of stdout and is closed at the worker's end. It
// need not be read: events that find its buffer full are dropped.
func (p *Process) Events() <-chan Event { return p.events }

// Ready waits for the ready line. The error of a worker that ended before says
// why it did.
func (p *Process) Ready(ctx context.Context) (Ready, error) {
	select {
	case <-p.ready:
	case <-p.done:
		select {
		case <-p.ready: // was ready, and ended since
		default:
			return Ready{}, fmt.Errorf("worker ended before it was ready: %s", p.exit.Reason())
		}
	case <-ctx.Done():
		return Ready{}, fmt.Errorf("worker is not ready: %w", ctx.Err())
	}
	return p.readyLine, nil
}

// Wait waits for the worker's end.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Stop asks the worker to stop, waits up to grace, then kills it and its children.
func (p *Process) Stop(grace time.Duration) Exit {
	p.CloseStdin()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		p.Kill()
	}
	return p.Wait()
}

// CloseStdin asks the worker to stop and does not wait for it.
func (p *Process) CloseStdin() { p.closeOnce.Do(func() { _ = p.stdin.Close() }) }

// Kill ends the worker and its children at once and does not wait for it.
func (p *Process) Kill() {
	p.treeMu.Lock()
	defer p.treeMu.Unlock()
	if !p.freed {
		p.killed = true
		p.tree.kill()
	}
}

// DumpStacks has a Go worker write its goroutines' stacks to stderr and end.
// Windows has no such signal: there it does nothing, and is false.
func (p *Process) DumpStacks() bool { return dumpStacks(p.cmd.Process) }
