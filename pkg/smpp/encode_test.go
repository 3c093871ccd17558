package smpp_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func TestAResponseWithAnErrorIsAHeaderAlone(t *testing.T) {
	dpf := smpp.TLVs{smpp.TLVUint8(smpp.TagDpfResult, 1)}
	tests := []struct {
		name string
		pdu  smpp.PDU
		body string
	}{
		{"SUB-03 submit_sm_resp", &smpp.SubmitSMResp{MessageID: "1"}, ""},
		{"DAT-03 submit_sm_resp in transaction mode", &smpp.SubmitSMResp{MessageID: "1", TLVs: dpf}, "3100 0420 0001 01"},
		{"DAT-03 data_sm_resp in transaction mode", &smpp.DataSMResp{TLVs: dpf}, "00 0420 0001 01"},
		{"data_sm_resp", &smpp.DataSMResp{MessageID: "1"}, ""},
		{"deliver_sm_resp", &smpp.DeliverSMResp{TLVs: dpf}, ""},
		{"QRY-05 query_sm_resp", &smpp.QuerySMResp{MessageID: "1"}, ""},
		{"MUL-03 submit_multi_resp", &smpp.SubmitMultiResp{MessageID: "1"}, ""},
		{"BND-11 bind_transmitter_resp", &smpp.BindResp{Type: smpp.CmdBindTransmitterResp, SystemID: "smsc"}, ""},
		{"BND-11 bind_receiver_resp", &smpp.BindResp{Type: smpp.CmdBindReceiverResp, SystemID: "smsc"}, ""},
		{"BND-11 bind_transceiver_resp", &smpp.BindResp{Type: smpp.CmdBindTransceiverResp, SystemID: "smsc", TLVs: dpf}, "00"},
		{"generic_nack", &smpp.GenericNack{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := smpp.AppendPDU(nil, smpp.RSYSERR, 9, test.pdu)
			want := smpp.Header{Length: uint32(len(raw)), Command: test.pdu.Command(), Status: smpp.RSYSERR, Sequence: 9}
			if h := smpp.ParseHeader(raw); h != want {
				t.Errorf("header %+v, want %+v", h, want)
			}
			if body := octets(t, test.body); !bytes.Equal(raw[smpp.HeaderLen:], body) {
				t.Errorf("body % x, want % x", raw[smpp.HeaderLen:], body)
			}
		})
	}
}

func TestARefusalIsTheResponseOfItsRequest(t *testing.T) {
	tests := []struct {
		request smpp.CommandID
		want    string
	}{
		{smpp.CmdSubmitSM, "00000010 80000004 00000008 00000007"},
		{smpp.CmdBindReceiver, "00000010 80000001 00000008 00000007"},
		{smpp.CmdBindTransceiver, "00000011 80000009 00000008 00000007 00"},
		{smpp.CmdOutbind, "00000010 80000000 00000008 00000007"},
		{0x0A, "00000010 80000000 00000008 00000007"},
	}
	for _, test := range tests {
		if raw := smpp.AppendRefusal(nil, test.request, smpp.RSYSERR, 7); !bytes.Equal(raw, octets(t, test.want)) {
			t.Errorf("%s is refused with % x, want %s", test.request, raw, test.want)
		}
	}
}

func TestWhatIsTooMuchForALengthFieldIsLeftOut(t *testing.T) {
	p := wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.SubmitSM{
		ServiceType:  "AB\x00CD",
		ShortMessage: make([]byte, 300),
		TLVs:         smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: make([]byte, 70000)}, smpp.TLVUint8(smpp.TagSetDpf, 1)},
	}), smpp.ROK).(*smpp.SubmitSM)
	payload, _ := p.TLVs.Get(smpp.TagMessagePayload)
	if p.ServiceType != "AB" || len(p.ShortMessage) != 255 || len(payload) != 65535 || !p.TLVs.Has(smpp.TagSetDpf) {
		t.Errorf("service_type %q, %d and %d octets, %d TLVs", p.ServiceType, len(p.ShortMessage), len(payload), len(p.TLVs))
	}
	multi := smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{ShortMessage: []byte("hello")}, Dests: slices.Repeat([]smpp.Dest{{Address: sme1}}, 300)}
	m := wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, &multi), smpp.ROK).(*smpp.SubmitMulti)
	if len(m.Dests) != 255 || string(m.ShortMessage) != "hello" {
		t.Errorf("%d destinations, text %q", len(m.Dests), m.ShortMessage)
	}
}

func TestAppendPDUWritesBehindWhatIsThere(t *testing.T) {
	two := smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.EnquireLink{})
	two = smpp.AppendPDU(two, smpp.ROK, 2, &smpp.SubmitSM{ShortMessage: []byte(strings.Repeat("a", 10))})
	r := bytes.NewReader(two)
	for _, want := range []smpp.CommandID{smpp.CmdEnquireLink, smpp.CmdSubmitSM} {
		h, _, err := smpp.ReadPDU(r, smpp.MaxPDU)
		if err != nil || h.Command != want {
			t.Fatalf("read %s, %v, want %s", h.Command, err, want)
		}
	}
}
