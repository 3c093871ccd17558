package smsc

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/testkit"
)

func TestATextInPartsThatMustBeTriedAgainIsNotOvertaken(t *testing.T) {
	for name, answers := range map[string][]smpp.Status{
		"refused for now, while the next part is open": {smpp.RXTAPPN, noAnswer},
		"not answered, while the next part is open":    {smpp.ROK, noAnswer, noAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(_ *rig, o *Options) {
				o.Window = 2
				o.Timers = session.Timers{Response: 400 * time.Millisecond}
			})
			c := r.transceiver()
			came := make(chan string, 100)
			n := 0
			go eachRequest(c, func(_ smpp.Header, p smpp.PDU) smpp.Status {
				d, ok := p.(*smpp.DeliverSM)
				if !ok {
					return smpp.ROK
				}
				came <- string(d.ShortMessage)
				if n++; n <= len(answers) {
					return answers[n-1]
				}
				return smpp.ROK
			})
			r.writeTo("33612345678", threeParts)
			r.writeTo("33612345678", "second")
			parts := 0
			for testkit.Receive(t, came, "a deliver_sm") != "second" {
				parts++
			}
			left := 3
			for _, a := range answers {
				if a == smpp.ROK {
					left--
				}
			}
			if parts != len(answers)+left {
				t.Errorf("the second text came after %d parts of the first one, want %d that came to nothing or were taken, and the %d others again", parts, len(answers), left)
			}
		})
	}
}
