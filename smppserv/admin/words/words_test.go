package words

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// sources are the folders that say something to operators.
var sources = []string{"../../../smppserv", "../../../pkg/adminapi", "../../../launcher"}

var inTemplate = regexp.MustCompile(`\.T "((?:[^"\\]|\\.)*)"`)

// said are the formats that the sources say, with where.
func said(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, root := range sources {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "testdata" || d.Name() == "pagetest" || d.Name() == "node_modules"):
				return filepath.SkipDir
			case strings.HasSuffix(path, ".html"):
				return saidInTemplate(path, all)
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				return saidInGo(path, all)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func saidInTemplate(path string, all map[string]string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, m := range inTemplate.FindAllStringSubmatch(string(data), -1) {
		format, err := strconv.Unquote(`"` + m[1] + `"`)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, m[0], err)
		}
		all[format] = path
	}
	return nil
}

// saidInGo finds adminapi.Say("…", …), Say("…") of that package itself, and x.T("…", …).
func saidInGo(path string, all map[string]string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		name := ""
		switch f := call.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		if name != "Say" && name != "T" {
			return true
		}
		if format, ok := literal(call.Args[0]); ok {
			all[format] = files.Position(call.Pos()).String()
		}
		return true
	})
	return nil
}

// literal is a string that is written out, also in several parts.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		a, ok := literal(e.X)
		b, alsoOK := literal(e.Y)
		return a + b, ok && alsoOK && e.Op == token.ADD
	}
	return "", false
}

func TestAllThatIsSaidIsSaidInFrenchToo(t *testing.T) {
	all := said(t)
	if len(all) < 200 {
		t.Fatalf("only %d sentences were found: does the source still say them as this test reads it?", len(all))
	}
	for format, where := range all {
		if !Has(French, format) {
			t.Errorf("%s says %q, of which there is no French", where, format)
		}
	}
}

func TestNothingIsInACatalogThatNobodySays(t *testing.T) {
	all := said(t)
	for _, l := range Languages {
		for _, key := range Keys(l) {
			if _, ok := all[key]; !ok {
				t.Errorf("%s: %q is said nowhere", l, key)
			}
		}
	}
}

func TestATranslationFillsInWhatItsEnglishDoes(t *testing.T) {
	for _, l := range Languages {
		for key, value := range entries(l) {
			for one := range strings.SplitSeq(value, "|") {
				want, got := verbs(key), verbs(one)
				slices.Sort(want)
				slices.Sort(got)
				if string(want) != string(got) {
					t.Errorf("%s: %q has the verbs %s, its English %q has %s", l, one, got, key, want)
				}
			}
			if strings.Contains(value, "|") && counter(key) == 0 {
				t.Errorf("%s: %q has a plural and counts nothing", l, key)
			}
		}
	}
}

func TestAKeyIsInOnePartOfACatalog(t *testing.T) {
	for l, parts := range catalogs {
		seen := map[string]bool{}
		for _, part := range parts {
			for key := range part {
				if seen[key] {
					t.Errorf("%s: %q is translated twice", l, key)
				}
				seen[key] = true
			}
		}
	}
}

func TestALanguageIsChosen(t *testing.T) {
	for _, c := range []struct {
		chosen, accept string
		want           Language
	}{
		{"", "", English}, {"", "fr-FR,fr;q=0.9,en;q=0.8", French}, {"", "fr-CA", French}, {"", "de,en;q=0.5", English}, {"", "de", English},
		{"en", "fr", English}, {"fr", "en", French}, {"xx", "fr", French}, {"", "\x00;;q=", English},
	} {
		if got := Choose(c.chosen, c.accept); got != c.want {
			t.Errorf("chosen %q, accepted %q: %s, want %s", c.chosen, c.accept, got, c.want)
		}
	}
}

func TestFiguresAreWrittenAsTheLanguageDoes(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	en, fr := New(English, paris, now), New(French, paris, now)
	for _, c := range []struct{ got, want string }{
		{en.Number(1234567), "1,234,567"}, {fr.Number(1234567), "1\u202f234\u202f567"},
		{en.Decimal(8.25, 1), "8.2"}, {fr.Decimal(8.26, 1), "8,3"},
		{en.Clock(now), "10:30:00"}, {en.Clock(now.AddDate(0, 0, -1)), "2026-11-23 10:30:00"}, {fr.Clock(now.AddDate(0, 0, -1)), "23/11/2026 10:30:00"}, {fr.Clock(time.Time{}), "–"},
		{en.Moment(now.Add(1500 * time.Microsecond)), "10:30:00.001"},
		{en.Duration(76 * time.Hour), "3\u202fd 4\u202fh"}, {fr.Duration(76 * time.Hour), "3\u202fj 4\u202fh"}, {en.Duration(725 * time.Second), "12\u202fmin 5\u202fs"},
		{en.Duration(41 * time.Second), "41\u202fs"}, {fr.Duration(5100 * time.Millisecond), "5,1\u202fs"}, {en.Duration(140 * time.Millisecond), "140\u202fms"}, {en.Duration(-time.Second), "–"},
		{en.Octets(81_200_000_000), "81\u202fGB"}, {fr.Octets(4_812_000_000), "4,8\u202fGo"}, {en.Octets(12), "12\u202fB"},
		{en.T("%d octet", 1), "1 octet"}, {en.T("%d octet", 84), "84 octets"}, {fr.T("%d messages are for %s now", 1200, "acme"), "1\u202f200 messages sont désormais pour acme"},
		{fr.T("%d of %d is bound", 0, 4), "0 sur 4 est connecté"}, {en.T("%d of %d is bound", 0, 4), "0 of 4 are bound"},
		{fr.Say(adminapi.Say("since %s", now)), "depuis 10:30:00"}, {fr.Say(adminapi.Verbatim("connection refused")), "connection refused"}, {en.Say(adminapi.Text{}), ""},
		{fr.Say(adminapi.Say("last error: %s", adminapi.Say("paused"))), "dernière erreur\u202f: en pause"}, {fr.Say(adminapi.Verbatim("100 % %s")), "100 % %s"},
		{fr.Sentence(adminapi.Say("paused")), "En pause"}, {en.Sentence(adminapi.Verbatim("acme")), "acme"}, {en.Sentence(adminapi.Say("config.toml is in force as it is")), "config.toml is in force as it is"}, {en.Sentence(adminapi.Text{}), ""}, {en.Duration(12 * time.Minute), "12\u202fmin"}, {fr.Name("DELIVERED"), "remis"}, {fr.Name("NONESUCH"), "NONESUCH"}, {en.NameOf("who", "token"), "a command of this machine"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
