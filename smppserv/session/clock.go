package session

import (
	"time"

	"hnetsmpp/pkg/smpp"
)

// arm has the timers looked at again at the right time. It is called when something nearer may have come up.
func (s *Session) arm(now time.Time) {
	again := now
	if s.timer != nil {
		var do action
		if do, again, _ = s.look(now); do != wait {
			again = now
		} else if again.IsZero() || !s.armed.IsZero() && !again.Before(s.armed) {
			return
		}
	}
	s.armed = again
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(again), s.tick)
	} else {
		s.timer.Reset(time.Until(again))
	}
}

func (s *Session) look(now time.Time) (action, time.Time, error) {
	lastIn := s.opened.Add(time.Duration(s.lastIn.Load()))
	if s.stalled {
		lastIn = now
	}
	return s.times.next(now, s.state, lastIn, s.window.oldest(), s.writing)
}

// tick does what the timers ask for.
func (s *Session) tick() {
	s.mu.Lock()
	if s.closed.Load() != 0 {
		s.mu.Unlock()
		return
	}
	now := time.Now()
	do, again, why := s.look(now)
	if do == enquire {
		s.times.enquireSent = now
		if len(s.probes) == 0 { // else one is unanswered
			s.append(smpp.CmdEnquireLink, s.window.nextSequence())
		}
		do, again, _ = s.look(now)
	}
	s.armed = time.Time{}
	if do == expire || do == wait && !again.IsZero() {
		if do == expire {
			again = now.Add(time.Millisecond)
		}
		s.armed = again
		s.timer.Reset(time.Until(again))
	}
	s.mu.Unlock()
	switch do {
	case expire:
		s.expireRequests(now)
	case unbindInactive:
		s.Unbind(why)
	case drop:
		s.finish(why, 0)
	case shut:
		s.shut()
	}
}
