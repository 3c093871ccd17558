package faults

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// holders are the files of a folder, and below it, in which one of the words stands.
func holders(t *testing.T, folder string, words ...string) (files []string) {
	t.Helper()
	eachFile(t, folder, func(name string, data []byte) {
		for _, word := range words {
			if at := bytes.Index(data, []byte(word)); at >= 0 {
				files = append(files, filepath.Base(name)+": "+string(data[max(0, at-60):min(len(data), at+60)]))
			}
		}
	})
	return files
}

// eachFile calls f for each file of a folder, and below it, with its name there. One that takes another's place meanwhile is left out.
func eachFile(t *testing.T, folder string, f func(name string, data []byte)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		f(name, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

const (
	erasedNumber, otherNumber = "33612345678", "33698765432"
	erasedText                = "wordofthe" + "erased"
)

// converse has a person write and be written to: delivered, waiting for a client that is not bound, in parts, with receipts.
func converse(t *testing.T, path, number, text string) {
	t.Helper()
	succeeds(t, "", "send", "--config", path, "--from", number, "--to", "3600", "--text", text)
	succeeds(t, "", "send", "--config", path, "--from", number, "--to", "3600", "--text", strings.Repeat(text+" ", 30))
	for range 3 {
		succeeds(t, "", "reply", "--config", path, "--from", "3600", "--to", number, "--text", text)
	}
}

func TestAnErasedNumberIsInNoFileAnyMore(t *testing.T) {
	folder := t.TempDir()
	hermes := testkit.StartHermes(t)
	path := testkit.WriteConfig(t, folder, testkit.Settings{"admin.listen": "127.0.0.1:0", "log.level": "trace", "log.content": true, "hermes.url": hermes.URL()})
	launcher := testkit.StartLauncher(t, path)
	smpps := launcher.AwaitReady(t)

	converse(t, path, erasedNumber, erasedText)
	converse(t, path, otherNumber, "wordofanother")
	tester := testkit.Bind(t, smpps.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	tester.Submit(otherNumber, erasedNumber, erasedText) // as if that were a campaign: it is counted under it
	if found := holders(t, folder, erasedNumber); len(found) < 2 {
		t.Fatalf("before: %q", found)
	}
	if r := command(t, "smppserv", "", "erase", "--config", path, "--number", "336*"); r.code != 1 {
		t.Errorf("a beginning: exit code %d, %s", r.code, r.stdout)
	}
	if out := succeeds(t, "", "erase", "--config", path, "--number", "+"+erasedNumber); !strings.HasPrefix(out, "the number is erased: ") {
		t.Errorf("printed %s", out)
	}
	if found := holders(t, folder, erasedNumber, erasedText); len(found) > 0 {
		t.Errorf("after: %q", found)
	}
	if out := succeeds(t, "", "messages", "--config", path, "--number", erasedNumber); !strings.HasPrefix(out, "no message is found") {
		t.Errorf("printed %s", out)
	}
	if out := succeeds(t, "", "messages", "--config", path, "--number", otherNumber, "--state", "waiting"); strings.Count(out, "ENROUTE") != 3 {
		t.Errorf("of the other one is left %s", out)
	}
	for _, name := range []string{"messages.log", "smppserv.log"} {
		if data, err := os.ReadFile(filepath.Join(folder, "logs", name)); err != nil || !bytes.Contains(data, []byte(otherNumber)) {
			t.Errorf("%s has no line of the other number, %v", name, err)
		}
	}
	audit := succeeds(t, "", "audit", "--config", path)
	if !strings.Contains(audit, "number #") || strings.Contains(audit, erasedNumber) || !strings.Contains(audit, "done: ") {
		t.Errorf("the audit says %s", audit)
	}
	if out := succeeds(t, "", "report", "--config", path); !strings.Contains(out, "erased-") {
		t.Errorf("the counters say %s", out)
	}
	if out := succeeds(t, "", "erase", "--config", path, "--number", erasedNumber); !strings.HasPrefix(out, "the number is erased: 0 messages, 0 lines") {
		t.Errorf("again: printed %s", out)
	}
	launcher.Stop(t)
	if found := holders(t, folder, erasedNumber, erasedText); len(found) > 0 {
		t.Errorf("after the stop: %q", found)
	}
}

func TestAServerWithoutALauncherErasesWhatOneHasLeft(t *testing.T) {
	folder := t.TempDir()
	path := testkit.WriteConfig(t, folder, testkit.Settings{"admin.listen": "127.0.0.1:0", "clients": []map[string]any{
		{"system_id": testkit.Client, "password": testkit.Password, "numbers": []string{"3600"}}}})
	if err := os.MkdirAll(filepath.Join(folder, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(folder, "logs", "smppserv-2026-01-02T03-04-05.000.log")
	writeFile(t, left, []byte("{\"to\":\"+"+erasedNumber+"\"}\n{\"to\":\"1"+erasedNumber+"\"}\n"))
	startAlone(t, path)
	converse(t, path, erasedNumber, erasedText)
	r := command(t, "smppserv", "", "erase", "--config", path, "--number", "3600")
	if r.code != 1 || !strings.Contains(r.stderr, "3600 is a number of the contact centre") {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
	succeeds(t, "", "erase", "--config", path, "--number", erasedNumber)
	if data, err := os.ReadFile(left); err != nil || string(data) != "{\"to\":\"1"+erasedNumber+"\"}\n" {
		t.Errorf("%s, %v", data, err)
	}
	if err := os.Remove(left); err != nil {
		t.Fatal(err)
	}
	if found := holders(t, folder, erasedNumber, erasedText); len(found) > 0 {
		t.Errorf("after: %q", found)
	}
}

// startAlone starts smppserv as from a console, and ends it at the test's end.
func startAlone(t *testing.T, config string) {
	t.Helper()
	var log testkit.Log
	cmd := exec.Command(testkit.Program(t, "smppserv"), "run", "--config", config)
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = filepath.Dir(config), &log, testkit.Patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := testkit.Terminate(cmd.Process); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
	})
	log.AwaitWords(t, " ready ")
}
