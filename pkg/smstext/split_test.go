package smstext

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var headers = []int{HeaderNone, HeaderConcat8, HeaderConcat16}

func lengths(parts [][]byte) []int {
	n := make([]int, len(parts))
	for i, p := range parts {
		n[i] = len(p)
	}
	return n
}

func TestTheLimitsAreThoseOf23040(t *testing.T) {
	for _, c := range []struct{ header, septets, octets int }{
		{HeaderNone, 160, 140}, {HeaderConcat8, 153, 134}, {HeaderConcat16, 152, 133}, {-1, 160, 140}, {139, 1, 1}, {500, 1, 1},
	} {
		for a := GSM7; a <= Hebrew; a++ {
			want := c.octets
			if a == GSM7 || a == GSM7Packed || a == ASCII {
				want = c.septets
			}
			if got := Limit(a, c.header); got != want {
				t.Errorf("%v behind %d octets: %d, want %d", a, c.header, got, want)
			}
		}
	}
}

func TestTextIsSplitOnlyAboveItsLimit(t *testing.T) { // SUB-20, CON-01, CON-02
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name   string
		a      Alphabet
		s      string
		header int
		want   []int // octets of each part
	}{
		{"nothing is one part", GSM7, "", 6, []int{0}},
		{"160 septets", GSM7, x(160), 6, []int{160}},
		{"161 septets", GSM7, x(161), 6, []int{153, 8}},
		{"159 and € are 161", GSM7, x(159) + "€", 6, []int{153, 8}},
		{"158 and € are 160", GSM7, x(158) + "€", 6, []int{160}},
		{"306 septets", GSM7, x(306), 6, []int{153, 153}},
		{"307 septets", GSM7, x(307), 6, []int{153, 153, 1}},
		{"€ in septets 153 and 154", GSM7, x(152) + "€" + x(20), 6, []int{152, 22}},
		{"€ in septets 152 and 153", GSM7, x(151) + "€" + x(20), 6, []int{153, 20}},
		{"16-bit reference", GSM7, x(161), 7, []int{152, 9}},
		{"sar", GSM7, x(161), 0, []int{160, 1}},
		{"sar, € in septets 160 and 161", GSM7, x(159) + "€", 0, []int{159, 2}},
		{"70 units", UCS2, strings.Repeat("é", 70), 6, []int{140}},
		{"71 units", UCS2, strings.Repeat("é", 71), 6, []int{134, 8}},
		{"a pair in units 67 and 68", UCS2, strings.Repeat("é", 66) + "😀éééé", 6, []int{132, 12}},
		{"a pair in units 66 and 67", UCS2, strings.Repeat("é", 65) + "😀éééé", 6, []int{134, 8}},
		{"a pair in units 70 and 71", UCS2, strings.Repeat("é", 69) + "😀", 0, []int{138, 4}},
		{"16-bit reference, whole units", UCS2, strings.Repeat("é", 71), 7, []int{132, 10}},
		{"140 octets", Latin1, x(140), 6, []int{140}},
		{"141 octets", Latin1, x(141), 6, []int{134, 7}},
		{"UTF-8 rune at 134", UTF8, x(133) + "é" + x(10), 6, []int{133, 12}},
		{"UTF-8 rune of 4", UTF8, x(131) + "😀" + x(10), 6, []int{131, 14}},
		{"packed 160 septets", GSM7Packed, x(160), 6, []int{140}},
		{"packed 161 septets", GSM7Packed, x(161), 6, []int{134, 8}},
		{"packed, 16-bit reference", GSM7Packed, x(161), 7, []int{133, 8}},
		{"packed, sar", GSM7Packed, x(161), 0, []int{140, 1}},
		{"packed, no room for the second <CR>", GSM7Packed, x(159) + "\r", 6, []int{134, 7}},
		{"packed, € in septets 153 and 154", GSM7Packed, x(152) + "€" + x(20), 6, []int{134, 20}},
	} {
		parts, err := Split(c.a, c.s, SplitOptions{Header: c.header})
		if err != nil || !slices.Equal(lengths(parts), c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, lengths(parts), err, c.want)
			continue
		}
		fill := 0
		if len(parts) > 1 {
			fill = FillBits(c.header)
		}
		if got := joinWith(c.a, parts, fill); got != c.s {
			t.Errorf("%s: joined to %q", c.name, got)
		}
	}
}

// joinWith is Join, or joinPacked where the parts have fill bits.
func joinWith(a Alphabet, parts [][]byte, fill int) string {
	if a == GSM7Packed {
		return joinPacked(parts, fill)
	}
	return Join(a, parts)
}

func TestAPartIsReadableByItself(t *testing.T) { // CON-04
	gsm := strings.Repeat("x", 152) + strings.Repeat("€", 124)
	ucs := strings.Repeat("é", 66) + strings.Repeat("😀", 67)
	for a, s := range map[Alphabet]string{GSM7: gsm, GSM7Packed: gsm, UCS2: ucs, UTF8: ucs} {
		for _, header := range headers {
			parts, err := Split(a, s, SplitOptions{Header: header})
			if err != nil || len(parts) < 3 {
				t.Fatalf("%v: %d parts, %v", a, len(parts), err)
			}
			var whole string
			for _, p := range parts {
				text := joinWith(a, [][]byte{p}, FillBits(header))
				if strings.ContainsRune(text, utf8.RuneError) {
					t.Errorf("%v behind %d octets: a part reads as %q", a, header, text)
				}
				whole += text
			}
			if whole != s {
				t.Errorf("%v behind %d octets: the parts read as %q", a, header, whole)
			}
		}
	}
}

