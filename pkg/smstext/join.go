package smstext

import (
	"slices"
	"strings"
)

// Part is the user data of one message, without its header.
type Part struct {
	Alphabet  Alphabet
	Languages Languages // of GSM septets
	FillBits  int       // before the first packed septet; see FillBits
	Octets    []byte
}

// Join is Read for parts of one alphabet that stood behind no headers.
func Join(a Alphabet, octets [][]byte) string {
	parts := make([]Part, len(octets))
	for i, b := range octets {
		parts[i] = Part{Alphabet: a, Octets: b}
	}
	text, _, _ := Read(parts)
	return text
}

// Read reads the text of a message from its parts, which are in order. Parts
// that never came are left out by the caller. Each is read in its own alphabet;
// neighbours that share one are joined as octets, or septets, before they are
// decoded: clients cut escape and surrogate pairs in two.
//
// a is the alphabet that all of them were read in, where ASCII was judged by its
// octets; same is false when they were read in several, of which a is one.
func Read(parts []Part) (text string, a Alphabet, same bool) {
	if slices.ContainsFunc(parts, func(p Part) bool { return p.Alphabet == ASCII }) {
		parts = judged(parts)
	}
	var out gsmReader
	var order byteOrder
	same = true
	for from := 0; from < len(parts); {
		run := parts[from : from+runLength(parts[from:])]
		a = run[0].Alphabet
		from += len(run)
		same = same && a == parts[0].Alphabet
		switch a {
		case GSM7:
			for _, p := range run {
				out.Grow(len(p.Octets))
				out.read(p.Octets, p.Languages)
			}
			continue
		case GSM7Packed:
			readPacked(&out, run, from == len(parts))
			continue
		}
		out.end()
		switch a {
		case UCS2:
			decodeUCS2(&out.Builder, order.bigEndian(run))
		case UTF8:
			decodeUTF8(&out.Builder, run)
		default:
			for _, p := range run {
				decodeOctets(&out.Builder, a, p.Octets)
			}
		}
	}
	out.end()
	return out.String(), a, same
}

// runLength counts the parts at the beginning that have one alphabet.
func runLength(parts []Part) int {
	for i := range parts {
		if parts[i].Alphabet != parts[0].Alphabet {
			return i
		}
	}
	return len(parts)
}

// judged puts the alphabet that a run of ASCII is really written in for it, by all octets of the run.
func judged(parts []Part) []Part {
	parts = slices.Clone(parts)
	for from := 0; from < len(parts); {
		run := parts[from : from+runLength(parts[from:])]
		from += len(run)
		if run[0].Alphabet != ASCII {
			continue
		}
		a := ASCII
		for _, p := range run {
			if p.Languages != (Languages{}) && a == ASCII {
				a = GSM7 // only septets have tables
			}
			a = worse(a, JudgeASCII(p.Octets))
		}
		for i := range run {
			run[i].Alphabet = a
		}
	}
	return parts
}

// JudgeASCII tells what octets are that came as IA5, which has no octets from 0x80 on and, in a text, no controls but
// CR and LF: Latin1 when they have the first, as of clients that write é so, else GSM7 when they have the others
// or 0x7F, which is à there (node's smpp labels GSM 7-bit so), else ASCII.
func JudgeASCII(b []byte) Alphabet {
	a := ASCII
	for _, c := range b {
		switch {
		case c >= 0x80:
			return Latin1
		case c == 0x7F, c < ' ' && c != '\n' && c != '\r':
			a = GSM7
		}
	}
	return a
}

// worse puts two judgements together.
func worse(a, b Alphabet) Alphabet {
	if a == Latin1 || b == ASCII {
		return a
	}
	return b
}

// readPacked unpacks each part, and shows the septets of all.
//
// Some clients (go-smpp is one) pack the whole text and cut that, so that
// a part ends inside a septet. The bits after the last whole septet of a part
// tell: they are zero unless they begin another one.
func readPacked(out *gsmReader, parts []Part, last bool) {
	inner := len(parts) - 1
	if slices.ContainsFunc(parts[:inner], func(p Part) bool { return spareBits(p.Octets, p.FillBits) != 0 }) {
		var whole []byte
		for _, p := range parts {
			whole = append(whole, p.Octets...)
		}
		out.read(Unpack(whole, -1, 0), parts[0].Languages)
		return
	}
	for i, p := range parts {
		if i == inner && last {
			out.read(Unpack(p.Octets, -1, p.FillBits), p.Languages)
		} else {
			out.read(unpackInner(p.Octets, p.FillBits), p.Languages)
		}
	}
}

// decodeUTF8 makes a U+FFFD of each stray octet.
func decodeUTF8(out *strings.Builder, parts []Part) {
	var joined []byte
	for _, p := range parts {
		joined = append(joined, p.Octets...)
	}
	text := strings.TrimPrefix(string(joined), "\uFEFF")
	for _, r := range text { // a stray octet is utf8.RuneError
		out.WriteRune(r)
	}
}
