package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// Words in capitals stand for what the reader puts there, and are translated: FILE, FICHIER.
	placeholder = regexp.MustCompile(`\b\p{Lu}+\b`)
	listItem    = regexp.MustCompile(`^(-|\d+\.) `)
)

// Who adds to an English page adds to the French one: the same sections, with as many items, rows and lines of code, that name the
// same keys, commands and messages.
func TestTheFrenchPagesSayWhatTheEnglishOnesSay(t *testing.T) {
	pages, err := filepath.Glob("../docs/fr/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 5 {
		t.Errorf("only %q are in French", pages)
	}
	for _, french := range pages {
		name := filepath.Base(french)
		english, links := "../docs/"+name, [2]string{"](fr/" + name + ")", "](../" + name + ")"}
		if name == "README.md" {
			english, links = "../README.md", [2]string{"](docs/fr/README.md)", "](../../README.md)"}
		}
		var sections [2][]section
		for i, file := range []string{english, french} {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), links[i]) {
				t.Errorf("%s does not link to the page in the other language: %s", file, links[i])
			}
			sections[i] = sectionsOf(string(text))
		}
		if len(sections[0]) != len(sections[1]) {
			t.Errorf("%s has %d sections, %s %d", english, len(sections[0]), french, len(sections[1]))
			continue
		}
		for i, e := range sections[0] {
			f := sections[1][i]
			if e.level != f.level || e.items != f.items || e.rows != f.rows || e.codeLines != f.codeLines {
				t.Errorf("%s, section %q: %s\n%s, section %q: %s", english, e.heading, e.size(), french, f.heading, f.size())
			}
			for _, quoted := range slices.Sorted(e.missing(f)) {
				t.Errorf("%s, section %q: lacks %s, which is in the English %q", french, f.heading, quoted, e.heading)
			}
			for _, quoted := range slices.Sorted(f.missing(e)) {
				t.Errorf("%s, section %q: lacks %s, which is in the French %q", english, e.heading, quoted, f.heading)
			}
		}
	}
}

// A section is what stands between two headings of a page.
type section struct {
	heading                       string
	level, items, rows, codeLines int
	quoted                        map[string]bool // what stands in backquotes
}

func (s section) size() string {
	return fmt.Sprintf("level %d, %d items, %d table rows, %d lines of code", s.level, s.items, s.rows, s.codeLines)
}

// missing yields what s quotes and other does not.
func (s section) missing(other section) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for q := range s.quoted {
			if !other.quoted[q] && !yield(q) {
				return
			}
		}
	}
}

func sectionsOf(page string) []section {
	all := []section{{quoted: map[string]bool{}}}
	fenced, code, blank := false, false, true
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		here := &all[len(all)-1]
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "```") {
			fenced = !fenced
			continue
		}
		code = text != "" && strings.HasPrefix(line, "    ") && (code || blank) || fenced
		blank = text == ""
		switch {
		case code:
			here.codeLines++
			continue
		case strings.HasPrefix(line, "#"):
			level := strings.IndexByte(line, ' ')
			all = append(all, section{heading: strings.TrimSpace(line[level:]), level: level, quoted: map[string]bool{}})
			continue
		case strings.HasPrefix(text, "|"):
			here.rows++
		case listItem.MatchString(text):
			here.items++
		}
		for _, m := range quoted.FindAllString(line, -1) {
			here.quoted[placeholder.ReplaceAllString(m, "…")] = true
		}
	}
	return all
}