func TestBinaryIsCutAnywhere(t *testing.T) { // CON-04
	b := slices.Repeat(all256(), 2)[:300]
	parts, err := SplitEncoded(Binary, b, SplitOptions{Header: HeaderConcat8})
	if err != nil || !slices.Equal(lengths(parts), []int{134, 134, 32}) || !bytes.Equal(slices.Concat(parts...), b) {
		t.Errorf("%v, %v", lengths(parts), err)
	}
	for _, c := range []struct {
		n, first, part int
		want           []int
	}{
		{0, 140, 134, []int{0}}, {0, -1, 134, []int{0}}, {140, 140, 134, []int{140}}, {141, 140, 134, []int{134, 7}},
		{3, 0, 1, []int{1, 1, 1}}, {2, 0, 0, []int{1, 1}}, {2, -5, -5, []int{1, 1}},
	} {
		if got := lengths(SplitOctets(make([]byte, c.n), c.first, c.part)); !slices.Equal(got, c.want) {
			t.Errorf("SplitOctets(%d, %d, %d): %v, want %v", c.n, c.first, c.part, got, c.want)
		}
	}
}

func TestEncodedOctetsAreSplitAtTheSamePlaces(t *testing.T) { // MOD-02
	gsm := strings.Repeat("x", 152) + "€" + strings.Repeat("y", 300)
	ucs := strings.Repeat("é", 66) + "😀" + strings.Repeat("è", 100)
	for a, s := range map[Alphabet]string{GSM7: gsm, GSM7Packed: gsm, Latin1: strings.Repeat("é", 300), UCS2: ucs, UTF8: ucs} {
		for _, header := range headers {
			want, err := Split(a, s, SplitOptions{Header: header})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := Encode(a, s)
			got, err := SplitEncoded(a, b, SplitOptions{Header: header})
			if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%v behind %d octets: %v, want %v", a, header, lengths(got), lengths(want))
			}
		}
	}
}

func TestOctetsThatAreNoTextAreSplitWithoutLoss(t *testing.T) {
	for _, c := range []struct {
		name string
		a    Alphabet
		b    []byte
		want []int
	}{
		{"only escapes", GSM7, bytes.Repeat([]byte{escape}, 307), []int{152, 152, 3}},
		{"odd UCS-2", UCS2, make([]byte, 141), []int{134, 7}},
		{"odd UCS-2 at the border", UCS2, make([]byte, 269), []int{134, 134, 1}},
		{"UTF-8 continuation octets", UTF8, bytes.Repeat([]byte{0x80}, 141), []int{134, 7}},
	} {
		parts, err := SplitEncoded(c.a, c.b, SplitOptions{Header: HeaderConcat8})
		if err != nil || !slices.Equal(lengths(parts), c.want) || !bytes.Equal(slices.Concat(parts...), c.b) {
			t.Errorf("%s: %v, %v", c.name, lengths(parts), err)
		}
	}
}

func TestMoreThan255PartsAreAnError(t *testing.T) {
	for a, limit := range map[Alphabet]int{GSM7: 153, GSM7Packed: 153, Latin1: 134, UTF8: 134} {
		parts, err := Split(a, strings.Repeat("x", 255*limit), SplitOptions{Header: HeaderConcat8})
		if err != nil || len(parts) != MaxParts {
			t.Errorf("%v: %d parts, %v", a, len(parts), err)
		}
		parts, err = Split(a, strings.Repeat("x", 255*limit+1), SplitOptions{Header: HeaderConcat8})
		if !errors.Is(err, ErrTooManyParts) || parts != nil {
			t.Errorf("%v: %d parts, %v", a, len(parts), err)
		}
	}
}

func TestAPartCannotGrowIntoTheNext(t *testing.T) {
	parts, err := Split(Latin1, strings.Repeat("x", 141), SplitOptions{Header: HeaderConcat8})
	if err != nil {
		t.Fatal(err)
	}
	_ = append(parts[0], '!')
	if parts[1][0] != 'x' {
		t.Error("the second part was overwritten")
	}
}

func ExampleSplit() {
	const text = "😀 Votre rendez-vous est confirmé. Répondez STOP pour ne plus recevoir de messages."
	a, dataCoding := Codings{}.Choose(text)
	parts, err := Split(a, text, SplitOptions{Header: HeaderConcat8})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, part := range parts {
		userData := append(AppendConcat8(nil, 42, byte(len(parts)), byte(i+1)), part...)
		fmt.Printf("data_coding 0x%02X, % X + %d octets\n", dataCoding, userData[:HeaderConcat8], len(part))
	}
	// Output:
	// data_coding 0x08, 05 00 03 2A 02 01 + 134 octets
	// data_coding 0x08, 05 00 03 2A 02 02 + 32 octets
}
