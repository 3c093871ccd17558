package operators

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/store"
)

const (
	// maxReport bounds the period of a report.
	maxReport = 800 * 24 * time.Hour
	hourSpan  = time.Hour
	daySpan   = 24 * time.Hour
	monthSpan = 30 * 24 * time.Hour
	week      = 7 * 24 * time.Hour
)

var reportBy = map[string]store.By{"campaign": store.ByCampaign, "client": store.ByClient, "day": store.ByDay, "hour": store.ByHour}

// Report implements admin.Operators. Without From it is of today, without To until now.
func (ops *Operators) Report(ctx context.Context, q adminapi.ReportQuery) (adminapi.Report, error) {
	now := time.Now()
	if q.From.IsZero() {
		q.From = midnight(now)
	}
	if q.To.IsZero() {
		q.To = now
	}
	switch {
	case !q.From.Before(q.To):
		return adminapi.Report{}, fmt.Errorf("%w: from is not before to", adminapi.ErrBadRequest)
	case q.To.Sub(q.From) > maxReport:
		return adminapi.Report{}, fmt.Errorf("%w: a report is of %d days at most", adminapi.ErrBadRequest, int(maxReport/daySpan))
	}
	if q.By == "number" {
		return ops.reportNumber(ctx, q)
	}
	by, ok := reportBy[q.By]
	if !ok {
		return adminapi.Report{}, fmt.Errorf("%w: by is one of %s", adminapi.ErrBadRequest, strings.Join(adminapi.ReportsBy, ", "))
	}
	r, err := ops.parts.Store.Report(ctx, store.ReportQuery{By: by, From: q.From, To: q.To, Client: q.Client, Campaign: q.Campaign})
	if err != nil {
		return adminapi.Report{}, failed(err)
	}
	a := adminapi.Report{By: q.By, From: r.From, To: r.To, Rows: []adminapi.ReportRow{}, Sum: reportRow(&store.ReportRow{Traffic: r.Sum}, store.ByCampaign)}
	for i := range r.Rows {
		a.Rows = append(a.Rows, reportRow(&r.Rows[i], by))
	}
	return a, nil
}

func (ops *Operators) reportNumber(ctx context.Context, q adminapi.ReportQuery) (adminapi.Report, error) {
	number := strings.TrimPrefix(strings.TrimSpace(q.Number), "+")
	if number == "" || len(number) > maxNumber || strings.Contains(number, "*") {
		return adminapi.Report{}, fmt.Errorf("%w: a report by number takes a whole number", adminapi.ErrBadRequest)
	}
	r, err := ops.parts.Store.ReportNumber(ctx, number, q.From, q.To)
	if err != nil {
		return adminapi.Report{}, failed(err)
	}
	row := reportRow(&r, store.ByCampaign)
	row.Key = number
	sum := row
	sum.Key = ""
	return adminapi.Report{By: q.By, From: q.From, To: q.To, Rows: []adminapi.ReportRow{row}, Sum: sum}, nil
}

