package store

import "database/sql"

// MaxBatch is how many operations one transaction takes.
const MaxBatch = maxBatch

// WriterConn is the one connection that writes.
func (s *Store) WriterConn() *sql.Conn { return s.writer.conn }
