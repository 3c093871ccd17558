package runs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"hnetsmpp/smppserv/sms"
)

// ErrDamaged is in the error for a piece or row that is not as it was written. The index is then made anew from the messages.
var ErrDamaged = errors.New("the index of numbers is damaged")

func damaged(run uint64, n PieceNumber, what string) error {
	return fmt.Errorf("%w: run %d, %v: %s", ErrDamaged, run, n, what)
}

// A piece begins with its checksum (CRC-32C, 4 octets, over run, number and what follows) and the version of its format (1 octet).
const (
	head    = 5
	version = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newPiece() []byte { return append(make([]byte, head-1, PieceSize), version) }

func checksum(run uint64, n PieceNumber, body []byte) uint32 {
	var place [12]byte
	binary.BigEndian.PutUint64(place[:], run)
	binary.BigEndian.PutUint32(place[8:], uint32(n))
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, body)
}

func seal(run uint64, n PieceNumber, data []byte) Piece {
	binary.BigEndian.PutUint32(data, checksum(run, n, data[head-1:]))
	return Piece{Run: run, Number: n, Data: data}
}

// unseal checks a piece and gives what is in it.
func unseal(run uint64, n PieceNumber, data []byte) ([]byte, error) {
	switch {
	case len(data) < head:
		return nil, damaged(run, n, fmt.Sprintf("has %d octets", len(data)))
	case binary.BigEndian.Uint32(data) != checksum(run, n, data[head-1:]):
		return nil, damaged(run, n, "its checksum is wrong")
	case data[head-1] != version:
		return nil, damaged(run, n, fmt.Sprintf("has format %d, want %d", data[head-1], version))
	}
	return data[head:], nil
}

// A block is the lowest id of its run, then pairs. The first one is its key (8 octets) and the id, counted from that lowest one.
// Those behind it: the step from the key before, and the id, counted from the lowest one, or from the id before when the step is 0.
// Numbers without a size are varints.
type blockWriter struct {
	data  []byte // nil = no pair yet
	base  sms.ID
	first pair
	last  pair
}

const longestPair = 2 * binary.MaxVarintLen64

// add takes a pair that is higher than all before; false means that the block is full.
func (w *blockWriter) add(p pair) bool {
	switch {
	case w.data == nil:
		w.data = binary.AppendUvarint(newPiece(), uint64(w.base))
		w.data = binary.BigEndian.AppendUint64(w.data, uint64(p.key))
		w.data = binary.AppendUvarint(w.data, uint64(p.id-w.base))
		w.first = p
	case len(w.data)+longestPair > PieceSize:
		return false
	case p.key == w.last.key:
		w.data = append(w.data, 0)
		w.data = binary.AppendUvarint(w.data, uint64(p.id-w.last.id))
	default:
		w.data = binary.AppendUvarint(w.data, uint64(p.key-w.last.key))
		w.data = binary.AppendUvarint(w.data, uint64(p.id-w.base))
	}
	w.last = p
	return true
}

// blockReader goes through the pairs of a block.
type blockReader struct {
	rest  []byte
	base  sms.ID
	last  pair
	begun bool
	fault string // why it ended before its end
}

func readBlock(body []byte) blockReader {
	r := blockReader{rest: body}
	r.base = sms.ID(r.uvarint())
	return r
}

func (r *blockReader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := uint64(r.rest[0])
		r.rest = r.rest[1:]
		return v
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("a number is cut off")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *blockReader) fail(fault string) {
	if r.fault == "" {
		r.fault = fault
	}
	r.rest = nil
}

// next gives the next pair; ok is false at the end and when fault tells why there is none.
func (r *blockReader) next() (p pair, ok bool) {
	if len(r.rest) == 0 {
		if !r.begun {
			r.fail("has no pairs")
		}
		return pair{}, false
	}
	before := r.last.id
	if !r.begun {
		if len(r.rest) < 8 {
			r.fail("the first key is cut off")
			return pair{}, false
		}
		r.begun = true
		p.key = Key(binary.BigEndian.Uint64(r.rest))
		r.rest = r.rest[8:]
		before = r.base
		p.id = before + sms.ID(r.uvarint())
	} else {
		step := Key(r.uvarint())
		p.key = r.last.key + step
		if step > 0 {
			before = r.base
		}
		p.id = before + sms.ID(r.uvarint())
		if p.compare(r.last) <= 0 || step == 0 && p.key.NewestOnly() {
			r.fail("pairs do not rise")
		}
	}
	if p.id < before || p.key == 0 || p.id == 0 {
		r.fail("a number is too high, or 0")
	}
	if r.fault != "" {
		return pair{}, false
	}
	r.last = p
	return p, true
}

// A piece of the directory is the first pairs of blocks that follow each other, 16 octets each.
const (
	markSize       = 16
	marksPerPiece  = (PieceSize - head) / markSize
	filterPerPiece = (PieceSize - head) / lineSize * lineSize
)

func appendMark(data []byte, p pair) []byte {
	data = binary.BigEndian.AppendUint64(data, uint64(p.key))
	return binary.BigEndian.AppendUint64(data, uint64(p.id))
}

func readMarks(run uint64, n PieceNumber, body []byte) ([]pair, error) {
	if len(body) == 0 || len(body)%markSize != 0 || len(body) > marksPerPiece*markSize {
		return nil, damaged(run, n, fmt.Sprintf("has %d octets", len(body)))
	}
	marks := make([]pair, len(body)/markSize)
	for i := range marks {
		at := body[i*markSize:]
		marks[i] = pair{Key(binary.BigEndian.Uint64(at)), sms.ID(binary.BigEndian.Uint64(at[8:]))}
		if i > 0 && marks[i].compare(marks[i-1]) <= 0 {
			return nil, damaged(run, n, "blocks do not rise")
		}
	}
	return marks, nil
}
