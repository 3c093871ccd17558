package smpp_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

// The base vectors of the conformance checklist. "MSGID" is as good as any message_id.
const (
	bTX  = "00000023 00000002 00000000 00000001 65736d6531 00 73656372657431 00 00 34 01 01 00"
	bRX  = "00000023 00000001 00000000 00000001 65736d6531 00 73656372657431 00 00 34 01 01 00"
	bTRX = "00000023 00000009 00000000 00000001 65736d6531 00 73656372657431 00 00 34 01 01 00"
	s0   = "00000036 00000004 00000000 00000002 00 01 01 3130303000 01 01 34343737303039303030303100" +
		"00 00 00 00 00 00 00 00 00 05 68656c6c6f"
	m0 = "00000048 00000021 00000000 00000003 00 01 01 3130303000 02 01 01 01 34343737303039303030303100" +
		"01 01 01 34343737303039303030303200 00 00 00 00 00 00 00 00 00 05 68656c6c6f"
	d0 = "00000033 00000103 00000000 00000004 00 01 01 3130303000 01 01 34343737303039303030303100" +
		"00 00 00 0424 0005 68656c6c6f"
	q0 = "0000001d 00000003 00000000 00000005 4d5347494400 01 01 3130303000"
	c0 = "0000002d 00000008 00000000 00000006 00 4d5347494400 01 01 3130303000 01 01 34343737303039303030303100"
	r0 = "00000027 00000007 00000000 00000007 4d5347494400 01 01 3130303000 00 00 00 00 05 48454c4c4f"
	e0 = "00000010 00000015 00000000 00000008"
	u0 = "00000010 00000006 00000000 00000009"
)

var (
	esme1 = smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: "1000"}
	sme1  = smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: "447700900001"}
	sme2  = smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: "447700900002"}
)

func bind(command smpp.CommandID) *smpp.Bind {
	return &smpp.Bind{
		Type: command, SystemID: "esme1", Password: "secret1",
		InterfaceVersion: smpp.V34, AddrTON: smpp.TONInternational, AddrNPI: smpp.NPIISDN,
	}
}

var baseVectors = []struct {
	name string
	hex  string
	pdu  smpp.PDU
}{
	{"B_TX", bTX, bind(smpp.CmdBindTransmitter)},
	{"B_RX", bRX, bind(smpp.CmdBindReceiver)},
	{"B_TRX", bTRX, bind(smpp.CmdBindTransceiver)},
	{"S0", s0, &smpp.SubmitSM{Source: esme1, Dest: sme1, ShortMessage: []byte("hello")}},
	{"M0", m0, &smpp.SubmitMulti{SubmitSM: smpp.SubmitSM{Source: esme1, ShortMessage: []byte("hello")}, Dests: []smpp.Dest{{Address: sme1}, {Address: sme2}}}},
	{"D0", d0, &smpp.DataSM{Source: esme1, Dest: sme1, TLVs: smpp.TLVs{{Tag: smpp.TagMessagePayload, Value: []byte("hello")}}}},
	{"Q0", q0, &smpp.QuerySM{MessageID: "MSGID", Source: esme1}},
	{"C0", c0, &smpp.CancelSM{MessageID: "MSGID", Source: esme1, Dest: sme1}},
	{"R0", r0, &smpp.ReplaceSM{MessageID: "MSGID", Source: esme1, ShortMessage: []byte("HELLO")}},
	{"E0", e0, &smpp.EnquireLink{}},
	{"U0", u0, &smpp.Unbind{}},
}

// full is a submit_sm with something in every field.
var full = smpp.SubmitSM{
	ServiceType: "CMT",
	Source:      smpp.Address{TON: smpp.TONAlphanumeric, NPI: smpp.NPIUnknown, Addr: "Acme"},
	Dest:        smpp.Address{TON: smpp.TONNational, NPI: smpp.NPINational, Addr: "3612"},
	ESMClass:    smpp.ESMUDHI, ProtocolID: 0x7f, PriorityFlag: 3,
	ScheduleDeliveryTime: "261123100000000+", ValidityPeriod: "000000000400000R",
	RegisteredDelivery: smpp.RegReceiptFinal | smpp.RegIntermediate, ReplaceIfPresent: 1,
	DataCoding: 8, DefaultMsgID: 2, ShortMessage: []byte{2, 0x70, 0, 0x42},
	TLVs: smpp.TLVs{
		smpp.TLVUint16(smpp.TagUserMessageReference, 0xa312),
		{Tag: 0x1400},
		{Tag: smpp.TagCallbackNum, Value: []byte{0, 1, 1, '1'}},
		{Tag: smpp.TagCallbackNum, Value: []byte{0, 1, 1, '2'}},
	},
}

const fullBody = "434d5400 05 00 41636d6500 02 08 3336313200 40 7f 03" +
	"3236313132333130303030303030302b00 30303030303030303034303030303052 00 11 01 08 02" +
	"04 02700042 0204 0002 a312 1400 0000 0381 0004 00010131 0381 0004 00010132"

