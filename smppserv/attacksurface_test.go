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

// What the programs read of their environment, and the files that they make for a moment, stand there too.
func TestTheAttackSurfaceNamesEachVariableAndEachPassingFileOfTheCode(t *testing.T) {
	page, err := os.ReadFile("../docs/attacksurface.md")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("(\w+)"\)|\w*[vV]ariable = "(\w+)"`)
	passing := regexp.MustCompile(`(?:CreateTemp|MkdirTemp)\(.*"([^"]+)"\)|"(\.(?:part|new|erasing))"`)
	found := 0
	for _, of := range []string{"../launcher", "../pkg", "."} {
		err := filepath.WalkDir(of, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch name := d.Name(); {
			case d.IsDir() && (name == "testdata" || name == "release" || name == "bench" || name == "testkit" || name == "conformance" || strings.HasSuffix(name, "test") && name != "."):
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
				return nil
			}
			source, err := os.ReadFile(path)
			for _, re := range []*regexp.Regexp{variable, passing} {
				for _, m := range re.FindAllSubmatch(source, -1) {
					found++
					name := strings.Trim(string(m[1])+string(m[2]), "*")
					if name = strings.TrimPrefix(name, ".*"); name != "" && !strings.Contains(string(page), name) {
						t.Errorf("%s: %s is not in docs/attacksurface.md", path, name)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 8 {
		t.Errorf("only %d were found", found)
	}
}
