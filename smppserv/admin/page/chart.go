package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// chart is a drawing and the table that it is drawn from, which the script draws its own from.
type chart struct {
	ID, Title string
	Kind      string // stack, lines
	Unit      string // "" a count, ms, s
	Series    []line
	At        []time.Time
	Step      time.Duration
	SVG       template.HTML
}

// line is one column of a chart.
type line struct {
	Name, Class string
	Right       bool // it has the scale on the right
	Unit        string
	Values      []float64
}

// maxPoints bounds the points of a chart: its table is read by people.
const maxPoints = 60

// coarser sums points up until there are few enough of them.
func coarser(s adminapi.Series) adminapi.Series {
	n := (len(s.Points) + maxPoints - 1) / maxPoints
	if n <= 1 {
		return s
	}
	var few []adminapi.Point
	for i, p := range s.Points {
		if i%n == 0 {
			few = append(few, p)
			continue
		}
		last := &few[len(few)-1]
		if pushed := last.Pushed + p.Pushed; pushed > 0 {
			last.PushP50 = (last.PushP50*float64(last.Pushed) + p.PushP50*float64(p.Pushed)) / float64(pushed)
		}
		last.PushP99 = max(last.PushP99, p.PushP99)
		last.Submitted += p.Submitted
		last.Pushed += p.Pushed
		last.Delivered += p.Delivered
		last.Failed += p.Failed
		last.Receipts += p.Receipts
		last.Waiting, last.OldestMS = p.Waiting, max(last.OldestMS, p.OldestMS)
	}
	s.Points, s.Step = few, s.Step*time.Duration(n)
	return s
}

func charts(v *view, s adminapi.Series) []chart {
	s = coarser(s)
	column := func(of func(adminapi.Point) float64) []float64 {
		values := make([]float64, len(s.Points))
		for i, p := range s.Points {
			values[i] = of(p)
		}
		return values
	}
	var at []time.Time
	for _, p := range s.Points {
		at = append(at, p.At)
	}
	all := []chart{
		{ID: "outcomes", Title: v.T("What became of the messages"), Kind: "stack", Series: []line{
			{Name: v.T("to Hermès"), Class: "c1", Values: column(func(p adminapi.Point) float64 { return float64(p.Pushed) })},
			{Name: v.T("to clients"), Class: "c2", Values: column(func(p adminapi.Point) float64 { return float64(p.Delivered) })},
			{Name: v.T("receipts"), Class: "c3", Values: column(func(p adminapi.Point) float64 { return float64(p.Receipts) })},
			{Name: v.T("failed"), Class: "c4", Values: column(func(p adminapi.Point) float64 { return float64(p.Failed) })},
			{Name: v.T("submitted"), Class: "c5", Values: column(func(p adminapi.Point) float64 { return float64(p.Submitted) })},
		}},
		{ID: "backlog", Title: v.T("What waits"), Kind: "lines", Series: []line{
			{Name: v.T("messages waiting"), Class: "c6", Values: column(func(p adminapi.Point) float64 { return float64(p.Waiting) })},
			{Name: v.T("age of the oldest"), Class: "c4", Right: true, Unit: "s", Values: column(func(p adminapi.Point) float64 { return float64(p.OldestMS) / 1000 })},
		}},
		{ID: "latency", Title: v.T("How long a push to Hermès takes"), Kind: "lines", Unit: "ms", Series: []line{
			{Name: v.T("half are faster"), Class: "c1", Unit: "ms", Values: column(func(p adminapi.Point) float64 { return p.PushP50 })},
			{Name: v.T("99 of 100 are faster"), Class: "c4", Unit: "ms", Values: column(func(p adminapi.Point) float64 { return p.PushP99 })},
		}},
	}
	for i := range all {
		all[i].At, all[i].Step = at, s.Step
		all[i].SVG = all[i].draw(v)
	}
	return all
}

// Value is a cell of a chart's table.
func (l line) Value(v *view, i int) string {
	switch l.Unit {
	case "ms":
		return v.Millis(l.Values[i])
	case "s":
		return v.Duration(time.Duration(l.Values[i] * float64(time.Second)))
	}
	return v.Number(int64(l.Values[i]))
}

