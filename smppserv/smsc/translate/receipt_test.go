package translate

import (
	"reflect"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// receiptMessage is the receipt for message 12 of alice.
func receiptMessage(change func(*sms.Message)) *sms.Message {
	m := &sms.Message{
		Kind: sms.KindReceipt, Recipient: "alice", Source: sms.Address{TON: 1, NPI: 2, Number: "3"}, Dest: sms.Address{TON: 4, NPI: 5, Number: "6"},
		ServiceType: "CMT", ESMClass: smpp.ESMReplyPath | smpp.ESMStoreForward, DataCoding: 8, Priority: 3, RegisteredDelivery: 0x1F, Alphabet: "gsm7", Content: []byte("\x00hello, how are you? "),
		Receipt: &sms.Receipt{Of: 12, State: sms.Delivered, SubmittedAt: time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC), DoneAt: now},
	}
	if change != nil {
		change(m)
	}
	return m
}

const (
	receiptHead = "id:12 sub:001 dlvrd:001 submit date:2602282359 done date:2603011200 stat:DELIVRD err:000"
	receiptTail = " Text:@hello, how are you?"
)

func TestAReceiptSaysWhatBecameOfItsMessage(t *testing.T) {
	id, state := smpp.TLVString(smpp.TagReceiptedMessageID, "12"), smpp.TLVUint8(smpp.TagMessageState, 2)
	undelivered := smpp.TLVUint8(smpp.TagMessageState, 5)
	code := func(network, high, low byte) smpp.TLV {
		return smpp.TLV{Tag: smpp.TagNetworkErrorCode, Value: []byte{network, high, low}}
	}
	carry := func(tlvs ...smpp.TLV) func(*sms.Message) {
		return func(m *sms.Message) { m.TLVs = smpp.AppendTLVs(nil, tlvs) }
	}
	failed := func(code int) func(*sms.Message) {
		return func(m *sms.Message) { m.Receipt.State, m.Receipt.Error = sms.Undeliverable, code }
	}
	failedText := func(err string) string {
		return "id:12 sub:001 dlvrd:000 submit date:2602282359 done date:2603011200 stat:UNDELIV err:" + err + receiptTail
	}
	for _, tc := range []struct {
		name    string
		version byte
		change  func(*sms.Message)
		esm     byte
		text    string
		tlvs    smpp.TLVs
	}{
		{"delivered", smpp.V34, nil, 0x04, receiptHead + receiptTail, smpp.TLVs{id, state}},
		{"delivered, 5.0", smpp.V50, nil, 0x04, receiptHead + receiptTail, smpp.TLVs{id, state}},
		{"delivered, 3.3", smpp.V33, nil, 0x04, receiptHead + receiptTail, nil},
		{"failed", smpp.V34, failed(0x0141), 0x04, failedText("321"), smpp.TLVs{id, undelivered, code(3, 1, 0x41)}},
		{"failed, 5.0", smpp.V50, failed(0x0141), 0x04, failedText("321"), smpp.TLVs{id, undelivered, code(8, 1, 0x41)}},
		{"failed, 3.3", smpp.V33, failed(0x0141), 0x04, failedText("321"), nil},
		{"failed without a code", smpp.V34, failed(0), 0x04, failedText("000"), smpp.TLVs{id, undelivered}},
		{"failed with a code of four digits", smpp.V34, failed(1000), 0x04, failedText("999"), smpp.TLVs{id, undelivered, code(3, 3, 0xE8)}},
		{"an alert follows", smpp.V34, func(m *sms.Message) { m.Receipt.DPF = true }, 0x04, receiptHead + receiptTail,
			smpp.TLVs{id, state, smpp.TLVUint8(smpp.TagDpfResult, 1)}},
		{"the submitter's own reference", smpp.V34, carry(smpp.TLVUint16(smpp.TagUserMessageReference, 0x0102), smpp.TLVUint16(smpp.TagSourcePort, 9)), 0x04,
			receiptHead + receiptTail, smpp.TLVs{id, state, smpp.TLVUint16(smpp.TagUserMessageReference, 0x0102)}},
		{"everything", smpp.V50, func(m *sms.Message) {
			failed(8)(m)
			carry(smpp.TLVUint16(smpp.TagUserMessageReference, 1))(m)
			m.Receipt.DPF = true
		}, 0x04, failedText("008"), smpp.TLVs{id, undelivered, code(8, 0, 8), smpp.TLVUint8(smpp.TagDpfResult, 1), smpp.TLVUint16(smpp.TagUserMessageReference, 1)}},
		{"not restricted", smpp.V34, carry(smpp.TLVUint8(smpp.TagPrivacyIndicator, 0)), 0x04, receiptHead + receiptTail, smpp.TLVs{id, state}},
		{"restricted", smpp.V34, carry(smpp.TLVUint8(smpp.TagPrivacyIndicator, 1)), 0x04, receiptHead + " Text:", smpp.TLVs{id, state}},
		{"behind a header", smpp.V34, func(m *sms.Message) { m.ESMClass, m.Content = smpp.ESMUDHI, []byte("\x01xhello") }, 0x04, receiptHead + " Text:hello",
			smpp.TLVs{id, state}},
		{"intermediate", smpp.V34, func(m *sms.Message) {
			m.Kind, m.Receipt.State = sms.KindIntermediate, sms.Enroute
		}, 0x20, "id:12 sub:001 dlvrd:000 submit date:2602282359 done date:2603011200 stat:ENROUTE err:000" + receiptTail,
			smpp.TLVs{id, smpp.TLVUint8(smpp.TagMessageState, 1)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := esme(tc.version).mustDeliver(t, receiptMessage(tc.change))
			want := &smpp.DeliverSM{ServiceType: "CMT", Source: smpp.Address{TON: 1, NPI: 2, Addr: "3"}, Dest: smpp.Address{TON: 4, NPI: 5, Addr: "6"},
				ESMClass: tc.esm, ShortMessage: []byte(tc.text), TLVs: tc.tlvs}
			if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("got  %q %+v\nwant %q %+v", got[0].ShortMessage, got[0], want.ShortMessage, want)
			}
		})
	}
}

