package smpp_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

// wantDecode decodes raw, its command_length made right, and requires the status.
func wantDecode(t *testing.T, raw []byte, want smpp.Status) smpp.PDU {
	t.Helper()
	h, body := split(raw)
	p, err := smpp.Decode(h, body)
	if want == smpp.ROK {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return p
	}
	var de *smpp.DecodeError
	if !errors.As(err, &de) {
		t.Fatalf("error %v, want a DecodeError with %v", err, want)
	}
	if de.Status != want || !errors.Is(err, want) || de.Command != h.Command {
		t.Fatalf("refused with %v: %v, want %v", de.Status, err, want)
	}
	return nil
}

func TestABodyThatIsCutIsRefused(t *testing.T) {
	for _, v := range baseVectors {
		if len(octets(t, v.hex)) == smpp.HeaderLen {
			continue
		}
		t.Run("BOD-01 "+v.name, func(t *testing.T) {
			raw := octets(t, v.hex)
			for n := smpp.HeaderLen; n < len(raw); n++ {
				want := smpp.RINVCMDLEN
				if text := map[string]int{"S0": 5, "M0": 5, "R0": 5}[v.name]; n > len(raw)-text && text > 0 {
					want = smpp.RINVMSGLEN
				}
				if tlv := len(raw) - 9; v.name == "D0" && n >= tlv {
					want = smpp.RINVOPTPARSTREAM
					if n == tlv {
						want = smpp.ROK // nothing is missing but the TLV
					}
				}
				wantDecode(t, slices.Clone(raw[:n]), want)
			}
		})
	}
}

