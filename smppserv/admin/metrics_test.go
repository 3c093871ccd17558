package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// wantSeries looks for whole lines.
func wantSeries(t *testing.T, body string, series ...string) {
	t.Helper()
	for _, want := range series {
		if !strings.Contains(body, "\n"+want+"\n") {
			name, _, _ := strings.Cut(want, "{")
			var have []string
			for line := range strings.Lines(body) {
				if strings.HasPrefix(line, name) {
					have = append(have, line)
				}
			}
			t.Errorf("no %s, but\n%s", want, strings.Join(have, ""))
		}
	}
}

func TestMetricsCountSessionsByStateAndTheQueue(t *testing.T) {
	url := start(t, Options{Version: "1.2.3", Centre: &fake{sessions: func() []adminapi.Session {
		return []adminapi.Session{{State: "BOUND_TX"}, {State: "BOUND_TX"}, {State: "OPEN"}}
	}, queue: func() sms.QueueStats { return sms.QueueStats{Waiting: 11, InFlight: 12, Unwritten: 13, Lanes: 14} }}})
	resp, body := ask(t, "GET", url+"/metrics")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %q", resp.Status, body)
	}
	wantSeries(t, body,
		`hnetsmpp_sessions{state="BOUND_TX"} 2`, `hnetsmpp_sessions{state="OPEN"} 1`, `hnetsmpp_sessions{state="BOUND_TRX"} 0`,
		`hnetsmpp_queue_waiting 11`, `hnetsmpp_queue_in_flight 12`, `hnetsmpp_queue_unwritten 13`, `hnetsmpp_queue_lanes 14`)
	for _, name := range []string{`hnetsmpp_build_info{goversion="go1`, `version="1.2.3"} 1`, "go_goroutines ", "go_info{"} {
		if !strings.Contains(body, name) {
			t.Errorf("no %s", name)
		}
	}
	if strings.Contains(body, "hnetsmpp_messages") {
		t.Error("there are message counters that nobody counts with")
	}
}

func TestMessagesAreCountedByWhereTheyComeFromAndGoTo(t *testing.T) {
	c := NewCounters()
	url := start(t, Options{Counters: c})
	_, body := ask(t, "GET", url+"/metrics")
	wantSeries(t, body, `hnetsmpp_messages_accepted_total{from="client"} 0`, `hnetsmpp_messages_failed_total{kind="receipt",state="EXPIRED",to="client"} 0`)

	up := &sms.Message{Submitter: "admin", Recipient: sms.Hermes}
	down := &sms.Message{Submitter: sms.Hermes, Recipient: "admin"}
	receipt := &sms.Message{Kind: sms.KindReceipt, Recipient: "admin"}
	c.Accepted(up)
	c.Accepted(up)
	c.Accepted(down)
	c.Accepted(receipt)
	c.Retried(up)
	c.Retried(receipt)
	c.Concluded(up, sms.Delivered)
	c.Concluded(up, sms.Undeliverable)
	c.Concluded(up, sms.Deleted)
	c.Concluded(down, sms.Delivered)
	c.Concluded(down, sms.Expired)
	c.Concluded(receipt, sms.Delivered)

	_, body = ask(t, "GET", url+"/metrics")
	wantSeries(t, body,
		`hnetsmpp_messages_accepted_total{from="client"} 2`,
		`hnetsmpp_messages_accepted_total{from="hermes"} 1`,
		`hnetsmpp_messages_retries_total{kind="text",to="hermes"} 1`,
		`hnetsmpp_messages_retries_total{kind="receipt",to="client"} 1`,
		`hnetsmpp_messages_delivered_total{kind="text",to="hermes"} 1`,
		`hnetsmpp_messages_delivered_total{kind="text",to="client"} 1`,
		`hnetsmpp_messages_delivered_total{kind="receipt",to="client"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="UNDELIVERABLE",to="hermes"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="EXPIRED",to="client"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="REJECTED",to="client"} 0`,
		`hnetsmpp_messages_deleted_total{kind="text",to="hermes"} 1`)
}

func TestTwoServersInOneProcessDoNotShareMetrics(t *testing.T) {
	for n := 1; n <= 2; n++ {
		url := start(t, Options{Counters: NewCounters(), Centre: &fake{queue: func() sms.QueueStats { return sms.QueueStats{Waiting: n} }}})
		_, body := ask(t, "GET", url+"/metrics")
		wantSeries(t, body, fmt.Sprintf("hnetsmpp_queue_waiting %d", n))
	}
}

func BenchmarkCounters(b *testing.B) {
	c, m := NewCounters(), &sms.Message{Submitter: "admin"}
	b.ReportAllocs()
	for b.Loop() {
		c.Accepted(m)
		c.Concluded(m, sms.Delivered)
	}
}
