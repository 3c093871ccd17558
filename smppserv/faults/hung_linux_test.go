package faults

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// frozen makes a disk of its own and returns its folder, and what has it hang and go on.
func frozen(t *testing.T) (folder string, freeze, thaw func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a disk and freeze it")
	}
	mkfs := testkit.Peer(t, "mkfs.ext4", "apt-get install e2fsprogs")
	fsfreeze := testkit.Peer(t, "fsfreeze", "apt-get install util-linux")
	dir := t.TempDir()
	image, folder := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	writeFile(t, image, nil)
	if err := os.Truncate(image, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, folder).CombinedOutput(); err != nil {
		t.Skipf("no disk can be mounted here: %s", out)
	}
	run := func(args ...string) {
		if out, err := exec.Command(fsfreeze, args...).CombinedOutput(); err != nil {
			t.Errorf("fsfreeze: %v: %s", err, out)
		}
	}
	hangs := false
	freeze = func() { run("-f", folder); hangs = true }
	thaw = func() {
		if hangs {
			run("-u", folder)
			hangs = false
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return folder, freeze, thaw
}

func TestADiskThatHangsLeavesTheServerAnsweringAndReadyzRed(t *testing.T) {
	folder, freeze, thaw := frozen(t)
	defer thaw() // first of all: till then the worker cannot even be killed
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.dsn": filepath.Join(folder, "data", "messages.db"), "admin.listen": "127.0.0.1:0"})
	p := testkit.StartWorker(t, path)
	c := testkit.Bind(t, p.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
	ready := func() (code int, text string) {
		client := http.Client{Timeout: 10 * time.Second} // far above the two that are promised, and below the hang
		answer, err := client.Get("http://" + p.Admin + "/readyz")
		if err != nil {
			return 0, err.Error()
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	for rounds, stopped := 0, 0; rounds < 3; rounds++ {
		id := c.Submit("33612345678", campaign, "before")
		freeze() // in the middle of what comes of that
		red, silent := "", false
		testkit.Await(t, "/readyz says 503", func() bool {
			code, text := ready()
			red, silent = text, code == 0
			return silent || code == http.StatusServiceUnavailable
		})
		if silent {
			// Who writes into a page of SQLite's -shm that the system has just written out is stopped by this kind of hang, in the middle of
			// an instruction, and with it the collection of garbage and the whole program. A disk that does not answer stops nobody there.
			thaw()
			if stopped++; stopped > 2 {
				t.Fatalf("while the disk hangs, for the third time: %s", red)
			}
			testkit.Await(t, "/readyz says 200", func() bool { code, _ := ready(); return code == http.StatusOK })
			rounds--
			continue
		}
		if !strings.Contains(red, "hangs") {
			t.Errorf("message %s: /readyz says %q", id, red)
		}
		if code, text := ready(); code != http.StatusServiceUnavailable {
			t.Errorf("it does not stay so: %d %s", code, text)
		}
		c.ExpectAlive()
		thaw()
		testkit.Await(t, "/readyz says 200", func() bool { code, _ := ready(); return code == http.StatusOK })
		c.Submit("33612345678", campaign, "after")
	}
	p.Stop(t)
}
