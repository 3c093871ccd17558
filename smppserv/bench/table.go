package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

var heads = [...]string{"what", "yardstick", "measured", "ratio", "goal", "reached"}

// line is one figure as the table shows it, in the order of heads.
type line [len(heads)]string

func (r result) lines() (all []line) {
	if r.err != nil {
		return []line{{r.row.what, "", "not measured: " + firstLine(r.err.Error())}}
	}
	for _, m := range r.figures {
		l := line{0: m.what, 2: m.write(m.value), 4: m.goalText()}
		if m.yardstick > 0 {
			l[1] = m.write(m.yardstick)
			if m.beside != "" {
				l[1] += " (" + m.beside + ")"
			}
			l[3] = fmt.Sprintf("%.2f", m.ratio)
			if m.ratio >= 10 {
				l[3] = fmt.Sprintf("%.0f", m.ratio)
			}
		}
		if reached, known := m.reached(); known {
			l[5] = map[bool]string{true: "yes", false: "no"}[reached]
		}
		all = append(all, l)
	}
	return all
}

// String is the line for somebody who watches.
func (l line) String() string {
	s := l[0] + ": " + l[2]
	if l[1] != "" {
		s += fmt.Sprintf(", %s × %s", l[3], l[1])
	}
	if l[4] != "" && l[4] != "–" {
		s += fmt.Sprintf("; goal %s: %s", l[4], map[string]string{"yes": "reached", "no": "NOT reached"}[l[5]])
	}
	return s
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// printTable writes the table with aligned columns.
func (b *bench) printTable(w io.Writer, results []result) {
	all := []line{line(heads)}
	for _, r := range results {
		all = append(all, r.lines()...)
	}
	var widths columnWidths
	for _, l := range all {
		for i, cell := range l {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(w, "\n%s", b.scale())
	for _, l := range all {
		var text strings.Builder
		for i, cell := range l {
			text.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(text.String(), " "))
	}
	fmt.Fprintln(w)
}

type columnWidths [len(heads)]int

// scale says that the rows were not measured at the sizes that they name, and is empty where they were.
func (b *bench) scale() string {
	if b.size == fullSize && b.max == fullMax && !b.short {
		return ""
	}
	return fmt.Sprintf("Small: with %s messages where a row says 1 000 000, other numbers in proportion (a thousand at least), at most %s stored.\n",
		thousands(float64(b.size)), thousands(float64(b.max)))
}
