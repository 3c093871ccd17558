package words

import (
	"fmt"
	"strings"
	"time"
)

// narrow is the space that stands before units and between groups of digits: it does not break.
const narrow = "\u202f"

// Number is a whole number, grouped.
func (w *Words) Number(n int64) string { return w.grouped(w.printer.Sprintf("%d", n)) }

// Decimal is a number with so many digits after the mark.
func (w *Words) Decimal(f float64, digits int) string {
	return w.grouped(w.printer.Sprintf("%.*f", digits, f))
}

// grouped has the space of French groups be the narrow one, whichever the tables of the library have.
func (w *Words) grouped(s string) string { return strings.ReplaceAll(s, "\u00a0", narrow) }

// Clock is a time of the day, with its date where that is not today.
func (w *Words) Clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(w.Zone)
	if sameDay(t, w.Now) {
		return t.Format("15:04:05")
	}
	return w.Date(t) + " " + t.Format("15:04:05")
}

// Moment is a time with its milliseconds.
func (w *Words) Moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	s := t.In(w.Zone).Format("15:04:05.000")
	if !sameDay(t.In(w.Zone), w.Now) {
		s = w.Date(t) + " " + s
	}
	return s
}

// Date is a day.
func (w *Words) Date(t time.Time) string {
	t = t.In(w.Zone)
	if w.Lang == French {
		return t.Format("02/01/2006")
	}
	return t.Format("2006-01-02")
}

func sameDay(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}

// Duration names the two highest units of a duration, or the highest alone where it comes out even.
func (w *Words) Duration(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0)
	days := "d"
	if w.Lang == French {
		days = "j"
	}
	two := func(a time.Duration, unit string, b time.Duration, smaller string) string {
		if b == 0 {
			return fmt.Sprintf("%d%s%s", a, narrow, unit)
		}
		return fmt.Sprintf("%d%s%s %d%s%s", a, narrow, unit, b, narrow, smaller)
	}
	switch {
	case d >= day:
		return two(d/day, days, d%day/time.Hour, "h")
	case d >= time.Hour:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "min")
	case d >= time.Minute:
		return two(d/time.Minute, "min", d%time.Minute/time.Second, "s")
	case d >= 10*time.Second:
		return fmt.Sprintf("%d%ss", d/time.Second, narrow)
	case d >= time.Second:
		return w.Decimal(d.Seconds(), 1) + narrow + "s"
	}
	return w.Millis(float64(d) / float64(time.Millisecond))
}

// Millis is a time in milliseconds, 0 being one that is not known.
func (w *Words) Millis(ms float64) string {
	switch {
	case ms <= 0:
		return "–"
	case ms >= 1000:
		return w.Duration(time.Duration(ms * float64(time.Millisecond)))
	case ms < 10:
		return w.Decimal(ms, 1) + narrow + "ms"
	}
	return w.Decimal(ms, 0) + narrow + "ms"
}

// Ago is how long ago a time is.
func (w *Words) Ago(t time.Time) string { return w.Duration(w.Now.Sub(t)) }

// Octets is a size, in the unit that leaves up to three digits before the mark.
func (w *Words) Octets(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	if w.Lang == French {
		units = []string{"o", "ko", "Mo", "Go", "To"}
	}
	f, at := float64(n), 0
	for f >= 1000 && at < len(units)-1 {
		f, at = f/1000, at+1
	}
	digits := 0
	if at > 0 && f < 10 {
		digits = 1
	}
	return w.Decimal(f, digits) + narrow + units[at]
}
