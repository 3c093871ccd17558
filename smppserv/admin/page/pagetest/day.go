package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
)

func (f *Fake) clients() []adminapi.Client {
	bound := func(id uint64, system, state, remote string, since time.Duration) adminapi.Session {
		return adminapi.Session{ID: id, SystemID: system, State: state, Remote: remote, Version: "3.4", Since: f.ago(since), Heard: f.ago(4 * time.Second), Window: 10, InFlight: int(id % 3), Submits: 4210 + int64(id), Delivers: 1820}
	}
	refusal := &adminapi.Event{At: f.ago(100 * time.Minute), Kind: "refused", Text: adminapi.Say("the password is wrong"), Remote: "10.20.4.7:51022"}
	acme := []adminapi.Session{bound(12, "acme", "BOUND_TX", "10.20.1.14:50112", 5*time.Hour), bound(13, "acme", "BOUND_RX", "10.20.1.14:50113", 5*time.Hour)}
	acme[0].Refused, acme[0].LastError = 3, adminapi.Say("%s at %s was refused: %s", "submit_sm", f.ago(20*time.Minute), adminapi.Verbatim("ESME_RTHROTTLED"))
	all := []adminapi.Client{
		{SystemID: "acme", State: "BOUND_TX+BOUND_RX", Since: f.ago(5 * time.Hour), Numbers: []string{"3600", "3601"}, Sessions: acme,
			Today: adminapi.Traffic{In: 8412, Out: 6120, Failed: 12}, Rate: 14, Limit: 50,
			LastBind: &adminapi.Event{At: f.ago(5 * time.Hour), Kind: "bound", Text: adminapi.Verbatim("BOUND_RX"), Remote: "10.20.1.14:50113"},
			Events: []adminapi.Event{
				{At: f.ago(20 * time.Minute), Kind: "throttled", Text: adminapi.Say("submits were refused: there were more in a second than throttle_rate allows"), Remote: "10.20.1.14:50112"},
				{At: f.ago(5 * time.Hour), Kind: "bound", Text: adminapi.Verbatim("BOUND_RX"), Remote: "10.20.1.14:50113"},
				{At: f.ago(5*time.Hour + time.Second), Kind: "bound", Text: adminapi.Verbatim("BOUND_TX"), Remote: "10.20.1.14:50112"},
				{At: f.ago(5*time.Hour + 9*time.Second), Kind: "unbound", Text: adminapi.Say("unbind by the client"), Remote: "10.20.1.14:49877"},
			}},
		{SystemID: "boutique", State: "UNBOUND", Since: f.ago(115 * time.Minute), Why: adminapi.Say("not bound: its bind from %s at %s was refused: %s", "10.20.4.7:51022", f.ago(100*time.Minute), adminapi.Say("the password is wrong")), Numbers: []string{"36200"}, Sessions: []adminapi.Session{},
			Waiting: adminapi.Waiting{Recipient: "boutique", Count: 7, Texts: 2, Receipts: 5, Oldest: f.ago(115 * time.Minute), OldestID: "1007", Why: notBound(f.ago(115 * time.Minute))},
			Today:   adminapi.Traffic{In: 120, Out: 80, Failed: 21}, LastBind: &adminapi.Event{At: f.ago(9 * time.Hour), Kind: "bound", Text: adminapi.Verbatim("BOUND_TRX"), Remote: "10.20.4.7:40100"}, LastRefusal: refusal,
			Events: []adminapi.Event{*refusal, {At: f.ago(115 * time.Minute), Kind: "unbound", Text: adminapi.Say("the client closed the connection"), Remote: "10.20.4.7:40100"}}},
		{SystemID: "mairie", State: "BOUND_TRX", Since: f.ago(30 * time.Hour), Numbers: []string{"38*"}, Sessions: []adminapi.Session{bound(9, "mairie", "BOUND_TRX", "192.168.12.40:41822", 30*time.Hour)}, Paused: &adminapi.Pause{Since: f.ago(40 * time.Minute), By: "claire"}, Today: adminapi.Traffic{In: 3900, Out: 2100, Failed: 8}, Rate: 2},
		{SystemID: "notaires", State: "UNBOUND", Disabled: true, Numbers: []string{"3970"}, Sessions: []adminapi.Session{}},
		{SystemID: "support", State: "BOUND_TRX", Since: f.ago(76 * time.Hour), Sessions: []adminapi.Session{bound(2, "support", "BOUND_TRX", "127.0.0.1:40022", 76*time.Hour)}, Today: adminapi.Traffic{In: 51, Out: 49}},
	}
	for i := range all {
		all[i].Configured = true
	}
	return all
}

