package smstext

import (
	"bytes"
	"testing"
)

func all256() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestBinaryKeepsAll256Octets(t *testing.T) { // TXT-02
	for _, a := range []Alphabet{Binary, Alphabet(200)} {
		s := Decode(a, all256())
		for i, r := range []rune(s) {
			if r != rune(i) {
				t.Fatalf("%v: octet 0x%02X reads as U+%04X", a, i, r)
			}
		}
		if back, ok := Encode(a, s); !ok || !bytes.Equal(back, all256()) {
			t.Errorf("%v: does not come back", a)
		}
	}
}

func TestLatin1IsReadAsWindows1252(t *testing.T) { // TXT-04
	for i, r := range []rune(Decode(Latin1, all256())) {
		if (i < 0x80 || i > 0x9F) && r != rune(i) {
			t.Errorf("0x%02X reads as U+%04X", i, r)
		}
	}
	if s := Decode(Latin1, []byte("5 \x80 l\x92\x9cuf \x93\xe9t\xe9\x94")); s != "5 € l’œuf “été”" {
		t.Errorf("got %q", s)
	}
	if _, ok := Encode(Latin1, "€"); ok {
		t.Error("what we write is ISO-8859-1, which has no €")
	}
}

func TestEachOctetUnderTheDataCodingOfASCIITellsItsAlphabet(t *testing.T) {
	for c := range 256 {
		in := ASCII
		switch {
		case c >= 0x80:
			in = Latin1
		case c < ' ' && c != '\n' && c != '\r' || c == 0x7F:
			in = GSM7
		}
		octets := []byte{'[', byte(c)}
		if got, want := Decode(ASCII, octets), Decode(in, octets); got != want || JudgeASCII(octets) != in {
			t.Errorf("0x%02X reads as %q, want %q of %v", c, got, want, in)
		}
	}
}

func TestGSMOctetsUnderTheDataCodingOfASCIIAreReadAsGSM(t *testing.T) {
	if s := Decode(ASCII, []byte("12 \x1be \x7f l'\x05t\x05")); s != "12 € à l'été" {
		t.Errorf("got %q", s)
	}
}

// The two parts of ISO-8859 as tables of ranges: first octet, last octet, first rune.
func TestCyrillicAndHebrewAreTheirPartsOfISO8859(t *testing.T) { // TXT-04
	type run struct {
		from, to int
		rune     rune
	}
	for a, runs := range map[Alphabet][]run{
		Cyrillic: {
			{0x00, 0x7F, 0x00}, {0xA0, 0xA0, 0xA0}, {0xA1, 0xAC, 0x401}, {0xAD, 0xAD, 0xAD}, {0xAE, 0xEF, 0x40E},
			{0xF0, 0xF0, 0x2116}, {0xF1, 0xFC, 0x451}, {0xFD, 0xFD, 0xA7}, {0xFE, 0xFF, 0x45E},
		},
		Hebrew: {
			{0x00, 0x7F, 0x00}, {0xA0, 0xA0, 0xA0}, {0xA2, 0xA9, 0xA2}, {0xAA, 0xAA, 0xD7}, {0xAB, 0xB9, 0xAB}, {0xBA, 0xBA, 0xF7},
			{0xBB, 0xBE, 0xBB}, {0xDF, 0xDF, 0x2017}, {0xE0, 0xFA, 0x5D0}, {0xFD, 0xFE, 0x200E},
		},
	} {
		want := bytes.Runes(bytes.Repeat([]byte("\uFFFD"), 256))
		for _, r := range runs {
			for c := r.from; c <= r.to; c++ {
				want[c] = r.rune + rune(c-r.from)
			}
		}
		for i, r := range []rune(Decode(a, all256())) {
			if r != want[i] {
				t.Errorf("%v: 0x%02X reads as U+%04X, want U+%04X", a, i, r, want[i])
			}
			if back, ok := Encode(a, string(r)); r != '\uFFFD' && (!ok || len(back) != 1 || back[0] != byte(i)) {
				t.Errorf("%v: U+%04X is written as % X, want %02X", a, r, back, i)
			}
		}
	}
}

