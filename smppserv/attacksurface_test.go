package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the page promises is tested: each row of its tables names, last, a test that there is.
func TestEachLineOfTheAttackSurfaceNamesATestThatThereIs(t *testing.T) {
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
	page, err := os.ReadFile("../docs/attacksurface.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`")
	rows, above := 0, ""
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		last := cells[len(cells)-1]
		switch {
		case !strings.HasPrefix(line, "|"):
		case !strings.HasPrefix(above, "|"):
			if strings.TrimSpace(last) != "held by" {
				t.Errorf("the last column is %q, want the tests: %s", last, line)
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
	if rows < 80 {
		t.Errorf("only %d rows", rows)
	}
}
