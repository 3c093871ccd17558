// Package transfer copies what one database of a store has into another one.
//
//	read ─ row by row, in the order of keys ─ sum ─ the destination has it already? ─ blocks ─ one transaction each
//	read the destination back ─ sum ─ the same? ─ ids go on there ─ the source is moved ─ the destination is whole
//
// Who is interrupted and called again goes on behind what the destination has of the large tables; the others are copied anew. Until the
// end a mark says of the destination that it is being copied, and after it one says of the source where it went: a worker starts on
// neither. Between the two marks of the end neither database can be used, and the same call makes an end of it.
//
// The marks are rows of the table jobs, which earlier versions leave alone.
package transfer

import (
	"context"

	"hnetsmpp/smppserv/sms"
)

// Database is one end of a copy. Nobody else writes to it before Close. Its methods are called by one goroutine.
type Database interface {
	// Where names it for people: a file, or a server and its database, without user or password.
	Where() string
	// State is another one after a worker has been at work on it.
	State(ctx context.Context) (string, error)
	// Marks reads them.
	Marks(ctx context.Context) (Marks, error)
	// SetMark puts a mark in the place of the one of its kind, or, where its text is "", takes that one away. It is on disk then.
	SetMark(ctx context.Context, m Mark) error

	// HasRows tells whether a table has any.
	HasRows(ctx context.Context, t *Table) (bool, error)
	// Rows calls f, until it fails, for the rows of a table, of one with keys in their order. The row is valid until f returns; its
	// values stay. What several workers counted is one row.
	Rows(ctx context.Context, t *Table, f func(Row) error) error
	// Ends are the lowest and the highest keys of a table that has keys; ok is false when it has no rows.
	Ends(ctx context.Context, t *Table) (first, last Key, ok bool, err error)
	// LastID is the highest message_id that may have been given out, as the database and the high-water mark beside it know.
	LastID(ctx context.Context) (sms.ID, error)
	// Noted counts what earlier versions noted of conversations, which only SQLite can keep.
	Noted(ctx context.Context) (int64, error)

	// Clear deletes the rows of a table.
	Clear(ctx context.Context, t *Table) error
	// Write adds rows in one transaction: all of them, or none.
	Write(ctx context.Context, t *Table, rows []Row) error
	// Finish has message_ids go on above last, and returns when all that was written is on disk.
	Finish(ctx context.Context, last sms.ID) error
	// Leave sets a mark of the kind Moved. What waits here is nobody's any more; a worker that was cut off writes no more.
	Leave(ctx context.Context, m Mark) error

	// Close lets others open it.
	Close() error
}

// Renamed is a Database that can be set aside under another name, with a new one in its place.
type Renamed interface {
	SetAside(ctx context.Context) (name string, err error)
}
