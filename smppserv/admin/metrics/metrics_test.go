package metrics

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

var (
	_ queue.Observer   = (*Counters)(nil)
	_ hermes.Observer  = (*Counters)(nil)
	_ store.Observer   = (*Counters)(nil)
	_ session.Observer = (*Counters)(nil)
)

func TestHowThingsStandIsAskedWhenItIsRead(t *testing.T) {
	body := scraped(t, options(NewCounters()))
	wantSeries(t, body,
		`hnetsmpp_nodes 3`, `hnetsmpp_lease_held 1`, `hnetsmpp_leader 0`, `hnetsmpp_ready 1`, `hnetsmpp_attention{level="bad"} 1`, `hnetsmpp_attention{level="warning"} 2`,
		`hnetsmpp_hermes_up 0`, `hnetsmpp_hermes_since_timestamp_seconds 1.7954280005e+09`, `hnetsmpp_hermes_window 1`, `hnetsmpp_hermes_in_flight 1`,
		`hnetsmpp_sessions{state="BOUND_TX"} 1`, `hnetsmpp_sessions{state="OPEN"} 2`, `hnetsmpp_sessions{state="BOUND_TRX"} 0`,
		`hnetsmpp_queue_waiting 11`, `hnetsmpp_queue_in_flight 12`, `hnetsmpp_queue_unwritten 13`, `hnetsmpp_queue_lanes 14`,
		`hnetsmpp_client_sessions{client="acme"} 2`, `hnetsmpp_client_window{client="acme"} 7`, `hnetsmpp_client_in_flight{client="acme"} 3`,
		`hnetsmpp_client_paused{client="acme"} 0`, `hnetsmpp_client_paused{client="paused"} 1`,
		`hnetsmpp_waiting{kind="text",recipient="hermes"} 5`, `hnetsmpp_waiting{kind="receipt",recipient="acme"} 3`, `hnetsmpp_waiting{kind="text",recipient="paused"} 0`,
		`hnetsmpp_waiting{kind="text",recipient="other"} 2`, `hnetsmpp_waiting{kind="receipt",recipient="other"} 1`,
		`hnetsmpp_oldest_waiting_seconds{recipient="acme"} 0`,
		`hnetsmpp_tcp_connections 2`, `hnetsmpp_tcp_lines_total{result="accepted"} 30`, `hnetsmpp_tcp_lines_total{result="rejected"} 4`,
		`hnetsmpp_database_size_bytes 5000`, `hnetsmpp_write_ahead_log_size_bytes 600`, `hnetsmpp_disk_free_bytes 70000`, `hnetsmpp_disk_size_bytes 80000`,
		`hnetsmpp_config_last_reload_successful 0`, `hnetsmpp_config_restart_pending 1`)
	if strings.Contains(body, "gone") {
		t.Error("a client that config.toml does not have is named: its name is no bounded one")
	}
	for _, name := range []string{`hnetsmpp_build_info{goversion="go1`, `node="smsc1",version="1.2.3"} 1`, "go_goroutines ", "go_info{", "process_start_time_seconds "} {
		if !strings.Contains(body, name) {
			t.Errorf("no %s", name)
		}
	}
	_, age, _ := strings.Cut(body, `hnetsmpp_oldest_waiting_seconds{recipient="hermes"} `)
	age, _, _ = strings.Cut(age, "\n")
	if seconds, err := strconv.ParseFloat(age, 64); err != nil || seconds < 3600 || seconds > 3600+300 {
		t.Errorf("the oldest message waits for %s s", age)
	}
}

// A database that does not answer takes nothing from what is known without it.
func TestWhatCannotBeToldIsLeftOut(t *testing.T) {
	o := options(NewCounters())
	o.Source = source{errAway}
	body := scraped(t, o)
	wantSeries(t, body, `hnetsmpp_queue_waiting 11`, `hnetsmpp_pushes_total{status="none"} 0`)
	if strings.Contains(body, "hnetsmpp_ready") || strings.Contains(body, "hnetsmpp_sessions") {
		t.Errorf("something is told that is not known:\n%s", body)
	}
}

