package smstext

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// The sums were taken of three independent copies of the tables, where two or all of them agree: each character behind its
// septet in two hex digits, without the escape.
func TestTheNationalTablesAreThoseOf23038(t *testing.T) {
	for _, c := range []struct {
		locking  bool
		id       byte
		language string
		size     int
		sum      uint32
	}{
		{true, 1, "turkish", 127, 0x083160D4},
		{true, 3, "portuguese", 127, 0x18CD11BF},
		{true, 4, "bengali", 114, 0xF53ABC8A},
		{true, 5, "gujarati", 120, 0x8F883B58},
		{true, 6, "hindi", 127, 0xC9DA670E},
		{true, 7, "kannada", 120, 0xE5CC8A78},
		{true, 8, "malayalam", 120, 0xDFA5FE7F},
		{true, 9, "oriya", 116, 0xFFCE920C},
		{true, 10, "punjabi", 110, 0xAA3F44CF},
		{true, 11, "tamil", 102, 0x4B6D3C12},
		{true, 12, "telugu", 120, 0x26F63F9F},
		{true, 13, "urdu", 127, 0x0C2D82F2},
		{false, 1, "turkish", 17, 0x86951A18},
		{false, 2, "spanish", 19, 0x29EFB380},
		{false, 3, "portuguese", 37, 0xE01CB1AD},
		{false, 4, "bengali", 82, 0x420FD2ED},
		{false, 5, "gujarati", 70, 0x68242020},
		{false, 6, "hindi", 88, 0x3F3DBC8D},
		{false, 7, "kannada", 73, 0xC8680708},
		{false, 8, "malayalam", 82, 0x5DEC2054},
		{false, 9, "oriya", 75, 0x207EB184},
		{false, 10, "punjabi", 76, 0xBD27C2F8},
		{false, 11, "tamil", 77, 0x9DC41380},
		{false, 12, "telugu", 78, 0x808221B8},
		{false, 13, "urdu", 90, 0xD6925529},
	} {
		tables := &singleTables
		if c.locking {
			tables = &lockingTables
		}
		table := tableOf(tables, c.id)
		if table == nil {
			t.Errorf("%s (locking: %v) has no table", c.language, c.locking)
			continue
		}
		var all strings.Builder
		size := 0
		for septet, r := range table {
			if r != 0 && septet != escape {
				size++
				fmt.Fprintf(&all, "%02X%c", septet, r)
			}
		}
		if sum := crc32.ChecksumIEEE([]byte(all.String())); size != c.size || sum != c.sum {
			t.Errorf("%s (locking: %v) has %d characters, want %d, and the sum %#08x: %s", c.language, c.locking, size, c.size, sum, &all)
		}
		if c.locking && table[escape] != ' ' || !c.locking && table[escape] != 0 {
			t.Errorf("%s (locking: %v) has %q for its escape", c.language, c.locking, table[escape])
		}
	}
}

func TestWordsInEachLanguageAreRead(t *testing.T) {
	for _, c := range []struct {
		l          Languages
		hex, reads string
	}{
		{Languages{1, 0}, "1C 07 0C 1D 04", "Şığş€"},
		{Languages{0, 1}, "1B53 1B69 1B67 1B73 1B65", "Şığş€"},
		{Languages{1, 1}, "40 1B49 60 1B63", "İİçç"},
		{Languages{0, 2}, "60 51 75 05 3F 20 53 1B69 20 1B4F", "¿Qué? Sí Ó"},
		{Languages{3, 3}, "41 09 7B 6F 20 1B41 15", "Ação À∞"},
		{Languages{4, 4}, "40 50 01 46 50 20 1B1A", "বাংলা ১"},
		{Languages{5, 5}, "17 53 1D 44 50 27 52", "ગુજરાતી"},
		{Languages{6, 6}, "2F 42 4C 5F 27 59", "नमस्ते"},
		{Languages{7, 7}, "15 2F 5F 2F 24", "ಕನ್ನಡ"},
		{Languages{8, 8}, "42 46 43 50 47 01", "മലയാളം"},
		{Languages{9, 9}, "13 24 51 1B1C", "ଓଡି୦"},
		{Languages{10, 10}, "3D 70", "ਪp"},
		{Languages{11, 11}, "27 42 51 48 5F", "தமிழ்"},
		{Languages{12, 12}, "27 58 46 53 17 53 1B65", "తెలుగు€"},
		{Languages{13, 13}, "00 25 1A 53 1B34", "اردوـ"},
	} {
		text, a, same := Read([]Part{{Alphabet: GSM7, Languages: c.l, Octets: unhex(t, c.hex)}})
		if text != c.reads || a != GSM7 || !same {
			t.Errorf("%v %s reads %q, %v, want %q", c.l, c.hex, text, a, c.reads)
		}
	}
}

