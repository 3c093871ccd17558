package faults

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
)

// A keyed is a push as a Hermès that keeps keys sees it.
type keyed struct{ key, id, text string }

// startKeeper starts a Hermès that takes everything, but while it is full.
func startKeeper(t *testing.T) (url string, pushes <-chan keyed, full *atomic.Bool) {
	t.Helper()
	c := make(chan keyed, 10_000)
	full = &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var m struct{ ID, Text string }
		if err != nil || json.Unmarshal(body, &m) != nil {
			return // the worker was killed
		}
		if full.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		c <- keyed{r.Header.Get("Idempotency-Key"), m.ID, m.Text}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/api/sms/push/", c, full
}

func nextPush(t *testing.T, pushes <-chan keyed) keyed {
	t.Helper()
	select {
	case p := <-pushes:
		return p
	case <-time.After(patience):
		t.Fatalf("no push within %v", patience)
	}
	panic("not reached")
}

func TestAKeyDoesNotComeAgainWhenABackupIsPutBack(t *testing.T) {
	url, pushes, _ := startKeeper(t)
	dir := t.TempDir()
	config := writeConfig(t, dir, settings{"hermes.url": url})
	send := func(text string, then func()) keyed {
		p, ready, _ := startWorker(t, config)
		c := smpptest.Dial(t, ready.SMPP)
		c.Bind(smpp.CmdBindTransmitter, testClient, testPassword, smpp.V34)
		c.Submit(customer, campaign, text)
		got := nextPush(t, pushes)
		if got.text != text || !strings.HasPrefix(got.key, got.id+"-") {
			t.Errorf("%q was pushed as %+v", text, got)
		}
		c.Close()
		stopWorker(t, p)
		then()
		return got
	}
	file, backup := filepath.Join(dir, "messages.db"), filepath.Join(dir, "backup.db")
	copyFile := func(from, to string) {
		octets, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, to, octets)
	}
	seen := map[string]string{}
	for _, p := range []keyed{
		send("before the backup", func() { copyFile(file, backup) }),
		send("behind it", func() { copyFile(backup, file) }),
		send("when it was put back", func() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}),
		send("when the database was moved away", func() {}),
	} {
		if other, again := seen[p.key]; again {
			t.Errorf("%q has the key of %q, %s", p.text, other, p.key)
		}
		seen[p.key] = p.text
	}
}

func TestATextKeepsItsKeyOverAKillAndACancelledPart(t *testing.T) {
	url, pushes, full := startKeeper(t)
	full.Store(true)
	config := writeConfig(t, t.TempDir(), settings{"hermes.url": url, "hermes.retry": []string{"50ms"}})
	worker, ready, _ := startWorker(t, config)
	bind := func(addr string) *smpptest.Client {
		c := smpptest.Dial(t, addr)
		c.Bind(smpp.CmdBindTransmitter, testClient, testPassword, smpp.V34)
		return c
	}
	c := bind(ready.SMPP)
	var ids []string
	for i, text := range []string{"un ", "deux ", "trois"} {
		s := smpptest.NewSubmit(customer, campaign, "")
		s.ESMClass, s.ShortMessage = smpp.ESMUDHI, append(smstext.AppendConcat8(nil, 7, 3, byte(i+1)), text...)
		ids = append(ids, c.SubmitSM(s))
	}
	first := nextPush(t, pushes)
	if first.text != "un deux trois" || !strings.HasPrefix(first.key, ids[0]+"-") {
		t.Fatalf("the text of %q was pushed as %+v", ids, first)
	}
	nextPush(t, pushes) // so that the outcome of the first try is on disk
	worker.Kill()
	<-worker.Done()

	_, ready, _ = startWorker(t, config)
	c = bind(ready.SMPP)
	source := smpptest.NewSubmit(customer, campaign, "").Source
	cancelled := false
	for end := time.Now().Add(patience); !cancelled; { // it is refused while the text is being tried
		if time.Now().After(end) {
			t.Fatalf("part %s could not be cancelled within %v", ids[0], patience)
		}
		seq := c.Send(&smpp.CancelSM{MessageID: ids[0], Source: source})
		h, _ := c.Expect(smpp.CmdCancelSMResp)
		cancelled = h.Sequence == seq && h.Status == smpp.ROK
	}
	full.Store(false)
	for {
		p := nextPush(t, pushes)
		if p.key != first.key {
			t.Fatalf("the text was pushed as %+v, at first as %+v", p, first)
		}
		if p.text == "deux trois" {
			if p.id != ids[1] {
				t.Errorf("its id is %s, want the lowest of its parts', %s", p.id, ids[1])
			}
			return
		}
	}
}
