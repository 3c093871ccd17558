package runs

import (
	"context"
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// Storage is where the runs are kept. Its methods may be called from any goroutine.
type Storage interface {
	// Runs lists the rows of all runs, in any order.
	Runs(ctx context.Context) ([]Run, error)
	// Piece reads a piece; nil when it is not there. The index does not write to it.
	Piece(ctx context.Context, run uint64, n PieceNumber) ([]byte, error)
	// Write does a step in one transaction, and returns when it is committed or has failed. A step that failed, or whose end is
	// not known, is handed in again; doing it twice does no harm. Nothing of it is kept.
	Write(ctx context.Context, s *Step) error
}

// State is how far the life of a run has come.
type State uint8

const (
	Growing State = iota + 1 // being written
	Whole                    // searched
	Leaving                  // its pieces are being cleared
)

// Run is the row of a run.
type Run struct {
	Number      uint64 // rises; below 1<<31
	Level       int    // 0: made of sealed tails
	State       State
	First, Last sms.ID // the ids that it is about, also of messages that are forgotten
	Pairs       uint64
	NewestOnly  uint64 // how many of the pairs have such a key
	Blocks      uint32 // written so far
	Directory   uint32 // pieces of the directory, written so far
	Filter      uint32 // pieces of the filter, written so far
}

// PieceSize is the most octets of a piece: with the rest of its row it fits a page of 4096 octets of SQLite.
const PieceSize = 4000

// PieceNumber tells the pieces of one run apart.
type PieceNumber uint32

const (
	blocks    PieceNumber = 0
	directory PieceNumber = 1 << 30
	filters   PieceNumber = 2 << 30
	kindMask  PieceNumber = 3 << 30
)

func (n PieceNumber) String() string {
	switch n & kindMask {
	case blocks:
		return fmt.Sprintf("block %d", uint32(n))
	case directory:
		return fmt.Sprintf("piece %d of the directory", uint32(n&^kindMask))
	}
	return fmt.Sprintf("piece %d of the filter", uint32(n&^kindMask))
}

// Piece is a piece of a run.
type Piece struct {
	Run    uint64
	Number PieceNumber
	Data   []byte // at most PieceSize octets
}

// Clearing is the pieces of a run from From up to, not including, To: any of them may be gone already.
type Clearing struct {
	Run      uint64
	From, To PieceNumber
}

// Step is what one transaction writes.
type Step struct {
	Runs   []Run      // rows to write, over those of the same number
	Pieces []Piece    // to write, over those of the same number
	Clear  []Clearing // pieces to delete
	Gone   []uint64   // rows to delete, by the number of their run
}
