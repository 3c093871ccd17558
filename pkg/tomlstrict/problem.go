package tomlstrict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a file.
type Problem struct {
	File string // "" = not read from a file
	Line int    // from 1; 0 = unknown
	Key  string // such as clients[1].password; "" = the file as a whole
	Text string
}

// String is file:line: key: text, without the parts that are not known.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteString(": ")
	}
	b.WriteString(p.Text)
	return b.String()
}

// Error is every problem of one file, in the file's order.
type Error struct {
	Problems []Problem // never empty
}

// Error has one line per problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// locate puts file and line on each problem and sorts them by line.
func locate(problems []Problem, file string, lines lineIndex) {
	for i := range problems {
		problems[i].File = file
		problems[i].Line = lines.of(problems[i].Key)
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Key, b.Key))
	})
}