func TestWhatATableLacksIsThatOfTheTableBehindIt(t *testing.T) {
	for _, c := range []struct {
		what       string
		l          Languages
		hex, reads string
	}{
		{"no such single shift: the locking table", Languages{1, 0}, "1B1C", "Ş"},
		{"no such single shift: the default table", Languages{0, 1}, "1B1C", "Æ"},
		{"no such letter: the default table", Languages{4, 4}, "0C 1B0C", "ø+"},
		{"neither", Languages{4, 5}, "1B3C 1B45 1B3F 1B7B", "[E?ৗ"},
		{"an escape with nothing behind it", Languages{13, 13}, "1B", " "},
		{"two escapes", Languages{6, 6}, "1B1B 61", " a"},
		{"octets that are no septets", Languages{6, 1}, "E9 1BE9", "éé"},
		{"the default, named", Languages{0, 0}, "1C 1B65", "Æ€"},
		{"a locking table for Spanish, which there is not", Languages{2, 2}, "1C 1B49", "ÆÍ"},
		{"unknown languages", Languages{14, 255}, "1C 1B65", "Æ€"},
	} {
		if text, _, _ := Read([]Part{{Alphabet: GSM7, Languages: c.l, Octets: unhex(t, c.hex)}}); text != c.reads {
			t.Errorf("%s: %q, want %q", c.what, text, c.reads)
		}
	}
}

func TestALanguageIsThatOfItsHeader(t *testing.T) {
	for _, c := range []struct {
		hex     string
		want    Languages
		unknown int // identifier, -1 = none
	}{
		{"03 24 01 01", Languages{0, 1}, -1},
		{"03 25 01 01", Languages{1, 0}, -1},
		{"06 25 01 03 24 01 02", Languages{3, 2}, -1},
		{"0B 00 03 07 02 01 24 01 0D 25 01 0D", Languages{13, 13}, -1},
		{"06 24 01 01 24 01 03", Languages{0, 3}, -1}, // the last one counts
		{"04 24 02 01 01", Languages{}, -1},
		{"02 24 00", Languages{}, -1},
		{"03 24 01 0E", Languages{0, 14}, 14},
		{"03 25 01 02", Languages{2, 0}, 2},
		{"06 25 01 01 24 01 FF", Languages{1, 255}, 255},
	} {
		udh, _, err := ParseUDH(unhex(t, c.hex))
		if err != nil {
			t.Fatalf("%s: %v", c.hex, err)
		}
		got := udh.Languages()
		if id, ok := got.Unknown(); got != c.want || ok != (c.unknown >= 0) || ok && int(id) != c.unknown {
			t.Errorf("%s: %v, unknown %d (%v)", c.hex, got, id, ok)
		}
	}
}

func TestEachPartHasItsOwnLanguageAndPacking(t *testing.T) {
	turkish, hindi := Languages{0, 1}, Languages{6, 6}
	packed := func(l Languages, header int, hex string) Part {
		return Part{GSM7Packed, l, FillBits(header), Pack(unhex(t, hex), FillBits(header))}
	}
	for _, c := range []struct {
		what  string
		parts []Part
		reads string
	}{
		{"unpacked", []Part{{GSM7, turkish, 0, unhex(t, "1B73")}, {GSM7, hindi, 0, unhex(t, "2F")}, {GSM7, Languages{}, 0, unhex(t, "1C")}}, "şनÆ"},
		{"packed behind headers of 4, 9 and 6 octets", []Part{packed(turkish, 4, "61 1B73"), packed(turkish, 9, "1B69 62"), packed(Languages{}, 6, "1C")}, "aşıbÆ"},
		{"an escape cut off its letter", []Part{{GSM7, turkish, 0, unhex(t, "61 1B")}, {GSM7, turkish, 0, unhex(t, "73")}}, "aş"},
		{"the letter's table counts", []Part{{GSM7, Languages{}, 0, unhex(t, "1B")}, {GSM7, turkish, 0, unhex(t, "67")}}, "ğ"},
		{"unpacked, then packed", []Part{{GSM7, turkish, 0, unhex(t, "1B")}, packed(turkish, 4, "67")}, "ğ"},
		{"an escape, then UCS-2", []Part{{GSM7, turkish, 0, unhex(t, "1B")}, {UCS2, Languages{}, 0, unhex(t, "0067")}}, " g"},
	} {
		if text, _, _ := Read(c.parts); text != c.reads {
			t.Errorf("%s: %q, want %q", c.what, text, c.reads)
		}
	}
}
