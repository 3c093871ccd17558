package translate

import (
	"bytes"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// QueryResp tells the state of a message that its submitter calls messageID (4.8.2). What has never been tried and is not
// due yet is SCHEDULED, which is known to 5.0 only.
func (e ESME) QueryResp(m *sms.Message, messageID string, now time.Time) *smpp.QuerySMResp {
	resp := &smpp.QuerySMResp{MessageID: messageID, State: smpp.MessageState(m.State)}
	switch {
	case m.State.Final():
		resp.FinalDate, resp.ErrorCode = smpp.FormatTime(m.FinalAt), byte(min(m.Error, 255))
	case e.Version >= smpp.V50 && m.Scheduled() && m.DueAt.After(now):
		resp.State = smpp.StateScheduled
	}
	return resp
}

// CheckReplace judges what a replace_sm says whichever message it is about (4.10.1).
func (e ESME) CheckReplace(r *smpp.ReplaceSM) error {
	if _, err := e.replacement(r); err != nil {
		return err
	}
	return e.checkRegistered(r.RegisteredDelivery)
}

// Replace writes what r, which CheckReplace let through, says into a message; what r does not name it keeps.
// After an error m is of no use.
func (e ESME) Replace(m *sms.Message, r *smpp.ReplaceSM, now time.Time) error {
	text, err := e.replacement(r)
	if err != nil {
		return err
	}
	dcs := m.DataCoding
	if text, err = e.canned(r.DefaultMsgID, text, &dcs); err != nil {
		return err
	}
	alphabet := e.codings().Alphabet(dcs)
	if e.halfCharacter(dcs, text) {
		return smpp.RINVMSGLEN
	}
	if dcs != m.DataCoding || r.DefaultMsgID != 0 {
		m.DataCoding, m.Alphabet = dcs, judged(alphabet, text, smstext.Languages{}).String()
	} else if alphabet == smstext.ASCII {
		m.Alphabet = judged(alphabet, text, smstext.Languages{}).String() // the old text's may be another
	}
	m.ReceivedAt = now // a receipt's submit date becomes the date of the replacement (appendix B)
	if err := setTimes(m, r.ScheduleDeliveryTime, r.ValidityPeriod); err != nil {
		return err
	}
	m.Content, m.RegisteredDelivery = bytes.Clone(text), r.RegisteredDelivery
	m.ESMClass &^= smpp.ESMUDHI
	return nil
}

// replacement is the new text of a replace_sm; 3.4 knows no message_payload there.
func (e ESME) replacement(r *smpp.ReplaceSM) ([]byte, error) {
	text := r.ShortMessage
	payload, ok := r.TLVs.Get(smpp.TagMessagePayload)
	switch {
	case ok && e.Version < smpp.V50:
		return nil, smpp.ROPTPARNOTALLWD
	case ok:
		text = payload
	case len(text) > maxShortMessage34 && e.Version < smpp.V50:
		return nil, smpp.RINVMSGLEN
	}
	return text, e.checkLength(text)
}
