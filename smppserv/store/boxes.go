package store

import "bytes"

// boxes are the arguments of a statement that writes many rows. Putting a value into an interface allocates;
// a row mostly repeats what the row before it has in the same column, and then shares its box.
type boxes struct {
	values []any
	width  int // columns of a row, 0 = values do not come in rows
}

func (b *boxes) reset(width int) {
	clear(b.values)
	b.values, b.width = b.values[:0], width
}

// above is the value of the same column in the row before.
func (b *boxes) above() any {
	if i := len(b.values) - b.width; b.width > 0 && i >= 0 {
		return b.values[i]
	}
	return nil
}

func (b *boxes) int(v int64) {
	if old, ok := b.above().(int64); ok && old == v {
		b.values = append(b.values, b.above())
		return
	}
	b.values = append(b.values, v)
}

func (b *boxes) text(v string) {
	if old, ok := b.above().(string); ok && old == v {
		b.values = append(b.values, b.above())
		return
	}
	b.values = append(b.values, v)
}

func (b *boxes) blob(v []byte) {
	if old, ok := b.above().([]byte); ok && bytes.Equal(old, v) {
		b.values = append(b.values, b.above())
		return
	}
	b.values = append(b.values, v)
}

func (b *boxes) null() { b.values = append(b.values, nil) }
