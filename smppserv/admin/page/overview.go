package page

import (
	"context"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// overviewData fills the overview.
type overviewData struct {
	Attention []adminapi.Notice
	Figures   []figure
	Span      string
	Charts    []chart
	Fault     string // why there are no charts
	Waiting   []adminapi.Waiting
}

// figure is a number of now with its hour.
type figure struct {
	ID, Name, Value, Unit, Spark, Before string
	Link                                 string
	Bad                                  bool
}

var spans = []string{"hour", "day", "month"}

func (p *page) overview(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "overview", v.T("Overview"), "status clients waiting"
	d := overviewData{Span: spans[0]}
	for _, span := range spans {
		if v.r.URL.Query().Get("span") == span {
			d.Span = span
		}
	}
	status, err := p.o.Operators.Status(ctx)
	if err != nil {
		return nil, err
	}
	d.Attention = status.Attention
	hour, err := p.series.get(ctx, p.o.Operators, "hour")
	if err != nil {
		d.Fault = err.Error()
	}
	d.Figures = figures(v, status, hour)
	if v.r.Header.Get("HX-Target") == "charts" || !v.Live {
		series := hour
		if d.Span != "hour" && err == nil {
			if series, err = p.series.get(ctx, p.o.Operators, d.Span); err != nil {
				d.Fault = err.Error()
			}
		}
		if d.Fault == "" {
			d.Charts = charts(v, series)
		}
	}
	if d.Waiting, err = p.o.Operators.Waiting(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

func figures(v *view, status adminapi.Status, hour adminapi.Series) []figure {
	last := adminapi.Point{}
	if n := len(hour.Points); n > 0 {
		last = hour.Points[max(0, n-2)] // the last minute that is over
	}
	curve := func(of func(adminapi.Point) int64) (now, before string) {
		return spark(hour.Points, hour.Before, of)
	}
	submitted := func(p adminapi.Point) int64 { return p.Submitted }
	delivered := func(p adminapi.Point) int64 { return p.Pushed + p.Delivered }
	failed := func(p adminapi.Point) int64 { return p.Failed }
	waiting := func(p adminapi.Point) int64 { return p.Waiting }

	perMinute := v.T("a minute")
	all := []figure{
		{ID: "submitted", Name: v.T("Submitted"), Value: v.Number(submitted(last)), Unit: perMinute, Link: "/messages"},
		{ID: "delivered", Name: v.T("Delivered"), Value: v.Number(delivered(last)), Unit: perMinute, Link: "/messages?state=DELIVERED"},
		{ID: "failed", Name: v.T("Failed"), Value: v.Number(failed(last)), Unit: perMinute, Link: "/messages?state=failed", Bad: failed(last) > 0},
		{ID: "waiting", Name: v.T("Waiting"), Value: v.Number(int64(status.Load.Waiting)), Link: "/messages?state=waiting"},
	}
	if !status.Load.Oldest.IsZero() {
		all[3].Unit = v.T("the oldest %s", v.Now.Sub(status.Load.Oldest))
	}
	for i, of := range []func(adminapi.Point) int64{submitted, delivered, failed, waiting} {
		all[i].Spark, all[i].Before = curve(of)
	}
	return all
}

// seriesCache keeps each span for some seconds: a point is a minute, and many may have the page open.
type seriesCache struct {
	mu   sync.Mutex
	kept map[string]keptSeries
}

type keptSeries struct {
	at     time.Time
	series adminapi.Series
}

const seriesTime = 5 * time.Second

type seriesOf interface {
	Series(ctx context.Context, span string) (adminapi.Series, error)
}

func (c *seriesCache) get(ctx context.Context, from seriesOf, span string) (adminapi.Series, error) {
	c.mu.Lock()
	k, ok := c.kept[span]
	c.mu.Unlock()
	if ok && time.Since(k.at) < seriesTime {
		return k.series, nil
	}
	series, err := from.Series(ctx, span)
	if err != nil {
		return series, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]keptSeries{}
	}
	c.kept[span] = keptSeries{time.Now(), series}
	return series, nil
}