func TestAReceiptNamesItsMessageAsTheClientWantsIt(t *testing.T) {
	for _, tc := range []struct {
		id                 sms.ID
		hex                bool
		submitted, version byte
		want               string
	}{
		{12, false, smpp.V34, smpp.V34, "12"}, {12, true, smpp.V34, smpp.V34, "c"}, {12, true, smpp.V33, smpp.V33, "c"},
		{99_999_999, false, smpp.V33, smpp.V33, "99999999"}, {100_000_000, false, smpp.V33, smpp.V33, "5f5e100"},
		{100_000_000, false, smpp.V34, smpp.V34, "100000000"}, {100_000_000, false, 0, smpp.V34, "100000000"},
		{100_000_000, false, smpp.V33, smpp.V34, "5f5e100"}, {100_000_000, false, smpp.V34, smpp.V33, "5f5e100"},
	} {
		e := esme(tc.version)
		e.MessageIDHex, e.ReceiptIDHex = !tc.hex, tc.hex
		d := e.mustDeliver(t, receiptMessage(func(m *sms.Message) { m.Receipt.Of, m.InterfaceVersion = tc.id, tc.submitted }))[0]
		rc, err := smpp.ParseReceipt(d.ShortMessage)
		if err != nil || rc.ID != tc.want {
			t.Errorf("%d is %q, want %q: %v", tc.id, rc.ID, tc.want, err)
		}
		if id, ok := d.TLVs.Text(smpp.TagReceiptedMessageID); ok && id != tc.want {
			t.Errorf("receipted_message_id of %d is %q, want %q", tc.id, id, tc.want)
		}
	}
}
