package runs

import (
	"slices"

	"hnetsmpp/smppserv/sms"
)

// stepOctets is what a step of merging writes: so little that the transaction that it is in takes no longer for it.
const stepOctets = 64 << 10

// builder writes a run, step by step, and has it replace what its pairs come from.
type builder struct {
	tails []*tail // it replaces these
	runs  []*run  // or these

	run      *run // as far as it is written
	pairs    *merge
	ended    bool // pairs has no more
	markRoom int  // octets
	block    blockWriter
	top      []pair // the marks of the piece of the directory that is not written yet
	unsent   []byte // of the filter
	step     Step
	size     int  // octets of the step
	pending  bool // the step has not been written yet
	begun    bool // the row is written
}

func newBuilder(row Run, from *merge, newestOnly uint64, markRoom, filterRoom int) *builder {
	b := &builder{run: &run{Run: row}, pairs: from, markRoom: markRoom}
	b.block.base = row.First
	if n := filterSize(newestOnly); n <= uint64(max(filterRoom, 0)) {
		b.run.filter = make(filter, n)
	}
	return b
}

// octets is the memory of what will be kept.
func (b *builder) octets() (marks, filter int) { return b.run.markOctets(), cap(b.run.filter) }

// fill makes the next step, of about limit octets. The last one has made the run Whole, or, when it has no pairs, Leaving.
func (b *builder) fill(limit int) error {
	b.step, b.size, b.pending = Step{}, 0, true
	row := &b.run.Run
	for !b.ended && b.size < limit {
		p, ok, err := b.pairs.next()
		if err != nil {
			return err
		}
		if !ok {
			b.end()
			break
		}
		if !b.block.add(p) {
			b.endBlock()
			b.block.add(p)
		}
		row.Pairs++
		if p.key.NewestOnly() {
			row.NewestOnly++
			b.run.filter.add(p.key)
		}
	}
	for b.ended && len(b.unsent) > 0 && b.size < limit {
		n := min(len(b.unsent), filterPerPiece)
		b.put(filters|PieceNumber(row.Filter), append(newPiece(), b.unsent[:n]...))
		b.unsent = b.unsent[n:]
		row.Filter++
	}
	if b.ended && len(b.unsent) == 0 {
		row.State = Whole
		if row.Blocks == 0 {
			row.State = Leaving
		}
		for _, r := range b.runs {
			b.step.Runs = append(b.step.Runs, leaving(r.Run))
		}
	}
	b.step.Runs = append(b.step.Runs, *row)
	return nil
}

func leaving(row Run) Run {
	row.State = Leaving
	return row
}

func (b *builder) put(n PieceNumber, data []byte) {
	b.step.Pieces = append(b.step.Pieces, seal(b.run.Number, n, data))
	b.size += len(data)
}

func (b *builder) endBlock() {
	if b.block.data == nil {
		return
	}
	b.put(PieceNumber(b.run.Blocks), b.block.data)
	b.run.Blocks++
	if b.top = append(b.top, b.block.first); len(b.top) == marksPerPiece {
		b.endMarks()
	}
	b.block = blockWriter{base: b.block.base}
}

func (b *builder) endMarks() {
	if len(b.top) == 0 {
		return
	}
	data := newPiece()
	for _, p := range b.top {
		data = appendMark(data, p)
	}
	b.put(directory|PieceNumber(b.run.Directory), data)
	b.run.Directory++
	b.run.tops = append(b.run.tops, b.top[0])
	var marks []pair
	if b.markRoom -= len(b.top) * markSize; b.markRoom >= 0 {
		marks = slices.Clone(b.top)
	}
	b.run.marks = append(b.run.marks, marks)
	b.top = b.top[:0]
}

func (b *builder) end() {
	b.endBlock()
	b.endMarks()
	b.ended = true
	if n := len(b.run.filter); n > 0 {
		if b.run.filter = b.run.filter.fitted(b.run.NewestOnly); len(b.run.filter) < n {
			b.run.filter = slices.Clone(b.run.filter)
		}
	}
	b.unsent = b.run.filter
}

// extent is the range of the ids of neighbours, newest first.
func extent(runs []*run) (first, last sms.ID) {
	return runs[len(runs)-1].First, runs[0].Last
}
