package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVersionsAreThoseThatWindowsInstallerCanHold(t *testing.T) {
	for text, want := range map[string]string{
		"1.4.0":          "1.4.0 1.4.0 1.4.1 1.4.0.0",
		"v1.4.0":         "1.4.0 1.4.0 1.4.1 1.4.0.0",
		"1.4.0-rc.1":     "1.4.0-rc.1 1.4.0 1.4.1 1.4.0.0",
		"255.255.65534":  "255.255.65534 255.255.65534 255.255.65535 255.255.65534.0",
		"256.0.0":        "error: 256 is more than 255",
		"1.256.0":        "error: 256 is more than 255",
		"1.0.65535":      "error: 65535 is more than 65534",
		"1.0.9999999999": "error: 9999999999 is more than 65534",
		"1.4":            "error: is not of the form",
		"1.4.0.0":        "error: is not of the form",
		"1.4.0 beta":     "error: is not of the form",
		"":               "error: is not of the form",
	} {
		v, err := parseVersion(text)
		if part, isError := strings.CutPrefix(want, "error: "); isError {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: error %v, want %q in it", text, err, part)
			}
			continue
		}
		if got := strings.Join([]string{v.text, v.numbers(), v.next(), v.file()}, " "); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
}

// repository is a clone with one commit.
func repository(t *testing.T) (folder string, git func(args ...string)) {
	t.Helper()
	folder = t.TempDir()
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
			"GIT_AUTHOR_DATE=2026-11-24T12:00:00+02:00", "GIT_COMMITTER_DATE=2026-11-24T12:00:00+02:00")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet")
	writeFile(t, filepath.Join(folder, "a"), "1")
	git("add", "a")
	git("commit", "--quiet", "--message", "first")
	return folder, git
}

func TestVersionCommitAndDateAreThoseOfGit(t *testing.T) {
	folder, git := repository(t)
	read := func(given string) source {
		t.Helper()
		var stderr bytes.Buffer
		s, err := readSource(context.Background(), folder, given, &stderr)
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("%v %s", err, &stderr)
		}
		return s
	}
	s := read("")
	if s.version.text != firstVersion {
		t.Errorf("without a tag the version is %s, want %s", s.version.text, firstVersion)
	}
	if want := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC); !s.date.Equal(want) || s.date.Location() != time.UTC {
		t.Errorf("date %v, want %v", s.date, want)
	}
	if len(s.commit) != 12 {
		t.Errorf("commit %q is not of 12 digits", s.commit)
	}
	git("tag", "v1.9.0")
	git("tag", "vacation")
	git("commit", "--quiet", "--allow-empty", "--message", "second")
	if got := read("").version.text; got != "1.9.0" {
		t.Errorf("version %s, want that of the newest tag, 1.9.0", got)
	}
	if got := read("2.0.0").version.text; got != "2.0.0" {
		t.Errorf("version %s, want the given one", got)
	}
	writeFile(t, filepath.Join(folder, "a"), "2")
	if got := read("").commit; !strings.HasSuffix(got, "+changes") {
		t.Errorf("commit %q does not tell that files were changed since", got)
	}
}

func TestOutsideOfACloneTheSourceIsUnknownAndSaysSo(t *testing.T) {
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	var stderr bytes.Buffer
	s, err := readSource(context.Background(), t.TempDir(), "", &stderr)
	if err != nil || s.commit != "unknown" || s.version.text != firstVersion {
		t.Errorf("%+v, %v", s, err)
	}
	if !strings.Contains(stderr.String(), "warning: neither commit nor date are known") {
		t.Errorf("no warning: %q", &stderr)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
