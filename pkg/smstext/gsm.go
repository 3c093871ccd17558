package smstext

import "strings"

// escape announces a septet of the extension table; 23.038 6.2.1, note 1.
const escape = 0x1B

// septetTable gives the character of each septet; zero where it has none.
type septetTable [128]rune

// gsmDefault is the default table, 23.038 6.2.1. An escape that reaches it has
// nothing to escape and is shown as a space.
var gsmDefault = septetTable{
	'@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', // 0x00
	'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', ' ', 'Æ', 'æ', 'ß', 'É', // 0x10
	' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', // 0x20
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', // 0x30
	'¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', // 0x40
	'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', // 0x50
	'¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', // 0x60
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', // 0x70
}

// gsmExtension is the extension table, 23.038 6.2.1.1; zero where it is empty.
var gsmExtension = septetTable{
	0x0A: '\f',
	0x14: '^',
	0x28: '{',
	0x29: '}',
	0x2F: '\\',
	0x3C: '[',
	0x3D: '~',
	0x3E: ']',
	0x40: '|',
	0x65: '€',
}

// gsmSeptets gives the septet of each rune, with extended set for those of
// the extension table.
var gsmSeptets = reverseGSM()

const extended = 0x80

func reverseGSM() map[rune]byte {
	m := make(map[rune]byte, 140)
	for septet, r := range gsmDefault {
		if septet != escape {
			m[r] = byte(septet)
		}
	}
	for septet, r := range gsmExtension {
		if r != 0 {
			m[r] = byte(septet) | extended
		}
	}
	return m
}

func appendGSM(dst []byte, r rune) ([]byte, bool) {
	septet, ok := gsmSeptets[r]
	switch {
	case !ok:
		return dst, false
	case septet&extended != 0:
		return append(dst, escape, septet&^extended), true
	default:
		return append(dst, septet), true
	}
}

// gsmReader shows septets, also those of several parts with tables of their own: an escape that ends a part
// counts for the first septet of the next one.
type gsmReader struct {
	strings.Builder
	escaped bool
}

func (r *gsmReader) read(septets []byte, l Languages) {
	locking, single := l.tables()
	for _, c := range septets {
		switch {
		case c >= 0x80:
			r.WriteRune(rune(c)) // Latin-1, see the package comment
		case r.escaped && single[c] != 0:
			r.WriteRune(single[c])
		case !r.escaped && c == escape:
			r.escaped = true
			continue
		case locking[c] != 0:
			r.WriteRune(locking[c])
		default:
			r.WriteRune(gsmDefault[c])
		}
		r.escaped = false
	}
}

// end shows an escape that nothing follows.
func (r *gsmReader) end() {
	if r.escaped {
		r.WriteRune(gsmDefault[escape])
		r.escaped = false
	}
}

// gsmUnit is the length of the character that b starts with: a pair is two.
func gsmUnit(b []byte) int {
	if b[0] == escape && len(b) > 1 {
		return 2
	}
	return 1
}
