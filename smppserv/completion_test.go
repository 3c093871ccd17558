package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/commandline"
)

// words are those that the program says may come next.
func words(t *testing.T, typed ...string) (all []string) {
	t.Helper()
	var out, errors bytes.Buffer
	if code := smppserv(t.Context(), append([]string{"completion", "words", "--"}, typed...), commandline.Console{Stdout: &out, Stderr: &errors}); code != 0 {
		t.Fatalf("%s: exit code %d, %s", typed, code, &errors)
	}
	for line := range strings.Lines(out.String()) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, word)
	}
	return all
}

func TestTheWordsThatMayComeNextAreThoseOfTheCommandLine(t *testing.T) {
	for _, tt := range []struct {
		typed     []string
		have, not []string
	}{
		{nil, []string{"status", "messages", "--config"}, []string{"--state", "words"}},
		{[]string{"messages"}, []string{"--state", "--json", "--config"}, []string{"status"}},
		{[]string{"messages", "--state"}, []string{"DELIVERED", "waiting"}, []string{"--json", ""}},
		{[]string{"messages", "--state=DELIVERED", "--direction"}, []string{"in", "out"}, nil},
		{[]string{"--config", "status", "report", "--by"}, []string{"campaign", "hour"}, nil},
		{[]string{"trace", "acme"}, []string{"on", "off", "save"}, nil},
		{[]string{"trace", "acme", "save"}, []string{"--force"}, []string{"on"}},
		{[]string{"store"}, []string{"backup", "restore"}, nil},
		{[]string{"completion"}, []string{"bash", "powershell"}, []string{"words"}},
		{[]string{"message", "--text"}, []string{"--json"}, nil},
		{[]string{"no", "such", "--thing"}, nil, nil},
	} {
		got := words(t, tt.typed...)
		for _, w := range tt.have {
			if !slices.Contains(got, w) {
				t.Errorf("after %q: no %s in %q", tt.typed, w, got)
			}
		}
		for _, w := range tt.not {
			if slices.Contains(got, w) {
				t.Errorf("after %q: %q in %q", tt.typed, w, got)
			}
		}
	}
}

// programEnv makes this test binary the program itself.
const programEnv = "HNET_TEST_SMPPSERV"

func TestMain(m *testing.M) {
	if os.Getenv(programEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	folder := t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(folder, "smppserv")); err != nil {
		t.Skip(err)
	}
	for line, want := range map[string]string{
		"smppserv mes":                      "messages message",
		"smppserv messages --state = DEL":   "DELIVERED DELETED",
		"smppserv messages --state UNDELIV": "UNDELIVERABLE",
		"smppserv trace acme s":             "save",
		"smppserv nothing":                  "",
	} {
		script := `source <(smppserv completion bash); COMP_WORDS=(` + line + `); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _smppserv_complete; echo "${COMPREPLY[*]}"`
		cmd := exec.Command(bash, "-c", script)
		cmd.Env = append(os.Environ(), programEnv+"=1", "PATH="+folder+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", line, got, err, want)
		}
	}
}
