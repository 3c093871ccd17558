package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/commandline"
)

const oldSample = "../hermes/testdata/SmppServerOpportunityService.exe.config"

// importCommand runs smppserv import-config.
func importCommand(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = smppserv(t.Context(), append([]string{"import-config"}, args...), commandline.Console{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	if code != commandline.ExitDone && out.Len() > 0 {
		t.Errorf("ends with %d, but writes to stdout:\n%s", code, &out)
	}
	return code, out.String(), errs.String()
}

func TestImportConfigPrintsAFileThatTheServerAccepts(t *testing.T) {
	code, stdout, stderr := importCommand(t, "", oldSample)
	const summary = "SmppServerOpportunityService.exe.config: 13 settings taken over, 1 not; the new file says why. Now: smppserv check --config FILE\n"
	if code != commandline.ExitDone || stderr != summary {
		t.Fatalf("ends with %d: %s", code, stderr)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(path); err != nil {
		t.Errorf("%v\n%s", err, stdout)
	}
}

func TestImportConfigWarnsOfWhatItDoesNotTakeOver(t *testing.T) {
	code, stdout, stderr := importCommand(t, `<configuration><appSettings><add key="UrlHermes" value="hermes.local/push/"/></appSettings></configuration>`, "-")
	if code != commandline.ExitDone || !strings.HasPrefix(stderr, "warning: UrlHermes is not taken over: ") || strings.Count(stderr, "\n") != 4 ||
		!strings.Contains(stderr, "warning: Authentication.Password: the client is disabled until clients[0].password is set") {
		t.Errorf("ends with %d: %s", code, stderr)
	}
	if !strings.Contains(stderr, "the standard input: 0 settings taken over, 1 not;") || !strings.Contains(stdout, "# the standard input") {
		t.Errorf("the old file has no name:\n%s%s", stderr, stdout)
	}
}

func TestImportConfigEndsWithOneLineWhereTheOldFileIsRefused(t *testing.T) {
	for data, want := range map[string]string{
		"":                     "smppserv: -: is empty",
		"<html><body/></html>": "smppserv: -: its root element is <html>",
		"<configuration>" + strings.Repeat(" ", maxOldFile): "is larger than 8 MiB",
	} {
		code, _, stderr := importCommand(t, data, "-")
		if code != commandline.ExitFailed || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%.60q ends with %d: %s", data, code, stderr)
		}
	}
	if code, _, stderr := importCommand(t, "", filepath.Join(t.TempDir(), "none.config")); code != commandline.ExitFailed || !strings.Contains(stderr, "none.config") {
		t.Errorf("a missing file ends with %d: %s", code, stderr)
	}
	if code, _, stderr := importCommand(t, "", t.TempDir()); code != commandline.ExitFailed || !strings.Contains(stderr, "directory") && !strings.Contains(stderr, "cannot read") {
		t.Errorf("a folder ends with %d: %s", code, stderr)
	}
}

func TestImportOverwritesOnlyWithForceAndNeverTheOldFile(t *testing.T) {
	output := filepath.Join(t.TempDir(), "config.toml")
	if code, stdout, stderr := importCommand(t, "", oldSample, "--output", output); code != commandline.ExitDone || stdout != "" || !strings.Contains(stderr, "smppserv check --config "+output) {
		t.Fatalf("ends with %d: %s%s", code, stdout, stderr)
	}
	if _, err := read(output); err != nil {
		t.Error(err)
	}
	if code, _, stderr := importCommand(t, "", oldSample, "--output", output); code != commandline.ExitFailed || !strings.Contains(stderr, "--force") {
		t.Errorf("a second time ends with %d: %s", code, stderr)
	}
	if code, _, stderr := importCommand(t, "", oldSample, "--output", output, "--force"); code != commandline.ExitDone {
		t.Errorf("--force ends with %d: %s", code, stderr)
	}
	data, err := os.ReadFile(oldSample)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(t.TempDir(), "old.config")
	if err := os.WriteFile(old, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := importCommand(t, "", old, "--output", old, "--force"); code != commandline.ExitFailed || !strings.Contains(stderr, "is the old file itself") {
		t.Errorf("over the old file ends with %d: %s", code, stderr)
	}
	if now, err := os.ReadFile(old); err != nil || !bytes.Equal(now, data) {
		t.Errorf("the old file has changed: %v", err)
	}
}
