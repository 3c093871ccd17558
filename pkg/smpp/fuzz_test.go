package smpp_test

import (
	"encoding/binary"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"hnetsmpp/pkg/smpp"
)

// seed adds every PDU of the tests as command and body.
func seed(f *testing.F) {
	for _, v := range baseVectors {
		raw := octets(f, v.hex)
		f.Add(binary.BigEndian.Uint32(raw[4:]), raw[smpp.HeaderLen:])
	}
	for _, v := range bodies {
		f.Add(uint32(v.pdu.Command()), octets(f, v.body))
	}
	stray := octets(f, s0)[smpp.HeaderLen:]
	f.Add(uint32(smpp.CmdSubmitSM), append(stray, octets(f, "00 0204 0002 0001")...))
}

// FuzzDecode holds that nothing a peer sends panics, and that decoded octets lie within
// the body they came from.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, command uint32, body []byte) {
		p, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, body)
		if (p == nil) == (err == nil) {
			t.Fatalf("%v and %v", p, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		within(t, reflect.ValueOf(p).Elem(), body)
	})
}

// within requires that every []byte in v lies in body, capacity included.
func within(t *testing.T, v reflect.Value, body []byte) {
	switch {
	case v.Type() == reflect.TypeFor[[]byte]():
		b := v.Bytes()
		if cap(b) == 0 {
			return
		}
		first, last := uintptr(unsafe.Pointer(unsafe.SliceData(body))), uintptr(len(body))
		at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
		if at < first || at+uintptr(cap(b)) > first+last || cap(b) != len(b) {
			t.Errorf("%d of %d octets lie outside of the body", len(b), cap(b))
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			within(t, v.Index(i), body)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			within(t, v.Field(i), body)
		}
	}
}

// FuzzRoundTrip holds that what was decoded is the same after encoding and decoding: a
// stray NUL that was forgiven is gone, and what a response left out stays so.
func FuzzRoundTrip(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, command uint32, body []byte) {
		p, err := smpp.Decode(smpp.Header{Command: smpp.CommandID(command)}, body)
		if err != nil {
			return
		}
		raw := smpp.AppendPDU(nil, smpp.ROK, 1, p)
		h := smpp.ParseHeader(raw)
		if int(h.Length) != len(raw) || h.Command != smpp.CommandID(command) {
			t.Fatalf("header %+v of %d octets", h, len(raw))
		}
		again, err := smpp.Decode(h, raw[smpp.HeaderLen:])
		if err != nil {
			t.Fatalf("%v\n% x", err, raw)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("%+v came back as %+v", p, again)
		}
	})
}

// FuzzParseTime holds that a time that is read can be written and read again.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"", "261123100000000+", "261123050000020-", "000000000004599R", "020610233429000R", "380101000000048+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := smpp.ParseTime(s, now)
		if err != nil {
			return
		}
		// Beyond these years, which an offset or a relative time reaches, two digits do
		// not say the century.
		if y := at.Year(); !at.IsZero() && (y < 1938 || y > 2037) {
			return
		}
		again, err := smpp.ParseTime(smpp.FormatTime(at), time.Time{})
		if err != nil || !again.Equal(at) {
			t.Fatalf("%q: %v came back as %v, %v", s, at, again, err)
		}
	})
}

// FuzzParseReceipt holds that a receipt that is read keeps its meaning when written.
func FuzzParseReceipt(f *testing.F) {
	f.Add(receiptText)
	f.Add("id:1 stat:EXPIRED text:")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := smpp.ParseReceipt([]byte(s))
		if err != nil {
			return
		}
		again, err := smpp.ParseReceipt(r.Append(nil))
		if err != nil || again.ID != r.ID || again.State != r.State {
			t.Fatalf("%+v came back as %+v, %v", r, again, err)
		}
	})
}
