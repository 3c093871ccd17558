package supervise

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/pkg/mention"
	"hnetsmpp/pkg/worker"
)

// runChild runs one child from its start to its end. When ctx is done it stops
// the child.
func (s *Supervisor) runChild(ctx context.Context, child Child) (code worker.ExitCode, reason string) {
	p, err := worker.Start(context.Background(), child.Options)
	if err != nil {
		return worker.ExitCrashed, err.Error()
	}
	s.set(func(st *Status) { st.PID = p.PID() })

	look := s.opts.Silence / silenceLooks
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	silent, last := silence{limit: s.opts.Silence, look: look}, time.Now()
	var deadline <-chan time.Time // then the child is killed
	stop, kill := ctx.Done(), s.killed
	for {
		select {
		case event, ok := <-p.Events():
			if !ok {
				exit := p.Wait()
				return exit.Code, s.endReason(ctx, exit, reason)
			}
			silent.lasted = 0
			if event.Kind == worker.EventErase {
				go s.erase(p, event.Erase)
			}
			if event.Kind == worker.EventReady && stop != nil {
				s.change(EventReady, func(st *Status) { st.State, st.Ready = Running, event.Ready })
			}

		case <-ticks.C:
			now := time.Now()
			over := silent.over(now.Sub(last))
			last = now
			// While it stops, StopGrace alone counts.
			if !over || stop == nil || reason != "" {
				continue
			}
			reason = fmt.Sprintf("hung: no sign of life for %s", s.opts.Silence)
			s.change(EventHung, func(st *Status) { st.LastReason = reason })
			if p.DumpStacks() {
				deadline = time.After(s.opts.DumpWait)
			} else {
				p.Kill()
			}

		case <-stop:
			stop = nil
			s.change(EventStopping, func(st *Status) { st.State = Stopping })
			p.CloseStdin()
			if reason == "" { // else it is about to be killed
				deadline = time.After(child.StopGrace)
			}

		case <-deadline:
			deadline = nil
			if reason == "" {
				reason = fmt.Sprintf("did not stop within %s and was killed", child.StopGrace)
			}
			p.Kill()

		case <-kill:
			kill = nil
			p.Kill()
		}
	}
}

// erasedNumber stands in the place of a number that was erased.
const erasedNumber = "(erased)"

// erase answers a child. One that has ended meanwhile is asked by nobody any more.
func (s *Supervisor) erase(p *worker.Process, e worker.Erase) {
	if p.Answer(worker.Erased{ID: e.ID}) != nil {
		return
	}
	// A worker's last word, which is why it ended, may have named it.
	number := mention.Of(e.Number)
	if number.In([]byte(s.Status().LastReason)) {
		s.change(EventErased, func(st *Status) { st.LastReason = number.Without(st.LastReason, erasedNumber) })
	}
	done := worker.Erased{ID: e.ID, Ended: true}
	err := errors.New("it has no log files")
	if s.opts.Erase != nil {
		done.Lines, err = s.opts.Erase(e.Number)
	}
	if err != nil {
		done.Fault = err.Error()
	}
	_ = p.Answer(done)
}

// silenceLooks is how often the silence is looked at before it is too long.
const silenceLooks = 30

// silence is how long the child has said nothing. A machine that slept, or gave this process no time, gave the child none either:
// of what passed between two looks no more counts than twice what should have.
type silence struct{ limit, look, lasted time.Duration }

// over adds the time since the last look, and tells whether the silence is too long.
func (s *silence) over(passed time.Duration) bool {
	s.lasted += min(passed, 2*s.look)
	return s.lasted >= s.limit
}

// endReason is why a child ended: what this supervisor did to it, else what it
// says itself.
func (s *Supervisor) endReason(ctx context.Context, exit worker.Exit, done string) string {
	switch {
	case done != "":
		return done
	case exit.Code == worker.ExitStopped && !s.asked(ctx):
		return "stopped by itself, without being asked"
	default:
		return exit.Reason()
	}
}
