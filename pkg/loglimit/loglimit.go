// Package loglimit limits the lines of a log that a peer can cause, by cause and peer, and tells later how many it left out.
//
//	Line ── the first few of this cause from this peer, the first few of this cause ──► the line
//	     └─ all others are counted ── at the end of the minute ──► one line for the cause: how many, of how many peers
package loglimit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/peeraddr"
)

const (
	// Period is how long a cause has its share of lines for.
	Period = time.Minute
	// MaxPeers bounds the peers that are told apart, for each cause. More are counted together.
	MaxPeers = 1000
	// MaxCauses bounds the causes that are told apart: more share what one has.
	MaxCauses = 256

	defaultPerPeer, defaultTotal = 3, 30
)

// Cause is what a line is about. Its texts are the program's: what a peer says is none.
type Cause struct {
	Text    string // of the line
	Reason  string // tells causes of the same text apart; "" = there is one only
	PerPeer int    // lines in a Period for each peer, 0 = 3
	Total   int    // lines in a Period for all peers, 0 = 30
}

// As is the cause with a reason.
func (c Cause) As(reason string) Cause {
	c.Reason = reason
	return c
}

// Peer is who causes a line. An IPv6 address counts as its /64.
type Peer struct {
	Addr netip.Addr
	Name string // of an account, known to be one; "" = none
}

// Limiter limits the lines of a log. Its methods may be called from any goroutine.
type Limiter struct {
	log zerolog.Logger

	mu     sync.Mutex
	causes map[key]*share
}

type key struct{ text, reason string }

// share is what a cause has used of its Period.
type share struct {
	level  zerolog.Level
	ends   time.Time
	lines  int
	peers  map[Peer]tally
	others int // lines of peers that are not told apart
	left   int // out
	timer  *time.Timer
}

type tally struct{ lines, left int }

// New limits the lines of log.
func New(log zerolog.Logger) *Limiter { return &Limiter{log: log, causes: map[key]*share{}} }

// Warn is Line at level warn.
func (l *Limiter) Warn(c Cause, from Peer) *zerolog.Event { return l.Line(zerolog.WarnLevel, c, from) }

// Line begins a line, which Msg(c.Text) ends; nil, which zerolog takes for a line that is off, is for one that is left out.
func (l *Limiter) Line(level zerolog.Level, c Cause, from Peer) *zerolog.Event {
	if level < l.log.GetLevel() || level < zerolog.GlobalLevel() {
		return nil
	}
	from.Addr = peeraddr.Counted(from.Addr)
	if !l.admit(time.Now(), level, c, from) {
		return nil
	}
	return l.log.WithLevel(level)
}

func (l *Limiter) admit(now time.Time, level zerolog.Level, c Cause, from Peer) bool {
	if c.PerPeer == 0 {
		c.PerPeer = defaultPerPeer
	}
	if c.Total == 0 {
		c.Total = defaultTotal
	}
	k := key{c.Text, c.Reason}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.causes[k]
	if s == nil && len(l.causes) >= MaxCauses {
		k = key{}
		s = l.causes[k]
	}
	if s == nil {
		s = &share{}
		l.causes[k] = s
	}
	if !now.Before(s.ends) {
		l.end(k, s)
		s.level, s.ends = level, now.Add(Period)
	}
	if s.peers == nil {
		s.peers = map[Peer]tally{}
	}
	of, known := s.peers[from]
	if !known && len(s.peers) >= MaxPeers {
		s.others++
		return l.leave(k, s)
	}
	if of.lines >= c.PerPeer || s.lines >= c.Total {
		of.left++
		s.peers[from] = of
		return l.leave(k, s)
	}
	of.lines++
	s.lines++
	s.peers[from] = of
	return true
}

// leave counts a line that is left out, and is false.
func (l *Limiter) leave(k key, s *share) bool {
	if s.left++; s.timer == nil {
		ends := s.ends
		s.timer = time.AfterFunc(time.Until(ends), func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if s.ends.Equal(ends) {
				l.end(k, s)
			}
		})
	}
	return false
}

// end tells what was left out, and begins anew.
func (l *Limiter) end(k key, s *share) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.left > 0 {
		l.tell(k, s)
	}
	*s = share{level: s.level}
}

func (l *Limiter) tell(k key, s *share) {
	var most Peer
	peers := 0
	for p, of := range s.peers {
		if of.left == 0 {
			continue
		}
		if peers++; of.left > s.peers[most].left {
			most = p
		}
	}
	ev := l.log.WithLevel(s.level).Int("left_out", s.left).Int("peers", peers)
	if s.others > 0 {
		ev = ev.Int("of_further_peers", s.others)
	}
	if k.reason != "" {
		ev = ev.Str("reason", k.reason)
	}
	if of := s.peers[most]; of.left > 0 {
		if most.Addr.IsValid() {
			ev = ev.Stringer("most_from", most.Addr)
		}
		if most.Name != "" {
			ev = ev.Str("most_of", most.Name)
		}
		ev = ev.Int("most", of.left)
	}
	text := k.text
	if text == "" {
		text = "lines of many causes"
	}
	ev.Msg(text + ": further lines of the last minute were left out")
}

// Forget tells at once what was left out of one cause, which may have its lines anew.
func (l *Limiter) Forget(c Cause) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := key{c.Text, c.Reason}
	if s := l.causes[k]; s != nil {
		l.end(k, s)
	}
}

// Flush tells at once what was left out.
func (l *Limiter) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, s := range l.causes {
		l.end(k, s)
	}
}
