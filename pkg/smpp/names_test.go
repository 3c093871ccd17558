package smpp_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
)

func TestACommandKnowsItsNameAndItsResponse(t *testing.T) {
	tests := []struct {
		command  smpp.CommandID
		name     string
		response smpp.CommandID
	}{
		{smpp.CmdSubmitSM, "submit_sm", smpp.CmdSubmitSMResp},
		{smpp.CmdDataSM, "data_sm", smpp.CmdDataSMResp},
		{smpp.CmdBindTransceiver, "bind_transceiver", smpp.CmdBindTransceiverResp},
		{smpp.CmdEnquireLink, "enquire_link", smpp.CmdEnquireLinkResp},
		{smpp.CmdSubmitMultiResp, "submit_multi_resp", smpp.CmdSubmitMultiResp},
		{smpp.CmdOutbind, "outbind", smpp.CmdGenericNack},
		{smpp.CmdAlertNotification, "alert_notification", smpp.CmdGenericNack},
		{smpp.CmdGenericNack, "generic_nack", smpp.CmdGenericNack},
		{0x111, "command_id 0x00000111", smpp.CmdGenericNack},
	}
	for _, test := range tests {
		if got := test.command.String(); got != test.name {
			t.Errorf("name %s, want %s", got, test.name)
		}
		if got := test.command.Response(); got != test.response {
			t.Errorf("%s is answered by %s, want %s", test.command, got, test.response)
		}
		if got := test.command.Known(); got != (test.command != 0x111) {
			t.Errorf("%s known: %t", test.command, got)
		}
	}
	if smpp.CmdSubmitSM.IsResponse() || !smpp.CmdSubmitSMResp.IsResponse() || !smpp.CmdGenericNack.IsResponse() {
		t.Error("bit 31 is what makes a response")
	}
}

func TestAStatusSaysNameNumberAndMeaning(t *testing.T) {
	tests := []struct {
		status    smpp.Status
		str, text string
	}{
		{smpp.ROK, "ROK (0x00000000)", "ROK (0x00000000): no error"},
		{smpp.RINVMSGLEN, "RINVMSGLEN (0x00000001)", "RINVMSGLEN (0x00000001): message length is invalid"},
		{smpp.RXTAPPN, "RX_T_APPN (0x00000064)", "RX_T_APPN (0x00000064): receiver: temporary application error"},
		{smpp.RINVBCASTCHANIND, "RINVBCASTCHANIND (0x00000112)", "RINVBCASTCHANIND (0x00000112): broadcast channel indicator is invalid"},
		{0x410, "command_status 0x00000410", "command_status 0x00000410: vendor specific error"},
		{0x09, "command_status 0x00000009", "command_status 0x00000009: reserved"},
	}
	for _, test := range tests {
		if got := test.status.String(); got != test.str {
			t.Errorf("string %q, want %q", got, test.str)
		}
		if got := test.status.Error(); got != test.text {
			t.Errorf("error %q, want %q", got, test.text)
		}
	}
}

func TestReservedStatusesAreNotDefined(t *testing.T) {
	// 3.4 Table 5-2, v5 Table 4-45: INV-01.
	reserved := func(s smpp.Status) bool {
		for _, r := range [][2]smpp.Status{
			{0x09, 0x09}, {0x10, 0x10}, {0x12, 0x12}, {0x16, 0x32}, {0x35, 0x3F}, {0x41, 0x41}, {0x46, 0x47},
			{0x4A, 0x4F}, {0x52, 0x52}, {0x56, 0x57}, {0x59, 0x60}, {0x68, 0xBF}, {0xC5, 0xFD}, {0x113, 0x3FF}, {0x500, 0x600},
		} {
			if s >= r[0] && s <= r[1] {
				return true
			}
		}
		return false
	}
	for s := range smpp.Status(0x601) {
		if s.Defined() == reserved(s) {
			t.Errorf("%v defined: %t", s, s.Defined())
		}
	}
	if smpp.Status(0xFFFFFFFF).Defined() {
		t.Error("0xffffffff is defined")
	}
}

func TestAStatusIsAnError(t *testing.T) {
	err := fmt.Errorf("submit: %w", smpp.RTHROTTLED)
	var s smpp.Status
	if !errors.As(err, &s) || s != smpp.RTHROTTLED || !errors.Is(err, smpp.RTHROTTLED) {
		t.Errorf("%v is not found in %v", smpp.RTHROTTLED, err)
	}
}

