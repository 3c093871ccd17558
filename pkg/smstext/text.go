package smstext

import "unicode/utf8"

// Decode reads text. It never fails; see the package comment for what it makes
// of octets that are no text.
func Decode(a Alphabet, b []byte) string {
	text, _, _ := Read([]Part{{Alphabet: a, Octets: b}})
	return text
}

// Encode writes text. ok is false if something did not fit and was replaced;
// nothing is dropped.
func Encode(a Alphabet, s string) (b []byte, ok bool) {
	if a == GSM7Packed {
		septets, ok := Encode(GSM7, s)
		return Pack(septets, 0), ok
	}
	b, ok = make([]byte, 0, len(s)), true
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		fits := n > 1 || r != utf8.RuneError
		if fits {
			b, fits = appendRune(a, b, r)
		}
		if !fits {
			b, ok = appendReplacement(a, b, r), false
		}
		i += n
	}
	return b, ok
}

// appendRune writes a valid rune, or nothing if it does not fit.
func appendRune(a Alphabet, dst []byte, r rune) ([]byte, bool) {
	switch a {
	case GSM7, GSM7Packed:
		return appendGSM(dst, r)
	case UCS2:
		return appendUCS2(dst, r), true
	case UTF8:
		return utf8.AppendRune(dst, r), true
	default:
		return appendOctet(a, dst, r)
	}
}

// Fits reports whether a can write all of s as it is. No alphabet can write
// invalid UTF-8.
func Fits(a Alphabet, s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	if a == UCS2 || a == UTF8 {
		return true
	}
	var scratch [4]byte
	for _, r := range s {
		if _, ok := appendRune(a, scratch[:0], r); !ok {
			return false
		}
	}
	return true
}

// Best gives GSM7 if s fits it, else UCS2.
func Best(s string) Alphabet {
	if Fits(GSM7, s) {
		return GSM7
	}
	return UCS2
}

// Septets is the length of s in GSM septets; a character of the extension
// table counts two. What does not fit counts as its replacement.
func Septets(s string) int {
	b, _ := Encode(GSM7, s)
	return len(b)
}

// Length is the length of s in the units of Limit: septets for GSM7 and
// GSM7Packed, octets for the others.
func Length(a Alphabet, s string) int {
	if a == GSM7 || a == GSM7Packed {
		return Septets(s)
	}
	b, _ := Encode(a, s)
	return len(b)
}
