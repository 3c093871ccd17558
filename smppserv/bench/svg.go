package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a figure with logarithmic axes, readable on light and dark backgrounds.
type chart struct {
	title, x, y string
	curves      []curve
}

// curve is drawn through its points; all are above 0.
type curve struct {
	name   string
	points [][2]float64
}

// In units of the drawing.
const (
	chartWidth, chartHeight = 750, 420
	plotLeft, plotRight     = 90, 690
	plotTop, plotBottom     = 70, 360
	legendStep              = 200
)

// axis maps values to places by their logarithm.
type axis struct {
	low, high int // powers of ten
	from, to  float64
}

func newAxis(values []float64, from, to float64) axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		low, high = math.Min(low, v), math.Max(high, v)
	}
	a := axis{low: int(math.Floor(math.Log10(low))), high: int(math.Ceil(math.Log10(high))), from: from, to: to}
	if a.high == a.low {
		a.high++
	}
	return a
}

func (a axis) place(v float64) float64 {
	return a.from + (math.Log10(v)-float64(a.low))/float64(a.high-a.low)*(a.to-a.from)
}

const style = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}
.grid{stroke:#d0d7de;stroke-width:1}.minor{stroke:#d0d7de;stroke-width:.4}.ground{fill:#ffffff}
.c0{stroke:#0969da;fill:#0969da}.c1{stroke:#bc4c00;fill:#bc4c00}.c2{stroke:#57606a;fill:#57606a}
polyline{fill:none!important;stroke-width:2.5}.c1,.c2{stroke-dasharray:7 4}circle{stroke-dasharray:none}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid,.minor{stroke:#3d444d}.ground{fill:#0d1117}
.c0{stroke:#58a6ff;fill:#58a6ff}.c1{stroke:#f0883e;fill:#f0883e}.c2{stroke:#9198a1;fill:#9198a1}}
</style>`

// svg draws it.
func (c chart) svg() string {
	var xs, ys []float64
	for _, curve := range c.curves {
		for _, p := range curve.points {
			xs, ys = append(xs, p[0]), append(ys, p[1])
		}
	}
	x, y := newAxis(xs, plotLeft, plotRight), newAxis(ys, plotBottom, plotTop)
	var b strings.Builder
	draw := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	draw(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, chartHeight, html.EscapeString(c.title+" over "+c.x))
	draw("%s", style)
	draw(`<rect class="ground" width="%d" height="%d"/>`, chartWidth, chartHeight)
	draw(`<text class="title" x="%d" y="26">%s</text>`, plotLeft, html.EscapeString(c.title))
	x.grid(func(at float64, class, label string) {
		draw(`<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`, class, at, plotTop, at, plotBottom)
		draw(`<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, at, plotBottom+20, label)
	})
	y.grid(func(at float64, class, label string) {
		draw(`<line class="%s" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, class, plotLeft, at, plotRight, at)
		draw(`<text x="%d" y="%.1f" text-anchor="end">%s</text>`, plotLeft-8, at+4, label)
	})
	draw(`<text x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotRight)/2, plotBottom+46, html.EscapeString(c.x))
	draw(`<text transform="translate(18 %d) rotate(-90)" text-anchor="middle">%s</text>`, (plotTop+plotBottom)/2, html.EscapeString(c.y))
	for i, curve := range c.curves {
		var line []string
		for _, p := range curve.points {
			line = append(line, fmt.Sprintf("%.1f,%.1f", x.place(p[0]), y.place(p[1])))
		}
		draw(`<polyline class="c%d" points="%s"/>`, i, strings.Join(line, " "))
		for _, p := range curve.points {
			draw(`<circle class="c%d" cx="%.1f" cy="%.1f" r="3.5"><title>%s</title></circle>`, i, x.place(p[0]), y.place(p[1]),
				html.EscapeString(fmt.Sprintf("%s: %s at %s", curve.name, thousands(p[1]), thousands(p[0]))))
		}
		at := plotLeft + i*legendStep
		draw(`<polyline class="c%d" points="%d,50 %d,50"/>`, i, at, at+24)
		draw(`<text x="%d" y="54">%s</text>`, at+30, html.EscapeString(curve.name))
	}
	draw("</svg>")
	return b.String()
}

// grid calls line for each place that is marked: powers of ten with their label, and what lies between where there are few of them.
func (a axis) grid(line func(at float64, class, label string)) {
	for power := a.low; power <= a.high; power++ {
		v := math.Pow10(power)
		line(a.place(v), "grid", thousands(v))
		if a.high-a.low > 3 || power == a.high {
			continue
		}
		for _, between := range []float64{2, 5} {
			line(a.place(between*v), "minor", thousands(between*v))
		}
	}
}
