package translate

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

const (
	tenth  = 100 * time.Millisecond
	hourR  = "000000010000000R"
	hour2R = "000000020000000R"
)

// at is an absolute time on the wire, so long after the tenth of a second that is now.
func at(d time.Duration) string { return smpp.FormatTime(now.Truncate(tenth).Add(d)) }

func TestTheTimesOfASubmitAreJudgedAtTheirBounds(t *testing.T) {
	const inPast = "200101000000000+"
	for _, tc := range []struct {
		name               string
		schedule, validity string
		want               smpp.Status
		due, expires       time.Time
	}{
		{"none", "", "", smpp.ROK, now, now.Add(time.Hour)},
		{"relative", hourR, hour2R, smpp.ROK, sms.NotBefore(now.Add(time.Hour)), sms.NotBefore(now.Add(2 * time.Hour))},
		{"absolute", at(time.Minute), at(time.Hour), smpp.ROK, now.Truncate(tenth).Add(time.Minute), now.Truncate(tenth).Add(time.Hour)},
		{"ahead of UTC", "260301140001008+", "", smpp.ROK, now.Truncate(time.Second).Add(time.Second), now.Truncate(time.Second).Add(time.Hour + time.Second)},
		{"scheduled, validity from then on", at(time.Minute), "", smpp.ROK, now.Truncate(tenth).Add(time.Minute), now.Truncate(tenth).Add(time.Hour + time.Minute)},
		{"due this very tenth", at(0), "", smpp.ROK, now.Truncate(tenth), now.Truncate(tenth).Add(time.Hour)},
		{"due a tenth ago", at(-tenth), "", smpp.RINVSCHED, time.Time{}, time.Time{}},
		{"due at once", "000000000000000R", "", smpp.ROK, sms.NotBefore(now), sms.NotBefore(now).Add(time.Hour)},
		{"due long ago", inPast, "", smpp.RINVSCHED, time.Time{}, time.Time{}},
		{"due never", "x", "", smpp.RINVSCHED, time.Time{}, time.Time{}},
		{"valid a tenth longer", "", at(tenth), smpp.ROK, now, now.Truncate(tenth).Add(tenth)},
		{"valid until this tenth", "", at(0), smpp.RINVEXPIRY, time.Time{}, time.Time{}},
		{"valid for no time", "", "000000000000000R", smpp.RINVEXPIRY, time.Time{}, time.Time{}},
		{"valid until long ago", "", inPast, smpp.RINVEXPIRY, time.Time{}, time.Time{}},
		{"valid until no date", "", "261332000000000+", smpp.RINVEXPIRY, time.Time{}, time.Time{}},
		{"valid until it is due", at(time.Minute), at(time.Minute), smpp.ROK, now.Truncate(tenth).Add(time.Minute), now.Truncate(tenth).Add(time.Minute)},
		{"valid until before it is due", at(time.Minute), at(time.Minute - tenth), smpp.RINVEXPIRY, time.Time{}, time.Time{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m, err := esme(smpp.V34).read(submitSM(func(r *smpp.SubmitSM) { r.ScheduleDeliveryTime, r.ValidityPeriod = tc.schedule, tc.validity }))
			if expectStatus(t, err, tc.want); tc.want != smpp.ROK {
				return
			}
			if !m.ReceivedAt.Equal(now) || !m.DueAt.Equal(tc.due) || !m.ExpiresAt.Equal(tc.expires) {
				t.Errorf("received %v, due %v, until %v; want due %v, until %v", m.ReceivedAt, m.DueAt, m.ExpiresAt, tc.due, tc.expires)
			}
		})
	}
}
