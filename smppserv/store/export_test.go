package store

import (
	"time"

	"hnetsmpp/smppserv/road"
)

const (
	MaxBatch  = maxBatch
	PurgeStep = purgeStep
)

// Op is one operation of a transaction.
type Op = op

func AddOp(a road.Addition) Op { return op{add: a} }

func FinishOp(v *road.Transition) Op { return op{transition: v} }

func ProbeOp(done func(error)) Op { return op{probe: true, done: done} }

// FillOp writes nothing. meanwhile is called before its transaction.
func FillOp(meanwhile func()) Op {
	return op{fill: func(*Batch) error { meanwhile(); return nil }}
}

// BesidePending is from how many operations on reports go on beside the next commit.
const BesidePending = besidePending

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

// Gathering is a committer between two commits.
type Gathering struct{ s Store }

// Ended is the end of a commit of so many operations.
func (g *Gathering) Ended(operations int, took time.Duration) {
	g.s.gathering.last, g.s.gathering.took = operations, took
}

// Come hands in operations.
func (g *Gathering) Come(operations int) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	g.s.pending = append(g.s.pending, make([]op, operations)...)
}

// Take is how many operations the next commit takes.
func (g *Gathering) Take() int {
	g.s.gather()
	return g.Drop()
}

// Drop takes out the operations that wait, and tells how many there were.
func (g *Gathering) Drop() int {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	n := len(g.s.pending)
	g.s.pending = nil
	return n
}
