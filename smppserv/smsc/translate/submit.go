package translate

import (
	"bytes"
	"fmt"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/sms"
)

// SubmitOfData turns a data_sm into the submit_sm that says the same (4.7.1).
func SubmitOfData(r *smpp.DataSM) *smpp.SubmitSM {
	return &smpp.SubmitSM{ServiceType: r.ServiceType, Source: r.Source, Dest: r.Dest, ESMClass: r.ESMClass,
		RegisteredDelivery: r.RegisteredDelivery, DataCoding: r.DataCoding, TLVs: r.TLVs}
}

// CheckCommand judges what submit_sm and data_sm have not in common: RMISSINGOPTPARAM for a data_sm without message_payload
// (4.7.1), RINVESMCLASS for transaction mode in a submit_sm, which has it in 5.0 only.
func (e ESME) CheckCommand(command smpp.CommandID, r *smpp.SubmitSM) error {
	data := command == smpp.CmdDataSM
	switch {
	case data && !r.TLVs.Has(smpp.TagMessagePayload):
		return smpp.RMISSINGOPTPARAM
	case r.ESMClass&smpp.ESMModeMask == smpp.ESMTransaction && !data && e.Version < smpp.V50:
		return smpp.RINVESMCLASS
	}
	return nil
}

// Submit fills m with what r says, which CheckSubmit let through and which came as command; who handed it in and who it is
// for the caller writes. The error wraps the status that refuses r.
func (e ESME) Submit(m *sms.Message, command smpp.CommandID, r *smpp.SubmitSM, now time.Time) error {
	*m = sms.Message{
		ServiceType: r.ServiceType, ESMClass: r.ESMClass, ProtocolID: r.ProtocolID, Priority: r.PriorityFlag,
		RegisteredDelivery: r.RegisteredDelivery, DataCoding: r.DataCoding, InterfaceVersion: e.Version,
		ReceivedAt: now, State: sms.Enroute,
	}
	var err error
	if m.Source, err = e.Source(r.Source); err != nil {
		return err
	}
	if m.Dest, err = Dest(r.Dest); err != nil {
		return err
	}
	if err := e.content(m, r); err != nil {
		return err
	}
	m.DueAt = now
	if err := setTimes(m, r.ScheduleDeliveryTime, r.ValidityPeriod); err != nil {
		return err
	}
	if r.ValidityPeriod == "" {
		m.ExpiresAt = m.DueAt.Add(e.Validity)
	}
	if command == smpp.CmdDataSM || e.Version >= smpp.V50 { // 3.4 has these parameters in data_sm only
		if ttl, ok := r.TLVs.Uint32(smpp.TagQosTimeToLive); ok {
			m.ExpiresAt = sms.NotBefore(m.DueAt.Add(time.Duration(ttl) * time.Second))
		}
		dpf, _ := r.TLVs.Uint8(smpp.TagSetDpf)
		m.SetDPF = dpf == 1
	}
	return nil
}

// content takes the text of r, from short_message, message_payload or the canned ones, and finds out how it is written.
func (e ESME) content(m *sms.Message, r *smpp.SubmitSM) error {
	text := r.ShortMessage
	if payload, ok := r.TLVs.Get(smpp.TagMessagePayload); ok {
		if len(text) > 0 && e.Version < smpp.V50 {
			return smpp.ROPTPARNOTALLWD
		}
		text = payload
	}
	if err := e.checkLength(text); err != nil {
		return err
	}
	if r.DefaultMsgID != 0 && len(text) == 0 {
		m.ESMClass &^= smpp.ESMUDHI // there is no header in a canned text
	}
	var err error
	if text, err = e.canned(r.DefaultMsgID, text, &m.DataCoding); err != nil {
		return err
	}
	if err := e.readContent(m, text, r.TLVs); err != nil {
		return err
	}
	m.Content = bytes.Clone(text)
	m.TLVs = carried(r.TLVs)
	return nil
}

// canned puts the message that sm_default_msg_id names in the place of an empty text, in the client's own alphabet if it fits.
func (e ESME) canned(id byte, text []byte, dcs *byte) ([]byte, error) {
	if id == 0 {
		return text, nil
	}
	said, ok := e.Canned[id]
	switch {
	case !ok:
		return nil, smpp.RINVDFTMSGID
	case len(text) > 0: // what the client wrote itself counts
		return text, nil
	}
	var alphabet smstext.Alphabet
	alphabet, *dcs = smstext.Choose(said, e.DefaultAlphabet)
	text, _ = smstext.Encode(alphabet, said)
	return text, nil
}

// setTimes puts the times that a submit or replace names in the place of m's own, and judges the two together.
// When it was tried already, DueAt is the time of the next try, and nothing that the client asked for.
func setTimes(m *sms.Message, schedule, validity string) error {
	now, scheduled := m.ReceivedAt, schedule != "" || m.Attempts == 0
	if schedule != "" {
		t, err := smpp.ParseTime(schedule, now)
		if err != nil || t.Before(now.Truncate(100*time.Millisecond)) {
			return fmt.Errorf("schedule_delivery_time: %w", smpp.RINVSCHED)
		}
		m.DueAt = sms.NotBefore(t)
	}
	if validity != "" {
		t, err := smpp.ParseTime(validity, now)
		if err != nil || !t.After(now) || scheduled && t.Before(m.DueAt) {
			return fmt.Errorf("validity_period: %w", smpp.RINVEXPIRY)
		}
		m.ExpiresAt = sms.NotBefore(t)
	}
	if schedule != "" && !m.ExpiresAt.IsZero() && m.ExpiresAt.Before(m.DueAt) {
		return fmt.Errorf("schedule_delivery_time after the end of the validity: %w", smpp.RINVSCHED)
	}
	return nil
}
