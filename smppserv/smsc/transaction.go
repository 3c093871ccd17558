package smsc

import (
	"context"
	"encoding/binary"
	"errors"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
)

// delivery_failure_reason (SMPP 3.4, 5.3.2.33).
const (
	destinationUnavailable = 0
	permanentError         = 2
	temporaryError         = 3
)

// Concluded implements sms.Sender: in transaction mode the outcome is the answer (SMPP 3.4, 2.10.3).
func (sub *submission) Concluded(m *sms.Message, o sms.Outcome) {
	if m.Transaction() {
		sub.conclude(o)
	}
}

// timeUp ends a transaction whose outcome is not known within the response timer: what waits is taken back.
func (sub *submission) timeUp() {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
	defer cancel()
	err := sub.sv.o.Queue.Cancel(ctx, sub.msg.ID)
	if err == nil || errors.Is(err, sms.ErrNotWaiting) {
		return // Concluded was called, or will be
	}
	sub.conclude(sms.Outcome{Verdict: sms.Failed, Temporary: true})
}

func (sub *submission) conclude(o sms.Outcome) {
	if sub.concluded.Swap(true) {
		return
	}
	sub.limit.Stop()
	if o.Verdict == sms.Done {
		sub.taken()
		return
	}
	if version := sub.msg.InterfaceVersion; version >= smpp.V34 {
		sub.resp.TLVs = failure(&sub.msg, o, version)
	}
	sub.answer(smpp.RDELIVERYFAILURE)
}

// failure says why there was no delivery (SMPP 3.4, 4.7.2).
func failure(m *sms.Message, o sms.Outcome, version byte) smpp.TLVs {
	reason := byte(permanentError)
	switch {
	case o.Temporary:
		reason = temporaryError
	case o.State == sms.Expired, o.State == sms.Deleted:
		reason = destinationUnavailable
	}
	tlvs := smpp.TLVs{smpp.TLVUint8(smpp.TagDeliveryFailureReason, reason)}
	if o.Code != 0 {
		tlvs = append(tlvs, networkError(o.Code, version))
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

// congestion tells a 5.0 client how busy we are for it, from 0 to 100 (5.0, 4.8.4.18): by how far its session has used up
// the requests it may have in flight, or the client its queue.
func (sv *Server) congestion(version byte, s *session.Session, c *Client) smpp.TLVs {
	if version < smpp.V50 {
		return nil
	}
	load := 100 * s.Inflight() / maxRequests
	if c.MaxQueued > 0 {
		load = max(load, 100*sv.o.Queue.Pending(c.SystemID)/c.MaxQueued)
	}
	return smpp.TLVs{smpp.TLVUint8(smpp.TagCongestionState, byte(min(load, 100)))}
}
