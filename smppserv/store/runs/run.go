package runs

import (
	"context"
	"fmt"
	"slices"

	"hnetsmpp/smppserv/sms"
)

// run is a Whole run, with what of it is in memory. It does not change but for what is dropped to save memory.
type run struct {
	Run
	tops   []pair   // the first mark of each piece of the directory
	marks  [][]pair // of each piece of the directory; nil = read it when it is needed
	filter filter   // nil = there is none, or no room for it
}

// markOctets is the memory of the marks, filterOctets that of the filter.
func (r *run) markOctets() (n int) {
	for _, m := range r.marks {
		n += len(m) * markSize
	}
	return n
}

// errCleared means that a piece was not there: it has been cleared since the list of the runs was taken, or is lost.
type errCleared struct{ damage error }

func (e errCleared) Error() string { return e.damage.Error() }
func (e errCleared) Unwrap() error { return e.damage }

// piece reads and checks a piece of a run.
func (o *Options) piece(ctx context.Context, number uint64, n PieceNumber) ([]byte, error) {
	data, err := o.Storage.Piece(ctx, number, n)
	if err != nil {
		return nil, fmt.Errorf("runs: read run %d, %v: %w", number, n, err)
	}
	if data == nil {
		return nil, errCleared{damaged(number, n, "is not there")}
	}
	return unseal(number, n, data)
}

// load reads what of a Whole run is kept in memory; marks and filter only as far as there is room for them.
func (o *Options) load(ctx context.Context, row Run, markRoom, filterRoom int) (*run, error) {
	r := &run{Run: row}
	if row.Blocks == 0 || row.Directory != (row.Blocks+marksPerPiece-1)/marksPerPiece || row.First > row.Last || row.First == 0 {
		return nil, fmt.Errorf("%w: the row of run %d: %+v", ErrDamaged, row.Number, row)
	}
	for n := range row.Directory {
		marks, err := o.readMarks(ctx, row.Number, n)
		if err != nil {
			return nil, err
		}
		r.tops = append(r.tops, marks[0])
		if markRoom -= len(marks) * markSize; markRoom < 0 {
			marks = nil
		}
		r.marks = append(r.marks, marks)
	}
	if uint64(row.Filter) > (filterSize(row.NewestOnly)+filterPerPiece-1)/filterPerPiece {
		return nil, fmt.Errorf("%w: the row of run %d: %+v", ErrDamaged, row.Number, row)
	}
	if row.Filter == 0 || filterSize(row.NewestOnly) > uint64(filterRoom) {
		return r, nil
	}
	r.filter = make(filter, 0, filterSize(row.NewestOnly))
	for n := range row.Filter {
		body, err := o.piece(ctx, row.Number, filters|PieceNumber(n))
		if err != nil {
			return nil, err
		}
		r.filter = append(r.filter, body...)
	}
	if uint64(len(r.filter)) != filterSize(row.NewestOnly) {
		return nil, damaged(row.Number, filters, fmt.Sprintf("the whole filter has %d octets, want %d", len(r.filter), filterSize(row.NewestOnly)))
	}
	return r, nil
}

func (o *Options) readMarks(ctx context.Context, number uint64, n uint32) ([]pair, error) {
	at := directory | PieceNumber(n)
	body, err := o.piece(ctx, number, at)
	if err != nil {
		return nil, err
	}
	return readMarks(number, at, body)
}

// after counts the sorted pairs that are at most p.
func after(pairs []pair, p pair) int {
	n, found := slices.BinarySearchFunc(pairs, p, pair.compare)
	if found {
		n++
	}
	return n
}

// before finds the last block that may have a pair at most p; ok is false when there is none.
func (r *run) before(ctx context.Context, o *Options, p pair) (block uint32, ok bool, err error) {
	n := after(r.tops, p) - 1
	if n < 0 {
		return 0, false, nil
	}
	marks := r.marks[n]
	if marks == nil {
		if marks, err = o.readMarks(ctx, r.Number, uint32(n)); err != nil {
			return 0, false, err
		}
	}
	return uint32(n*marksPerPiece + after(marks, p) - 1), true, nil
}

// find appends to into the ids of key from from up to to that are in the last block that has any, rising. below is where
// to go on: the highest id that an earlier block may have, 0 = none has one.
func (r *run) find(ctx context.Context, o *Options, key Key, from, to sms.ID, into []sms.ID) (ids []sms.ID, below sms.ID, err error) {
	n, ok, err := r.before(ctx, o, pair{key, to})
	if !ok || err != nil {
		return into, 0, err
	}
	body, err := o.piece(ctx, r.Number, PieceNumber(n))
	if err != nil {
		return into, 0, err
	}
	block := readBlock(body)
	for at := 0; ; at++ {
		p, ok := block.next()
		if !ok {
			break
		}
		if at == 0 && n > 0 && p.compare(pair{key, from}) > 0 && p.key == key {
			below = p.id - 1
		}
		if p.key > key || p.key == key && p.id > to {
			break
		}
		if p.key == key && p.id >= from {
			into = append(into, p.id)
		}
	}
	if block.fault != "" {
		return into, 0, damaged(r.Number, PieceNumber(n), block.fault)
	}
	return into, below, nil
}

// pairs goes through a run from its first pair to its last.
type pairs struct {
	ctx   context.Context
	o     *Options
	row   Run
	ahead uint32 // the block to read next
	block blockReader
}

func (s *pairs) next() (pair, bool, error) {
	for {
		if p, ok := s.block.next(); ok {
			return p, true, nil
		}
		if s.ahead > 0 && s.block.fault != "" {
			return pair{}, false, damaged(s.row.Number, PieceNumber(s.ahead-1), s.block.fault)
		}
		if s.ahead == s.row.Blocks {
			return pair{}, false, nil
		}
		body, err := s.o.piece(s.ctx, s.row.Number, PieceNumber(s.ahead))
		if err != nil {
			return pair{}, false, err
		}
		s.block = readBlock(body)
		s.ahead++
	}
}
