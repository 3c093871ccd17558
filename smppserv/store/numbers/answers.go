package numbers

import (
	"sync"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

const (
	// maxAnswers bounds the answers in memory to some 16 MB.
	maxAnswers = 1 << 16
	// maxKept is the most octets of the two names of a question whose answer is kept: what Hermès asks for is as long as it likes.
	maxKept = 64
)

// question is who last wrote from one number to another, or how a client last wrote a number.
type question struct {
	key           runs.Key
	first, second string
}

// answer is what was found; while nothing is known yet it holds the place.
type answer struct {
	question
	known, found bool
	sms.Conversation
}

// answers are those of the questions that were asked.
type answers struct {
	mu  sync.Mutex
	all map[runs.Key]*answer
}

// get gives an answer that is known.
func (as *answers) get(q question) (c sms.Conversation, found, known bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if a := as.all[q.key]; a != nil && a.known && a.first == q.first && a.second == q.second {
		return a.Conversation, a.found, true
	}
	return c, false, false
}

// expect takes the place of an answer, before it is looked for.
func (as *answers) expect(q question) *answer {
	if len(q.first)+len(q.second) > maxKept {
		return nil
	}
	a := &answer{question: q}
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.all == nil || len(as.all) >= maxAnswers {
		as.all = map[runs.Key]*answer{}
	}
	as.all[q.key] = a
	return a
}

// settle keeps an answer, unless something was written since expect that may change it.
func (as *answers) settle(a *answer, c sms.Conversation, found, keep bool) {
	if a == nil {
		return
	}
	as.mu.Lock()
	defer as.mu.Unlock()
	switch {
	case as.all[a.key] != a:
	case keep:
		a.Conversation, a.found, a.known = c, found, true
	default:
		delete(as.all, a.key)
	}
}

// forget drops the answers that new messages change.
func (as *answers) forget(entries []runs.Entry) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if len(as.all) == 0 {
		return
	}
	for i := range entries {
		if k := &entries[i].Keys; k[conversation] != 0 {
			delete(as.all, k[conversation])
			delete(as.all, k[use])
		}
	}
}

func (as *answers) clear() {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.all = nil
}
