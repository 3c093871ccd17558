package translate

import (
	"encoding/binary"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// Outcome reads the command_status of a client's answer to deliver_sm; nack tells that it was a generic_nack.
func Outcome(status smpp.Status, nack bool) sms.Outcome {
	if nack {
		return sms.Outcome{Verdict: sms.TryAgain, Code: int(status), Reason: "generic_nack " + status.String()}
	}
	switch status {
	case smpp.ROK:
		return sms.Outcome{Verdict: sms.Done}
	case smpp.RTHROTTLED, smpp.RMSGQFUL:
		return sms.Outcome{Verdict: sms.TryAgain, Unjudged: true, Code: int(status), Reason: "the client answered " + status.String()}
	case smpp.RXTAPPN, smpp.RSYSERR:
		return sms.Outcome{Verdict: sms.TryAgain, Code: int(status), Reason: "the client answered " + status.String()}
	}
	return sms.Outcome{Verdict: sms.Failed, State: sms.Undeliverable, Code: int(status), Reason: "the client answered " + status.String()}
}

// delivery_failure_reason (SMPP 3.4, 5.3.2.33).
const (
	destinationUnavailable = 0
	permanentError         = 2
	temporaryError         = 3
)

// Failure says why there was no delivery in transaction mode (SMPP 3.4, 4.7.2); to a 3.3 session it says nothing.
func Failure(m *sms.Message, o sms.Outcome) smpp.TLVs {
	if m.InterfaceVersion < smpp.V34 {
		return nil
	}
	reason := byte(permanentError)
	switch {
	case o.Temporary:
		reason = temporaryError
	case o.State == sms.Expired, o.State == sms.Deleted:
		reason = destinationUnavailable
	}
	tlvs := smpp.TLVs{smpp.TLVUint8(smpp.TagDeliveryFailureReason, reason)}
	if o.Code != 0 {
		tlvs = append(tlvs, networkError(o.Code, m.InterfaceVersion))
	}
	if m.SetDPF && reason != permanentError {
		tlvs = append(tlvs, smpp.TLVUint8(smpp.TagDpfResult, 1))
	}
	return tlvs
}

// Network types of network_error_code (SMPP 3.4, 5.3.2.31; 5.0, 4.8.4.42).
const (
	networkGSM = 3
	networkSMC = 8 // of the message centre itself, 5.0 only
)

func networkError(code int, version byte) smpp.TLV {
	network := byte(networkGSM)
	if version >= smpp.V50 {
		network = networkSMC
	}
	return smpp.TLV{Tag: smpp.TagNetworkErrorCode, Value: binary.BigEndian.AppendUint16([]byte{network}, uint16(code))}
}
