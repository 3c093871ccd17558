package smstext

import (
	"errors"
	"unicode/utf8"
)

// userDataOctets is what a short message carries on the radio; 23.040 9.2.3.24.
const userDataOctets = 140

// ErrTooManyParts is what Split and SplitEncoded return when MaxParts do not suffice.
var ErrTooManyParts = errors.New("text does not fit in 255 parts")

// SplitOptions says what stands before each part of a message that needs several.
type SplitOptions struct {
	Header int // octets of its user data header: HeaderConcat8, HeaderConcat16, HeaderNone
}

// Limit is how much a message holds behind a header of so many octets: septets
// for GSM7, GSM7Packed and ASCII (160, 153, 152 behind 0, 6, 7), octets for the others
// (140, 134, 133). It is never less than 1.
func Limit(a Alphabet, headerOctets int) int {
	octets := max(userDataOctets-max(headerOctets, 0), 1)
	switch a {
	case GSM7, GSM7Packed, ASCII:
		return octets * 8 / 7
	}
	return octets
}

// Split encodes s as Encode does. If it fits in one message that is the only
// part. Else each part leaves room for the header of opt, which the caller
// writes before it; GSM7Packed parts start with the fill bits that go between.
// No part ends inside an escape pair, a surrogate pair or a UTF-8 sequence.
func Split(a Alphabet, s string, opt SplitOptions) ([][]byte, error) {
	if a == GSM7Packed {
		septets, _ := Encode(GSM7, s)
		return splitPacked(septets, opt)
	}
	b, _ := Encode(a, s)
	return SplitEncoded(a, b, opt)
}

// SplitEncoded is Split for octets that are encoded already, such as a
// message_payload that has to go to a 3.3 session. The parts share b's octets,
// except for GSM7Packed, which has to be packed anew.
func SplitEncoded(a Alphabet, b []byte, opt SplitOptions) ([][]byte, error) {
	unit := octetUnit
	switch a {
	case GSM7Packed:
		return splitPacked(Unpack(b, -1, 0), opt)
	case GSM7:
		unit = gsmUnit
	case UCS2:
		unit = ucs2Unit
	case UTF8:
		unit = utf8Unit
	}
	return atMostMaxParts(split(b, Limit(a, 0), Limit(a, opt.Header), unit))
}

// SplitOctets cuts b anywhere: one part if it has at most first octets, else
// parts of at most part octets. It does not stop at MaxParts.
func SplitOctets(b []byte, first, part int) [][]byte {
	return split(b, first, part, octetUnit)
}

// splitPacked cuts septets and packs each part.
func splitPacked(septets []byte, opt SplitOptions) ([][]byte, error) {
	if packedLen(septets, 0) <= userDataOctets {
		return [][]byte{Pack(septets, 0)}, nil
	}
	fill := FillBits(opt.Header)
	limit := Limit(GSM7Packed, opt.Header)
	room := (fill + 7*limit + 7) / 8
	var parts [][]byte
	for len(septets) > 0 {
		n := cut(septets, limit, gsmUnit)
		if packedLen(septets[:n], fill) > room { // no room for the second <CR>
			n = cut(septets, n-1, gsmUnit)
		}
		parts = append(parts, Pack(septets[:n], fill))
		septets = septets[n:]
	}
	return atMostMaxParts(parts)
}

// split makes one part of at most first octets, or several of at most part.
// unit gives the length of the character that its argument, never empty, starts with.
func split(b []byte, first, part int, unit func([]byte) int) [][]byte {
	if len(b) <= max(first, 0) {
		return [][]byte{b}
	}
	var parts [][]byte
	for len(b) > 0 {
		n := cut(b, part, unit)
		parts = append(parts, b[:n:n])
		b = b[n:]
	}
	return parts
}

// cut gives the length of the whole characters at the start of b that fit in
// limit, and of the first one even if it does not.
func cut(b []byte, limit int, unit func([]byte) int) int {
	n := unit(b)
	for n < len(b) {
		u := unit(b[n:])
		if n+u > limit {
			break
		}
		n += u
	}
	return n
}

func atMostMaxParts(parts [][]byte) ([][]byte, error) {
	if len(parts) > MaxParts {
		return nil, ErrTooManyParts
	}
	return parts, nil
}

func octetUnit([]byte) int { return 1 }

func utf8Unit(b []byte) int {
	_, n := utf8.DecodeRune(b)
	return n
}
