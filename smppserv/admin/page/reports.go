package page

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

type reportsData struct {
	Query   adminapi.ReportQuery
	Period  string
	From    string
	To      string
	Report  adminapi.Report
	Top     int64 // the most of one row
	CSV     string
	Clients []string
	Asked   bool // there is something to count by
}

var (
	byNames  = []string{"campaign", "client", "number", "day", "hour"}
	byTexts  = map[string]adminapi.Text{"campaign": adminapi.Say("campaign"), "client": adminapi.Say("client"), "number": adminapi.Say("number"), "day": adminapi.Say("day"), "hour": adminapi.Say("hour")}
	periods  = []string{"today", "yesterday", "week", "month", "last-month", "other"}
	perTexts = map[string]adminapi.Text{"today": adminapi.Say("today"), "yesterday": adminapi.Say("yesterday"), "week": adminapi.Say("the last 7 days"),
		"month": adminapi.Say("this month"), "last-month": adminapi.Say("last month"), "other": adminapi.Say("from … to …")}
)

// choice is an entry of a list to choose from.
type choice struct{ Value, Name string }

func (v *view) ByChoices() (all []choice) {
	for _, by := range byNames {
		all = append(all, choice{by, v.Say(byTexts[by])})
	}
	return all
}

func (v *view) PeriodChoices() (all []choice) {
	for _, period := range periods {
		all = append(all, choice{period, v.Say(perTexts[period])})
	}
	return all
}

// period is the days of a period's name, in the reader's zone.
func period(name string, now time.Time) (from, to time.Time) {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	month := today.AddDate(0, 0, 1-today.Day())
	switch name {
	case "yesterday":
		return today.AddDate(0, 0, -1), today
	case "week":
		return today.AddDate(0, 0, -6), today.AddDate(0, 0, 1)
	case "month":
		return month, today.AddDate(0, 0, 1)
	case "last-month":
		return month.AddDate(0, -1, 0), month
	}
	return today, today.AddDate(0, 0, 1)
}

func reportOf(v *view) (d reportsData, err error) {
	q := v.r.URL.Query()
	get := func(key string) string { return strings.TrimSpace(q.Get(key)) }
	d = reportsData{Period: cmp.Or(get("period"), "today"), From: get("from"), To: get("to")}
	d.Query = adminapi.ReportQuery{By: cmp.Or(get("by"), "campaign"), Client: get("client"), Campaign: get("campaign"), Number: strings.TrimPrefix(get("number"), "+")}
	if get("period") == "" && (d.From != "" || d.To != "") {
		d.Period = "other"
	}
	if d.Period != "other" {
		d.Query.From, d.Query.To = period(d.Period, v.Now)
		d.From, d.To = d.Query.From.Format(time.DateOnly), d.Query.To.AddDate(0, 0, -1).Format(time.DateOnly)
	} else {
		if d.Query.From, err = v.when(d.From, false); err != nil {
			return d, err
		}
		if d.Query.To, err = v.when(d.To, true); err != nil {
			return d, err
		}
		if d.Query.From.IsZero() {
			d.Query.From, _ = period("today", v.Now)
			d.From = d.Query.From.Format(time.DateOnly)
		}
		if d.Query.To.IsZero() {
			_, d.Query.To = period("today", v.Now)
			d.To = d.Query.To.AddDate(0, 0, -1).Format(time.DateOnly)
		}
	}
	d.Asked = d.Query.By != "number" || d.Query.Number != ""
	return d, nil
}

func (p *page) reports(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title = "reports", v.T("Reports")
	d, err := reportOf(v)
	if err != nil {
		return nil, err
	}
	if d.Asked {
		if d.Report, err = p.o.Operators.Report(ctx, d.Query); err != nil {
			return nil, err
		}
	}
	for _, row := range d.Report.Rows {
		d.Top = max(d.Top, row.Pushed+row.Delivered+row.Failed)
	}
	q := v.r.URL.Query()
	d.CSV = "/reports.csv?" + q.Encode()
	all, err := p.o.Operators.Clients(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		d.Clients = append(d.Clients, c.SystemID)
	}
	slices.Sort(d.Clients)
	return d, nil
}

// Bar draws a row as a bar: to Hermès, to clients, failed.
func (d reportsData) Bar(row adminapi.ReportRow) template.HTML {
	if d.Top == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<svg class="rowbar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">`)
	x := 0.0
	for _, part := range []struct {
		class string
		n     int64
	}{{"c1", row.Pushed}, {"c2", row.Delivered}, {"c4", row.Failed}} {
		w := float64(part.n) / float64(d.Top) * 100
		if part.n > 0 {
			fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="0" width="%.2f" height="10"/>`, part.class, x, max(w, .4))
		}
		x += w
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// hourLayout is how a report names its hours.
const hourLayout = "2006-01-02T15:04Z07:00"

// Key is a row's name in the operators' words.
func (d reportsData) Key(v *view, key string) string {
	switch {
	case key == "" && d.Query.By == "campaign":
		return v.T("without a campaign")
	case d.Query.By == "client":
		return v.Party(key)
	case d.Query.By == "day":
		if t, err := time.ParseInLocation(time.DateOnly, key, v.Zone); err == nil {
			return v.Date(t)
		}
	case d.Query.By == "hour":
		if t, err := time.Parse(hourLayout, key); err == nil {
			return v.Date(t) + " " + t.In(v.Zone).Format("15:04")
		}
	}
	return key
}

// Link is where the messages of a row are.
func (d reportsData) Link(v *view, key string) string {
	q := url.Values{"from": {d.From}, "to": {d.To}}
	switch d.Query.By {
	case "campaign", "client", "number":
		if key == "" {
			return ""
		}
		q.Set(d.Query.By, key)
	case "day":
		q.Set("from", key)
		q.Set("to", key)
	case "hour":
		t, err := time.Parse(hourLayout, key)
		if err != nil {
			return ""
		}
		q.Set("from", t.In(v.Zone).Format("2006-01-02T15:04"))
		q.Set("to", t.Add(time.Hour).In(v.Zone).Format("2006-01-02T15:04"))
	default:
		return ""
	}
	for name, value := range map[string]string{"client": d.Query.Client, "campaign": d.Query.Campaign} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/messages?" + q.Encode()
}

// reason is why messages failed, and how many.
type reason struct {
	Name string
	N    int64
}

// Reasons are those of a row, the most frequent first.
func (v *view) Reasons(row adminapi.ReportRow) (all []reason) {
	for name, n := range row.Reasons {
		all = append(all, reason{v.reasonName(name), n})
	}
	slices.SortFunc(all, func(a, b reason) int { return cmp.Or(-cmp.Compare(a.N, b.N), cmp.Compare(a.Name, b.Name)) })
	return all
}

// reasonName says what "http 503", "smpp 0x45" or "expired" is.
func (v *view) reasonName(name string) string {
	head, rest, _ := strings.Cut(name, " ")
	known := map[string]adminapi.Text{"expired": adminapi.Say("expired"), "undeliverable": adminapi.Say("failed"), "rejected": adminapi.Say("rejected"),
		"cancelled": adminapi.Say("cancelled"), "http": adminapi.Say("Hermès answered"), "smpp": adminapi.Say("the client answered")}
	if t, ok := known[head]; ok {
		return strings.TrimSpace(v.Say(t) + " " + rest)
	}
	return name
}
