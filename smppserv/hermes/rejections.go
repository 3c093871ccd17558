package hermes

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// rejectionsEvery is how often the log warns of lines that are rejected with the same code: who sends them must not fill it.
const rejectionsEvery = time.Minute

// rejections warns of lines that were rejected, with the number that it left out. The codes are few.
type rejections struct {
	mu   sync.Mutex
	last map[string]rejected
}

type rejected struct {
	logged time.Time
	silent int // since then
}

func (r *rejections) note(log zerolog.Logger, code, id, why string) {
	r.noteAt(time.Now(), log, code, id, why)
}

func (r *rejections) noteAt(now time.Time, log zerolog.Logger, code, id, why string) {
	r.mu.Lock()
	if r.last == nil {
		r.last = map[string]rejected{}
	}
	of, seen := r.last[code]
	tell := !seen || now.Sub(of.logged) >= rejectionsEvery
	silent := of.silent
	if of.silent++; tell {
		of = rejected{logged: now}
	}
	r.last[code] = of
	r.mu.Unlock()
	ev := log.Debug()
	if tell {
		ev = log.Warn().Int("others_since_last_line", silent)
	}
	ev.Str("id", id).Str("code", code).Str("reason", why).Msg("a line to the TCP port is rejected")
}
