package tally

import (
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// MaxCampaigns is how many campaigns are counted by their names in one hour: the numbers are the clients' to choose. What
	// goes to others counts under the campaign "".
	MaxCampaigns = 10_000
	// maxHours bounds the hours in memory: what is counted is of the present one, as a rule.
	maxHours = 3
	// leastSwept is how many subjects there are before those that nothing counts for are let go.
	leastSwept = 2 * MaxCampaigns
	// recent is how many messages are remembered by their IDs: what ends soon need not be looked up. They are in so many blocks, which
	// are made when they are needed.
	recent, blocks = 1 << 16, 1 << 6
)

// Sheet keeps the counters that a committer works on, and what each batch of its adds to them: they are absolute, so that a batch
// which is written again counts once. Its methods but Totals are for one goroutine.
type Sheet struct {
	load     func(hour int64, f func(*Row)) error
	subjects map[Subject]*subject
	hours    map[int64]*hour
	recent   [blocks]*[recent / blocks]message
	sweepAt  int // so many subjects

	touched []*counter // by the batch
	full    int64      // the hour of which campaigns were counted under no name
	said    int64      // the hour of which TooMany has told

	mu     sync.Mutex
	totals Traffic
}

// subject has the counters of a Subject.
type subject struct {
	Subject
	counters []*counter
	gone     bool // another one has its place
}

type counter struct {
	*subject
	hour    int64
	state   sms.State
	reason  string
	now     Count
	before  Count // the batch
	touched bool
}

type hour struct {
	campaigns map[string]struct{}
}

type message struct {
	id       sms.ID
	received int64
	subject  *subject
	tried    bool
}

// NewSheet makes a Sheet. load calls f for the counters of an hour that are on disk.
func NewSheet(load func(hour int64, f func(*Row)) error) *Sheet {
	return &Sheet{load: load, subjects: map[Subject]*subject{}, hours: map[int64]*hour{}, sweepAt: leastSwept}
}

func (s *Sheet) slot(id sms.ID) *message {
	n := id % recent
	block := &s.recent[n/(recent/blocks)]
	if *block == nil {
		*block = new([recent / blocks]message)
	}
	return &(*block)[n%(recent/blocks)]
}

// Add counts a message that is added, and bears its ID.
func (s *Sheet) Add(m *sms.Message) error {
	s.Learn(m)
	slot := s.slot(m.ID)
	c, err := s.counter(slot.subject, Hour(slot.received), Accepted, "")
	if err == nil {
		c.now.N++
		c.now.Parts += Parts(m)
	}
	return err
}

// Learn has the Sheet know a message that has not ended: its Submitter, Recipient, numbers, Kind, FirstReceived and TriedAt.
func (s *Sheet) Learn(m *sms.Message) {
	*s.slot(m.ID) = message{id: m.ID, received: m.FirstReceived().UnixMilli(), subject: s.subject(Of(m)), tried: !m.TriedAt.IsZero()}
}

// Forget is for a message that changes what it counts for.
func (s *Sheet) Forget(id sms.ID) {
	if slot := s.slot(id); slot.id == id {
		*slot = message{}
	}
}

// Tried notes that something is kept of a try of the message.
func (s *Sheet) Tried(id sms.ID) {
	if slot := s.slot(id); slot.id == id {
		slot.tried = true
	}
}

// Untried tells whether nothing is kept of a try of the message; false may also mean that it is not known.
func (s *Sheet) Untried(id sms.ID) bool {
	slot := s.slot(id)
	return slot.id == id && !slot.tried
}

// Known tells whether End can count the message.
func (s *Sheet) Known(id sms.ID) bool { return s.slot(id).id == id }

// End counts the end, at a time in milliseconds since 1970, of a message that is known, and forgets it.
func (s *Sheet) End(id sms.ID, state sms.State, code int, at int64) error {
	slot := *s.slot(id)
	s.Forget(id)
	c, err := s.counter(slot.subject, Hour(at), state, slot.subject.Reason(state, code))
	if err == nil {
		c.now.N++
		if state == sms.Delivered {
			c.now.Times.Add(time.Duration(at-slot.received) * time.Millisecond)
		}
	}
	return err
}

func (s *Sheet) subject(of Subject) *subject {
	found := s.subjects[of]
	if found == nil {
		if len(s.subjects) >= s.sweepAt {
			s.sweep()
			s.sweepAt = max(leastSwept, 2*len(s.subjects))
		}
		of.Client, of.Campaign, of.Peer = strings.Clone(of.Client), strings.Clone(of.Campaign), strings.Clone(of.Peer)
		found = &subject{Subject: of}
		s.subjects[of] = found
	}
	return found
}

