package smstext

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// packBits packs by writing the bits out: the first septet's lowest bit is
// the lowest bit of the first octet behind the fill bits.
func packBits(septets []byte, fill int) []byte {
	var bits strings.Builder // last bit first
	bits.WriteString(strings.Repeat("0", fill))
	for _, s := range septets {
		for i := range 7 {
			bits.WriteByte('0' + s>>i&1)
		}
	}
	for bits.Len()%8 != 0 {
		bits.WriteByte('0')
	}
	var out []byte
	for in := bits.String(); in != ""; in = in[8:] {
		octet := []byte(in[:8])
		for i, j := 0, 7; i < j; i, j = i+1, j-1 {
			octet[i], octet[j] = octet[j], octet[i]
		}
		v, _ := strconv.ParseUint(string(octet), 2, 8)
		out = append(out, byte(v))
	}
	return out
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPackedTextIsThatOfOtherImplementations(t *testing.T) {
	for text, packed := range map[string]string{
		"":            "",
		"hellohello":  "E8 32 9B FD 46 97 D9 EC 37",
		"Hello world": "C8 32 9B FD 06 DD DF 72 36 19",
		"€":           "9B 32",
		"1234567":     "31 D9 8C 56 B3 DD 1A", // 7 spare bits hold <CR>
		"12345678":    "31 D9 8C 56 B3 DD 70",
	} {
		want := unhex(t, packed)
		if got, ok := Encode(GSM7Packed, text); !ok || !bytes.Equal(got, want) {
			t.Errorf("%q: % X, want % X", text, got, want)
		}
		if got := Decode(GSM7Packed, want); got != text {
			t.Errorf("% X: %q, want %q", want, got, text)
		}
	}
}

func TestPaddingOnTheOctetBoundaryIsNoText(t *testing.T) { // 23.038 6.1.2.3.1
	for _, c := range []struct{ name, septets, want string }{
		{"filled with <CR>", "1234567\r", "1234567"},
		{"filled with zeros, as go-smpp and cloudhopper do", "1234567\x00", "1234567"},
		{"a full octet group", "12345678", "12345678"},
		{"<CR> elsewhere is text", "123456\r", "123456\r"},
		{"@ elsewhere is text", "12345\x00", "12345@"},
		{"only one is taken", "123456\r\r", "123456\r"},
	} {
		if got := Decode(GSM7Packed, packBits([]byte(c.septets), 0)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := Unpack(packBits([]byte(c.septets), 0), len(c.septets), 0); string(got) != c.septets {
			t.Errorf("%s: with the count %q", c.name, got)
		}
	}
}

func TestALastCROnTheOctetBoundaryIsDoubled(t *testing.T) { // 23.038 6.1.2.3.1
	got := Pack([]byte("1234567\r"), 0)
	if want := packBits([]byte("1234567\r\r"), 0); !bytes.Equal(got, want) {
		t.Errorf("% X, want % X", got, want)
	}
}

func TestSeptetsComeBackBehindAnyFillBits(t *testing.T) {
	for fill := range 7 {
		for n := range 40 {
			septets := make([]byte, n)
			for i := range septets {
				septets[i] = byte(i*37+n) | 1 // no '@'
				septets[i] &= 0x7F
				if septets[i] == cr {
					septets[i] = 'x'
				}
			}
			name := fmt.Sprintf("%d septets behind %d bits", n, fill)
			b := Pack(septets, fill)
			if got := Unpack(b, -1, fill); !bytes.Equal(got, septets) {
				t.Errorf("%s: % X, want % X", name, got, septets)
			}
			plain := packBits(septets, fill)
			if got := Unpack(plain, n, fill); !bytes.Equal(got, septets) {
				t.Errorf("%s, with the count: % X, want % X", name, got, septets)
			}
			if len(b) != len(plain) || n > 0 && !bytes.Equal(b[:len(b)-1], plain[:len(b)-1]) {
				t.Errorf("%s: % X, want % X", name, b, plain)
			}
		}
	}
}

func TestTheFirstSeptetStartsOnASeptetBoundaryBehindTheHeader(t *testing.T) { // 23.040 9.2.3.24
	for header := range 140 {
		fill := FillBits(header)
		if fill < 0 || fill > 6 || (header*8+fill)%7 != 0 {
			t.Errorf("%d octets: %d fill bits", header, fill)
		}
	}
	if FillBits(HeaderNone) != 0 || FillBits(HeaderConcat8) != 1 || FillBits(HeaderConcat16) != 0 || FillBits(-1) != 0 {
		t.Error("0, 1 and 0 bits were due")
	}
}

func TestUnpackNeverReadsMoreThanThereIs(t *testing.T) {
	for _, c := range []struct {
		in            string
		septets, fill int
		want          int
	}{
		{"", -1, 0, 0}, {"", 5, 0, 0}, {"", -1, 3, 0}, {"a", 5, 0, 1}, {"a", 5, 6, 0}, {"a", -1, 100, 0}, {"a", 1, -4, 1}, {"abc", 2, 0, 2},
	} {
		if got := Unpack([]byte(c.in), c.septets, c.fill); len(got) != c.want {
			t.Errorf("Unpack(%q, %d, %d): %d septets, want %d", c.in, c.septets, c.fill, len(got), c.want)
		}
	}
}
