package hermes

import (
	"hash/maphash"
	"time"

	"hnetsmpp/smppserv/sms"
)

// learn draws the conclusions from a try that was made.
func (p *Push) learn(t *try, o *sms.Outcome, k kind) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	b, s := t.pressure, p.settings.Load()
	if t.messages[0].Transaction() {
		b.awaited--
	}
	wasDead := b.dead
	v := b.learn(t.number, t.epoch, k, o.After, now, s.retry, t.conversation)
	name := "hermes.url"
	if b == &p.statuses {
		name = "hermes.status_url"
	}
	switch {
	case v.died && b.failed:
		p.log.Error().Str("reason", o.Reason).Int("pushes", deadFailing).Msg(name + " fails every push: it is probed by one request at a time until it does not")
	case v.died:
		p.log.Error().Str("reason", o.Reason).Msg(name + " does not answer: it is probed by one request at a time until it does")
	case v.revived:
		p.log.Info().Msg(name + " answers again")
	}
	if b == &p.statuses { // nothing pauses for it but the message itself
		return
	}
	p.regarded(o, k, now)
	p.judge(t, o, k, wasDead)
	if p.outlet == nil || p.closing {
		return
	}
	p.press()
	if v.revived || v.died && b.failed { // the waits of messages that failed were the server's doing
		p.outlet.Resume()
	}
	if v.pause > 0 {
		p.outlet.Pause(v.pause)
	}
	if v.pause > 0 && k == refused {
		p.limited.Do(func() {
			p.log.Warn().Str("reason", o.Reason).Stringer("pause", v.pause).Int("window", b.window).
				Msg(name + " wants fewer pushes: they pause, and go on fewer at a time")
		})
	}
}

// judge finds out whether what came of a try says anything of its message.
func (p *Push) judge(t *try, o *sms.Outcome, k kind, wasDead bool) {
	id := t.messages[0].ID
	switch {
	case k == taken:
		p.suspects.taken++
		p.suspects.clear(id)
	case k == refused, k == erring && wasDead, t.unseen:
		o.Unjudged = true
	case k == stillborn && t.posted:
		o.Unjudged = true
		p.suspects.refresh(id)
	case k == silence || k == stillborn:
		o.Unjudged = !p.suspects.met(id)
	default:
		p.suspects.clear(id)
	}
}

// conversation stands for the numbers of a try's message.
func (t *try) conversation() uint64 {
	m := t.messages[0]
	return maphash.Comparable(seed, [2]string{m.Source.Number, m.Dest.Number})
}

var seed = maphash.MakeSeed()

const (
	// suspectAfter is how often a message meets silence, while others are taken, until that is taken to be its own doing:
	// one text can make a server fail.
	suspectAfter = 3
	maxSuspects  = 4096
)

// suspects are the messages that met silence, or a closed connection.
type suspects struct {
	taken uint64 // pushes
	byID  map[sms.ID]suspect
}

type suspect struct {
	times int
	taken uint64 // others, when it met silence last
	fresh bool   // its next try is to have a connection of its own
}

// met notes that a message met silence, and tells whether it is its own doing. Silence counts once as long as nothing is taken.
func (s *suspects) met(id sms.ID) bool {
	m, known := s.byID[id]
	counts := m.times == 0 || s.taken > m.taken
	if counts {
		m.times++
		m.taken = s.taken
	} else if !m.fresh {
		return false
	}
	m.fresh = false
	s.note(id, m, known)
	return counts && m.times >= suspectAfter
}

// refresh has a message's next try go out on a connection of its own.
func (s *suspects) refresh(id sms.ID) {
	m, known := s.byID[id]
	m.fresh = true
	s.note(id, m, known)
}

func (s *suspects) note(id sms.ID, m suspect, known bool) {
	if s.byID == nil {
		s.byID = map[sms.ID]suspect{}
	}
	if !known && len(s.byID) >= maxSuspects {
		for other := range s.byID { // any one
			delete(s.byID, other)
			break
		}
	}
	s.byID[id] = m
}

func (s *suspects) clear(id sms.ID) {
	if len(s.byID) > 0 {
		delete(s.byID, id)
	}
}