func TestTextReadsWithoutEverFailing(t *testing.T) {
	for _, c := range []struct {
		name     string
		a        Alphabet
		in, want string
	}{
		{"TXT-03 big-endian, pair intact", UCS2, "\x00\xE9\x4E\x2D\xD8\x3D\xDE\x00", "é中😀"},
		{"SUB-20 odd length", UCS2, "\x00A\x00", "A\uFFFD"},
		{"one octet", UCS2, "\x41", "\uFFFD"},
		{"high surrogate alone", UCS2, "\xD8\x3D\x00A", "\uFFFDA"},
		{"high surrogate at the end", UCS2, "\x00A\xD8\x3D", "A\uFFFD"},
		{"low surrogate alone", UCS2, "\xDE\x00\x00A", "\uFFFDA"},
		{"low, then high", UCS2, "\xDE\x00\xD8\x3D", "\uFFFD\uFFFD"},
		{"high, then a pair", UCS2, "\xD8\x3D\xD8\x3D\xDE\x00", "\uFFFD😀"},
		{"high and half of a low", UCS2, "\xD8\x3D\xDE", "\uFFFD\uFFFD"},
		{"TXT-04 accents", Latin1, "\xE9\xE0\xA3", "éà£"},
		{"UTF-8", UTF8, "é€😀", "é€😀"},
		{"each stray octet of UTF-8", UTF8, "a\xE2\x82b\xFF", "a\uFFFD\uFFFDb\uFFFD"},
		{"a surrogate in UTF-8", UTF8, "\xED\xA0\xBD", "\uFFFD\uFFFD\uFFFD"},
	} {
		if got := Decode(c.a, []byte(c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhatDoesNotFitIsReplacedAndTold(t *testing.T) {
	for _, c := range []struct {
		a     Alphabet
		in    string
		want  string
		whole bool
	}{
		{GSM7, "Été à 5 €", "\x1Ft\x05 \x7F 5 \x1Be", true},
		{GSM7, "ça", "\x09a", false},
		{GSM7, "forêt, cœur", "foret, coeur", false},
		{GSM7, "l’été…", "l'\x05t\x05...", false},
		{GSM7, "中😀", "??", false},
		{GSM7, "a\x1Bb", "a?b", false},
		{GSM7, "a\xFFb", "a?b", false},
		{GSM7, "\uFFFD", "?", false},
		{Latin1, "ça", "\xE7a", true},
		{Latin1, "5 €", "5 EUR", false},
		{ASCII, "Été «là»", `Ete "la"`, false},
		{ASCII, "a`b", "a`b", true},
		{Cyrillic, "Да é", "\xB4\xD0 e", false},
		{Cyrillic, "\uFFFD", "?", false},
		{Hebrew, "שלום \uFFFD", "\xF9\xEC\xE5\xED ?", false},
		{UCS2, "é中😀", "\x00\xE9\x4E\x2D\xD8\x3D\xDE\x00", true},
		{UCS2, "\uFFFD", "\xFF\xFD", true},
		{UCS2, "\xFFa", "\xFF\xFD\x00a", false},
		{UTF8, "é😀", "é😀", true},
		{UTF8, "\xC3a", "\uFFFDa", false},
		{Binary, "é中", "\xE9?", false},
	} {
		got, ok := Encode(c.a, c.in)
		if string(got) != c.want || ok != c.whole {
			t.Errorf("%v %q: %q %v, want %q %v", c.a, c.in, got, ok, c.want, c.whole)
		}
		if Fits(c.a, c.in) != c.whole {
			t.Errorf("%v %q: Fits disagrees with Encode", c.a, c.in)
		}
	}
}

func TestEveryTransliterationIsInEveryAlphabet(t *testing.T) {
	for r := rune(0); r < 0x3000; r++ {
		s := transliterate(r)
		for _, a := range []Alphabet{GSM7, Latin1, ASCII, Cyrillic, Hebrew} {
			if !Fits(a, s) {
				t.Errorf("U+%04X becomes %q, which does not fit %v", r, s, a)
			}
		}
	}
}

func TestTheBestAlphabetIsGSMWhereItFits(t *testing.T) {
	for s, want := range map[string]Alphabet{
		"": GSM7, "Bonjour à tous, 5 €": GSM7, "{[~]}": GSM7, "ça": UCS2, "forêt": UCS2, "😀": UCS2, "a\xFF": UCS2,
	} {
		if got := Best(s); got != want {
			t.Errorf("Best(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestAnAlphabetKeepsItsName(t *testing.T) {
	names := []string{"gsm7", "gsm7packed", "latin1", "ascii", "ucs2", "utf8", "binary", "cyrillic", "hebrew"}
	for i, name := range names {
		a, err := ParseAlphabet(name)
		if err != nil || a != Alphabet(i) || a.String() != name {
			t.Errorf("%q: %v, %v", name, a, err)
		}
	}
	for _, name := range []string{"", "GSM7", "alphabet(9)"} {
		if _, err := ParseAlphabet(name); err == nil {
			t.Errorf("%q is no name", name)
		}
	}
}
