// Package guard keeps a panic in the work on a peer's data to that work: the message, the line or the session that brought it
// about fails, and nothing else does.
//
// What peers share must not go on after a panic: a lock may be held, a count may be wrong. So a panic in the queue or the store,
// called from the work, still ends the process, which begins afresh from the rows.
package guard

import (
	"fmt"
	"runtime"
	"strings"
)

// Panic is one that was kept. It is an error without anything that a peer sent.
type Panic struct {
	What  string // what the panic said, if it is Go's own, else only its type
	Stack string // a line for each call, the innermost first, without arguments
}

func (p *Panic) Error() string { return "a fault of the server: " + p.What }

// shared are the packages whose state all peers share.
var shared = []string{"hnetsmpp/smppserv/queue.", "hnetsmpp/smppserv/store.", "hnetsmpp/smppserv/store/"}

const maxFrames = 64

// Do calls f, and returns the panic that ended it, nil = there was none.
func Do(f func()) (kept *Panic) {
	defer func() {
		said := recover()
		if said == nil {
			return
		}
		stack, touched := frames()
		if touched {
			panic(said)
		}
		kept = &Panic{What: fmt.Sprintf("%T", said), Stack: stack}
		if e, ok := said.(runtime.Error); ok {
			kept.What = e.Error()
		}
	}()
	f()
	return nil
}

// frames are the calls from what Do was given to the panic; touched tells that what is shared is among them: below that
// first one, which may be a closure there.
func frames() (stack string, touched bool) {
	pcs := make([]uintptr, maxFrames)
	all := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var b strings.Builder
	for panicked, last := false, false; ; {
		f, more := all.Next()
		switch {
		case f.Function == "runtime.gopanic" && !panicked:
			panicked = true
		case f.Function == "hnetsmpp/smppserv/guard.Do" && panicked:
			return b.String(), touched
		case panicked:
			fmt.Fprintf(&b, "%s %s:%d\n", f.Function, f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
			touched = touched || last
			last = isShared(f)
		}
		if !more {
			return b.String(), touched || last
		}
	}
}

func isShared(f runtime.Frame) bool {
	if strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	for _, name := range shared {
		if strings.HasPrefix(f.Function, name) {
			return true
		}
	}
	return false
}