func TestWhatFollowsTheTextIsReadAsTLVs(t *testing.T) {
	tests := []struct {
		name string
		tail string
		want smpp.Status
		tags []smpp.Tag
	}{
		{"BOD-03 one octet", "01", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 two octets", "0204", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 three octets", "020400", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 one NUL is forgiven", "00", smpp.ROK, nil},
		{"BOD-03 two NULs are not", "0000", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 one NUL before a TLV is forgiven", "00 0204 0002 0001", smpp.ROK, []smpp.Tag{smpp.TagUserMessageReference}},
		{"BOD-03 one NUL before two TLVs is forgiven", "00 0204 0002 0001 130c 0000", smpp.ROK,
			[]smpp.Tag{smpp.TagUserMessageReference, smpp.TagAlertOnMessageDelivery}},
		{"BOD-03 two NULs before a TLV are not", "00 00 0204 0002 0001", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 one octet that is not NUL before a TLV is not", "01 0204 0002 0001", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-03 tag 0x0002 is a TLV and no stray NUL", "0002 0004 00020001", smpp.ROK, []smpp.Tag{0x0002}},
		{"BOD-03 tag 0x0005 is a TLV and no stray NUL", "0005 0001 01", smpp.ROK, []smpp.Tag{smpp.TagDestAddrSubunit}},
		{"BOD-03 a NUL after a TLV is not", "0204 0002 0001 00", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-04 longer than the body", "0204 000a 112233445566", smpp.RINVOPTPARSTREAM, nil},
		{"BOD-05 unknown tags", "1400 0003 414243 3fff 0000 0000 0001 00 4001 0000 ffff 0001 2a 0204 0002 beef", smpp.ROK,
			[]smpp.Tag{0x1400, 0x3fff, 0x0000, 0x4001, 0xffff, smpp.TagUserMessageReference}},
		{"BOD-06 known, of another PDU", "001e 0002 3100 0422 0001 00", smpp.ROK,
			[]smpp.Tag{smpp.TagReceiptedMessageID, smpp.TagMsAvailabilityStatus}},
		{"BOD-07 user_message_reference of 1", "0204 0001 01", smpp.RINVPARLEN, nil},
		{"BOD-07 user_message_reference of 3", "0204 0003 010203", smpp.RINVPARLEN, nil},
		{"BOD-07 sar_msg_ref_num of 0", "020c 0000", smpp.RINVPARLEN, nil},
		{"BOD-07 sar_total_segments of 2", "020e 0002 0101", smpp.RINVPARLEN, nil},
		{"BOD-07 source_port of 4", "020a 0004 00000001", smpp.RINVPARLEN, nil},
		{"BOD-08 alert_on_message_delivery of 0", "130c 0000", smpp.ROK, []smpp.Tag{smpp.TagAlertOnMessageDelivery}},
		{"BOD-08 alert_on_message_delivery of 1", "130c 0001 01", smpp.ROK, []smpp.Tag{smpp.TagAlertOnMessageDelivery}},
		{"BOD-08 alert_on_message_delivery of 2", "130c 0002 0101", smpp.RINVPARLEN, nil},
		{"BOD-08 callback_num of 4", "0381 0004 00010131", smpp.ROK, []smpp.Tag{smpp.TagCallbackNum}},
		{"BOD-08 callback_num of 19", "0381 0013 000101" + strings.Repeat("31", 16), smpp.ROK, []smpp.Tag{smpp.TagCallbackNum}},
		{"BOD-08 callback_num of 3", "0381 0003 000101", smpp.RINVPARLEN, nil},
		{"BOD-08 callback_num of 20", "0381 0014 000101" + strings.Repeat("31", 17), smpp.RINVPARLEN, nil},
		{"BOD-09 repeated", "0204 0002 0001 0204 0002 0002", smpp.ROK,
			[]smpp.Tag{smpp.TagUserMessageReference, smpp.TagUserMessageReference}},
		{"SUB-18 message_payload of 0", "0424 0000", smpp.ROK, []smpp.Tag{smpp.TagMessagePayload}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, text := range []string{s0, strings.Replace(s0, "00000004", "00000005", 1), m0, r0} {
				p := wantDecode(t, append(octets(t, text), octets(t, test.tail)...), test.want)
				if p == nil {
					continue
				}
				tlvs := reflect.ValueOf(p).Elem().FieldByName("TLVs").Interface().(smpp.TLVs)
				var tags []smpp.Tag
				for _, v := range tlvs {
					tags = append(tags, v.Tag)
				}
				if !slices.Equal(tags, test.tags) {
					t.Errorf("%s has TLVs %v, want %v", p.Command(), tags, test.tags)
				}
			}
		})
	}
}

func TestAStrayNULIsForgivenOnlyBehindAText(t *testing.T) {
	wantDecode(t, append(octets(t, d0), 0), smpp.RINVOPTPARSTREAM)
}

func TestAStringThatIsTooLongIsRefusedWithItsOwnStatus(t *testing.T) {
	long := func(n int) string { return strings.Repeat("1", n) }
	addr := func(n int) smpp.Address { return smpp.Address{Addr: long(n)} }
	trx := func(change func(*smpp.Bind)) smpp.PDU {
		p := bind(smpp.CmdBindTransceiver)
		change(p)
		return p
	}
	dests := func(d smpp.Dest) []smpp.Dest { return []smpp.Dest{{Address: sme1}, d} }
	tests := []struct {
		id, field string
		most      int
		pdu       func(n int) smpp.PDU
		want      smpp.Status
	}{
		{"BND-07", "bind_transceiver.system_id", 15, func(n int) smpp.PDU { return trx(func(p *smpp.Bind) { p.SystemID = long(n) }) }, smpp.RINVSYSID},
		{"BND-07", "bind_transceiver.password", 64, func(n int) smpp.PDU { return trx(func(p *smpp.Bind) { p.Password = long(n) }) }, smpp.RINVPASWD},
		{"BND-07", "bind_transceiver.system_type", 12, func(n int) smpp.PDU { return trx(func(p *smpp.Bind) { p.SystemType = long(n) }) }, smpp.RINVSYSTYP},
		{"BND-07", "bind_transceiver.address_range", 40, func(n int) smpp.PDU { return trx(func(p *smpp.Bind) { p.AddressRange = long(n) }) }, smpp.RBINDFAIL},
		{"SUB-04", "submit_sm.service_type", 5, func(n int) smpp.PDU { return &smpp.SubmitSM{ServiceType: long(n)} }, smpp.RINVSERTYP},
		{"SUB-06", "submit_sm.source_addr", 20, func(n int) smpp.PDU { return &smpp.SubmitSM{Source: addr(n)} }, smpp.RINVSRCADR},
		{"SUB-06", "submit_sm.destination_addr", 20, func(n int) smpp.PDU { return &smpp.SubmitSM{Dest: addr(n)} }, smpp.RINVDSTADR},
		{"TME-03", "submit_sm.schedule_delivery_time", 16, func(n int) smpp.PDU { return &smpp.SubmitSM{ScheduleDeliveryTime: long(n)} }, smpp.RINVSCHED},
		{"TME-03", "submit_sm.validity_period", 16, func(n int) smpp.PDU { return &smpp.SubmitSM{ValidityPeriod: long(n)} }, smpp.RINVEXPIRY},
		{"BOD-12", "data_sm.source_addr", 64, func(n int) smpp.PDU { return &smpp.DataSM{Source: addr(n)} }, smpp.RINVSRCADR},
		{"BOD-12", "data_sm.destination_addr", 64, func(n int) smpp.PDU { return &smpp.DataSM{Dest: addr(n)} }, smpp.RINVDSTADR},
		{"BOD-12", "query_sm.message_id", 64, func(n int) smpp.PDU { return &smpp.QuerySM{MessageID: long(n)} }, smpp.RINVMSGID},
		{"BOD-12", "query_sm.source_addr", 20, func(n int) smpp.PDU { return &smpp.QuerySM{Source: addr(n)} }, smpp.RINVSRCADR},
		{"BOD-12", "cancel_sm.message_id", 64, func(n int) smpp.PDU { return &smpp.CancelSM{MessageID: long(n)} }, smpp.RINVMSGID},
		{"BOD-12", "cancel_sm.destination_addr", 20, func(n int) smpp.PDU { return &smpp.CancelSM{Dest: addr(n)} }, smpp.RINVDSTADR},
		{"BOD-12", "replace_sm.message_id", 64, func(n int) smpp.PDU { return &smpp.ReplaceSM{MessageID: long(n)} }, smpp.RINVMSGID},
		{"REP-04", "replace_sm.validity_period", 16, func(n int) smpp.PDU { return &smpp.ReplaceSM{ValidityPeriod: long(n)} }, smpp.RINVEXPIRY},
		{"MUL-06", "submit_multi.dl_name", 20, func(n int) smpp.PDU { return &smpp.SubmitMulti{Dests: dests(smpp.Dest{ListName: long(n)})} }, smpp.RINVDLNAME},
		{"MUL-02", "submit_multi.destination_addr", 20, func(n int) smpp.PDU { return &smpp.SubmitMulti{Dests: dests(smpp.Dest{Address: addr(n)})} }, smpp.RINVDSTADR},
		{"ALO-01", "alert_notification.esme_addr", 64, func(n int) smpp.PDU { return &smpp.AlertNotification{ESME: addr(n)} }, smpp.RINVDSTADR},
		{"ALO-02", "outbind.system_id", 15, func(n int) smpp.PDU { return &smpp.Outbind{SystemID: long(n)} }, smpp.RINVSYSID},
	}
	for _, test := range tests {
		t.Run(test.id+" "+test.field, func(t *testing.T) {
			wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, test.pdu(test.most)), smpp.ROK)
			// Enough octets behind the field, so that it is not the body that ends.
			raw := append(smpp.AppendPDU(nil, smpp.ROK, 1, test.pdu(test.most+1)), make([]byte, 65)...)
			wantDecode(t, raw, test.want)
			h, body := split(raw)
			_, err := smpp.Decode(h, body)
			if !strings.HasPrefix(err.Error(), test.field+": no terminator in ") {
				t.Errorf("error %q does not name %s", err, test.field)
			}
		})
	}
}

