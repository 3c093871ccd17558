package runs_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"hnetsmpp/smppserv/store/runs"
)

type place struct {
	run uint64
	n   runs.PieceNumber
}

// memory is a Storage that holds its user to what Storage says.
type memory struct {
	mu     sync.Mutex
	rows   map[uint64]runs.Run
	pieces map[place][]byte
	octets int // of the pieces
	writes int
	breach error // of what Storage says

	refuse func(*runs.Step) error // asked before a step
	after  func(*runs.Step) error // asked when it is done
	read   func(place) error
}

func newMemory() *memory {
	return &memory{rows: map[uint64]runs.Run{}, pieces: map[place][]byte{}}
}

func (m *memory) Runs(context.Context) ([]runs.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.rows)), nil
}

func (m *memory) Piece(ctx context.Context, run uint64, n runs.PieceNumber) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read != nil {
		if err := m.read(place{run, n}); err != nil {
			return nil, err
		}
	}
	return m.pieces[place{run, n}], ctx.Err()
}

func (m *memory) Write(ctx context.Context, s *runs.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.refuse != nil {
		if err := m.refuse(s); err != nil {
			return err
		}
	}
	m.writes++
	for _, row := range s.Runs {
		m.rows[row.Number] = row
		if row.Number >= 1<<31 {
			m.fault("run %d", row.Number)
		}
	}
	for _, p := range s.Pieces {
		if len(p.Data) > runs.PieceSize {
			m.fault("a piece of %d octets", len(p.Data))
		}
		if _, ok := m.rows[p.Run]; !ok {
			m.fault("run %d has pieces but no row", p.Run)
		}
		at := place{p.Run, p.Number}
		m.octets += len(p.Data) - len(m.pieces[at])
		m.pieces[at] = slices.Clone(p.Data)
	}
	for _, c := range s.Clear {
		for n := c.From; n < c.To; n++ {
			m.octets -= len(m.pieces[place{c.Run, n}])
			delete(m.pieces, place{c.Run, n})
		}
	}
	for _, n := range s.Gone {
		delete(m.rows, n)
		for at := range m.pieces {
			if at.run == n {
				m.fault("the row of run %d goes before its %v", n, at.n)
			}
		}
	}
	if m.after != nil {
		return m.after(s)
	}
	return nil
}

func (m *memory) fault(format string, args ...any) {
	m.breach = errors.Join(m.breach, fmt.Errorf(format, args...))
}

// set changes what else happens, or what is there.
func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// whole lists the rows that are Whole, the newest ids first.
func (m *memory) whole() (rows []runs.Run) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		if r.State == runs.Whole {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b runs.Run) int { return int(b.First) - int(a.First) })
	return rows
}

// stored is the octets of the pieces.
func (m *memory) stored() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.octets
}

// pieceCount counts the pieces.
func (m *memory) pieceCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.pieces)
}
