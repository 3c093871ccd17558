package translate

import (
	"reflect"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestAClientsAnswerIsReadByItsStatus(t *testing.T) {
	again := func(code int, reason string) sms.Outcome {
		return sms.Outcome{Verdict: sms.TryAgain, Code: code, Reason: reason}
	}
	later := func(code int, reason string) sms.Outcome {
		return sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Code: code, Reason: reason}
	}
	failed := func(code int, reason string) sms.Outcome {
		return sms.Outcome{Verdict: sms.Failed, State: sms.Undeliverable, Code: code, Reason: reason}
	}
	for _, tc := range []struct {
		status smpp.Status
		nack   bool
		want   sms.Outcome
	}{
		{smpp.ROK, false, sms.Outcome{Verdict: sms.Done}},
		{smpp.RXTAPPN, false, again(0x64, "the client answered "+smpp.RXTAPPN.String())},
		{smpp.RMSGQFUL, false, later(0x14, "the client answered "+smpp.RMSGQFUL.String())},
		{smpp.RTHROTTLED, false, later(0x58, "the client answered "+smpp.RTHROTTLED.String())},
		{smpp.RSYSERR, false, again(0x08, "the client answered "+smpp.RSYSERR.String())},
		{smpp.RXPAPPN, false, failed(0x65, "the client answered "+smpp.RXPAPPN.String())},
		{smpp.RXRAPPN, false, failed(0x66, "the client answered "+smpp.RXRAPPN.String())},
		{smpp.RINVMSGLEN, false, failed(0x01, "the client answered "+smpp.RINVMSGLEN.String())},
		{smpp.Status(0x0400), false, failed(0x400, "the client answered "+smpp.Status(0x400).String())},
		{smpp.RINVCMDID, true, again(0x03, "generic_nack "+smpp.RINVCMDID.String())},
		{smpp.ROK, true, again(0, "generic_nack "+smpp.ROK.String())},
	} {
		if got := Outcome(tc.status, tc.nack); got != tc.want {
			t.Errorf("%v (generic_nack: %v) is %+v, want %+v", tc.status, tc.nack, got, tc.want)
		}
	}
}

func TestAFailureInTransactionModeTellsItsReason(t *testing.T) {
	reason := func(b byte) smpp.TLV { return smpp.TLVUint8(smpp.TagDeliveryFailureReason, b) }
	dpf := smpp.TLVUint8(smpp.TagDpfResult, 1)
	for _, tc := range []struct {
		name    string
		version byte
		dpf     bool
		o       sms.Outcome
		want    smpp.TLVs
	}{
		{"for good", smpp.V34, true, sms.Outcome{Verdict: sms.Failed}, smpp.TLVs{reason(2)}},
		{"rejected", smpp.V34, true, sms.Outcome{Verdict: sms.Failed, State: sms.Rejected}, smpp.TLVs{reason(2)}},
		{"for now", smpp.V34, false, sms.Outcome{Verdict: sms.Failed, Temporary: true}, smpp.TLVs{reason(3)}},
		{"for now, as time ended", smpp.V34, false, sms.Outcome{Verdict: sms.Failed, State: sms.Expired, Temporary: true}, smpp.TLVs{reason(3)}},
		{"for now, an alert follows", smpp.V34, true, sms.Outcome{Verdict: sms.Failed, Temporary: true}, smpp.TLVs{reason(3), dpf}},
		{"expired", smpp.V34, false, sms.Outcome{Verdict: sms.Failed, State: sms.Expired}, smpp.TLVs{reason(0)}},
		{"taken back, an alert follows", smpp.V50, true, sms.Outcome{Verdict: sms.Failed, State: sms.Deleted}, smpp.TLVs{reason(0), dpf}},
		{"with a code", smpp.V34, false, sms.Outcome{Verdict: sms.Failed, Code: 0x0141}, smpp.TLVs{reason(2), {Tag: smpp.TagNetworkErrorCode, Value: []byte{3, 1, 0x41}}}},
		{"with a code, 5.0", smpp.V50, true, sms.Outcome{Verdict: sms.Failed, Code: 8, Temporary: true},
			smpp.TLVs{reason(3), {Tag: smpp.TagNetworkErrorCode, Value: []byte{8, 0, 8}}, dpf}},
		{"3.3 has no TLVs", smpp.V33, true, sms.Outcome{Verdict: sms.Failed, Code: 8, Temporary: true}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := &sms.Message{InterfaceVersion: tc.version, SetDPF: tc.dpf}
			if got := Failure(m, tc.o); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%v, want %v", got, tc.want)
			}
		})
	}
}
