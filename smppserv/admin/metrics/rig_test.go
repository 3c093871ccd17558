package metrics

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// source is a server with a client that is bound twice, one that is paused, and one that is no more.
type source struct{ err error }

var at = time.Date(2026, 11, 23, 10, 0, 0, 500e6, time.UTC)

func (s source) Status(context.Context) (adminapi.Status, error) {
	return adminapi.Status{Ready: true, Attention: []adminapi.Notice{{Level: adminapi.Bad}, {Level: adminapi.Warning}, {Level: adminapi.Warning}}, Parts: []adminapi.Part{
		{Name: adminapi.PartHermes, Since: at, Figures: map[string]int64{"up": 0, "window": 1, "in_flight": 1}},
		{Name: adminapi.PartTCP, Figures: map[string]int64{"connections": 2, "accepted": 30, "rejected": 4}},
		{Name: adminapi.PartStore, Figures: map[string]int64{"database": 5000, "log": 600}},
		{Name: adminapi.PartDisk, Figures: map[string]int64{"disk_free": 70000, "disk_total": 80000}}}}, s.err
}

func (s source) Clients(context.Context) ([]adminapi.Client, error) {
	return []adminapi.Client{
		{SystemID: "acme", Configured: true, Sessions: []adminapi.Session{{State: "BOUND_TX", Window: 10}, {State: "BOUND_RX", Window: 7, InFlight: 3}}},
		{SystemID: "paused", Configured: true, Paused: &adminapi.Pause{}}, {SystemID: "gone"}}, s.err
}

func (s source) Waiting(context.Context) ([]adminapi.Waiting, error) {
	return []adminapi.Waiting{{Recipient: adminapi.Hermes, Count: 5, Texts: 5, Oldest: time.Now().Add(-time.Hour)},
		{Recipient: "acme", Count: 4, Texts: 1, Receipts: 3}, {Recipient: "gone", Count: 2, Texts: 2}, {Recipient: "gone too", Count: 1, Receipts: 1}}, s.err
}

func (s source) Sessions(context.Context) ([]adminapi.Session, error) {
	return []adminapi.Session{{State: "BOUND_TX"}, {State: "BOUND_RX"}, {State: "OPEN"}, {State: "OPEN"}}, s.err
}

func (s source) Settings(context.Context) (adminapi.Settings, error) {
	return adminapi.Settings{Taken: at, Fault: "line 3", Pending: []string{"admin.listen"}}, s.err
}

func (s source) Membership() (nodes int, leader, holds, ok bool) { return 3, false, true, true }

func options(c *Counters) Options {
	return Options{Version: "1.2.3", Node: "smsc1", Source: source{}, Queue: func() sms.QueueStats { return sms.QueueStats{Waiting: 11, InFlight: 12, Unwritten: 13, Lanes: 14} },
		Counters: c, Log: zerolog.Nop()}
}

// scraped is what Prometheus reads.
func scraped(t *testing.T, o Options) string {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(o).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("%d %v\n%s", w.Code, err, body)
	}
	return string(body)
}

// wantSeries looks for whole lines.
func wantSeries(t *testing.T, body string, series ...string) {
	t.Helper()
	for _, want := range series {
		if !strings.Contains(body, "\n"+want+"\n") {
			name, _, _ := strings.Cut(want, "{")
			name, _, _ = strings.Cut(name, " ")
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

var errAway = errors.New("the database does not answer")