func TestTheErrorNamesTheField(t *testing.T) {
	raw := smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.SubmitSM{Dest: smpp.Address{Addr: strings.Repeat("1", 21)}})
	h, body := split(raw)
	_, err := smpp.Decode(h, body)
	if want := "submit_sm.destination_addr: no terminator in 21 octets"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestATextLongerThanTheBodyIsRefused(t *testing.T) {
	raw := octets(t, s0)
	raw[48] = 0x20
	wantDecode(t, raw, smpp.RINVMSGLEN) // BOD-02
}

func TestATextOf255OctetsIsDecoded(t *testing.T) {
	for _, n := range []int{0, 1, 127, 128, 254, 255} { // SUB-17
		text := bytes.Repeat([]byte{0}, n)
		p := wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.SubmitSM{ShortMessage: text}), smpp.ROK)
		if got := p.(*smpp.SubmitSM).ShortMessage; !bytes.Equal(got, text) {
			t.Errorf("%d octets came back as %d", n, len(got))
		}
	}
}

func TestSubmitMultiCountsItsDestinations(t *testing.T) {
	const count, flag = 24, 25 // offsets in M0
	tests := []struct {
		id     string
		offset int
		value  byte
		want   smpp.Status
	}{
		{"MUL-04 none", count, 0, smpp.RINVNUMDESTS},
		{"MUL-04 fewer than announced", count, 3, smpp.RINVDESTFLAG},
		{"MUL-05 flag 0", flag, 0, smpp.RINVDESTFLAG},
		{"MUL-05 flag 3", flag, 3, smpp.RINVDESTFLAG},
		{"MUL-05 flag 255", flag, 255, smpp.RINVDESTFLAG},
	}
	for _, test := range tests {
		t.Run(test.id, func(t *testing.T) {
			raw := octets(t, m0)
			raw[test.offset] = test.value
			wantDecode(t, raw, test.want)
		})
	}
	for _, n := range []int{1, 254, 255} {
		many := &smpp.SubmitMulti{Dests: slices.Repeat([]smpp.Dest{{Address: sme1}}, n)}
		p := wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, many), smpp.ROK)
		if got := len(p.(*smpp.SubmitMulti).Dests); got != n {
			t.Errorf("MUL-04: %d destinations came back as %d", n, got)
		}
	}
	wantDecode(t, smpp.AppendPDU(nil, smpp.ROK, 1, &smpp.SubmitMulti{Dests: []smpp.Dest{{ListName: "\x00"}}}), smpp.RINVDLNAME)
}

