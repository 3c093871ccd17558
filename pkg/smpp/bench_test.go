package smpp_test

import (
	"bytes"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func BenchmarkDecodeSubmitSM(b *testing.B) {
	raw := octets(b, s0)
	h := smpp.ParseHeader(raw)
	var p smpp.SubmitSM
	b.ReportAllocs()
	for b.Loop() {
		if err := smpp.DecodeBody(h, raw[smpp.HeaderLen:], &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSubmitSMWithTLVs(b *testing.B) {
	raw := smpp.AppendPDU(nil, smpp.ROK, 1, &full)
	h := smpp.ParseHeader(raw)
	var p smpp.SubmitSM
	b.ReportAllocs()
	for b.Loop() {
		if err := smpp.DecodeBody(h, raw[smpp.HeaderLen:], &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSubmitSMResp(b *testing.B) {
	p := smpp.SubmitSMResp{MessageID: "1234567890"}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = smpp.AppendPDU(buf[:0], smpp.ROK, 1, &p)
	}
}

func BenchmarkAppendDeliverSM(b *testing.B) {
	p := smpp.DeliverSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: "33612345678"}, Dest: smpp.Address{NPI: 1, Addr: "3600"}, ShortMessage: make([]byte, 120)}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = smpp.AppendPDU(buf[:0], smpp.ROK, 1, &p)
	}
}

func BenchmarkReadPDU(b *testing.B) {
	raw := octets(b, s0)
	r := bytes.NewReader(raw)
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(raw)
		if _, _, err := smpp.ReadPDUInto(r, buf, smpp.MaxPDU); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheHotPathAllocatesOnlyStringsThatAreNew(t *testing.T) {
	raw := octets(t, s0)
	h := smpp.ParseHeader(raw)
	var submit smpp.SubmitSM
	if n := testing.AllocsPerRun(100, func() {
		submit = smpp.SubmitSM{}
		_ = smpp.DecodeBody(h, raw[smpp.HeaderLen:], &submit)
	}); n != 2 {
		t.Errorf("decoding S0, which has two strings, allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		submit.Source.Addr = "another"
		_ = smpp.DecodeBody(h, raw[smpp.HeaderLen:], &submit)
	}); n != 1 {
		t.Errorf("decoding S0, one of whose strings is as before, allocates %v times", n)
	}
	resp := smpp.SubmitSMResp{MessageID: "1234567890"}
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { smpp.AppendPDU(buf, smpp.ROK, 1, &resp) }); n != 0 {
		t.Errorf("appending submit_sm_resp allocates %v times", n)
	}
	buf = make([]byte, 0, 64)
	r := bytes.NewReader(raw)
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(raw)
		_, _, _ = smpp.ReadPDUInto(r, buf, smpp.MaxPDU)
	}); n != 0 {
		t.Errorf("reading into a buffer allocates %v times", n)
	}
}
