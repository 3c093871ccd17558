package centre

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// The time of a stop. Its parts share it in their order: sessions are unbound first, then tries and pushes under way are
// awaited, then outcomes go to disk. Together they stay below stopLimit, even if each has to be left behind.
const (
	stopTime   = 23 * time.Second
	unbindTime = 8 * time.Second // at most; what is left is for tries and pushes, but storeTime
	storeTime  = 3 * time.Second
	lastTime   = 300 * time.Millisecond // of what is left, if anything is
	// cutTime is how long a part may take to cut off what did not end in its time.
	cutTime = 500 * time.Millisecond
)

// stop is a stop under way.
type stop struct {
	log zerolog.Logger
	end time.Time
}

// share is the time of a part: at most limit, and keep of what is left is for those after it.
func (s *stop) share(limit, keep time.Duration) (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), earlier(time.Now().Add(limit), s.end.Add(-keep)))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

var errLeftBehind = errors.New("it did not end in time, and is left behind")

// part ends one part. One that does not heed the end of its time is left behind cutTime after it:
// a disk that hangs must not keep the other parts from their ends.
func (s *stop) part(ctx context.Context, f func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	cut := time.NewTimer(cutTime)
	defer cut.Stop()
	select {
	case err := <-ended:
		return err
	case <-cut.C:
		return errLeftBehind
	}
}

// stopped is part, and notes what had to be cut off so that the stop could end.
func (s *stop) stopped(ctx context.Context, what string, f func(context.Context) error) {
	if err := s.part(ctx, f); err != nil {
		s.log.Warn().Err(err).Msg("the stop did not wait any longer for " + what)
	}
}

// parts are what a stop ends, in its order; nil = was not opened.
type parts struct {
	port, sessions, operators, tries, pushes, store func(context.Context) error
	listeners                                       func()                      // those that were opened and never served
	say                                             func(doing string)          // to operators
	last                                            func(context.Context) error // the port on which that is said
}

// run ends them. Only what the store could not write is an error.
func (s *stop) run(p parts) error {
	p.say("stopping: unbinding the clients")
	ctx, cancel := s.share(unbindTime, 0)
	defer cancel()
	var edges sync.WaitGroup // none waits for the slow peers of another
	for what, f := range map[string]func(context.Context) error{"the TCP port": p.port, "SMPP sessions": p.sessions, "operators": p.operators} {
		if f != nil {
			edges.Go(func() { s.stopped(ctx, what, f) })
		}
	}
	edges.Wait()
	p.listeners()
	p.say("stopping: waiting for pushes and other tries under way")
	ctx, cancel = s.share(stopTime, storeTime)
	defer cancel()
	if p.tries != nil {
		s.stopped(ctx, "tries under way", p.tries)
	}
	if p.pushes != nil {
		s.stopped(ctx, "pushes", p.pushes)
	}
	var err error
	if p.store != nil {
		p.say("stopping: writing to disk what came of them")
		ctx, cancel = s.share(storeTime, 0)
		defer cancel()
		err = s.part(ctx, p.store)
	}
	ctx, cancel = s.share(lastTime, 0)
	defer cancel()
	s.stopped(ctx, "who asks how it goes", p.last)
	return err
}

// close stops in two steps: nothing new is begun, then what is under way ends. What does not end in time is taken up
// again after the next start. That is how a stop ends, too: only what the store could not write is an error.
func (mc *centre) close() error {
	s := stop{log: mc.log, end: time.Now().Add(stopTime)}
	mc.admin.Away("stopping")
	if mc.endServing != nil {
		mc.endServing()
	}
	mc.operators.Close()
	if mc.nodes != nil {
		mc.nodes.Retire()
	}
	if mc.queue != nil {
		mc.queue.Quiesce()
	}
	p := parts{say: mc.admin.Away, operators: mc.admin.Quiet, last: mc.admin.Close, listeners: func() {
		for _, l := range []net.Listener{mc.plain, mc.secure} {
			if l != nil {
				_ = l.Close()
			}
		}
	}}
	if mc.port != nil {
		p.port = mc.port.Close
	}
	if mc.smsc != nil {
		p.sessions = func(ctx context.Context) error { mc.smsc.Close(ctx); return nil }
	}
	if mc.queue != nil {
		p.tries = mc.queue.Stop
	}
	if mc.push != nil {
		p.pushes = mc.push.Close
	}
	if mc.store != nil {
		p.store = mc.closeStore
	}
	err := s.run(p)
	if mc.messages != nil {
		mc.messages.close()
	}
	return err
}
