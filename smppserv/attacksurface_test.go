package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What these pages promise is tested: each row of their tables names, last, a test that there is.
func TestEachLineOfTheAttackSurfaceAndOfReliabilityNamesATestThatThereIs(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []struct {
		file, heading string
		rows          int
	}{
		{"../docs/attacksurface.md", "held by", 80},
		{"../docs/reliability.md", "held by", 20},
		{"../docs/fr/reliability.md", "éprouvé par", 20},
	} {
		text, err := os.ReadFile(page.file)
		if err != nil {
			t.Fatal(err)
		}
		if rows := holdRows(t, string(text), page.heading, tests); rows < page.rows {
			t.Errorf("%s has only %d rows", page.file, rows)
		}
	}
}

// holdRows looks at each row of a page's tables, and counts them.
func holdRows(t *testing.T, page, heading string, tests map[string]bool) (rows int) {
	t.Helper()
	named := regexp.MustCompile("`(Test\\w+)`")
	above := ""
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		last := cells[len(cells)-1]
		switch {
		case !strings.HasPrefix(line, "|"):
		case !strings.HasPrefix(above, "|"):
			if strings.TrimSpace(last) != heading {
				t.Errorf("the last column is %q, want %q: %s", last, heading, line)
			}
		case strings.HasPrefix(line, "|---"):
		default:
			rows++
			names := named.FindAllStringSubmatch(last, -1)
			if len(names) == 0 {
				t.Errorf("no test is named: %s", line)
			}
			for _, name := range names {
				if !tests[name[1]] {
					t.Errorf("there is no test %s: %s", name[1], cells[0])
				}
			}
		}
		above = line
	}
	return rows
}