// counter finds or makes a counter, which the batch touches.
func (s *Sheet) counter(of *subject, at int64, state sms.State, reason string) (*counter, error) {
	if of.gone {
		of = s.subject(of.Subject)
	}
	for _, c := range of.counters {
		if c.state == state && c.hour == at && c.reason == reason {
			s.touch(c)
			return c, nil
		}
	}
	h, err := s.hour(at)
	if err != nil {
		return nil, err
	}
	if of.gone {
		of = s.subject(of.Subject)
	}
	if of.Campaign != "" {
		if _, named := h.campaigns[of.Campaign]; !named && len(h.campaigns) >= MaxCampaigns {
			nameless := of.Subject
			nameless.Campaign, s.full = "", at
			return s.counter(s.subject(nameless), at, state, reason)
		}
		h.campaigns[of.Campaign] = struct{}{}
	}
	for _, c := range of.counters { // the hour was not in memory
		if c.state == state && c.hour == at && c.reason == reason {
			s.touch(c)
			return c, nil
		}
	}
	c := &counter{subject: of, hour: at, state: state, reason: reason}
	of.counters = append(of.counters, c)
	s.touch(c)
	return c, nil
}

func (s *Sheet) touch(c *counter) {
	if !c.touched {
		c.touched, c.before = true, c.now
		s.touched = append(s.touched, c)
	}
}

// hour has an hour's counters in memory.
func (s *Sheet) hour(at int64) (*hour, error) {
	if h := s.hours[at]; h != nil {
		return h, nil
	}
	h := &hour{campaigns: map[string]struct{}{}}
	err := s.load(at, func(r *Row) {
		of := s.subject(r.Subject)
		of.counters = append(of.counters, &counter{subject: of, hour: at, state: r.State, reason: strings.Clone(r.Reason), now: r.Count})
		if r.Campaign != "" {
			h.campaigns[of.Campaign] = struct{}{}
		}
	})
	if err != nil {
		s.drop(at)
		return nil, err
	}
	s.hours[at] = h
	return h, nil
}

// drop takes an hour out of memory.
func (s *Sheet) drop(at int64) {
	delete(s.hours, at)
	for _, of := range s.subjects {
		of.counters = slices.DeleteFunc(of.counters, func(c *counter) bool { return c.hour == at })
	}
	s.sweep()
}

// sweep lets go of the subjects that have no counters.
func (s *Sheet) sweep() {
	for key, of := range s.subjects {
		if len(of.counters) == 0 {
			of.gone = true
			delete(s.subjects, key)
		}
	}
}

// Rows calls f, until it fails, for the counters that the batch has changed, in the order of their keys, as they are with it. A nil Sheet has none.
func (s *Sheet) Rows(f func(*Row) error) error {
	if s == nil {
		return nil
	}
	slices.SortFunc(s.touched, compare)
	for _, c := range s.touched {
		if err := f(&Row{Key{c.hour, c.Subject, c.state, c.reason}, c.now}); err != nil {
			return err
		}
	}
	return nil
}

func compare(a, b *counter) int {
	return (&Key{a.hour, a.Subject, a.state, a.reason}).Compare(&Key{b.hour, b.Subject, b.state, b.reason})
}

// Commit is for a batch that is on disk.
func (s *Sheet) Commit() {
	if len(s.touched) > 0 {
		s.mu.Lock()
		for _, c := range s.touched {
			added := Count{N: c.now.N - c.before.N, Parts: c.now.Parts - c.before.Parts, Times: c.now.Times.Without(&c.before.Times)}
			s.totals.Add(&Key{c.hour, c.Subject, c.state, c.reason}, &added)
		}
		s.mu.Unlock()
	}
	s.end()
}

// Rollback is for a batch of which nothing is on disk.
func (s *Sheet) Rollback() {
	for _, c := range s.touched {
		c.now = c.before
	}
	s.end()
}

func (s *Sheet) end() {
	latest := int64(0)
	for _, c := range s.touched {
		c.touched = false
		latest = max(latest, c.hour)
	}
	clear(s.touched)
	s.touched = s.touched[:0]
	for len(s.hours) > maxHours {
		oldest := latest
		for at := range s.hours {
			oldest = min(oldest, at)
		}
		if oldest == latest { // all others are of a clock that was ahead
			for at := range s.hours {
				if at != latest {
					oldest = at
				}
			}
		}
		s.drop(oldest)
	}
}

// Reload has all counters be read anew when they are met next: somebody else has changed what is on disk. It is called between two batches.
func (s *Sheet) Reload() {
	for _, of := range s.subjects {
		of.gone, of.counters = true, nil
	}
	s.subjects, s.hours = map[Subject]*subject{}, map[int64]*hour{}
}

// TooMany tells, once an hour, that campaigns beyond MaxCampaigns were counted under no name.
func (s *Sheet) TooMany() bool {
	if s.full == s.said {
		return false
	}
	s.said = s.full
	return true
}

// Totals is what was counted since NewSheet. It may be called from any goroutine.
func (s *Sheet) Totals() Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.totals.Clone()
}
