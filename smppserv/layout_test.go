package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module          = "hnetsmpp/"
	maxFileLines    = 500
	maxPackageLines = 2000
)

// imports are the packages of this module that each package may import; name/... is name and all below it.
// A package that is not here has no place in the layout yet.
var imports = map[string][]string{
	"launcher":                 {"launcher/...", "pkg/config", "pkg/worker"},
	"launcher/supervise":       {"pkg/worker"},
	"pkg/config":               nil,
	"pkg/release":              nil,
	"pkg/smpp":                 nil,
	"pkg/smpp/smpptest":        {"pkg/smpp"},
	"pkg/smstext":              nil,
	"pkg/worker":               nil,
	"smppserv":                 {"smppserv/...", "pkg/..."},
	"smppserv/admin":           {"smppserv/sms"},
	"smppserv/bench":           drivers("smppserv/bench"),
	"smppserv/conformance":     drivers("smppserv/conformance"),
	"smppserv/faults":          drivers("smppserv/faults"),
	"smppserv/hermes":          {"smppserv/sms"},
	"smppserv/queue":           {"smppserv/sms"},
	"smppserv/session":         {"pkg/smpp"},
	"smppserv/sms":             nil,
	"smppserv/smsc":            {"pkg/smpp", "pkg/smstext", "smppserv/session", "smppserv/sms"},
	"smppserv/store":           {"smppserv/sms"},
	"smppserv/store/storetest": {"smppserv/sms", "smppserv/store"},
	"smppserv/testkit":         {"pkg/..."},
}

// drivers are the suites that drive the built programs from outside: they may use anything but each other.
func drivers(own string) []string {
	allowed := []string{"launcher/...", "pkg/...", "smppserv/..."}
	for _, other := range []string{"smppserv/bench", "smppserv/conformance", "smppserv/faults"} {
		if other != own {
			allowed = append(allowed, "!"+other+"/...")
		}
	}
	return allowed
}

func mayImport(allowed []string, p string) bool {
	ok := false
	for _, pattern := range allowed {
		pattern, not := strings.CutPrefix(pattern, "!")
		if matches(pattern, p) {
			if not {
				return false
			}
			ok = true
		}
	}
	return ok
}

func matches(pattern, p string) bool {
	root, all := strings.CutSuffix(pattern, "/...")
	return p == root || all && strings.HasPrefix(p, root+"/")
}

// A goPackage is what go list says of one; GoFiles and Imports leave the tests out.
type goPackage struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	Imports                           []string
}

func (p *goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// files are those that are no tests, of every operating system.
func (p *goPackage) files() []string {
	return slices.DeleteFunc(slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles),
		func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// packages lists the module's packages as they are on an operating system.
func packages(t *testing.T, goos string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps=false", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,Imports", "./...")
	cmd.Dir = ".." // the module's root: tests run in the folder of their package
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list names no packages")
	}
	return all
}

func TestPackagesImportOnlyWhatTheLayoutAllows(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		for _, p := range packages(t, goos) {
			allowed, known := imports[p.name()]
			if !known {
				t.Errorf("%s: package %s is not in the table of this test", goos, p.name())
				continue
			}
			for _, imported := range p.Imports {
				if name, ours := strings.CutPrefix(imported, module); ours && !mayImport(allowed, name) {
					t.Errorf("%s: package %s imports %s", goos, p.name(), name)
				}
			}
		}
	}
}

func TestFilesAndPackagesStaySmall(t *testing.T) {
	for _, p := range packages(t, "linux") {
		total := 0
		for _, name := range p.files() {
			data, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			n := bytes.Count(data, []byte("\n"))
			if n > maxFileLines {
				t.Errorf("%s/%s has %d lines, more than %d", p.name(), name, n, maxFileLines)
			}
			total += n
		}
		if total > maxPackageLines {
			t.Errorf("package %s has %d lines, more than %d", p.name(), total, maxPackageLines)
		}
	}
}

func TestPackagesAreNamedAfterWhatTheyDo(t *testing.T) {
	for _, p := range packages(t, "linux") {
		if slices.Contains([]string{"utils", "util", "common", "helpers", "helper"}, path.Base(p.ImportPath)) {
			t.Errorf("package %s says nothing about what it does", p.name())
		}
	}
}

func TestImportTableTellsAllowedFromForbidden(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"pkg/smpp", "pkg/smstext", false},
		{"launcher", "launcher/supervise", true},
		{"launcher", "smppserv/sms", false},
		{"smppserv", "smppserv/store/storetest", true},
		{"smppserv/smsc", "smppserv/queue", false},
		{"smppserv/store", "smppserv/sms", true},
		{"smppserv/faults", "smppserv/store", true},
		{"smppserv/faults", "smppserv/conformance", false},
		{"smppserv/bench", "launcher", true},
	}
	for _, c := range tests {
		if got := mayImport(imports[c.from], c.to); got != c.want {
			t.Errorf("%s may import %s: %t, want %t", c.from, c.to, got, c.want)
		}
	}
}
