//go:build unix

package faults

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// nobody owns nothing.
const nobody = 65534

// stranger runs smppserv as a user who may write the data folder and does not own config.toml.
func stranger(t *testing.T, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, fault bytes.Buffer
	c := exec.Command(program, args...)
	c.Dir, c.Stdout, c.Stderr = filepath.Dir(program), &out, &fault
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), fault.String()
}

func TestAFileThatCannotBeTouchedIsAcceptedForTheNextStartOrNotAtAll(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can act as another user")
	}
	dir, err := os.MkdirTemp("", "shorter")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "smppserv")
	copyFile(t, testkit.Program(t, "smppserv"), program)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		path string
		mode os.FileMode
	}{{dir, 0o755}, {program, 0o755}} {
		if err := os.Chmod(f.path, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "config.toml")
	whole := needed + "[tcp]\ntoken = \"t0ken\"\n"
	writeFile(t, path, []byte(whole))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(data, "config.keys.json")
	succeeds(t, "", "check", "--shorter", "--config", path) // as its owner, who thereby has it remembered whole
	inForce, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(record, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, []byte(needed))
	if code, _, stderr := stranger(t, program, "check", "--config", path); code != 3 || !strings.Contains(stderr, "missing tcp.token") {
		t.Fatalf("check: exit code %d, %s", code, stderr)
	}
	code, _, stderr := stranger(t, program, "reload", "--shorter", "--config", path)
	now, err := os.ReadFile(record)
	if code != 1 || !strings.Contains(stderr, "nothing was changed") || err != nil || !bytes.Equal(now, inForce) {
		t.Errorf("reload --shorter: exit code %d, %s\nleft %s, %v", code, stderr, now, err)
	}
	oneLine(t, stderr, "cannot give the signal", "check --shorter")
	code, stdout, stderr := stranger(t, program, "check", "--shorter", "--config", path)
	if code != 0 || !strings.Contains(stdout, "accepted as it is now") || !strings.Contains(stderr, "are to be restarted") {
		t.Errorf("check --shorter: exit code %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := stranger(t, program, "check", "--config", path); code != 0 {
		t.Errorf("after it was accepted: exit code %d, %s", code, stderr)
	}
	if err := os.Chown(data, 0, 0); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, []byte(whole))
	if code, _, stderr := stranger(t, program, "check", "--shorter", "--config", path); code != 1 || !strings.Contains(stderr, "nothing was changed") {
		t.Errorf("where nothing can be noted: exit code %d, %s", code, stderr)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