func TestOctetsBehindAHeaderOnlyPDUAreIgnored(t *testing.T) {
	for _, c := range []smpp.CommandID{ // HDR-16
		smpp.CmdEnquireLink, smpp.CmdUnbind, smpp.CmdEnquireLinkResp, smpp.CmdUnbindResp, smpp.CmdGenericNack,
		smpp.CmdCancelSMResp, smpp.CmdReplaceSMResp,
	} {
		raw := append(smpp.AppendHeader(nil, c, smpp.ROK, 1), 0xFF, 0, 1, 2)
		if p := wantDecode(t, raw, smpp.ROK); p.Command() != c {
			t.Errorf("%s decoded as %s", c, p.Command())
		}
	}
}

func TestResponsesAreDecodedLeniently(t *testing.T) {
	tests := []struct {
		name    string
		command smpp.CommandID
		body    string
		want    smpp.PDU
	}{
		{"HDR-16 deliver_sm_resp without a body", smpp.CmdDeliverSMResp, "", &smpp.DeliverSMResp{}},
		{"HDR-16 deliver_sm_resp of 17 octets", smpp.CmdDeliverSMResp, "00", &smpp.DeliverSMResp{}},
		{"HDR-16 deliver_sm_resp with an id", smpp.CmdDeliverSMResp, "313000", &smpp.DeliverSMResp{MessageID: "10"}},
		{"HDR-16 deliver_sm_resp with an id and no NUL", smpp.CmdDeliverSMResp, "3130", &smpp.DeliverSMResp{MessageID: "10"}},
		{"HDR-16 deliver_sm_resp with junk behind", smpp.CmdDeliverSMResp, "00 ffffff", &smpp.DeliverSMResp{}},
		{"HDR-16 deliver_sm_resp with an id of 65", smpp.CmdDeliverSMResp, strings.Repeat("31", 65) + "00", &smpp.DeliverSMResp{MessageID: strings.Repeat("1", 65)}},
		{"data_sm_resp with a TLV of a wrong length", smpp.CmdDataSMResp, "3100 0425 0002 0102 0425 00",
			&smpp.DataSMResp{MessageID: "1", TLVs: smpp.TLVs{{Tag: smpp.TagDeliveryFailureReason, Value: []byte{1, 2}}}}},
		{"submit_sm_resp without a body", smpp.CmdSubmitSMResp, "", &smpp.SubmitSMResp{}},
		{"bind_transceiver_resp without a body", smpp.CmdBindTransceiverResp, "", &smpp.BindResp{Type: smpp.CmdBindTransceiverResp}},
		{"submit_multi_resp without no_unsuccess", smpp.CmdSubmitMultiResp, "3100", &smpp.SubmitMultiResp{MessageID: "1"}},
		{"submit_multi_resp with half an entry", smpp.CmdSubmitMultiResp, "3100 02 0000 00 0000000b 0000", &smpp.SubmitMultiResp{
			MessageID: "1", Unsuccess: []smpp.Unsuccess{{Status: smpp.RINVDSTADR}}}},
		{"query_sm_resp of an error", smpp.CmdQuerySMResp, "", &smpp.QuerySMResp{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw := append(smpp.AppendHeader(nil, test.command, smpp.RSYSERR, 1), octets(t, test.body)...)
			if got := wantDecode(t, raw, smpp.ROK); !reflect.DeepEqual(got, test.want) {
				t.Errorf("decoded %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestACommandThatIsNotKnownIsRefused(t *testing.T) {
	for _, c := range []smpp.CommandID{0x0A, 0x16, 0x23, 0x104, 0x10200, 0x111, 0x8000000A, 0} { // HDR-06, V50-08
		wantDecode(t, smpp.AppendHeader(nil, c, smpp.ROK, 1), smpp.RINVCMDID)
	}
}

func TestDecodeBodyLeavesNothingOfThePDUBefore(t *testing.T) {
	p := smpp.SubmitSM{
		ServiceType: "CMT", ESMClass: 1, ShortMessage: []byte("before"),
		TLVs: smpp.TLVs{smpp.TLVUint8(smpp.TagSetDpf, 1), smpp.TLVUint8(smpp.TagDpfResult, 1)},
	}
	raw := octets(t, s0)
	h := smpp.ParseHeader(raw)
	if err := smpp.DecodeBody(h, raw[smpp.HeaderLen:], &p); err != nil {
		t.Fatal(err)
	}
	if len(p.TLVs) != 0 || p.ServiceType != "" || p.ESMClass != 0 || string(p.ShortMessage) != "hello" {
		t.Errorf("decoded %+v", p)
	}
	if cap(p.TLVs) != 2 {
		t.Errorf("the memory of the TLVs is not kept: %d", cap(p.TLVs))
	}
}

func TestDecodeBodyWantsTheStructOfTheCommand(t *testing.T) {
	submit := smpp.Header{Command: smpp.CmdSubmitSM}
	for _, p := range []smpp.PDU{new(smpp.DeliverSM), new(smpp.Bind), new(smpp.BindResp), new(smpp.Unbind)} {
		if err := smpp.DecodeBody(submit, nil, p); err == nil {
			t.Errorf("submit_sm was decoded into %T", p)
		}
	}
	raw := octets(t, bRX)
	var b smpp.Bind
	if err := smpp.DecodeBody(smpp.ParseHeader(raw), raw[smpp.HeaderLen:], &b); err != nil || b.Type != smpp.CmdBindReceiver {
		t.Errorf("bind_receiver decoded into %+v, %v", b, err)
	}
}

func TestAppendingToAFieldDoesNotChangeTheNext(t *testing.T) {
	raw := smpp.AppendPDU(nil, smpp.ROK, 1, &full)
	before := slices.Clone(raw)
	p := wantDecode(t, raw, smpp.ROK).(*smpp.SubmitSM)
	_ = append(p.ShortMessage, "xyz"...)
	_ = append(p.TLVs[0].Value, "xyz"...)
	if !bytes.Equal(raw, before) {
		t.Error("the body was written to")
	}
	if &p.ShortMessage[0] != &raw[len(raw)-30] {
		t.Error("short_message does not alias the body")
	}
}