func reportRow(r *store.ReportRow, by store.By) adminapi.ReportRow {
	a := adminapi.ReportRow{Key: r.Key, Received: r.Received, Pushed: r.Pushed, Delivered: r.Delivered, Failed: r.Failed, Reasons: maps.Clone(r.Reasons),
		Deleted: r.Deleted, Receipts: r.Receipts, Parts: r.Parts, Median: milliseconds(r.Times.Quantile(0.5)), P99: milliseconds(r.Times.Quantile(0.99))}
	if a.Reasons == nil {
		a.Reasons = map[string]int64{}
	}
	switch by {
	case store.ByDay:
		a.Key = r.At.Local().Format(time.DateOnly)
	case store.ByHour:
		a.Key = r.At.Local().Format("2006-01-02T15:04Z07:00")
	}
	return a
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Series implements admin.Operators.
func (ops *Operators) Series(ctx context.Context, span string) (adminapi.Series, error) {
	now := time.Now()
	s := adminapi.Series{Span: span, Points: []adminapi.Point{}, Before: []adminapi.Point{}}
	switch span {
	case "hour":
		s.Step = time.Minute
		to := now.Truncate(s.Step).Add(s.Step)
		var err error
		if s.Points, err = ops.points(ctx, to.Add(-hourSpan), to, s.Step); err != nil {
			return s, err
		}
		ops.present(ctx, &s)
		s.Before, err = ops.points(ctx, to.Add(-week-hourSpan), to.Add(-week), s.Step)
		return s, err
	case "day":
		s.Step = 10 * time.Minute
		to := now.Truncate(s.Step).Add(s.Step)
		var err error
		s.Points, err = ops.points(ctx, to.Add(-daySpan), to, s.Step)
		ops.present(ctx, &s)
		return s, err
	case "month":
		s.Step = daySpan
		return ops.month(ctx, s, now)
	}
	return adminapi.Series{}, fmt.Errorf("%w: span is one of %s", adminapi.ErrBadRequest, strings.Join(adminapi.Spans, ", "))
}

// points are made of the samples of minutes. A minute without one brought nothing, and what waited before still does.
func (ops *Operators) points(ctx context.Context, from, to time.Time, step time.Duration) ([]adminapi.Point, error) {
	samples, err := ops.parts.Store.Samples(ctx, from, to)
	if err != nil {
		return []adminapi.Point{}, failed(err)
	}
	n := int(to.Sub(from) / step)
	points := make([]adminapi.Point, n)
	push := make([]store.Traffic, n)
	sampled := make([]bool, n)
	for i := range points {
		points[i].At = from.Add(time.Duration(i) * step)
	}
	for i := range samples {
		s := &samples[i]
		at := int(s.At.Sub(from) / step)
		if at < 0 || at >= n {
			continue
		}
		p := &points[at]
		p.Submitted += s.Submitted
		p.Pushed += s.Pushed
		p.Delivered += s.Delivered
		p.Failed += s.Failed
		p.Receipts += s.Receipts
		p.Waiting, p.OldestMS = s.Waiting, s.Oldest.Milliseconds()
		push[at].Push.Merge(&s.Push)
		sampled[at] = true
	}
	var waiting, oldest int64
	for i := range points {
		p := &points[i]
		if sampled[i] {
			waiting, oldest = p.Waiting, p.OldestMS
		} else if p.Waiting = waiting; waiting > 0 {
			oldest += step.Milliseconds()
			p.OldestMS = oldest
		}
		p.PushP50, p.PushP99 = milliseconds(push[i].Push.Quantile(0.5)), milliseconds(push[i].Push.Quantile(0.99))
	}
	return points, nil
}

// present has the last point of a curve say what waits now.
func (ops *Operators) present(ctx context.Context, s *adminapi.Series) {
	if len(s.Points) == 0 {
		return
	}
	n := ops.parts.Queue.Stats().Waiting
	for _, g := range ops.glancesNow(ctx) {
		n += g.answer.Load.Waiting
	}
	s.Points[len(s.Points)-1].Waiting = int64(n)
}

// month is made of the counters, day by day of the server's zone.
func (ops *Operators) month(ctx context.Context, s adminapi.Series, now time.Time) (adminapi.Series, error) {
	first := midnight(now.Add(-monthSpan))
	r, err := ops.parts.Store.Report(ctx, store.ReportQuery{By: store.ByDay, From: first})
	if err != nil {
		return s, failed(err)
	}
	byDay := map[string]*store.ReportRow{}
	for i := range r.Rows {
		byDay[r.Rows[i].At.Local().Format(time.DateOnly)] = &r.Rows[i]
	}
	for day := first; !day.After(now); day = midnight(day.Add(36 * time.Hour)) {
		p := adminapi.Point{At: day}
		if row := byDay[day.Format(time.DateOnly)]; row != nil {
			p.Submitted, p.Pushed, p.Delivered, p.Failed, p.Receipts = row.Received, row.Pushed, row.Delivered, row.Failed, row.Receipts
			p.PushP50, p.PushP99 = milliseconds(row.Push.Quantile(0.5)), milliseconds(row.Push.Quantile(0.99))
		}
		s.Points = append(s.Points, p)
	}
	ops.present(ctx, &s)
	return s, nil
}