func (f *Fake) messages() []adminapi.Detail {
	var all []adminapi.Detail
	clients, numbers := []string{"acme", "acme", "mairie", "boutique"}, []string{"3600", "3601", "38110", "36200"}
	for i := range 320 {
		id := 1100 - i
		k := i % len(clients)
		at := f.ago(time.Duration(i*i/9+i*7) * time.Second)
		m := adminapi.Message{ID: strconv.Itoa(id), Kind: "text", Direction: "in", From: fmt.Sprintf("336%08d", (id*7919)%100000000), To: numbers[k], Submitter: clients[k], Recipient: adminapi.Hermes,
			State: "DELIVERED", Tries: 1, Received: at, Final: at.Add(time.Duration(9+id%23) * time.Millisecond), Expires: at.Add(24 * time.Hour)}
		switch {
		case id%3 == 0:
			m.Direction, m.From, m.To, m.Submitter, m.Recipient = "out", m.To, m.From, adminapi.Hermes, clients[k]
		case id%7 == 0:
			m.Kind, m.Direction, m.From, m.To, m.Submitter, m.Recipient, m.Of = "receipt", "out", m.To, m.From, adminapi.Hermes, clients[k], strconv.Itoa(id-3)
		}
		switch {
		case id == 1042 || m.Direction == "in" && id > 1080:
			m.State, m.Final, m.Tries, m.Error = "ENROUTE", time.Time{}, 4, 503
			m.Reason, m.Next = adminapi.Verbatim("connection refused"), f.Now.Add(41*time.Second)
		case id%41 == 0:
			m.State, m.Tries, m.Error, m.Reason = "UNDELIVERABLE", 3, 69, adminapi.Verbatim("ESME_RSUBMITFAIL (0x45)")
		case id%53 == 0:
			m.State, m.Tries, m.Final = "EXPIRED", 14, at.Add(24*time.Hour)
		}
		all = append(all, f.detail(m))
	}
	return all
}

func (f *Fake) detail(m adminapi.Message) adminapi.Detail {
	d := adminapi.Detail{Message: m, Octets: 84, PushKey: "hnet-" + m.ID, Receipts: []adminapi.Message{}, Parts: []adminapi.Message{}, Can: []string{"send-again"},
		Fields: []adminapi.Field{{Name: "command_id", Value: "0x00000004", Means: "submit_sm"}, {Name: "source_addr", Value: m.From, Means: "ton 1 (international), npi 1 (ISDN)"}, {Name: "destination_addr", Value: m.To},
			{Name: "esm_class", Value: "0x00", Means: "default mode"}, {Name: "data_coding", Value: "0", Means: "GSM 7-bit"}, {Name: "registered_delivery", Value: "1", Means: "a receipt is asked for"}}}
	at := m.Received
	d.Timeline = append(d.Timeline, adminapi.Step{At: at, Kind: "accepted", Text: adminapi.Say("accepted from %s: %s %d on session %d from %s", m.Submitter, "submit_sm", 88, 12, "10.20.1.14:50112")})
	for i := range min(m.Tries, 4) {
		at = at.Add(6 * time.Millisecond)
		if i < m.Tries-1 || m.Final.IsZero() {
			d.Timeline = append(d.Timeline, adminapi.Step{At: at, Kind: "try", Text: adminapi.Verbatim("HTTP 503 Service Unavailable"), Through: "hermes", Code: 503, Took: 6})
			at = at.Add(5 * time.Second)
			continue
		}
		d.Timeline = append(d.Timeline, adminapi.Step{At: at, Kind: "try", Text: adminapi.Say("taken"), Through: "hermes", Code: 200, Took: 9})
	}
	if m.Final.IsZero() {
		d.Why = adminapi.Say("Hermès does not take messages since %s: %s. It is probed again at %s", f.ago(12*time.Minute), adminapi.Verbatim("connection refused"), f.Now.Add(41*time.Second))
		d.Can = []string{"retry", "cancel"}
		d.Timeline = append(d.Timeline, adminapi.Step{At: f.Now, Kind: "waiting", Text: adminapi.Say("the next try is at %s", m.Next)})
	} else {
		d.Timeline = append(d.Timeline, adminapi.Step{At: m.Final, Kind: "final", Text: adminapi.Say("Hermès took it at %s", m.Final)})
	}
	return d
}

