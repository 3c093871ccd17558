package faults

import (
	"os"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

func TestAChangedPasswordTakesEffectAndABrokenFileDoesNot(t *testing.T) {
	const changed = "secret2"
	path := writeConfig(t, t.TempDir(), nil)
	_, ready, log := startWorker(t, path)
	old := smpptest.Dial(t, ready.SMPP)
	old.Bind(smpp.CmdBindTransceiver, testClient, testPassword, smpp.V34)

	replace(t, path, configText(t, settings{"clients": clients(changed)}))
	log.awaitWords(t, "configuration taken up", "clients")
	old.ExpectAlive()
	bindsOnce(t, ready.SMPP, changed)
	refused := smpptest.Dial(t, ready.SMPP)
	refused.ExpectResp(refused.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: testClient, Password: testPassword, InterfaceVersion: smpp.V34}), smpp.RINVPASWD)

	replace(t, path, append(configText(t, settings{"clients": clients("secret3")}), "\n[server\n"...))
	log.awaitWords(t, "not taken up", path+":")
	old.ExpectAlive()
	bindsOnce(t, ready.SMPP, changed)

	replace(t, path, configText(t, settings{"clients": clients(changed), "server.listen_port": freePort(t)}))
	log.awaitWords(t, "after a restart", "server.listen_port")
	old.ExpectAlive()
	old.Unbind()
}

// bindsOnce binds a second session and ends it, so that there is room for the next.
func bindsOnce(t *testing.T, addr, password string) {
	t.Helper()
	c := smpptest.Dial(t, addr)
	c.Bind(smpp.CmdBindTransceiver, testClient, password, smpp.V34)
	c.Unbind()
}

// replace puts a new file in the old one's place, as editors do: no half of it is ever read.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	writeFile(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
