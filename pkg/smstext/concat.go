package smstext

// Octets of the header that a part needs. MaxParts is the most that a
// concatenation, or sar_total_segments, can name.
const (
	HeaderNone     = 0 // sar_* TLVs, or no concatenation
	HeaderConcat8  = 6 // 05 00 03 ref total seq
	HeaderConcat16 = 7 // 06 08 04 ref ref total seq
	MaxParts       = 255
)

// Concat says which part of which message this is.
type Concat struct {
	Ref   uint16
	Total byte // 1 and more
	Seq   byte // from 1 to Total
	Wide  bool // 16-bit reference; another space than the 8-bit ones
}

// Valid reports whether Total and Seq make sense. It holds for sar_* TLVs too
// (SMPP 3.4 5.3.2.22–24).
func (c Concat) Valid() bool {
	return c.Total > 0 && c.Seq > 0 && c.Seq <= c.Total
}

// Concat gives the concatenation that the header names. An element whose
// total or seq makes no sense is ignored (23.040 9.2.3.24.1); of several that
// do, the last one counts.
func (h UDH) Concat() (c Concat, ok bool) {
	for _, e := range h {
		var found Concat
		d := e.Data
		switch {
		case e.IEI == IEIConcat8 && len(d) == 3:
			found = Concat{Ref: uint16(d[0]), Total: d[1], Seq: d[2]}
		case e.IEI == IEIConcat16 && len(d) == 4:
			found = Concat{Ref: uint16(d[0])<<8 | uint16(d[1]), Total: d[2], Seq: d[3], Wide: true}
		}
		if found.Valid() {
			c, ok = found, true
		}
	}
	return c, ok
}

// AppendConcat8 writes a whole header of HeaderConcat8 octets.
func AppendConcat8(dst []byte, ref, total, seq byte) []byte {
	return append(dst, 5, IEIConcat8, 3, ref, total, seq)
}

// AppendConcat16 writes a whole header of HeaderConcat16 octets.
func AppendConcat16(dst []byte, ref uint16, total, seq byte) []byte {
	return append(dst, 6, IEIConcat16, 4, byte(ref>>8), byte(ref), total, seq)
}
