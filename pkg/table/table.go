// Package table lays text out in columns that fit a terminal.
package table

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Column is one of a Table.
type Column struct {
	Name     string
	Right    bool // its cells are numbers
	Flexible bool // its cells are cut where the terminal is too narrow
}

// Table is rows of cells. Columns in which nothing stands are left out.
type Table struct {
	columns []Column
	rows    [][]string
}

// New makes a table without rows.
func New(columns ...Column) *Table { return &Table{columns: columns} }

// Add adds a row, of a cell for each column. What is not there is empty, and what is no plain text is made that.
func (t *Table) Add(cells ...string) {
	row := make([]string, len(t.columns))
	for i := range min(len(cells), len(row)) {
		row[i] = Plain(cells[i])
	}
	t.rows = append(t.rows, row)
}

// Len counts the rows.
func (t *Table) Len() int { return len(t.rows) }

const (
	gap = 2 // blanks between two columns
	// leastFlexible is how far a column is cut at most: the terminal breaks the line then.
	leastFlexible = 12
)

// Write writes the table for a terminal of that width in characters; 0 = whole, for what is no terminal.
func (t *Table) Write(w io.Writer, width int) error {
	widths := make([]int, len(t.columns)) // 0 = nothing stands in it
	for _, row := range t.rows {
		for i, cell := range row {
			if cell != "" {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell), utf8.RuneCountInString(t.columns[i].Name))
			}
		}
	}
	if width > 0 {
		t.fit(widths, width)
	}
	out := bufio.NewWriter(w)
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	t.line(out, widths, names)
	for _, row := range t.rows {
		t.line(out, widths, row)
	}
	return out.Flush()
}

// fit takes what is too much from the widest columns that may be cut.
func (t *Table) fit(widths []int, width int) {
	total := -gap
	for _, n := range widths {
		if n > 0 {
			total += n + gap
		}
	}
	for ; total > width; total-- {
		widest := -1
		for i, c := range t.columns {
			if c.Flexible && widths[i] > leastFlexible && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

func (t *Table) line(w *bufio.Writer, widths []int, cells []string) {
	var line strings.Builder
	for i, cell := range cells {
		if widths[i] == 0 {
			continue
		}
		if line.Len() > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		cell = Cut(cell, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if t.columns[i].Right {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	w.WriteString(strings.TrimRight(line.String(), " "))
	w.WriteByte('\n')
}

// Cut shortens text to so many characters, the last of which is … then.
func Cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:max(most-1, 0)]) + "…"
}

// Plain shows as an escape what a terminal would take for an order, and what would turn the direction of writing.
func Plain(text string) string {
	if !strings.ContainsFunc(text, hostile) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hostile(r) || r == utf8.RuneError {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hostile(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Width is that of a terminal, in characters; 0 = w is none.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
