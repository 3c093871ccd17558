package smstext

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// isGSM tells texts that bear data_coding 1 and are GSM 7-bit all the same, as node's smpp sends by default: they have
// octets that no text in IA5 has.
func isGSM(b []byte) bool {
	return slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && c != '\n' && c != '\r' && c != '\t' })
}

// decodeOctets reads the alphabets in which a character is an octet.
func decodeOctets(a Alphabet, b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for _, c := range b {
		out.WriteRune(octetRune(a, c))
	}
	return out.String()
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
