package sms

import (
	"strings"
	"unicode/utf8"
)

// Address is an SME address (SMPP 3.4, 5.2.5 to 5.2.9).
type Address struct {
	TON, NPI byte
	// Number is UTF-8, whatever the octets on the wire are: see Number. What an earlier version stored may be octets
	// that are not UTF-8.
	Number string
}

// latin1Mark begins the number of an address that is Latin-1 on the wire, so that it never is that of one in UTF-8 that
// reads alike.
const latin1Mark = "latin1:"

// Number gives the number of an address by its octets: themselves when they are UTF-8, else their reading as Latin-1
// behind a mark. Two addresses with different octets have different numbers.
func Number(octets string) string {
	if utf8.ValidString(octets) && !strings.HasPrefix(octets, latin1Mark) {
		return octets
	}
	return latin1Mark + latin1(octets)
}

// Octets is the address on the wire: what Number was given.
func (a Address) Octets() string {
	text, marked := strings.CutPrefix(a.Number, latin1Mark)
	if !marked {
		return a.Number
	}
	octets, _ := Latin1(text)
	return octets
}

// Text is the address as people read it.
func (a Address) Text() string {
	if octets := a.Octets(); !utf8.ValidString(octets) {
		return latin1(octets)
	} else {
		return octets
	}
}

func latin1(octets string) string {
	runes := make([]rune, len(octets))
	for i := range len(octets) {
		runes[i] = rune(octets[i])
	}
	return string(runes)
}

// Latin1 writes text in ISO-8859-1; ok is false, and the octets of no use, when that has not all of its characters.
func Latin1(text string) (octets string, ok bool) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xFF {
			return "", false
		}
		b = append(b, byte(r))
	}
	return string(b), true
}
