package sms

import (
	"testing"
	"unicode/utf8"
)

func TestANumberIsUTF8AndTellsItsOctets(t *testing.T) {
	for _, tc := range []struct{ octets, number, text string }{
		{"", "", ""},
		{"33612345678", "33612345678", "33612345678"},
		{"\xD6sterreich", "latin1:Österreich", "Österreich"},
		{"Österreich", "Österreich", "Österreich"},
		{"latin1:a", "latin1:latin1:a", "latin1:a"},
		{"latin1:\xD6", "latin1:latin1:Ö", "latin1:Ö"},
		{"latin1:Ö", "latin1:latin1:Ã\u0096", "latin1:Ö"},
	} {
		a := Address{Number: Number(tc.octets)}
		if a.Number != tc.number || a.Octets() != tc.octets || a.Text() != tc.text {
			t.Errorf("%q: %q, %q, %q", tc.octets, a.Number, a.Octets(), a.Text())
		}
	}
	earlier := Address{Number: "\xD6sterreich"} // as earlier versions stored it
	if earlier.Octets() != "\xD6sterreich" || earlier.Text() != "Österreich" {
		t.Errorf("%q, %q", earlier.Octets(), earlier.Text())
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"", "1", "\xD6", "Ö", "latin1:", "latin1:\xFF", "\x00\x7F\x80"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := Address{Number: Number(a)}, Address{Number: Number(b)}
		if x.Octets() != a || !utf8.ValidString(x.Number) || !utf8.ValidString(x.Text()) || a != b && x.Number == y.Number {
			t.Fatalf("%q is %q, %q is %q", a, x.Number, b, y.Number)
		}
	})
}
