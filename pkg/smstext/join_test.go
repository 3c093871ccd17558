package smstext

import (
	"bytes"
	"strings"
	"testing"
)

// cutEvery cuts as clients do that do not look at what they cut.
func cutEvery(b []byte, n int) [][]byte { return SplitOctets(b, n, n) }

// joinPacked joins packed parts that each have so many fill bits.
func joinPacked(octets [][]byte, fill int) string {
	var parts []Part
	for _, b := range octets {
		parts = append(parts, Part{Alphabet: GSM7Packed, FillBits: fill, Octets: b})
	}
	text, _, _ := Read(parts)
	return text
}

func TestPairsThatAClientCutInTwoAreJoined(t *testing.T) {
	for a, s := range map[Alphabet]string{GSM7: "5 € [a]", UCS2: "é😀中😀", UTF8: "é😀中", Latin1: "été"} {
		b, ok := Encode(a, s)
		if !ok {
			t.Fatalf("%q does not fit %v", s, a)
		}
		for n := 1; n <= len(b); n++ {
			if got := Join(a, cutEvery(b, n)); got != s {
				t.Errorf("%v cut every %d octets: %q, want %q", a, n, got, s)
			}
		}
	}
}

func TestNoPartsAreNoText(t *testing.T) {
	for a := GSM7; a <= Hebrew; a++ {
		if got := Join(a, nil) + Join(a, [][]byte{}) + Join(a, [][]byte{nil, {}}); got != "" {
			t.Errorf("%v: %q", a, got)
		}
	}
}

func TestPackedPartsAreUnpackedBeforeTheyAreJoined(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []string // septets
		fill  int
		want  string
	}{
		{"an escape pair cut in two", []string{"abc\x1B", "edef"}, 1, "abc€def"},
		{"a full part that ends in @", []string{strings.Repeat("x", 152) + "\x00", "y"}, 1, strings.Repeat("x", 152) + "@y"},
		{"<CR> fills the first part", []string{"1234567\r", "89"}, 0, "123456789"},
		{"zeros fill the last part", []string{"12345678", "1234567\x00"}, 0, "123456781234567"},
		{"one part", []string{"abc"}, 1, "abc"},
		{"an empty part", []string{"abc", "", "def"}, 0, "abcdef"},
	} {
		var parts [][]byte
		for _, p := range c.parts {
			parts = append(parts, packBits([]byte(p), c.fill))
		}
		if got := joinPacked(parts, c.fill); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := Join(GSM7Packed, parts); c.fill == 0 && got != c.want {
			t.Errorf("%s: Join gives %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPackedTextThatAClientCutAsOctetsIsJoined(t *testing.T) {
	// go-smpp packs the whole text and cuts every 132 octets, behind headers of 7.
	s := strings.Repeat("Bonjour à tous, 5 € [net]. ", 20)
	septets, ok := Encode(GSM7, s)
	if !ok {
		t.Fatal("the text does not fit")
	}
	if got := joinPacked(cutEvery(packBits(septets, 0), 132), FillBits(HeaderConcat16)); got != s {
		t.Errorf("%q, want %q", got, s)
	}
}

func FuzzDecode(f *testing.F) {
	for a := GSM7; a <= Hebrew+1; a++ {
		f.Add(uint8(a), -1, 0, []byte("Hello\x00\x1Be\x1B"))
		f.Add(uint8(a), 8, 1, []byte("\xD8\x3D\xDE\x00\xD8"))
	}
	f.Fuzz(func(t *testing.T, alphabet uint8, septets, fill int, b []byte) {
		a := Alphabet(alphabet)
		s := Decode(a, b)
		if s != strings.ToValidUTF8(s, "") {
			t.Fatalf("%v: % X reads as invalid UTF-8", a, b)
		}
		again, ok := Encode(a, s)
		if ok != Fits(a, s) {
			t.Fatalf("%v: %q fits: %v", a, s, ok)
		}
		// What was read whole comes back, octet for octet where nothing is ambiguous.
		if ok && (a == Latin1 || a == ASCII && JudgeASCII(b) == ASCII || a == Cyrillic || a == Hebrew || a >= Binary) && !bytes.Equal(again, b) {
			t.Fatalf("%v: % X comes back as % X", a, b, again)
		}
		if len(b) > 4096 {
			return
		}
		fill %= 64
		if n := len(Unpack(b, septets, fill)); n > len(b)*8/7 || septets >= 0 && n > septets {
			t.Fatalf("%d septets from %d octets", n, len(b))
		}
		Join(a, cutEvery(b, 7))
		if a == GSM7Packed {
			joinPacked(cutEvery(b, 7), fill)
		}
	})
}

func FuzzSplitJoin(f *testing.F) {
	for a := GSM7; a <= Hebrew+1; a++ {
		for header := range 3 {
			f.Add(uint8(a), uint8(header), strings.Repeat("x", 152)+"€"+strings.Repeat("y\r", 90))
			f.Add(uint8(a), uint8(header), strings.Repeat("é", 66)+"😀"+strings.Repeat("@", 95))
		}
	}
	f.Fuzz(func(t *testing.T, alphabet, which uint8, s string) {
		a, header := Alphabet(alphabet), headers[int(which)%len(headers)]
		parts, err := Split(a, s, SplitOptions{Header: header})
		if err != nil {
			if Length(a, s) <= 250*Limit(a, header)/2 {
				t.Fatalf("%v: %d units: %v", a, Length(a, s), err)
			}
			return
		}
		fill := 0
		if len(parts) > 1 {
			fill = FillBits(header)
		}
		limit := partOctets(a, len(parts), header)
		for i, p := range parts {
			if len(p) > limit || len(p) == 0 && s != "" {
				t.Fatalf("%v: part %d of %d has %d octets, %d is the most", a, i+1, len(parts), len(p), limit)
			}
			if i > 0 && len(parts[i-1])+8 < limit {
				t.Fatalf("%v: part %d has only %d octets of %d", a, i, len(parts[i-1]), limit)
			}
		}
		if !Fits(a, s) || a == ASCII && JudgeASCII([]byte(s)) != ASCII { // which is read as what it looks like
			return
		}
		want, got := s, joinWith(a, parts, fill)
		if a == GSM7Packed {
			want, got = withoutPadding(want), withoutPadding(got)
		}
		if got != want {
			t.Fatalf("%v behind %d octets: %q, want %q", a, header, got, want)
		}
	})
}

func partOctets(a Alphabet, parts, header int) int {
	if parts == 1 {
		header = HeaderNone
	}
	if a == GSM7 || a == ASCII {
		return Limit(a, header)
	}
	return userDataOctets - header
}

// withoutPadding leaves what packing keeps of a text: 23.038 6.1.2.3.1 takes
// <CR><CR> for <CR>, and a last @ may be taken for padding.
func withoutPadding(s string) string {
	for strings.Contains(s, "\r\r") {
		s = strings.ReplaceAll(s, "\r\r", "\r")
	}
	return strings.TrimRight(s, "@")
}
