package smstext

// The length of packed text is counted in septets by 23.040, but in octets by
// SMPP. When 7 bits of the last octet are spare, these read as one more '@'.
// 23.038 6.1.2.3.1 settles it for USSD, which has the same trouble: the 7 bits
// are filled with <CR>; a text whose own last <CR> ends on an octet boundary
// gets a second one; a receiver removes a <CR> that ends on the boundary.
// Pack writes so, and Unpack reads so. Many clients fill with zeros all the
// same, so Unpack also removes an '@' that ends on the boundary: one text in
// eight of theirs is saved, for one that really ends in '@' and is a multiple
// of 8 septets.
const cr = 0x0D

// FillBits gives the bits between a user data header of so many octets (its
// length octet included) and the first septet, which starts at a multiple of 7
// bits; 23.040 9.2.3.24. 1 behind 6 octets, 0 behind 7 or none.
func FillBits(headerOctets int) int {
	if headerOctets <= 0 {
		return 0
	}
	return (7 - headerOctets*8%7) % 7
}

// Pack writes septets behind fillBits zero bits, and <CR> where the end would
// be ambiguous. The eighth bit of each septet is ignored.
func Pack(septets []byte, fillBits int) []byte {
	fill := max(fillBits, 0)
	dst := make([]byte, packedLen(septets, fill))
	bit := fill
	for _, s := range septets {
		putSeptet(dst, bit, s)
		bit += 7
	}
	spare := len(dst)*8 - bit
	if len(septets) > 0 && spare >= 7 {
		putSeptet(dst, bit, cr)
	}
	return dst
}

// packedLen is the number of octets that Pack writes.
func packedLen(septets []byte, fill int) int {
	n := len(septets)
	bits := fill + 7*n
	if n > 0 && bits%8 == 0 && septets[n-1]&0x7F == cr {
		bits += 7
	}
	return (bits + 7) / 8
}

func putSeptet(dst []byte, bit int, s byte) {
	v := uint16(s&0x7F) << (bit % 8)
	dst[bit/8] |= byte(v)
	if v > 0xFF {
		dst[bit/8+1] |= byte(v >> 8)
	}
}

// Unpack reads so many septets that follow fillBits bits. Fewer than 0 means
// as many as there are, without the padding at the end. It never reads more
// than there are.
func Unpack(b []byte, septets, fillBits int) []byte {
	out := unpackAll(b, fillBits)
	if septets >= 0 {
		return out[:min(septets, len(out))]
	}
	if n := len(out); endsOnOctet(b, fillBits) && (out[n-1] == cr || out[n-1] == 0) {
		return out[:n-1]
	}
	return out
}

// unpackInner unpacks a part that others follow. It keeps a last '@': such
// a part is full as a rule, and ends on the boundary without any padding.
func unpackInner(b []byte, fillBits int) []byte {
	out := unpackAll(b, fillBits)
	if n := len(out); endsOnOctet(b, fillBits) && out[n-1] == cr {
		return out[:n-1]
	}
	return out
}

func unpackAll(b []byte, fillBits int) []byte {
	fill := max(fillBits, 0)
	n := max(len(b)*8-fill, 0) / 7
	out := make([]byte, n)
	for i := range out {
		bit := fill + 7*i
		v := uint16(b[bit/8])
		if bit/8+1 < len(b) {
			v |= uint16(b[bit/8+1]) << 8
		}
		out[i] = byte(v>>(bit%8)) & 0x7F
	}
	return out
}

// endsOnOctet reports whether there are septets, and the last one ends where
// the last octet does.
func endsOnOctet(b []byte, fillBits int) bool {
	bits := len(b)*8 - max(fillBits, 0)
	return bits >= 7 && bits%7 == 0
}

// spareBits gives the bits behind the last whole septet.
func spareBits(b []byte, fillBits int) byte {
	bits := len(b)*8 - max(fillBits, 0)
	if bits <= 0 {
		return 0
	}
	return byte(uint16(b[len(b)-1]) >> (8 - bits%7))
}
