package faults

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// succeeds runs smppserv and returns what it printed.
func succeeds(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := command(t, "smppserv", stdin, args...)
	if r.code != 0 {
		t.Fatalf("smppserv %s: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

func TestVersionNamesTheProduct(t *testing.T) {
	if out := succeeds(t, "", "version"); !strings.HasPrefix(out, "HNET SMPP Serv ") {
		t.Errorf("printed %q", out)
	}
}

func TestCheckTellsAValidFileFromABrokenOne(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir())
	if out := succeeds(t, "", "check", "--config", path); out != path+" is valid\n" {
		t.Errorf("printed %q", out)
	}
	writeFile(t, path, []byte("[tcp]\nlisten_port = \"many\"\n"+needed))
	r := command(t, "smppserv", "", "check", "--config", path)
	if r.code != int(worker.ExitBadConfig) {
		t.Errorf("exit code %d", r.code)
	}
	oneLine(t, r.stderr, path+":2: tcp.listen_port")
}

func TestAHashedPasswordLetsItsClientBind(t *testing.T) {
	hash := strings.TrimSuffix(succeeds(t, testkit.Password+"\n", "hash-password"), "\n")
	if !config.CheckPassword(hash, testkit.Password) || !config.IsHash(hash) {
		t.Fatalf("%q is no hash of the password", hash)
	}
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"clients": testkit.Clients(hash)}))
	testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)

	r := command(t, "smppserv", "", "hash-password")
	if r.code == 0 {
		t.Error("no password was hashed")
	}
	oneLine(t, r.stderr, "holds no password")
}

func TestSendAndReplyAgainstARunningServer(t *testing.T) {
	hermes := testkit.StartHermes(t)
	port := testkit.FreePort(t)
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{
		"server.listen_port": port, "tcp.listen_port": testkit.FreePort(t), "hermes.url": hermes.URL(),
	})
	refused := command(t, "smppserv", "", "send", "--config", path, "--to", campaign, "--text", "Bonjour")
	if refused.code == 0 {
		t.Error("send succeeded without a server")
	}
	oneLine(t, refused.stderr, testkit.Loopback(port), "smppserv")

	testkit.StartWorker(t, path)
	out := succeeds(t, "", "send", "--config", path, "--to", campaign, "--text", "Bonjour")
	id := field(t, out, "message_id")
	if state := field(t, out, "receipt", id); state != "DELIVRD" {
		t.Errorf("the receipt says %s", state)
	}
	hermes.Await(t, "the text", func(p testkit.Push) bool { return p.Message.ID == id && p.Message.Text == "Bonjour" })

	long := succeeds(t, "", "send", "--config", path, "--to", campaign, "--text", strings.Repeat("Œuvre ", 30))
	if n := strings.Count(long, "DELIVRD"); n != 3 {
		t.Errorf("180 characters of UCS-2 have %d receipts:\n%s", n, long)
	}

	c := testkit.Bind(t, testkit.Loopback(port), smpp.CmdBindReceiver, testkit.Client, testkit.Password)
	reply := []string{"reply", "--config", path, "--from", campaign, "--to", "33612345678", "--text", "Bonjour a vous", "--id", "h-1"}
	out = succeeds(t, "", reply...)
	if !strings.HasPrefix(out, "accepted") {
		t.Errorf("reply printed %q", out)
	}
	if m := c.ExpectDeliver(); string(m.ShortMessage) != "Bonjour a vous" || m.Source.Addr != campaign || m.Dest.Addr != "33612345678" {
		t.Errorf("delivered %+v", m)
	}
	if again := succeeds(t, "", reply...); !strings.Contains(again, "duplicate") || field(t, out, "accepted", "message_id") == "" {
		t.Errorf("reply with the same id printed %q", again)
	}
}
