package smstext

import "testing"

func TestADataCodingNamesItsAlphabet(t *testing.T) {
	// One letter for each of the 256 data_codings, 16 a line. d: what 0 means to
	// the client, g GSM, l Latin-1, a ASCII, u UCS-2, b binary, c Cyrillic, h Hebrew.
	const table = "" +
		"dablbbchubbbbbbb" + // 0x00  SMPP 3.4 5.2.19
		"ggggbbbbuuuubbbb" + // 0x10  TXT-06, message class
		"bbbbbbbbbbbbbbbb" + // 0x20  compressed
		"bbbbbbbbbbbbbbbb" + // 0x30
		"ggggbbbbuuuubbbb" + // 0x40  automatic deletion
		"ggggbbbbuuuubbbb" + // 0x50
		"bbbbbbbbbbbbbbbb" + // 0x60
		"bbbbbbbbbbbbbbbb" + // 0x70
		"bbbbbbbbbbbbbbbb" + // 0x80  reserved
		"bbbbbbbbbbbbbbbb" + // 0x90
		"bbbbbbbbbbbbbbbb" + // 0xA0
		"bbbbbbbbbbbbbbbb" + // 0xB0
		"gggggggggggggggg" + // 0xC0  TXT-06, message waiting
		"gggggggggggggggg" + // 0xD0
		"uuuuuuuuuuuuuuuu" + // 0xE0
		"ggggbbbbbbbbbbbb" //   0xF0  TXT-05
	letters := map[byte]Alphabet{'g': GSM7, 'l': Latin1, 'a': ASCII, 'u': UCS2, 'b': Binary, 'c': Cyrillic, 'h': Hebrew}
	for dcs := range 256 {
		for _, dflt := range []Alphabet{GSM7, GSM7Packed, Latin1, ASCII, UTF8} {
			want, known := letters[table[dcs]]
			if !known || want == GSM7 && dflt == GSM7Packed {
				want = dflt
			}
			if got := ForDataCoding(byte(dcs), dflt); got != want {
				t.Errorf("0x%02X with default %v: %v, want %v", dcs, dflt, got, want)
			}
		}
	}
}

func TestADataCodingThatIsSentIsReadBack(t *testing.T) {
	for a := GSM7; a <= Hebrew; a++ {
		for dflt := GSM7; dflt <= Hebrew; dflt++ {
			dcs, ok := Codings{Default: dflt}.DataCoding(a)
			if ok && ForDataCoding(dcs, dflt) != a {
				t.Errorf("%v for a client of %v goes as 0x%02X, which is %v", a, dflt, dcs, ForDataCoding(dcs, dflt))
			}
			if !ok && a != GSM7 && a != GSM7Packed && a != UTF8 {
				t.Errorf("%v for a client of %v has no data_coding", a, dflt)
			}
		}
	}
}

func TestTextGoesInTheClientsAlphabetIfItFits(t *testing.T) {
	for _, c := range []struct {
		s    string
		dflt Alphabet
		a    Alphabet
		dcs  byte
	}{
		{"Été", GSM7, GSM7, 0}, {"ça", GSM7, UCS2, 8}, {"ça", Latin1, Latin1, 0}, {"5 €", Latin1, UCS2, 8}, {"😀", UTF8, UTF8, 0},
	} {
		if a, dcs := (Codings{Default: c.dflt}).Choose(c.s); a != c.a || dcs != c.dcs {
			t.Errorf("%q for %v: %v 0x%02X", c.s, c.dflt, a, dcs)
		}
	}
}

func TestAClientsOwnDataCodingsGoBeforeTheStandards(t *testing.T) {
	c := Codings{Default: GSM7, Others: map[byte]Alphabet{0: Hebrew, 1: GSM7, 3: UTF8, 5: UTF8, 0xF0: Latin1}}
	for dcs, want := range map[byte]Alphabet{0: GSM7, 1: GSM7, 3: UTF8, 5: UTF8, 8: UCS2, 0xF0: Latin1, 0xF1: GSM7} {
		if got := c.Alphabet(dcs); got != want {
			t.Errorf("data_coding %#02x is %v, want %v", dcs, got, want)
		}
	}
	for a, want := range map[Alphabet]int{GSM7: 0, UTF8: 3, Latin1: 0xF0, UCS2: 8, ASCII: -1, GSM7Packed: -1, Binary: 4} {
		dcs, ok := c.DataCoding(a)
		if ok != (want >= 0) || ok && int(dcs) != want {
			t.Errorf("%v goes as %#02x, %v, want %d", a, dcs, ok, want)
		}
	}
	for others, want := range map[*map[byte]Alphabet]byte{
		{8: UTF8}:            8, // no data_coding is UCS-2
		{8: Latin1, 9: UTF8}: 9,
		{8: Latin1, 9: UCS2}: 9,
		{8: Latin1}:          8, // nothing better
	} {
		if _, dcs := (Codings{Default: GSM7, Others: *others}).Choose("中"); dcs != want {
			t.Errorf("%v: 中 goes as %#02x, want %#02x", *others, dcs, want)
		}
	}
}
