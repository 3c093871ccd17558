package smstext

import (
	"strings"
	"testing"
)

func octetsOf(a Alphabet, texts ...string) (parts []Part) {
	for _, text := range texts {
		parts = append(parts, Part{Alphabet: a, Octets: []byte(text)})
	}
	return parts
}

func TestIA5IsJudgedByTheOctetsOfAllItsParts(t *testing.T) {
	for _, c := range []struct {
		what  string
		parts []Part
		reads string
		in    Alphabet
	}{
		{"IA5", octetsOf(ASCII, "Hello @ [~]\r\n"), "Hello @ [~]\r\n", ASCII},
		{"nothing", octetsOf(ASCII, ""), "", ASCII},
		{"à of node's smpp", octetsOf(ASCII, "\x7F 10h"), "à 10h", GSM7},
		{"@ and $", octetsOf(ASCII, "\x00\x02"), "@$", GSM7},
		{"Ç, where a tab would be", octetsOf(ASCII, "\x09a"), "Ça", GSM7},
		{"Latin-1", octetsOf(ASCII, "Caf\xE9"), "Café", Latin1},
		{"Latin-1's first octet", octetsOf(ASCII, "5 \x80"), "5 €", Latin1},
		{"Latin-1 with a tab", octetsOf(ASCII, "Caf\xE9\t\x7F"), "Café\t\x7F", Latin1},
		{"told by the last part", octetsOf(ASCII, "[", "]", "\x7F"), "ÄÑà", GSM7},
		{"told by the first part", octetsOf(ASCII, "\x05", "{a}"), "éäañ", GSM7},
		{"Latin-1 told by the last part", octetsOf(ASCII, "[\x05", "\xE9"), "[\x05é", Latin1},
		{"an escape pair cut in two", octetsOf(ASCII, "5 \x1B", "e"), "5 €", GSM7},
		{"one run does not tell another", append(octetsOf(ASCII, "[", "\x7F"), append(octetsOf(UTF8, "é"), octetsOf(ASCII, "[")...)...), "Äàé[", ASCII},
		{"a language is of septets", []Part{{Alphabet: ASCII, Languages: Languages{1, 0}, Octets: []byte("[@")}}, "Äİ", GSM7},
	} {
		if text, a, _ := Read(c.parts); text != c.reads || a != c.in {
			t.Errorf("%s: %q in %v, want %q in %v", c.what, text, a, c.reads, c.in)
		}
	}
	if text := Decode(ASCII, []byte("\x7F 10h")); text != "à 10h" {
		t.Errorf("by itself: %q", text)
	}
}

func TestAByteOrderMarkIsNoCharacterAndTellsTheOrder(t *testing.T) {
	for _, c := range []struct {
		what  string
		parts []Part
		reads string
	}{
		{"big-endian", octetsOf(UCS2, "\xFE\xFF\x00S\x00T"), "ST"},
		{"little-endian", octetsOf(UCS2, "\xFF\xFES\x00T\x00O\x00P\x00"), "STOP"},
		{"little-endian, a pair", octetsOf(UCS2, "\xFF\xFE\x3D\xD8\x00\xDE"), "😀"},
		{"no mark", octetsOf(UCS2, "S\x00"), "匀"},
		{"the mark alone", octetsOf(UCS2, "\xFF\xFE"), ""},
		{"in the first part only", octetsOf(UCS2, "\xFF\xFES\x00", "T\x00"), "ST"},
		{"the mark cut in two", octetsOf(UCS2, "\xFF", "\xFES\x00"), "S"},
		{"a character cut in two", octetsOf(UCS2, "\xFF\xFES", "\x00T\x00"), "ST"},
		{"in each part", octetsOf(UCS2, "\xFF\xFES\x00", "\xFF\xFET\x00"), "ST"},
		{"in each part, big-endian", octetsOf(UCS2, "\xFE\xFF\x00S", "\xFE\xFF\x00T"), "ST"},
		{"in the second part only", octetsOf(UCS2, "\x00S", "\xFE\xFF\x00T"), "S\uFEFFT"},
		{"in the middle", octetsOf(UCS2, "\xFE\xFF\x00S\xFE\xFF\x00T"), "S\uFEFFT"},
		{"across another alphabet", append(octetsOf(UCS2, "\xFF\xFES\x00"), append(octetsOf(Latin1, "\xE9"), octetsOf(UCS2, "T\x00")...)...), "SéT"},
		{"behind another alphabet", append(octetsOf(Latin1, "\xE9"), octetsOf(UCS2, "\xFF\xFET\x00")...), "éT"},
		{"an odd octet", octetsOf(UCS2, "\xFF\xFES\x00T"), "S\uFFFD"},
		{"UTF-8", octetsOf(UTF8, "\xEF\xBB", "\xBFé"), "é"},
	} {
		if text, _, _ := Read(c.parts); text != c.reads {
			t.Errorf("%s: %q, want %q", c.what, text, c.reads)
		}
	}
}

func TestPartsAreReadInRunsOfTheirAlphabets(t *testing.T) {
	for _, c := range []struct {
		what  string
		parts []Part
		reads string
		in    Alphabet
		same  bool
	}{
		{"Latin-1, then GSM", append(octetsOf(Latin1, "D\xE9j\xE0 "), octetsOf(GSM7, "\x05t\x05")...), "Déjà été", GSM7, false},
		{"pairs cut within runs", append(octetsOf(UCS2, "\xD8\x3D", "\xDE\x00"), append(octetsOf(UTF8, "\xC3", "\xA9"), octetsOf(GSM7, "\x1B", "e")...)...), "😀é€", GSM7, false},
		{"a pair cut by another alphabet", append(octetsOf(UCS2, "\xD8\x3D"), append(octetsOf(Latin1, "-"), octetsOf(UCS2, "\xDE\x00")...)...), "\uFFFD-\uFFFD", UCS2, false},
		{"eight runs", append(append(octetsOf(Latin1, "\xE9"), octetsOf(GSM7, "\x05")...), append(append(octetsOf(UCS2, "\x00\xE9"), octetsOf(UTF8, "é")...),
			append(append(octetsOf(Cyrillic, "\xE9"), octetsOf(Hebrew, "\xE9")...), append(octetsOf(Binary, "\xE9"), octetsOf(Latin1, "\xE9")...)...)...)...), "ééééщיéé", Latin1, false},
		{"what turns out to be the same", append(octetsOf(ASCII, "\xE9"), octetsOf(Latin1, "\xE9")...), "éé", Latin1, true},
		{"all the same", octetsOf(Hebrew, "\xE9", "\xE9"), "יי", Hebrew, true},
	} {
		if text, a, same := Read(c.parts); text != c.reads || a != c.in || same != c.same {
			t.Errorf("%s: %q in %v (%v), want %q in %v (%v)", c.what, text, a, same, c.reads, c.in, c.same)
		}
	}
	if text, _, same := Read(nil); text != "" || !same {
		t.Errorf("no parts: %q, %v", text, same)
	}
}

func TestASCIIHoldsAsManyCharactersAsGSM(t *testing.T) {
	for length, want := range map[int][]int{160: {160}, 161: {153, 8}, 307: {153, 153, 1}} {
		parts, err := Split(ASCII, strings.Repeat("x", length), SplitOptions{Header: HeaderConcat8})
		if got := lengths(parts); err != nil || len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%d characters: %v, %v, want %v", length, got, err, want)
		}
	}
}
