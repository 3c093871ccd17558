package store

import (
	"database/sql"

	"hnetsmpp/smppserv/road"
)

const (
	MaxBatch  = maxBatch
	PurgeStep = purgeStep
)

// Op is one operation of a transaction.
type Op = op

func AddOp(a road.Addition) Op { return op{add: a} }

func FinishOp(v *road.Transition) Op { return op{move: v} }

func ProbeOp(done func(error)) Op { return op{probe: true, done: done} }

// Together hands operations in at once, so that one transaction takes them.
func (s *Store) Together(ops ...Op) {
	s.mu.Lock()
	s.pending = append(s.pending, ops...)
	s.mu.Unlock()
	s.wake()
}

// WriterConn is the one connection that writes.
func (s *Store) WriterConn() *sql.Conn { return s.writer.conn }