func TestAMessageStateHasSevenLettersInAReceipt(t *testing.T) {
	tests := []struct {
		state      smpp.MessageState
		name, stat string
	}{ // DLR-05
		{smpp.StateScheduled, "SCHEDULED", "SCHEDLD"},
		{smpp.StateEnroute, "ENROUTE", "ENROUTE"},
		{smpp.StateDelivered, "DELIVERED", "DELIVRD"},
		{smpp.StateExpired, "EXPIRED", "EXPIRED"},
		{smpp.StateDeleted, "DELETED", "DELETED"},
		{smpp.StateUndeliverable, "UNDELIVERABLE", "UNDELIV"},
		{smpp.StateAccepted, "ACCEPTED", "ACCEPTD"},
		{smpp.StateUnknown, "UNKNOWN", "UNKNOWN"},
		{smpp.StateRejected, "REJECTED", "REJECTD"},
		{smpp.StateSkipped, "SKIPPED", "SKIPPED"},
	}
	for i, test := range tests {
		if int(test.state) != i || test.state.String() != test.name || test.state.Stat() != test.stat {
			t.Errorf("%d: %v %s, want %s %s", test.state, test.state, test.state.Stat(), test.name, test.stat)
		}
		for _, s := range []string{test.name, test.stat, strings.ToLower(test.stat)} {
			if got, ok := smpp.ParseStat(s); !ok || got != test.state {
				t.Errorf("%s is %v", s, got)
			}
		}
	}
	if got, ok := smpp.ParseStat("FAILED"); ok || got != smpp.StateUnknown {
		t.Errorf("FAILED is %v", got)
	}
	if s := smpp.MessageState(200); s.String() != "message_state 200" || s.Stat() != "UNKNOWN" {
		t.Errorf("200 is %v, %s", s, s.Stat())
	}
}

func TestReservedTypesOfNumberAndPlansAreNotValid(t *testing.T) {
	for b := range 256 { // SUB-05
		if got := smpp.ValidTON(byte(b)); got != (b <= 6) {
			t.Errorf("TON %d valid: %t", b, got)
		}
		if got := smpp.ValidNPI(byte(b)); got != slices.Contains([]int{0, 1, 3, 4, 6, 8, 9, 10, 14, 18}, b) {
			t.Errorf("NPI %d valid: %t", b, got)
		}
	}
}

func TestATagHasItsName(t *testing.T) {
	for tag, want := range map[smpp.Tag]string{
		smpp.TagUserMessageReference:   "user_message_reference",
		smpp.TagAlertOnMessageDelivery: "alert_on_message_delivery",
		0x1400:                         "tag 0x1400",
	} {
		if got := tag.String(); got != want {
			t.Errorf("%04x is %s, want %s", uint16(tag), got, want)
		}
	}
}

func TestTLVsKeepOrderAndRepetition(t *testing.T) {
	tlvs := smpp.TLVs{
		smpp.TLVUint16(smpp.TagUserMessageReference, 1),
		smpp.TLVString(smpp.TagReceiptedMessageID, "1042"),
		smpp.TLVUint16(smpp.TagUserMessageReference, 2),
		smpp.TLVUint32(smpp.TagQosTimeToLive, 3),
		smpp.TLVUint8(smpp.TagMessageState, 4),
		{Tag: smpp.TagAlertOnMessageDelivery},
	}
	if v, ok := tlvs.Uint16(smpp.TagUserMessageReference); !ok || v != 1 {
		t.Errorf("BOD-09: the first does not win: %d", v)
	}
	if all := tlvs.All(smpp.TagUserMessageReference); len(all) != 2 || all[1][1] != 2 {
		t.Errorf("all are %v", all)
	}
	if v, ok := tlvs.Uint32(smpp.TagQosTimeToLive); !ok || v != 3 {
		t.Errorf("uint32 is %d", v)
	}
	if v, ok := tlvs.Uint8(smpp.TagMessageState); !ok || v != 4 {
		t.Errorf("uint8 is %d", v)
	}
	if v, ok := tlvs.Text(smpp.TagReceiptedMessageID); !ok || v != "1042" {
		t.Errorf("text is %q", v)
	}
	if v, _ := tlvs.Get(smpp.TagReceiptedMessageID); string(v) != "1042\x00" {
		t.Errorf("the C-octet string is %q", v)
	}
	if _, ok := tlvs.Uint8(smpp.TagUserMessageReference); ok {
		t.Error("two octets are a uint8")
	}
	if _, ok := tlvs.Uint16(smpp.TagSourcePort); ok || tlvs.Has(smpp.TagSourcePort) {
		t.Error("a TLV that is not there is found")
	}
	if !tlvs.Has(smpp.TagAlertOnMessageDelivery) {
		t.Error("a TLV without a value is not found")
	}
	less := tlvs.Without(smpp.TagUserMessageReference, smpp.TagMessageState)
	if len(less) != 3 || less.Has(smpp.TagUserMessageReference) || len(tlvs) != 6 || tlvs[0].Tag != smpp.TagUserMessageReference {
		t.Errorf("without: %v", less)
	}
}
