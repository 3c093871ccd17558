package faults

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/testkit"
)

func TestAKeyDoesNotComeAgainWhenABackupIsPutBack(t *testing.T) {
	hermes := testkit.StartHermes(t)
	dir := t.TempDir()
	config := testkit.WriteConfig(t, dir, testkit.Settings{"hermes.url": hermes.URL()})
	send := func(text string, then func()) testkit.Push {
		w := testkit.StartWorker(t, config)
		c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
		c.Submit(customer, campaign, text)
		got := hermes.Next(t)
		if got.Message.Text != text || !strings.HasPrefix(got.Key, got.Message.ID+"-") {
			t.Errorf("%q was pushed as %v", text, got)
		}
		c.Close()
		w.Stop(t)
		then()
		return got
	}
	file, backup := filepath.Join(dir, "messages.db"), filepath.Join(dir, "backup.db")
	copyFile := func(from, to string) {
		octets, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, octets, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	for _, p := range []testkit.Push{
		send("before the backup", func() { copyFile(file, backup) }),
		send("behind it", func() { copyFile(backup, file) }),
		send("when it was put back", func() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}),
		send("when the database was moved away", func() {}),
	} {
		if other, again := seen[p.Key]; again {
			t.Errorf("%q has the key of %q, %s", p.Message.Text, other, p.Key)
		}
		seen[p.Key] = p.Message.Text
	}
}

func TestATextKeepsItsKeyOverAKillAndACancelledPart(t *testing.T) {
	hermes := testkit.StartHermes(t)
	hermes.Script("", testkit.Answer{Status: http.StatusInternalServerError})
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes.URL(), "hermes.retry": []string{"50ms"}})
	w := testkit.StartWorker(t, config)
	bind := func(w *testkit.Worker) *smpptest.Client {
		return testkit.Bind(t, w.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	}
	c := bind(w)
	var ids []string
	for i, text := range []string{"un ", "deux ", "trois"} {
		s := smpptest.NewSubmit(customer, campaign, "")
		s.ESMClass, s.ShortMessage = smpp.ESMUDHI, append(smstext.AppendConcat8(nil, 7, 3, byte(i+1)), text...)
		ids = append(ids, c.SubmitSM(s))
	}
	first := hermes.Next(t)
	if first.Message.Text != "un deux trois" || !strings.HasPrefix(first.Key, ids[0]+"-") {
		t.Fatalf("the text of %q was pushed as %v", ids, first)
	}
	hermes.Next(t) // so that the outcome of the first try is on disk
	w.Kill(t)

	w = testkit.StartWorker(t, config)
	c = bind(w)
	source := smpptest.NewSubmit(customer, campaign, "").Source
	cancelled := false
	for end := time.Now().Add(testkit.Patience); !cancelled; { // it is refused while the text is being tried
		if time.Now().After(end) {
			t.Fatalf("part %s could not be cancelled within %v", ids[0], testkit.Patience)
		}
		seq := c.Send(&smpp.CancelSM{MessageID: ids[0], Source: source})
		h, _ := c.Expect(smpp.CmdCancelSMResp)
		cancelled = h.Sequence == seq && h.Status == smpp.ROK
	}
	hermes.Script("", testkit.Answer{Status: http.StatusOK})
	for {
		p := hermes.Next(t)
		if p.Key != first.Key {
			t.Fatalf("the text was pushed as %v, at first as %v", p, first)
		}
		if p.Message.Text == "deux trois" {
			if p.Message.ID != ids[1] {
				t.Errorf("its id is %s, want the lowest of its parts', %s", p.Message.ID, ids[1])
			}
			return
		}
	}
}
