package postgres

import (
	"strings"
	"unicode/utf8"
)

// A text in PostgreSQL is UTF-8 without NUL; one of SMPP is any octets. Each octet that PostgreSQL refuses stands there as one rune
// of private use, and so does each octet of such a rune itself: texts stay readable, distinct, and in order where they are ASCII.
const (
	firstEscape = 0xF700 // of octet 0
	lastEscape  = 0xF7FF
)

// escape is how a text is written to the database.
func escape(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == 0 || c >= utf8.RuneSelf {
			return escapeFrom(s, i)
		}
	}
	return s
}

func escapeFrom(s string, plain int) string {
	var b strings.Builder
	b.WriteString(s[:plain])
	for s = s[plain:]; s != ""; {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 || r == 0 || r >= firstEscape && r <= lastEscape {
			for _, octet := range []byte(s[:size]) {
				b.WriteRune(firstEscape + rune(octet))
			}
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// unescape is the text that escape wrote.
func unescape(s string) string {
	if strings.IndexByte(s, 0xEF) < 0 { // with which all of these runes begin
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r >= firstEscape && r <= lastEscape {
			b.WriteByte(byte(r - firstEscape))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
