package smpp

import (
	"encoding/binary"
	"slices"
	"strings"
)

// tlvHeaderLen is the size of a TLV's tag and length in octets (5.3.1).
const tlvHeaderLen = 4

// TLV is an optional parameter (5.3.1).
type TLV struct {
	Tag   Tag
	Value []byte // at most 65535 octets
}

// TLVs are the optional parameters of a PDU as they were sent: in their order, with
// those that occur twice.
type TLVs []TLV

// TLVUint8 returns a TLV of one octet.
func TLVUint8(tag Tag, v byte) TLV { return TLV{tag, []byte{v}} }

// TLVUint16 returns a TLV of two octets.
func TLVUint16(tag Tag, v uint16) TLV { return TLV{tag, binary.BigEndian.AppendUint16(nil, v)} }

// TLVUint32 returns a TLV of four octets.
func TLVUint32(tag Tag, v uint32) TLV { return TLV{tag, binary.BigEndian.AppendUint32(nil, v)} }

// TLVString returns a TLV with a C-octet string, its NUL included.
func TLVString(tag Tag, s string) TLV {
	return TLV{tag, appendCString(make([]byte, 0, len(s)+1), s)}
}

// Get returns the value of the first TLV with that tag.
func (t TLVs) Get(tag Tag) (value []byte, ok bool) {
	for _, v := range t {
		if v.Tag == tag {
			return v.Value, true
		}
	}
	return nil, false
}

// Has says whether there is a TLV with that tag.
func (t TLVs) Has(tag Tag) bool {
	_, ok := t.Get(tag)
	return ok
}

// All returns the values of all TLVs with that tag, in their order.
func (t TLVs) All(tag Tag) [][]byte {
	var values [][]byte
	for _, v := range t {
		if v.Tag == tag {
			values = append(values, v.Value)
		}
	}
	return values
}

// Without returns a copy that lacks the TLVs with those tags.
func (t TLVs) Without(tags ...Tag) TLVs {
	return slices.DeleteFunc(slices.Clone(t), func(v TLV) bool { return slices.Contains(tags, v.Tag) })
}

// Uint8 returns the first TLV with that tag as a number. It is not ok if there is none or
// if it is not one octet.
func (t TLVs) Uint8(tag Tag) (v byte, ok bool) {
	b, _ := t.Get(tag)
	if len(b) != 1 {
		return 0, false
	}
	return b[0], true
}

// Uint16 is Uint8 for two octets.
func (t TLVs) Uint16(tag Tag) (v uint16, ok bool) {
	b, _ := t.Get(tag)
	if len(b) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(b), true
}

// Uint32 is Uint8 for four octets.
func (t TLVs) Uint32(tag Tag) (v uint32, ok bool) {
	b, _ := t.Get(tag)
	if len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}

// Text returns the first TLV with that tag as a C-octet string, which ends at its NUL or
// with the value.
func (t TLVs) Text(tag Tag) (s string, ok bool) {
	b, ok := t.Get(tag)
	s, _, _ = strings.Cut(string(b), "\x00")
	return s, ok
}

// ParseTLVs reads what AppendTLVs wrote; the values share b's memory.
func ParseTLVs(b []byte) TLVs { return (&decoder{rest: b}).lenientTLVs(nil) }
