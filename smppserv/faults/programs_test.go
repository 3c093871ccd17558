package faults

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// needed is what a file must say.
const needed = "[hermes]\nurl = \"simulator\"\n[[clients]]\nsystem_id = \"" + testkit.Client + "\"\npassword = \"" + testkit.Password + "\"\n"

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A result is how a command ended and what it printed.
type result struct {
	code           int
	stdout, stderr string
}

// command runs a program to its end.
func command(t *testing.T, name, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, testkit.Program(t, name), args...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, args, err, &stdout, &stderr)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// refuses requires that smppserv, run by a person, ends with that code and one line that holds every word.
func refuses(t *testing.T, config string, code worker.ExitCode, words ...string) {
	t.Helper()
	r := command(t, "smppserv", "", "run", "--config", config)
	if r.code != int(code) {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	oneLine(t, r.stderr, words...)
	if r.stdout != "" {
		t.Errorf("printed %q", r.stdout)
	}
}

// oneLine requires that text is one line that holds every word.
func oneLine(t *testing.T, text string, words ...string) {
	t.Helper()
	if strings.Count(strings.TrimSpace(text), "\n") > 0 || strings.TrimSpace(text) == "" {
		t.Errorf("want one line, got:\n%s", text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
}