func (f *Fake) lines() (all []adminapi.LogLine) {
	for i := range 60 {
		line := adminapi.LogLine{At: f.ago(time.Duration(60-i) * 13 * time.Second), Level: "info", Message: "a client bound", Fields: map[string]string{"client": "acme", "remote": "10.20.1.14:50112", "session": strconv.Itoa(i)}}
		switch i % 9 {
		case 4:
			line.Level, line.Message, line.Fields = "warn", "a push to Hermès failed", map[string]string{"error": "dial tcp 10.20.0.5:443: connect: connection refused", "tries": "3"}
		case 7:
			line.Level, line.Message, line.Fields = "error", "a bind was refused", map[string]string{"client": "boutique", "status": "ESME_RINVPASWD"}
		}
		all = append(all, line)
	}
	return all
}

// Log implements admin.Operators.
func (f *Fake) Log(_ context.Context, level, contains string, limit int) (found []adminapi.LogLine, err error) {
	f.Lock()
	defer f.Unlock()
	levels := []string{"debug", "info", "warn", "error"}
	for _, l := range f.Lines {
		if slices.Index(levels, l.Level) >= slices.Index(levels, level) && strings.Contains(l.Message+fmt.Sprint(l.Fields), contains) && !f.Empty {
			found = append(found, l)
		}
	}
	return found[max(0, len(found)-limit):], f.Fault
}

func (f *Fake) deeds() []adminapi.AuditEntry {
	return []adminapi.AuditEntry{
		{ID: 5, At: f.ago(4 * time.Minute), Who: "claire", From: "10.20.9.3", What: "show text", On: "1042"},
		{ID: 4, At: f.ago(40 * time.Minute), Who: "claire", From: "10.20.9.3", What: "pause", On: "mairie"},
		{ID: 3, At: f.ago(2 * time.Hour), Who: "config.toml", What: "reload", On: "config.toml", More: "hermes.concurrency: 16 → 32"},
		{ID: 2, At: f.ago(26 * time.Hour), Who: "token", What: "send-again", On: "1031"},
		{ID: 1, At: f.ago(27 * time.Hour), Who: "paul", From: "10.20.9.8", What: "login refused"},
	}
}

// Audit implements admin.Operators.
func (f *Fake) Audit(context.Context, string, int) (adminapi.Audit, error) {
	f.Lock()
	defer f.Unlock()
	if f.Empty {
		return adminapi.Audit{Entries: []adminapi.AuditEntry{}}, f.Fault
	}
	return adminapi.Audit{Entries: slices.Clone(f.Done)}, f.Fault
}

// Settings implements admin.Operators.
func (f *Fake) Settings(context.Context) (adminapi.Settings, error) {
	file := func(line int) string { return fmt.Sprintf("config.toml:%d", line) }
	return adminapi.Settings{File: `C:\Program Files\HNET SMPP Serv\config.toml`, Taken: f.ago(2 * time.Hour), Pending: []string{"server.listen_port"}, All: []adminapi.Setting{
		{Key: "mode", Value: `"vocalcom"`, Source: "default", Restart: true},
		{Key: "server.listen_host", Value: `""`, Source: "default", Restart: true},
		{Key: "server.listen_port", Value: "2346", Source: file(9), Pending: "2775", Restart: true},
		{Key: "server.throttle_rate", Value: "0", Source: "default"},
		{Key: "clients.acme.password", Value: "•••", Secret: true, Source: "${ACME_PASSWORD}"},
		{Key: "clients.acme.numbers", Value: `["3600", "3601"]`, Source: file(22)},
		{Key: "hermes.url", Value: `"https://hermes.example/api/sms/push/"`, Source: file(40)},
		{Key: "hermes.retry", Value: `["1s", "5s", "15s", "1m", "5m"]`, Source: "default"},
		{Key: "hermes.secret", Value: "•••", Secret: true, Source: "hermes.secret"},
	}}, f.Fault
}

