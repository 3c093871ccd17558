package transfer

import (
	"context"
	"sync"
	"time"
)

// Meter tells how far a copy is. Now may be called by any goroutine.
type Meter struct {
	mu      sync.Mutex
	now     Progress
	first   int64 // of the keys
	last    int64
	started time.Time
	from    float64 // Part when rows began to be written
	rowsAt  int64
}

// Progress is how far a copy is.
type Progress struct {
	Step    string // "copy", "check"
	Table   string
	Rows    int64         // of this table, so far
	Part    float64       // of this table, 0 to 1; of a table without keys 0 until its end
	PerSec  float64       // rows
	Left    time.Duration // of this table, 0 = not known
	Elapsed time.Duration
	Ended   bool // this table is through
}

// Now is how far it is now; ok is false before it has begun.
func (m *Meter) Now() (p Progress, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p = m.now
	if p.Table == "" {
		return p, false
	}
	p.Elapsed = time.Since(m.started)
	if s := p.Elapsed.Seconds(); s > 0 {
		p.PerSec = float64(p.Rows-m.rowsAt) / s
		if done := p.Part - m.from; done > 0 && p.Part < 1 {
			p.Left = time.Duration((1 - p.Part) / done * s * float64(time.Second))
		}
	}
	return p, true
}

func (m *Meter) begin(ctx context.Context, step string, t *Table, d Database) error {
	var first, last Key
	if t.Keys > 0 {
		var err error
		if first, last, _, err = d.Ends(ctx, t); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = Progress{Step: step, Table: t.Name}
	m.first, m.last = first[0], last[0]
	m.started, m.from, m.rowsAt = time.Now(), 0, 0
	return nil
}

// at is for a row that is only read.
func (m *Meter) at(t *Table, r Row) {
	m.mu.Lock()
	m.now.Rows++
	m.part(t, r)
	if m.now.Step == "copy" { // what was there before says nothing of the rate
		m.started, m.from, m.rowsAt = time.Now(), m.now.Part, m.now.Rows
	}
	m.mu.Unlock()
}

func (m *Meter) add(t *Table, rows []Row) {
	m.mu.Lock()
	m.now.Rows += int64(len(rows))
	m.part(t, rows[len(rows)-1])
	m.mu.Unlock()
}

func (m *Meter) part(t *Table, r Row) {
	if t.Keys > 0 && m.last > m.first {
		m.now.Part = float64(r[0].Number-m.first) / float64(m.last-m.first)
	}
}

func (m *Meter) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Part, m.now.Ended = 1, true
}
