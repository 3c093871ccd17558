package smstext

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// byteOrder is how the UTF-16 of a text is written. It is told by the mark that a run of parts begins with, and stays
// for the runs behind that.
type byteOrder struct{ marked, little bool }

func (o *byteOrder) mark() []byte {
	if o.little {
		return []byte{0xFF, 0xFE}
	}
	return []byte{0xFE, 0xFF}
}

// bigEndian joins parts and takes the mark off them, as well as off each part that begins with it again.
func (o *byteOrder) bigEndian(parts []Part) []byte {
	var joined []byte
	for _, p := range parts {
		joined = append(joined, p.Octets...)
	}
	for _, found := range []byteOrder{{marked: true}, {marked: true, little: true}} {
		if bytes.HasPrefix(joined, found.mark()) {
			*o = found
		}
	}
	if !o.marked {
		return joined
	}
	mark := o.mark()
	joined = joined[:0]
	at := 0
	for _, p := range parts {
		octets := p.Octets
		if at%2 == 0 {
			octets = bytes.TrimPrefix(octets, mark)
		}
		at += len(p.Octets)
		joined = append(joined, octets...)
	}
	joined = bytes.TrimPrefix(joined, mark) // it may have been cut in two
	for i := 0; o.little && i+1 < len(joined); i += 2 {
		joined[i], joined[i+1] = joined[i+1], joined[i]
	}
	return joined
}

// decodeUCS2 reads UTF-16BE. A surrogate without its other half, and an octet
// left over at the end, become U+FFFD.
func decodeUCS2(out *strings.Builder, b []byte) {
	for len(b) > 1 {
		n := ucs2Unit(b)
		r := rune(b[0])<<8 | rune(b[1])
		switch {
		case n == 4:
			r = utf16.DecodeRune(r, rune(b[2])<<8|rune(b[3]))
		case utf16.IsSurrogate(r):
			r = utf8.RuneError
		}
		out.WriteRune(r)
		b = b[n:]
	}
	if len(b) > 0 {
		out.WriteRune(utf8.RuneError)
	}
}

func appendUCS2(dst []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return append(dst, byte(hi>>8), byte(hi), byte(lo>>8), byte(lo))
	}
	return append(dst, byte(r>>8), byte(r))
}

// ucs2Unit is the length of the character that b starts with: 4 for a surrogate
// pair, 1 for a last odd octet.
func ucs2Unit(b []byte) int {
	if len(b) >= 4 && b[0]&0xFC == 0xD8 && b[2]&0xFC == 0xDC {
		return 4
	}
	return min(2, len(b))
}
