package faults

import (
	"os"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

func TestAChangedPasswordTakesEffectAndABrokenFileDoesNot(t *testing.T) {
	const changed = "secret2"
	path := testkit.WriteConfig(t, t.TempDir())
	smppserv := testkit.StartWorker(t, path)
	old := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)

	replace(t, path, testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients(changed)}))
	smppserv.Log.AwaitWords(t, "configuration taken up", "clients")
	old.ExpectAlive()
	bindsOnce(t, smppserv.SMPP, changed)
	refused := smpptest.Dial(t, smppserv.SMPP)
	refused.ExpectResp(refused.Send(&smpp.Bind{Type: smpp.CmdBindReceiver, SystemID: testkit.Client, Password: testkit.Password, InterfaceVersion: smpp.V34}), smpp.RINVPASWD)

	replace(t, path, append(testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients("secret3")}), "\n[server\n"...))
	smppserv.Log.AwaitWords(t, "not taken up", path+":")
	old.ExpectAlive()
	bindsOnce(t, smppserv.SMPP, changed)

	replace(t, path, testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients(changed), "server.listen_port": testkit.FreePort(t)}))
	smppserv.Log.AwaitWords(t, "after a restart", "server.listen_port")
	old.ExpectAlive()
	old.Unbind()
}

// bindsOnce binds a second session and ends it, so that there is room for the next.
func bindsOnce(t *testing.T, addr, password string) {
	t.Helper()
	testkit.Bind(t, addr, smpp.CmdBindTransceiver, testkit.Client, password).Unbind()
}

// replace puts a new file in the old one's place, as editors do: no half of it is ever read.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	writeFile(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}
