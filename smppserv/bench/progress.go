package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"sync"
	"time"
)

// progress tells on the terminal what goes on. Where there is no terminal it writes whole lines, and fewer.
type progress struct {
	out      io.Writer
	terminal bool

	mu      sync.Mutex
	prefix  string // which row, which repeat
	pending bool   // a line that is to be written over stands on the terminal
}

// watcher is told what a load counts and how far it will; stop ends that.
type watcher func(total int64, count func() int64) (stop func())

// at tells which row is measured, and which repeat of it.
func (p *progress) at(prefix string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prefix = prefix
}

// say writes a line that stays.
func (p *progress) say(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// note shows what goes on until something else does.
func (p *progress) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		p.clear()
		fmt.Fprintf(p.out, "%s: %s", p.prefix, what)
		p.pending = true
	}
}

func (p *progress) clear() {
	if p.pending {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.pending = false
	}
}

// watch shows the rate of the last moment, several times a second on a terminal.
func (p *progress) watch(what string) watcher {
	return func(total int64, count func() int64) (stop func()) {
		every := 300 * time.Millisecond
		if !p.terminal {
			every = 20 * time.Second
		}
		done, ended := make(chan struct{}), make(chan struct{})
		p.note(what)
		go func() {
			defer close(ended)
			tick := time.NewTicker(every)
			defer tick.Stop()
			last, at := int64(0), time.Now()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				n, now := count(), time.Now()
				line := fmt.Sprintf("%s: %s/s, %s", what, thousands(float64(n-last)/now.Sub(at).Seconds()), thousands(float64(n)))
				if total < math.MaxInt32 { // else it goes on until it is stopped
					line += " of " + thousands(float64(total))
				}
				last, at = n, now
				if p.terminal {
					p.note(line)
				} else {
					p.mu.Lock()
					prefix := p.prefix
					p.mu.Unlock()
					p.say("%s: %s", prefix, line)
				}
			}
		}()
		return func() {
			close(done)
			<-ended
		}
	}
}

// thousands writes a number without decimals, in groups of three digits: 31 200.
func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	from := 0
	if v < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
