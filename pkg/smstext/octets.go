package smstext

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decodeOctets reads the alphabets in which a character is an octet.
func decodeOctets(out *strings.Builder, a Alphabet, b []byte) {
	for _, c := range b {
		out.WriteRune(octetRune(a, c))
	}
}

func octetRune(a Alphabet, c byte) rune {
	switch a {
	case ASCII:
		if c >= 0x80 {
			return utf8.RuneError
		}
		return rune(c)
	case Latin1:
		return charmap.Windows1252.DecodeByte(c)
	case Cyrillic:
		return charmap.ISO8859_5.DecodeByte(c)
	case Hebrew:
		return charmap.ISO8859_8.DecodeByte(c)
	default:
		return rune(c)
	}
}

func appendOctet(a Alphabet, dst []byte, r rune) ([]byte, bool) {
	var c byte
	var ok bool
	switch a {
	case ASCII:
		c, ok = byte(r), r < 0x80
	case Cyrillic:
		c, ok = charmap.ISO8859_5.EncodeRune(r)
	case Hebrew:
		c, ok = charmap.ISO8859_8.EncodeRune(r)
	default:
		c, ok = byte(r), r <= 0xFF
	}
	if !ok {
		return dst, false
	}
	return append(dst, c), true
}
