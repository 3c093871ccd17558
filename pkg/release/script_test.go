package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	script       = "../../build.ps1"
	parserFolder = "testdata/powershell"
	parserAdvice = "npm ci --prefix pkg/release/testdata/powershell"
)

// missing skips a test for want of a program; in CI every one of them must be there.
func missing(t *testing.T, what, advice string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing: %s", what, advice)
	}
	t.Skipf("%s is missing: %s", what, advice)
}

func parsePowerShell(t *testing.T, path string) (faults string, ok bool) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node", "apt-get install nodejs npm")
	}
	if _, err := os.Stat(filepath.Join(parserFolder, "node_modules", "web-tree-sitter")); err != nil {
		missing(t, "tree-sitter's PowerShell grammar", parserAdvice)
	}
	var out, stderr bytes.Buffer
	cmd := exec.Command(node, filepath.Join(parserFolder, "parse.mjs"), path)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil && out.Len() == 0 {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return out.String(), out.Len() == 0
}

func TestBuildScriptIsParsedWithoutAnError(t *testing.T) {
	if faults, ok := parsePowerShell(t, script); !ok {
		t.Error(faults)
	}
}

func TestParserFindsWhatIsBrokenInAScript(t *testing.T) {
	whole, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []struct{ what, old, new string }{
		{"a bracket less", "} finally {", "finally {"},
		{"a quote less", "= 'Stop'", "= 'Stop"},
		{"a parenthesis less", "param(", "param"},
	} {
		text := strings.Replace(string(whole), broken.old, broken.new, 1)
		if text == string(whole) {
			t.Fatalf("build.ps1 has no %q", broken.old)
		}
		path := filepath.Join(t.TempDir(), "broken.ps1")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, ok := parsePowerShell(t, path); ok {
			t.Errorf("%s: no fault was found", broken.what)
		}
	}
}

// Windows PowerShell 5.1 reads a file without byte order mark in the system's code page.
func TestBuildScriptIsFitForWindowsPowerShell(t *testing.T) {
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range text {
		if c > '~' || c < ' ' && c != '\n' && c != '\r' {
			t.Fatalf("octet %d is %#x, not ASCII", i, c)
		}
	}
	for _, newer := range []string{"&&", "||", "??", "?.", "?["} {
		if strings.Contains(string(text), newer) {
			t.Errorf("%s is not known before PowerShell 7", newer)
		}
	}
}

func TestBuildScriptUsesOptionsThatThereAre(t *testing.T) {
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if err := start(context.Background(), []string{"--help"}, io.Discard, &help); err == nil {
		t.Fatal("--help does not end the program")
	}
	used := regexp.MustCompile(`'-(-[a-z-]+)'`).FindAllSubmatch(text, -1)
	if len(used) < 4 {
		t.Fatalf("only %d options were found in build.ps1", len(used))
	}
	for _, option := range used {
		if !strings.Contains(help.String(), "  "+string(option[1])) {
			t.Errorf("-%s is no option of pkg/release", option[1])
		}
	}
}
