package simulation

import (
	"time"

	"hnetsmpp/smppserv/sms"
)

// submission is the request that handed a message in.
type submission struct {
	*life
	m       *sms.Message
	session uint64 // 0 = Hermès' connection
	writing time.Duration
	awaits  bool

	// With world.mu:
	accepted  int
	refused   bool
	since     time.Time // the answer is on the wire
	concluded int
	state     sms.State
}

// Accepted implements road.Submission.
func (s *submission) Accepted(m *sms.Message, duplicate bool, err error) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.over {
		return
	}
	s.accepted++
	s.pending--
	switch {
	case s.accepted > 1:
		w.fail("a submit was answered %d times", s.accepted)
	case err != nil:
		s.refused = true
		w.say("a submit of %q is refused: %v", s.m.Content, err)
		w.model.refused(w, s)
		return
	}
	w.model.accepted(w, s, m, duplicate)
	if s.session != 0 {
		time.AfterFunc(s.writing, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			s.since = time.Now()
		})
	}
}

// Awaits implements road.Submission.
func (s *submission) Awaits() bool { return s.awaits }

// Concluded implements road.Submission.
func (s *submission) Concluded(m *sms.Message, o sms.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.concluded++
	s.state = m.State
	s.model.told(s.world, s, m)
}

// Answered implements road.Submission.
func (s *submission) Answered() (uint64, time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session, s.since, !s.since.IsZero()
}
