package smstext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUCS2 reads UTF-16BE. A surrogate without its other half, and an octet
// left over at the end, become U+FFFD.
func decodeUCS2(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
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
	return out.String()
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
