package hermes

import (
	"net/http"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

// client takes what is for a client, and hands on what kind it was of.
type client chan sms.Kind

func (c client) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	c <- ms[0].Kind
	report(sms.Outcome{Verdict: sms.Done})
}

func TestOneThatHermesDidNotReachIsAnnouncedOnlyWhenItIsReached(t *testing.T) {
	for name, status := range map[string]int{"refused": http.StatusInternalServerError, "nobody there": http.StatusServiceUnavailable} {
		t.Run(name, func(t *testing.T) {
			answers := make(chan int)
			at := testkit.StartEndpoint(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(<-answers) })
			o := options(at.URL())
			o.Retry = []time.Duration{time.Millisecond}
			p := newPush(t, o)
			defer p.Close(t.Context())
			q := startQueue(t)
			p.Attach(q)
			told := make(client, 10)
			q.Attach(road.OutletOptions{Recipient: "admin", Window: 1, Deliverer: told})
			push := func(answer int, change func(*sms.Message)) {
				t.Helper()
				m := message(0, "hi")
				m.ReceivedAt, m.DueAt, m.ExpiresAt = time.Now(), time.Now(), time.Now().Add(time.Hour)
				change(m)
				if err := q.Add(m, 0, nil); err != nil {
					t.Fatal(err)
				}
				at.Next(t)
				answers <- answer
			}

			push(status, func(m *sms.Message) { m.SetDPF, m.ESMClass = true, 0x01 }) // tried once
			push(http.StatusNotFound, func(m *sms.Message) { m.RegisteredDelivery = 1 })
			if kind := testkit.Receive(t, told, "the receipt"); kind != sms.KindReceipt {
				t.Fatalf("got kind %d before anybody was reached", kind)
			}
			if status != http.StatusInternalServerError { // then anybody's message tells that Hermès is there
				push(http.StatusOK, func(m *sms.Message) { m.Source.Number = "33699999999" })
			} else {
				push(http.StatusOK, func(m *sms.Message) {})
			}
			if kind := testkit.Receive(t, told, "the alert"); kind != sms.KindAlert {
				t.Fatalf("got kind %d", kind)
			}
			if n := len(at.Pushes(nil)); n != 3 {
				t.Errorf("%d pushes of three messages: the delivery pending flag itself was pushed", n)
			}
		})
	}
}
