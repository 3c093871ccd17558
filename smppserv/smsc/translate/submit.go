package translate

import (
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// SubmitOfData turns a data_sm into the submit_sm that says the same (4.7.1).
func SubmitOfData(r *smpp.DataSM) *smpp.SubmitSM {
	return &smpp.SubmitSM{ServiceType: r.ServiceType, Source: r.Source, Dest: r.Dest, ESMClass: r.ESMClass,
		RegisteredDelivery: r.RegisteredDelivery, DataCoding: r.DataCoding, TLVs: r.TLVs}
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
		m.ExpiresAt, m.Period = m.DueAt.Add(e.Validity), true
	}
	if command == smpp.CmdDataSM || e.Version >= smpp.V50 { // 3.4 has these parameters in data_sm only
		if ttl, ok := r.TLVs.Uint32(smpp.TagQosTimeToLive); ok {
			m.ExpiresAt, m.Period = sms.NotBefore(m.DueAt.Add(time.Duration(ttl)*time.Second)), true
		}
		dpf, _ := r.TLVs.Uint8(smpp.TagSetDpf)
		m.SetDPF = dpf == 1
	}
	return nil
}
