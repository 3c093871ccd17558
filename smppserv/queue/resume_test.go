package queue

import (
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func TestResumeEndsTheWaitsOfItsOwnRecipientOnly(t *testing.T) {
	r := newRig(t, nil)
	hourly := []time.Duration{time.Hour}
	h := r.attach(road.OutletOptions{Window: 4, Serial: true, Retry: hourly})
	c := r.attach(road.OutletOptions{Recipient: "admin", Session: 1, Window: 4, Retry: hourly})
	other := r.attach(road.OutletOptions{Recipient: "other", Session: 2, Window: 4, Retry: hourly})
	toAdmin, toOther := r.answerTo("to admin"), r.answerTo("to other")
	toOther.Recipient = "other"
	r.add(toAdmin)
	r.add(toOther)
	r.texts("to Hermes")
	h.next("to Hermes").again()
	c.next("to admin").again()
	other.next("to other").again()
	c.Resume()
	c.next("to admin").done()
	r.nothing(h, sms.Hermes)
	r.nothing(other, "other")
	h.Resume()
	h.next("to Hermes").done()
	r.nothing(other, "other")
	other.Resume()
	other.next("to other").done()
	r.emptied()
}
