package faults

import (
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// withTLS has both ports speak TLS, too, with a certificate that names this machine; it is returned with its key.
func withTLS(t *testing.T, dir string) (s testkit.Settings, cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "own.pem"), filepath.Join(dir, "own.key")
	testkit.WriteCertificate(t, cert, key, "127.0.0.1", "sms.example")
	table := func() map[string]any {
		return map[string]any{"listen_port": testkit.FreePort(t), "cert_file": cert, "key_file": key}
	}
	return testkit.Settings{"server.tls": table(), "tcp.tls": table()}, cert, key
}

func TestTheCommandsSpeakTLSWithThePortsThatDo(t *testing.T) {
	dir := t.TempDir()
	settings, cert, key := withTLS(t, dir)
	path := testkit.WriteConfig(t, dir, settings)
	smppserv := testkit.StartWorker(t, path)
	for _, more := range [][]string{{}, {"--tls-ca", cert}, {"--addr", smppserv.SMPPTLS}, {"--addr", smppserv.SMPPTLS, "--password", testkit.Password}} {
		out := succeeds(t, "", append([]string{"send", "--config", path, "--to", campaign, "--text", "Bonjour", "--tls"}, more...)...)
		if !strings.Contains(out, "DELIVRD") {
			t.Errorf("send --tls %s printed %q", more, out)
		}
	}
	c := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindReceiver, testkit.Client, testkit.Password)
	for _, more := range [][]string{{}, {"--tls-ca", cert}, {"--addr", smppserv.TCPTLS}} {
		succeeds(t, "", append([]string{"reply", "--config", path, "--from", campaign, "--to", customer, "--text", "ok", "--tls"}, more...)...)
		if got := takeText(t, c); got != "ok" {
			t.Errorf("reply --tls %s: %q came", more, got)
		}
	}
	other, otherKey := filepath.Join(dir, "other.pem"), filepath.Join(dir, "other.key")
	testkit.WriteCertificate(t, other, otherKey, "127.0.0.1")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"reply", "--tls", "--tls-ca", other}, "is not trusted"},
		{[]string{"send", "--tls", "--tls-ca", other}, "is not trusted"},
		{[]string{"reply", "--tls", "--addr", smppserv.TCP}, "does not speak TLS: leave --tls out"},
		{[]string{"send", "--tls", "--addr", smppserv.SMPP}, "does not speak TLS: leave --tls out"},
		{[]string{"reply", "--tls", "--tls-cert", cert}, "--tls-cert, --tls-key: "},
		{[]string{"reply", "--tls-cert", cert, "--tls-key", key}, "go with --tls"},
	} {
		args := append(c.args, "--config", path, "--to", campaign, "--text", "x")
		if c.args[0] == "reply" {
			args = append(args, "--from", campaign)
		}
		r := command(t, "smppserv", "", args...)
		if r.code == 0 {
			t.Errorf("%s succeeded: %s", c.args, r.stdout)
		}
		oneLine(t, r.stderr, c.want)
	}
	off := testkit.WriteConfig(t, t.TempDir())
	r := command(t, "smppserv", "", "reply", "--config", off, "--from", campaign, "--to", customer, "--text", "x", "--tls")
	oneLine(t, r.stderr, "tcp.tls.listen_port is 0")
}

func TestCheckStrictRefusesWhatOnlyAnEarlierVersionAccepted(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		settings testkit.Settings
		want     string // "" = it is strictly valid
	}{
		{testkit.Settings{}, ""},
		{testkit.Settings{"tcp.allow": []string{"127.0.0.1/32", "::1/128"}}, ""},
		{testkit.Settings{"tcp.allow": []string{"10.0.0.0/8"}}, "tcp.allow"},
		{testkit.Settings{"tcp.allow": []string{"0.0.0.0/0"}}, "tcp.allow"},
		{testkit.Settings{"tcp.allow": []string{"::/0"}}, "tcp.allow"},
		{testkit.Settings{"tcp.allow": []string{}}, "tcp.allow"},
		{testkit.Settings{"tcp.allow": []string{"10.0.0.0/8"}, "tcp.token": "t0ken"}, ""},
		{testkit.Settings{"admin.listen": "0.0.0.0:0", "admin.users": []map[string]any{{"name": "ops", "password": "x"}}}, "admin.listen"},
	} {
		path := testkit.WriteConfig(t, dir, c.settings)
		if r := command(t, "smppserv", "", "check", "--config", path); r.code != 0 || c.want != "" && !strings.Contains(r.stderr, "warning: "+c.want) {
			t.Errorf("%v: not accepted with a warning: %d %s", c.settings, r.code, r.stderr)
		}
		r := command(t, "smppserv", "", "check", "--strict", "--config", path)
		switch {
		case c.want == "" && r.code != 0:
			t.Errorf("%v: exit code %d: %s", c.settings, r.code, r.stderr)
		case c.want != "" && (r.code != int(worker.ExitBadConfig) || !strings.Contains(r.stderr, "not strictly:\n  "+c.want)):
			t.Errorf("%v: exit code %d, %s", c.settings, r.code, r.stderr)
		}
	}
	path := testkit.WriteConfig(t, dir, testkit.Settings{"tcp.allow": []string{"10.0.0.0/8"}})
	testkit.StartWorker(t, path).Log.AwaitWords(t, "warn", "tcp.allow", "lets other machines in and there is no tcp.token")
}
