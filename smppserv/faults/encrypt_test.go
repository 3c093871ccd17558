package faults

import (
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestEncryptedTextsComeThroughARestartAndAnExchangeOfTheKey(t *testing.T) {
	const text = "wordoftheencrypted"
	old, now := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	folder, hermes := t.TempDir(), testkit.StartHermes(t)
	write := func(on bool, keys string) string {
		return testkit.WriteConfig(t, folder, testkit.Settings{"store.encrypt_content": on, "store.encrypt_key": keys, "admin.listen": "127.0.0.1:0", "hermes.url": hermes.URL()})
	}
	path := write(true, "old:"+old)
	smppserv := testkit.StartWorker(t, path)
	succeeds(t, "", "reply", "--config", path, "--from", "3600", "--to", "33612345678", "--text", text)
	smppserv.Stop(t)
	if found := holders(t, folder, text); len(found) > 0 {
		t.Errorf("it stands in %q", found)
	}
	for keys, words := range map[string][]string{"": {`the key "old"`, "put it back"}, "old:" + now: {`a key "old" that is another one`}, "now:" + now: {`the key "old"`}} {
		path := write(keys != "", keys)
		r := command(t, "smppserv", "", "check", "--config", path)
		if r.code != int(worker.ExitBadConfig) {
			t.Errorf("check of %q: exit code %d", keys, r.code)
		}
		oneLine(t, r.stderr, words...)
		refuses(t, path, worker.ExitBadConfig, words...)
	}
	write(true, "now:"+now+" old:"+old)
	copied := filepath.Join(t.TempDir(), "copy.db")
	succeeds(t, "", "store", "backup", "--config", path, copied)
	succeeds(t, "", "store", "restore", "--config", path, copied)
	smppserv.Start(t)
	succeeds(t, "", "reply", "--config", path, "--from", "3600", "--to", "33612345678", "--text", text)
	if found := holders(t, folder, text); len(found) > 0 {
		t.Errorf("it stands in %q", found)
	}
	if out := succeeds(t, "", "messages", "--config", path, "--number", "33612345678"); strings.Count(out, "ENROUTE") != 2 {
		t.Errorf("found are %s", out)
	}
	write(true, "now:"+now) // by somebody who asks no command
	smppserv.Log.AwaitWords(t, "is not taken up", `the key \"old\"`)
	if r := command(t, "smppserv", "", "status", "--config", path); !strings.Contains(r.stdout, `the key "old"`) || strings.Contains(r.stdout+r.stderr, now) {
		t.Errorf("the status says %s%s", r.stdout, r.stderr)
	}
	smppserv.Stop(t)
	write(false, "now:"+now+" old:"+old)
	smppserv.Start(t)
	client := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindReceiver, testkit.Client, testkit.Password)
	for range 2 {
		if m := client.ExpectDeliver(); string(m.ShortMessage) != text {
			t.Errorf("delivered is %q", m.ShortMessage)
		}
	}
}
