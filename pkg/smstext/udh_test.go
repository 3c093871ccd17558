package smstext

import (
	"bytes"
	"strings"
	"testing"
)

func TestAHeaderIsTakenOffItsPayload(t *testing.T) { // CON-01, CON-02, SUB-11 (a)
	for _, c := range []struct {
		name, in string
		elements int
		payload  string
		concat   Concat
		ok       bool
	}{
		{"8-bit reference", "05 00 03 2A 03 02 41", 1, "A", Concat{Ref: 0x2A, Total: 3, Seq: 2}, true},
		{"16-bit reference", "06 08 04 01 2A 02 01 41 42", 1, "AB", Concat{Ref: 0x12A, Total: 2, Seq: 1, Wide: true}, true},
		{"no payload", "05 00 03 2A 03 03", 1, "", Concat{Ref: 0x2A, Total: 3, Seq: 3}, true},
		{"ports are no concatenation", "06 05 04 0B 84 23 F0 41", 1, "A", Concat{}, false},
		{"ports, then concatenation", "0B 05 04 0B 84 23 F0 00 03 2A 02 01 41", 2, "A", Concat{Ref: 0x2A, Total: 2, Seq: 1}, true},
		{"concatenation, then ports", "0B 00 03 2A 02 01 05 04 0B 84 23 F0 41", 2, "A", Concat{Ref: 0x2A, Total: 2, Seq: 1}, true},
		{"the last one counts", "0B 00 03 2A 02 01 08 04 01 00 03 02", 2, "", Concat{Ref: 0x100, Total: 3, Seq: 2, Wide: true}, true},
		{"a senseless last one does not", "0A 00 03 2A 02 01 00 03 2A 02 00", 2, "", Concat{Ref: 0x2A, Total: 2, Seq: 1}, true},
		{"total 0", "05 00 03 2A 00 00", 1, "", Concat{}, false},
		{"seq 0", "05 00 03 2A 02 00", 1, "", Concat{}, false},
		{"seq above total", "05 00 03 2A 02 03", 1, "", Concat{}, false},
		{"element too short", "04 00 02 2A 02", 1, "", Concat{}, false},
		{"no elements", "00 41", 0, "A", Concat{}, false},
		{"an empty element", "02 70 00 41", 1, "A", Concat{}, false},
	} {
		in := unhex(t, c.in)
		h, payload, err := ParseUDH(in)
		if err != nil || len(h) != c.elements || string(payload) != c.payload {
			t.Errorf("%s: %v, %q, %v", c.name, h, payload, err)
			continue
		}
		if got, ok := h.Concat(); got != c.concat || ok != c.ok {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, ok, c.concat, c.ok)
		}
		if back, err := h.Append(nil); err != nil || !bytes.Equal(append(back, payload...), in) {
			t.Errorf("%s: written as % X, %v", c.name, back, err)
		}
	}
}

func TestABrokenHeaderIsNamed(t *testing.T) { // SUB-11 (b), (c)
	for _, c := range []struct{ in, fault string }{
		{"", "no user data"},
		{"01", "length 1, but 0 octets follow"},
		{"05 00 03 2A 03", "length 5, but 4 octets follow"},
		{"FF 00", "length 255, but 1 octets follow"},
		{"05 00 04 2A 03 02", "element 0x00 has length 4, but 3 octets are left"},
		{"06 00 03 2A 03 02 08", "element 0x08 has no length"},
	} {
		h, payload, err := ParseUDH(unhex(t, c.in))
		if err == nil || !strings.Contains(err.Error(), c.fault) || h != nil || payload != nil {
			t.Errorf("%q: %v %v %v, want %q", c.in, h, payload, err, c.fault)
		}
	}
}

func TestWhatIsAppendedToTheHeaderLeavesThePayloadAlone(t *testing.T) {
	in := unhex(t, "05 00 03 2A 03 02 41")
	h, _, _ := ParseUDH(in)
	_ = append(h[0].Data, 0xFF)
	if in[6] != 0x41 {
		t.Error("the payload was overwritten")
	}
}

func TestAHeaderThatDoesNotFitIsNotWritten(t *testing.T) {
	h := UDH{{IEI: 1, Data: make([]byte, 254)}}
	if out, err := h.Append([]byte("x")); err == nil || string(out) != "x" {
		t.Errorf("%q, %v", out, err)
	}
	h[0].Data = h[0].Data[:253]
	if out, err := h.Append(nil); err != nil || len(out) != 256 {
		t.Errorf("%d octets, %v", len(out), err)
	}
}

func TestConcatenationHeadersAreThoseOf23040(t *testing.T) {
	if got := AppendConcat8([]byte("x"), 0x2A, 3, 2); !bytes.Equal(got, unhex(t, "78 05 00 03 2A 03 02")) || len(got)-1 != HeaderConcat8 {
		t.Errorf("% X", got)
	}
	if got := AppendConcat16(nil, 0x12A, 3, 2); !bytes.Equal(got, unhex(t, "06 08 04 01 2A 03 02")) || len(got) != HeaderConcat16 {
		t.Errorf("% X", got)
	}
}

func TestTheLastElementOfAKindIsFound(t *testing.T) {
	h := UDH{{IEI: IEIPorts16, Data: []byte{1}}, {IEI: IEIPorts16, Data: []byte{2}}}
	if d, ok := h.Find(IEIPorts16); !ok || d[0] != 2 {
		t.Errorf("% X %v", d, ok)
	}
	if _, ok := h.Find(IEIPorts8); ok {
		t.Error("there is none")
	}
}

func FuzzUDH(f *testing.F) {
	for _, s := range []string{"", "\x05\x00\x03\x2A\x03\x02A", "\x06\x08\x04\x01\x2A\x02\x01", "\x0B\x05\x04\x0B\x84\x23\xF0\x00\x03\x2A\x02\x01", "\x05\x00\x09"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		h, payload, err := ParseUDH(in)
		if err != nil {
			return
		}
		if c, ok := h.Concat(); ok != c.Valid() {
			t.Fatalf("%+v %v", c, ok)
		}
		back, err := h.Append(nil)
		if err != nil || !bytes.Equal(append(back, payload...), in) {
			t.Fatalf("% X comes back as % X, %v", in, back, err)
		}
	})
}