// bodies are the PDUs that no base vector shows.
var bodies = []struct {
	pdu  smpp.PDU
	body string
}{
	{&full, fullBody},
	{(*smpp.DeliverSM)(&full), fullBody},
	{&smpp.EnquireLinkResp{}, ""},
	{&smpp.UnbindResp{}, ""},
	{&smpp.GenericNack{}, ""},
	{&smpp.CancelSMResp{}, ""},
	{&smpp.ReplaceSMResp{}, ""},
	{&smpp.BindResp{
		Type: smpp.CmdBindTransmitterResp, SystemID: "smsc",
		TLVs: smpp.TLVs{smpp.TLVUint8(smpp.TagScInterfaceVersion, smpp.V34)},
	}, "736d736300 0210 0001 34"},
	{&smpp.BindResp{Type: smpp.CmdBindReceiverResp, SystemID: "smsc"}, "736d736300"},
	{&smpp.BindResp{Type: smpp.CmdBindTransceiverResp, SystemID: "smsc"}, "736d736300"},
	{&smpp.Outbind{SystemID: "outb", Password: "secret1"}, "6f75746200 73656372657431 00"},
	{&smpp.SubmitSMResp{MessageID: "1042"}, "3130343200"},
	{&smpp.DeliverSMResp{}, "00"},
	{&smpp.DataSMResp{MessageID: "1042", TLVs: smpp.TLVs{smpp.TLVUint8(smpp.TagDpfResult, 1)}}, "3130343200 0420 0001 01"},
	{&smpp.SubmitMulti{Dests: []smpp.Dest{{ListName: "LIST1"}}}, "00 00 00 00 01 02 4c4953543100 00 00 00 00 00 00 00 00 00 00"},
	{&smpp.SubmitMultiResp{MessageID: "1042"}, "3130343200 00"},
	{&smpp.SubmitMultiResp{MessageID: "1042", Unsuccess: []smpp.Unsuccess{{
		Address: smpp.Address{TON: 1, NPI: 1, Addr: "A"}, Status: smpp.RINVDSTADR,
	}}}, "3130343200 01 01 01 4100 0000000b"},
	{&smpp.QuerySMResp{MessageID: "1042", State: smpp.StateEnroute}, "3130343200 00 01 00"},
	{&smpp.QuerySMResp{MessageID: "1042", FinalDate: "261123100000000+", State: smpp.StateUndeliverable, ErrorCode: 9},
		"3130343200 3236313132333130303030303030302b00 05 09"},
	{&smpp.AlertNotification{
		Source: sme1, ESME: smpp.Address{Addr: "esme1"},
		TLVs: smpp.TLVs{smpp.TLVUint8(smpp.TagMsAvailabilityStatus, 0)},
	}, "01 01 34343737303039303030303100 00 00 65736d653100 0422 0001 00"},
}

// octets reads hexadecimal with spaces in it.
func octets(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// split returns header and body of a PDU's octets, with its command_length made right.
func split(raw []byte) (smpp.Header, []byte) {
	binary.BigEndian.PutUint32(raw, uint32(len(raw)))
	return smpp.ParseHeader(raw), raw[smpp.HeaderLen:]
}

func TestBaseVectorsDecodeAndEncodeBitExact(t *testing.T) {
	for _, v := range baseVectors {
		t.Run(v.name, func(t *testing.T) {
			raw := octets(t, v.hex)
			h := smpp.ParseHeader(raw)
			if int(h.Length) != len(raw) || h.Command != v.pdu.Command() || h.Status != smpp.ROK {
				t.Fatalf("header %+v of %d octets", h, len(raw))
			}
			got, err := smpp.Decode(h, raw[smpp.HeaderLen:])
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, v.pdu) {
				t.Errorf("decoded %+v, want %+v", got, v.pdu)
			}
			if again := smpp.AppendPDU(nil, h.Status, h.Sequence, got); !bytes.Equal(again, raw) {
				t.Errorf("encoded\n% x, want\n% x", again, raw)
			}
		})
	}
}

func TestEveryPDUHasTheLayoutOfTheSpecification(t *testing.T) {
	for _, v := range bodies {
		t.Run(v.pdu.Command().String(), func(t *testing.T) {
			body := octets(t, v.body)
			raw := smpp.AppendPDU([]byte("before"), smpp.ROK, 7, v.pdu)[len("before"):]
			h := smpp.ParseHeader(raw)
			want := smpp.Header{Length: uint32(smpp.HeaderLen + len(body)), Command: v.pdu.Command(), Sequence: 7}
			if h != want {
				t.Errorf("header %+v, want %+v", h, want)
			}
			if !bytes.Equal(raw[smpp.HeaderLen:], body) {
				t.Errorf("encoded\n% x, want\n% x", raw[smpp.HeaderLen:], body)
			}
			got, err := smpp.Decode(h, body)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, v.pdu) {
				t.Errorf("decoded %+v, want %+v", got, v.pdu)
			}
		})
	}
}

func TestSubmitSMConvertsToDeliverSM(t *testing.T) {
	deliver := smpp.DeliverSM(full)
	if deliver.Command() != smpp.CmdDeliverSM || deliver.Dest != full.Dest {
		t.Errorf("converted to %+v", deliver)
	}
}
