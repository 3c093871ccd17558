package smsc

import (
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
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
			n, first := 0, uint32(0)
			go eachRequest(c, func(h smpp.Header, p smpp.PDU) smpp.Status {
				d, ok := p.(*smpp.DeliverSM)
				if !ok {
					return smpp.ROK
				}
				came <- string(d.ShortMessage)
				n++
				switch {
				case n > len(answers):
					return smpp.ROK
				case n == 1 && answers[0] != smpp.ROK: // it is answered when the next part is there
					first = h.Sequence
					return noAnswer
				case n == 2 && first != 0:
					c.SendStatus(first, answers[0], &smpp.DeliverSMResp{})
				}
				return answers[n-1]
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

// ways is a queue of whose ways to the clients a test hears each step, and may keep it waiting there.
type ways struct {
	*queue.Queue
	step func(text, what string)
}

type way struct {
	road.Deliverer
	step func(text, what string)
}

func (q *ways) Attach(o road.OutletOptions) road.Outlet {
	o.Deliverer = way{o.Deliverer, q.step}
	return q.Queue.Attach(o)
}

func (w way) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	text := string(ms[0].Content)
	w.step(text, "is on its way")
	w.Deliverer.Deliver(ms, incomplete, func(o sms.Outcome) {
		w.step(text, "came to something")
		report(o)
		w.step(text, "is reported")
	})
	w.step(text, "has arrived")
}

func TestAMessageOnItsWayToTheSessionDoesNotOvertakeOneThatMustBeTriedAgain(t *testing.T) {
	for name, order := range map[string][]string{
		"when that is known":         {"first came to something", "first is reported", "second is on its way", "second has arrived"},
		"when that is not known yet": {"second is on its way", "second has arrived", "first came to something", "first is reported"},
	} {
		t.Run(name, func(t *testing.T) {
			retrySoon(t, 50*time.Millisecond)
			at, goOn, let := map[string]chan bool{}, map[string]chan bool{}, map[string]func(){}
			for _, step := range order {
				at[step], goOn[step] = make(chan bool, 100), make(chan bool)
				let[step] = sync.OnceFunc(func() { close(goOn[step]) })
			}
			r := newRig(t, func(r *rig, o *Options) {
				o.Window = 2
				o.Queue = &ways{r.q, func(text, what string) {
					if step := text + " " + what; at[step] != nil {
						at[step] <- true
						<-goOn[step]
					}
				}}
			})
			for _, goOn := range let {
				t.Cleanup(goOn)
			}
			c := r.transceiver()
			r.writeTo("33612345678", "first")
			first, _ := c.Expect(smpp.CmdDeliverSM)
			r.writeTo("33612345678", "second")
			at["second is on its way"] <- testkit.Receive(t, at["second is on its way"], "the second one is on its way")
			c.SendStatus(first.Sequence, smpp.RXTAPPN, &smpp.DeliverSMResp{})
			at["first came to something"] <- testkit.Receive(t, at["first came to something"], "the first one is refused for now")
			for _, step := range order {
				testkit.Receive(t, at[step], step)
				if let[step](); step == "first is reported" {
					c.ExpectAlive() // whoever reports it reads this when all about it is done
				}
			}
			for _, want := range []string{"first", "second"} {
				if d := c.ExpectDeliver(); string(d.ShortMessage) != want {
					t.Fatalf("the client got %q, want %q", d.ShortMessage, want)
				}
			}
		})
	}
}
