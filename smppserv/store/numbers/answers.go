package numbers

import (
	"sync"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

const (
	// maxAnswers bounds the answers in memory to some 30 MB.
	maxAnswers = 1 << 17
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
	names := q.first + q.second // whatever they were a part of is not kept
	q.first, q.second = names[:len(q.first)], names[len(q.first):]
	a := &answer{question: q}
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.all == nil {
		as.all = map[runs.Key]*answer{}
	}
	if len(as.all) >= maxAnswers {
		for some := range as.all { // any one, so that a few more questions than there is room for do not drive each other out
			delete(as.all, some)
			break
		}
	}
	as.all[q.key] = a
	return a
}

// settle keeps an answer, unless something was written since expect that changes it.
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

// renew has what new messages say take the place of the answers that they change, so that who writes again and again is not looked for again
// and again. What nobody asked for does not come in.
func (as *answers) renew(ms []*sms.Message, entries []runs.Entry) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if len(as.all) == 0 {
		return
	}
	for i, m := range ms {
		k := &entries[i].Keys
		if k[conversation] == 0 {
			continue
		}
		// The names are the question's: whatever those of m are a part of is not kept.
		if a := as.renewed(question{k[conversation], m.Source.Number, m.Dest.Number}); a != nil {
			a.Conversation = sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}
			a.Number.Number, a.Campaign.Number = a.first, a.second
		}
		if a := as.renewed(question{k[use], m.Submitter, m.Source.Number}); a != nil {
			a.Conversation = sms.Conversation{Client: m.Submitter, Number: m.Source}
			a.Number.Number = a.second
		}
	}
}

// renewed is an answer that is to be filled in, to a question that somebody has asked; nil = nobody has. The caller holds mu.
func (as *answers) renewed(q question) *answer {
	a := as.all[q.key]
	if a == nil || a.first != q.first || a.second != q.second {
		return nil
	}
	if !a.known { // whoever looks for it may find what is older
		a = &answer{question: a.question, known: true}
		as.all[q.key] = a
	}
	a.found = true
	return a
}

func (as *answers) clear() {
	as.mu.Lock()
	defer as.mu.Unlock()
	as.all = nil
}
