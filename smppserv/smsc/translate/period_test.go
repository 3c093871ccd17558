package translate

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

func TestOnlyAValidityAskedForAsATimeIsNoPeriod(t *testing.T) {
	for validity, want := range map[string]bool{"": true, hour2R: true, at(time.Hour): false, "260301140001008+": false} {
		m := esme(smpp.V34).mustRead(t, submitSM(func(r *smpp.SubmitSM) { r.ValidityPeriod = validity }))
		if m.Period != want {
			t.Errorf("submit_sm with %q: %v", validity, m.Period)
		}
		for _, before := range []bool{false, true} {
			m = &sms.Message{State: sms.Enroute, DueAt: now, ExpiresAt: now.Add(3 * time.Hour), Period: before}
			if err := esme(smpp.V34).Replace(m, &smpp.ReplaceSM{ValidityPeriod: validity, ShortMessage: []byte("x")}, now); err != nil {
				t.Fatal(err)
			}
			if m.Period != want && (validity != "" || m.Period != before) {
				t.Errorf("replace_sm with %q: %v", validity, m.Period)
			}
		}
	}
	var m sms.Message
	r := submitSM(func(r *smpp.SubmitSM) {
		r.ValidityPeriod, r.TLVs = at(time.Hour), smpp.TLVs{smpp.TLVUint32(smpp.TagQosTimeToLive, 60)}
	})
	if err := esme(smpp.V34).Submit(&m, smpp.CmdDataSM, r, now); err != nil || !m.Period {
		t.Errorf("qos_time_to_live: %v, %v", m.Period, err)
	}
}

func TestAMessageWithoutAScheduleIsNeverSCHEDULED(t *testing.T) {
	m := sms.Message{State: sms.Enroute, ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(time.Hour)}
	for _, clock := range []time.Duration{-2 * time.Hour, 0, 2 * time.Hour} {
		if r := esme(smpp.V50).QueryResp(&m, "1", now.Add(clock)); r.State != smpp.StateEnroute {
			t.Errorf("with the clock set by %v: %v", clock, r.State)
		}
	}
}