func TestMessagesAreCountedByWhereTheyComeFromAndGoTo(t *testing.T) {
	c := NewCounters()
	c.Clients([]string{"admin", "acme"})
	wantSeries(t, scraped(t, options(c)), `hnetsmpp_messages_accepted_total{from="client"} 0`, `hnetsmpp_messages_failed_total{kind="receipt",state="EXPIRED",to="client"} 0`,
		`hnetsmpp_client_accepted_total{client="acme"} 0`)

	up := &sms.Message{Submitter: "admin", Recipient: sms.Hermes}
	down := &sms.Message{Submitter: sms.Hermes, Recipient: "admin"}
	receipt := &sms.Message{Kind: sms.KindReceipt, Recipient: "admin"}
	c.Accepted(up)
	c.Accepted(up)
	c.Accepted(down)
	c.Accepted(receipt)
	c.Accepted(&sms.Message{Submitter: "a stranger", Recipient: sms.Hermes})
	c.Retried(up)
	c.Retried(receipt)
	c.Concluded(up, sms.Delivered)
	c.Concluded(up, sms.Undeliverable)
	c.Concluded(up, sms.Deleted)
	c.Concluded(down, sms.Delivered)
	c.Concluded(down, sms.Expired)
	c.Concluded(receipt, sms.Delivered)
	c.Concluded(receipt, sms.Expired)

	c.Clients([]string{"admin"}) // a reload: acme is gone, admin's counters go on
	body := scraped(t, options(c))
	wantSeries(t, body,
		`hnetsmpp_messages_accepted_total{from="client"} 3`,
		`hnetsmpp_messages_accepted_total{from="hermes"} 1`,
		`hnetsmpp_messages_retries_total{kind="text",to="hermes"} 1`,
		`hnetsmpp_messages_retries_total{kind="receipt",to="client"} 1`,
		`hnetsmpp_messages_delivered_total{kind="text",to="hermes"} 1`,
		`hnetsmpp_messages_delivered_total{kind="text",to="client"} 1`,
		`hnetsmpp_messages_delivered_total{kind="receipt",to="client"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="UNDELIVERABLE",to="hermes"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="EXPIRED",to="client"} 1`,
		`hnetsmpp_messages_failed_total{kind="text",state="REJECTED",to="client"} 0`,
		`hnetsmpp_messages_deleted_total{kind="text",to="hermes"} 1`,
		`hnetsmpp_client_accepted_total{client="admin"} 2`,
		`hnetsmpp_client_delivered_total{client="admin",kind="text"} 1`,
		`hnetsmpp_client_delivered_total{client="admin",kind="receipt"} 1`,
		`hnetsmpp_client_failed_total{client="admin",direction="in"} 1`,
		`hnetsmpp_client_failed_total{client="admin",direction="out"} 1`)
	if strings.Contains(body, "_total{client=\"acme\"") || strings.Contains(body, "stranger") {
		t.Error("who is no client is counted by name")
	}
}

func TestPushesCommitsAndRefusalsAreCounted(t *testing.T) {
	c := NewCounters()
	for _, status := range []int{200, 200, 503, 0, 599, 999, -1} {
		c.Pushed(status, 30*time.Millisecond)
	}
	c.Committed(3 * time.Millisecond)
	c.Refused(smpp.CmdBindReceiver, smpp.RINVPASWD)
	c.Refused(smpp.CmdSubmitSM, smpp.RTHROTTLED)
	c.Refused(smpp.CmdDataSM, smpp.RTHROTTLED)
	c.Refused(smpp.CmdSubmitMulti, 0x4AB)
	c.Refused(smpp.CmdQuerySM, smpp.RQUERYFAIL)
	wantSeries(t, scraped(t, options(c)),
		`hnetsmpp_pushes_total{status="200"} 2`, `hnetsmpp_pushes_total{status="503"} 1`, `hnetsmpp_pushes_total{status="none"} 1`, `hnetsmpp_pushes_total{status="other"} 3`,
		`hnetsmpp_push_duration_seconds_bucket{le="0.02"} 0`, `hnetsmpp_push_duration_seconds_bucket{le="0.05"} 7`, `hnetsmpp_push_duration_seconds_count 7`,
		`hnetsmpp_commit_duration_seconds_bucket{le="0.005"} 1`, `hnetsmpp_commit_duration_seconds_count 1`,
		`hnetsmpp_binds_refused_total{reason="RINVPASWD"} 1`, `hnetsmpp_binds_refused_total{reason="RINVSYSID"} 0`,
		`hnetsmpp_submits_refused_total{reason="RTHROTTLED"} 2`, `hnetsmpp_submits_refused_total{reason="other"} 1`)
}

// Whatever a peer answers with, the series stay few.
func TestLabelsAreBounded(t *testing.T) {
	c := NewCounters()
	for n := range 100_000 {
		c.Pushed(n, time.Millisecond)
		c.Refused(smpp.CmdSubmitSM, smpp.Status(n))
		c.Accepted(&sms.Message{Submitter: strconv.Itoa(n)})
	}
	known := 2
	for n := range 1000 {
		if http.StatusText(n) != "" {
			known++
		}
	}
	body := scraped(t, options(c))
	if n := strings.Count(body, "\nhnetsmpp_pushes_total{"); n != known {
		t.Errorf("%d series of pushes, want %d", n, known)
	}
	if n := strings.Count(body, "\nhnetsmpp_submits_refused_total{"); n > 150 {
		t.Errorf("%d series of refusals", n)
	}
	if n := strings.Count(body, "\nhnetsmpp_client_"); n > 10 {
		t.Errorf("%d series of clients", n)
	}
}

func TestTwoRegistriesDoNotShareTheirMetrics(t *testing.T) {
	for n := 1; n <= 2; n++ {
		c := NewCounters()
		c.Accepted(&sms.Message{Submitter: sms.Hermes})
		wantSeries(t, scraped(t, options(c)), `hnetsmpp_messages_accepted_total{from="hermes"} 1`)
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	c, m := NewCounters(), &sms.Message{Submitter: "admin"}
	c.Clients([]string{"admin"})
	c.Pushed(200, 0)
	if n := testing.AllocsPerRun(100, func() {
		c.Accepted(m)
		c.Concluded(m, sms.Delivered)
		c.Pushed(200, time.Millisecond)
		c.Committed(time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
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
