package table

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func sample() *Table {
	t := New(Column{Name: "ID", Right: true}, Column{Name: "EMPTY"}, Column{Name: "TO"}, Column{Name: "WHY", Flexible: true})
	t.Add("7", "", "acme", "Hermès ne répond pas depuis ce matin")
	t.Add("1042", "", "b")
	return t
}

func TestATableForAPipeIsWhole(t *testing.T) {
	var b strings.Builder
	_ = sample().Write(&b, 0)
	want := "  ID  TO    WHY\n" +
		"   7  acme  Hermès ne répond pas depuis ce matin\n" +
		"1042  b\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}

func TestATableForATerminalFitsWithItsReasonsCut(t *testing.T) {
	for _, width := range []int{26, 30, 47, 48, 200} {
		var b strings.Builder
		_ = sample().Write(&b, width)
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		if cut := strings.Contains(b.String(), "…"); cut != (width < 48) {
			t.Errorf("width %d: cut %t\n%s", width, cut, &b)
		}
		if !strings.Contains(b.String(), "1042  b") {
			t.Errorf("width %d: a number is cut\n%s", width, &b)
		}
	}
	var b strings.Builder
	_ = sample().Write(&b, 3) // narrower than what must be legible
	if !strings.Contains(b.String(), "acme  Hermès ne r…") {
		t.Errorf("got\n%s", &b)
	}
}

func TestWhatGivesATerminalOrdersIsShownAsAnEscape(t *testing.T) {
	for text, want := range map[string]string{
		"Hermès €": "Hermès €", "\x1b[2J": `\x1b[2J`, "a\nb": `a\nb`, "\u202etxt": `\u202etxt`, "\xff": `\ufffd`, "\u009b1m": `\u009b1m`, `C:\temp`: `C:\temp`,
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
