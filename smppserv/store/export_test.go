package store

import "hnetsmpp/smppserv/road"

const (
	MaxBatch  = maxBatch
	PurgeStep = purgeStep
)

// Op is one operation of a transaction.
type Op = op

func AddOp(a road.Addition) Op { return op{add: a} }

func FinishOp(v *road.Transition) Op { return op{transition: v} }

func ProbeOp(done func(error)) Op { return op{probe: true, done: done} }

// Together hands operations in at once, so that one transaction takes them.
func (s *Store) Together(ops ...Op) {
	s.mu.Lock()
	s.pending = append(s.pending, ops...)
	s.mu.Unlock()
	s.wake()
}

const (
	MaxParked = maxParked
	HangTime  = hangTime
	// FirstNamed are so many refused outcomes in the log.
	FirstNamed = firstNamed
)

// HasteSearches has each look end after its first step.
func (s *Store) HasteSearches() { s.searchTime = 0 }

// FirstScan is of how many ids the first step is.
const FirstScan = firstScan

// Pending is how many operations wait for the committer.
func (s *Store) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending)
}