// Raw is a cell's number for the script, "" where the cell itself is one.
func (l line) Raw(i int) string {
	raw := strconv.FormatFloat(l.Values[i], 'f', -1, 64)
	if l.Unit == "" && l.Values[i] < 1000 {
		return ""
	}
	return raw
}

// When is the time of a row, as short as its step allows.
func (c chart) When(v *view, i int) string {
	t := c.At[i].In(v.Zone)
	switch {
	case c.Step >= 24*time.Hour:
		return v.Date(t)
	case c.At[len(c.At)-1].Sub(c.At[0]) > 36*time.Hour:
		return v.Date(t) + " " + t.Format("15:04")
	}
	return t.Format("15:04")
}

const (
	chartWidth, chartHeight = 1000, 220
	chartLeft, chartBottom  = 56, 24
	chartTop                = 8
)

// nice is the next round number: 1, 2 or 5 with zeros.
func nice(f float64) float64 {
	if f <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(f)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*unit >= f {
			return m * unit
		}
	}
	return 10 * unit
}

// draw makes the drawing that stands until the script has its own.
func (c chart) draw(v *view) template.HTML {
	if len(c.At) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="drawing" viewBox="0 0 %d %d" preserveAspectRatio="none" aria-hidden="true">`, chartWidth, chartHeight)
	for i := range 3 {
		y := chartTop + float64(i)*(chartHeight-chartBottom-chartTop)/2
		fmt.Fprintf(&b, `<line class="grid" x1="0" x2="%d" y1="%.0f" y2="%.0f"/>`, chartWidth, y, y)
	}
	if c.Kind == "stack" {
		c.bars(&b)
	}
	for _, l := range c.Series {
		if c.Kind == "stack" && l.Class != "c5" {
			continue
		}
		top := 0.0
		for i, value := range l.Values {
			top = max(top, value)
			if c.Kind == "stack" {
				top = max(top, c.stacked(i))
			}
		}
		fmt.Fprintf(&b, `<polyline class="%s" points="%s"/>`, l.Class, points(l.Values, nice(top)))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func (c chart) stacked(i int) (sum float64) {
	for _, l := range c.Series {
		if l.Class != "c5" {
			sum += l.Values[i]
		}
	}
	return sum
}

func (c chart) bars(b *strings.Builder) {
	top := 0.0
	for i := range c.At {
		top = max(top, c.stacked(i))
		for _, l := range c.Series {
			top = max(top, l.Values[i])
		}
	}
	top = nice(top)
	width := float64(chartWidth) / float64(len(c.At))
	room := float64(chartHeight - chartBottom - chartTop)
	ground := make([]float64, len(c.At))
	for _, l := range c.Series {
		if l.Class == "c5" {
			continue
		}
		fmt.Fprintf(b, `<path class="%s" d="`, l.Class)
		for i, value := range l.Values {
			if h := value / top * room; h > 0 {
				ground[i] += h
				fmt.Fprintf(b, "M%.0f %.1fh%.1fv%.1fh-%.1fz", float64(i)*width+width*.15, float64(chartHeight-chartBottom)-ground[i], width*.7, h, width*.7)
			}
		}
		b.WriteString(`"/>`)
	}
}

func points(values []float64, top float64) string {
	var b strings.Builder
	step := float64(chartWidth) / float64(max(1, len(values)-1))
	for i, value := range values {
		fmt.Fprintf(&b, "%.1f,%.1f ", float64(i)*step, chartTop+(1-value/top)*(chartHeight-chartBottom-chartTop))
	}
	return strings.TrimSpace(b.String())
}

// spark is the points of a small curve of 120 by 32, and of that of a week before to the same scale.
func spark(now, before []adminapi.Point, of func(adminapi.Point) int64) (curve, earlier string) {
	const width, height = 120.0, 30.0
	top := int64(1)
	for _, points := range [][]adminapi.Point{now, before} {
		for _, p := range points {
			top = max(top, of(p))
		}
	}
	draw := func(points []adminapi.Point) string {
		if len(points) < 2 {
			return ""
		}
		var b strings.Builder
		for i, p := range points {
			fmt.Fprintf(&b, "%.1f,%.1f ", float64(i)*width/float64(len(points)-1), 1+height*(1-float64(of(p))/float64(top)))
		}
		return strings.TrimSpace(b.String())
	}
	return draw(now), draw(before)
}
