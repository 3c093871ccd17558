package smstext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// The tables of 23.038 6.2.1 as the specification prints them: by columns, so
// that septet 16*c+r is rune r of column c. ␛ stands for the escape.
var specColumns = []string{
	"@£$¥èéùìòÇ\nØø\rÅå",
	"Δ_ΦΓΛΩΠΨΣΘΞ␛ÆæßÉ",
	" !\"#¤%&'()*+,-./",
	"0123456789:;<=>?",
	"¡ABCDEFGHIJKLMNO",
	"PQRSTUVWXYZÄÖÑÜ§",
	"¿abcdefghijklmno",
	"pqrstuvwxyzäöñüà",
}

// The extension table, 23.038 6.2.1.1, as pairs of septet in hex and rune.
const specExtension = "0A\f 14^ 28{ 29} 2F\\ 3C[ 3D~ 3E] 40| 65€"

func specTable(t *testing.T) []rune {
	t.Helper()
	table := []rune(strings.Join(specColumns, ""))
	if len(table) != 128 {
		t.Fatalf("the oracle has %d entries", len(table))
	}
	return table
}

func specExtended(t *testing.T) map[byte]rune {
	t.Helper()
	const digits = "0123456789ABCDEF"
	m := map[byte]rune{}
	for _, e := range strings.Split(specExtension, " ") {
		r, _ := utf8.DecodeRuneInString(e[2:])
		m[byte(strings.IndexByte(digits, e[0])<<4|strings.IndexByte(digits, e[1]))] = r
	}
	if len(m) != 10 {
		t.Fatalf("the oracle has %d extensions", len(m))
	}
	return m
}

func TestEverySeptetOfTheDefaultTableIsThatOf23038(t *testing.T) {
	for septet, want := range specTable(t) {
		if want == '␛' {
			want = ' '
		}
		if got := Decode(GSM7, []byte{byte(septet)}); got != string(want) {
			t.Errorf("septet 0x%02X reads as %q, want %q", septet, got, want)
		}
		back, ok := Encode(GSM7, string(want))
		if septet != 0x1B && (!ok || len(back) != 1 || back[0] != byte(septet)) {
			t.Errorf("%q is written as % X, want %02X", want, back, septet)
		}
	}
}

func TestEveryEscapePairIsThatOf23038OrShowsTheDefaultTable(t *testing.T) {
	ext, table := specExtended(t), specTable(t)
	for c := range 128 {
		want, known := ext[byte(c)]
		if !known {
			want = table[c]
		}
		if want == '␛' {
			want = ' '
		}
		if got := Decode(GSM7, []byte{0x1B, byte(c)}); got != string(want) {
			t.Errorf("1B %02X reads as %q, want %q", c, got, want)
		}
		if !known {
			continue
		}
		if back, ok := Encode(GSM7, string(want)); !ok || string(back) != "\x1b"+string(byte(c)) {
			t.Errorf("%q is written as % X, want 1B %02X", want, back, c)
		}
	}
}

func TestARuneFitsGSMOnlyIfItIsInOneOfTheTables(t *testing.T) {
	in := map[rune]bool{}
	for _, r := range specTable(t) {
		in[r] = r != '␛'
	}
	for _, r := range specExtended(t) {
		in[r] = true
	}
	for r := rune(0); r < 0x3000; r++ {
		if got := Fits(GSM7, string(r)); got != in[r] {
			t.Errorf("U+%04X fits: %v, want %v", r, got, in[r])
		}
	}
}

func TestOctetsThatAreNoSeptetsReadAsLatin1(t *testing.T) {
	for c := 0x80; c <= 0xFF; c++ {
		if got := Decode(GSM7, []byte{byte(c)}); got != string(rune(c)) {
			t.Errorf("0x%02X reads as %q, want %q", c, got, rune(c))
		}
		if got := Decode(GSM7, []byte{0x1B, byte(c)}); got != string(rune(c)) {
			t.Errorf("1B %02X reads as %q, want %q", c, got, rune(c))
		}
	}
}

func TestGSMTextReadsAsItIsShown(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"TXT-01 @ does not end the text, the pair is one character", "\x48\x65\x6C\x6C\x6F\x00\x01\x02\x1B\x65", "Hello@£$€"},
		{"nothing", "", ""},
		{"only @", "\x00", "@"},
		{"a lone escape at the end", "A\x1B", "A "},
		{"two escapes are one space", "\x1B\x1Be", " e"},
		{"three escapes", "\x1B\x1B\x1B\x65", " €"},
		{"an unknown pair shows the default table", "\x1BA", "A"},
		{"French", "\x05t\x05 \x04 \x7F \x06 \x09a", "été è à ù Ça"},
		{"Latin-1 by mistake", "\xE9t\xE9", "été"},
	} {
		if got := Decode(GSM7, []byte(c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnExtendedCharacterCountsTwoSeptets(t *testing.T) {
	for s, want := range map[string]int{
		"": 0, "Bonjour": 7, "@": 1, "€": 2, "[€]": 6, "10 €": 5, "été": 3, "\n": 1, "\f": 2,
		"ê": 1, "…": 3, "中": 1,
	} {
		if got := Septets(s); got != want {
			t.Errorf("Septets(%q) = %d, want %d", s, got, want)
		}
	}
}
