package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Each command is on a page, and each flag of those that ask the server on theirs.
func TestThePagesNameEachCommand(t *testing.T) {
	read := func(file string) map[string]bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			for _, word := range strings.Fields(strings.TrimPrefix(m[1], "smppserv ")) {
				named[word] = true
			}
		}
		return named
	}
	readme, page := read("../README.md"), read("../docs/commands.md")
	parser, err := kong.New(&commandLine{})
	if err != nil {
		t.Fatal(err)
	}
	asking := 0
	for _, node := range parser.Model.Leaves(true) {
		words := strings.Fields(node.Path())
		words = slices.DeleteFunc(words, func(w string) bool { return strings.ContainsAny(w, "<[(") })
		if slices.Contains(words, "words") {
			continue
		}
		asks := slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == "json" })
		for _, w := range words {
			if !readme[w] {
				t.Errorf("README.md does not name %q", words)
			}
			if asks && !page[w] {
				t.Errorf("docs/commands.md does not name %q", words)
			}
		}
		if !asks {
			continue
		}
		asking++
		for _, f := range node.Flags {
			if f.Name != "help" && !page["--"+f.Name] {
				t.Errorf("docs/commands.md does not name --%s of %q", f.Name, words)
			}
		}
	}
	if asking < 17 {
		t.Errorf("only %d commands ask the server", asking)
	}
}