// Report implements admin.Operators.
func (f *Fake) Report(_ context.Context, q adminapi.ReportQuery) (adminapi.Report, error) {
	r := adminapi.Report{By: q.By, From: q.From, To: q.To, Rows: []adminapi.ReportRow{}}
	if f.Empty || f.Fault != nil {
		return r, f.Fault
	}
	keys := map[string][]string{"campaign": {"3600", "3601", "36200", "38110", ""}, "client": {"acme", "boutique", "mairie", "support"}, "number": {q.Number}}[q.By]
	if q.By == "day" || q.By == "hour" {
		step, layout := 24*time.Hour, time.DateOnly
		if q.By == "hour" {
			step, layout = time.Hour, "2006-01-02T15:04Z07:00"
		}
		for t := q.From; t.Before(q.To) && len(keys) < 40; t = t.Add(step) {
			keys = append(keys, t.Format(layout))
		}
	}
	if f.Hostile != "" && q.By == "campaign" {
		keys = append(keys, f.Hostile)
	}
	for i, key := range keys {
		n := int64(8400 / (i + 1))
		row := adminapi.ReportRow{Key: key, Received: n, Pushed: n * 2 / 3, Delivered: n / 3, Failed: n / 90, Receipts: n / 2, Parts: n + n/12, Median: 8.4 + float64(i), P99: 140.5, Reasons: map[string]int64{}}
		if row.Failed > 0 {
			row.Reasons["http 503"], row.Reasons["expired"] = row.Failed-row.Failed/3, row.Failed/3
		}
		r.Rows = append(r.Rows, row)
		r.Sum.Received, r.Sum.Pushed, r.Sum.Delivered = r.Sum.Received+row.Received, r.Sum.Pushed+row.Pushed, r.Sum.Delivered+row.Delivered
		r.Sum.Failed, r.Sum.Receipts, r.Sum.Parts = r.Sum.Failed+row.Failed, r.Sum.Receipts+row.Receipts, r.Sum.Parts+row.Parts
	}
	r.Sum.Median, r.Sum.P99 = 9.1, 140.5
	return r, nil
}

// Series implements admin.Operators.
func (f *Fake) Series(_ context.Context, span string) (adminapi.Series, error) {
	if f.Fault != nil || f.Empty {
		return adminapi.Series{Span: span, Points: []adminapi.Point{}, Before: []adminapi.Point{}}, f.Fault
	}
	n, step := 60, time.Minute
	switch span {
	case "day":
		n, step = 96, 15*time.Minute
	case "month":
		n, step = 30, 24*time.Hour
	}
	s := adminapi.Series{Span: span, Step: step}
	end := f.Now.Truncate(step)
	for i := range n {
		wave := 200 + 90*math.Sin(float64(i)/9) + 40*math.Sin(float64(i)*1.7)
		minutes := step.Minutes()
		silent := span == "hour" && i >= n-12
		p := adminapi.Point{At: end.Add(time.Duration(i-n+1) * step), Submitted: int64(wave * minutes), Pushed: int64(wave * .6 * minutes), Delivered: int64(wave * .38 * minutes), Receipts: int64(wave * .5 * minutes), Failed: int64(i % 4), PushP50: 8 + 2*math.Sin(float64(i)/5), PushP99: 90 + 40*math.Sin(float64(i)/3)}
		if silent && !f.Calm {
			p.Pushed, p.PushP50, p.PushP99, p.Waiting, p.OldestMS = 0, 0, 0, int64(4*(i-n+13)), int64(i-n+13)*60_000
		}
		s.Points = append(s.Points, p)
		if span == "hour" {
			b := p
			b.At, b.Submitted, b.Pushed, b.Waiting = p.At.AddDate(0, 0, -7), int64(180+60*math.Cos(float64(i)/11)), int64(110+30*math.Cos(float64(i)/11)), 0
			s.Before = append(s.Before, b)
		}
	}
	return s, nil
}

// submit reads a line as the TCP port does.
func (f *Fake) submit(by admin.Actor, line []byte) ([]byte, error) {
	var l struct{ From, To, Text, Client string }
	if err := json.Unmarshal(line, &l); err != nil {
		return []byte(`{"status":"rejected","code":"bad_request","error":"the line is not a JSON object"}`), nil
	}
	f.Lock()
	defer f.Unlock()
	if l.Text == "" {
		return []byte(`{"status":"rejected","code":"bad_request","error":"text: missing"}`), nil
	}
	f.note(by, "send", l.Client, "as Hermès")
	return json.Marshal(map[string]string{"status": "accepted", "message_id": f.add("out", adminapi.Hermes, l.Client, l.From, l.To, l.Text)})
}
