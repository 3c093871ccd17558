package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestABackupUnderLoadIsRestoredAfterAKillAndNoIDComesAgain(t *testing.T) {
	l := newLoaded(t)
	data := filepath.Dir(l.config)
	database, copy := filepath.Join(data, "messages.db"), filepath.Join(t.TempDir(), "copy.db")
	l.begin(t)
	w := testkit.StartWorker(t, l.config)
	l.awaitWork(t, 0, 300)
	said := succeeds(t, "", "store", "backup", "--config", l.config, copy)
	var copied uint64
	_, up, _ := strings.Cut(said, "message ids up to ")
	if _, err := fmt.Sscan(up, &copied); err != nil || copied < 300 {
		t.Fatalf("it printed %q", said)
	}
	l.record.awaitAcked(t, 300)
	held := command(t, "smppserv", "", "store", "restore", "--config", l.config, copy)
	if held.code != int(worker.ExitHeld) {
		t.Errorf("restore under a running server: exit code %d", held.code)
	}
	oneLine(t, held.stderr, database)
	binds := l.binds()
	w.Kill(t)
	highest := l.highest()

	content, err := os.ReadFile(copy)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, database, content) // as one does who does not know
	refuses(t, l.config, worker.ExitCrashed, database, "smppserv store restore")

	said = succeeds(t, "", "store", "restore", "--config", l.config, copy)
	if !strings.Contains(said, database+" is now the copy "+copy) || !strings.Contains(said, "Idempotency-Key") {
		t.Errorf("it printed %q", said)
	}
	log := restarted(t, l).Log
	l.awaitWork(t, binds, 300)
	log.AwaitWords(t, "high-water mark")
	for _, e := range l.esmes {
		e.hush()
	}
	whole := func(id string) bool { // what was accepted in between is in the database that was moved aside
		n, err := strconv.ParseUint(id, 10, 64)
		return err == nil && (n <= copied || n > highest)
	}
	r := l.record
	r.await(t, "the push and the receipt of every message that was copied, or came after", func() bool {
		for id := range r.acked {
			if whole(id) && (!r.hermes.Accepted(id) || r.receipts[id] != smpp.StateDelivered) {
				return false
			}
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	pushed, repeats := r.pushed(t)
	lost := 0
	for _, fault := range r.faults { // among them: an id that came twice, a key with two texts
		t.Error(fault)
	}
	for id, text := range r.acked {
		if got := pushed[id]; got != text && whole(id) {
			lost++
			t.Errorf("id %s was given to %q and pushed with %q", id, text, got)
		}
	}
	toll{sent: r.sent, acknowledged: len(r.acked), lost: lost, repeated: repeats}.tell(t)
}

// highest is the highest message_id that was acknowledged.
func (l *loaded) highest() (highest uint64) {
	l.record.mu.Lock()
	defer l.record.mu.Unlock()
	for id := range l.record.acked {
		if n, err := strconv.ParseUint(id, 10, 64); err == nil {
			highest = max(highest, n)
		}
	}
	return highest
}

// restarted starts a worker that says more than the load's.
func restarted(t *testing.T, l *loaded) *testkit.Worker {
	t.Helper()
	text, err := os.ReadFile(l.config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, l.config, []byte(strings.ReplaceAll(string(text), "warn", "info")))
	return testkit.StartWorker(t, l.config)
}

func TestADatabaseThatIsDeletedUnderTheServerIsNoticedByReadyz(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets nobody delete a file that is open")
	}
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"admin.listen": "127.0.0.1:0"})
	w := testkit.StartWorker(t, path)
	get := func() (status int) {
		t.Helper()
		answer, err := http.Get("http://" + w.Admin + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	if status := get(); status != http.StatusOK {
		t.Fatalf("at first it says %d", status)
	}
	if err := os.Remove(filepath.Join(filepath.Dir(path), "messages.db")); err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "/readyz says 503", func() bool { return get() == http.StatusServiceUnavailable })
	r := command(t, "smppserv", "", "send", "--config", path, "--to", campaign, "--text", "Bonjour", "--addr", w.SMPP)
	if r.code == 0 || !strings.Contains(r.stderr, "RSYSERR") && !strings.Contains(strings.ToLower(r.stderr), "system error") {
		t.Errorf("a submit is answered: %d %s%s", r.code, r.stdout, r.stderr)
	}
	w.Log.AwaitWords(t, "no message is accepted any more", "smppserv store restore")
}
