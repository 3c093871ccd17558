package faults

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// twoClients is a server with free ports that commands find by themselves, and two clients; the second one has a hash.
func twoClients(t *testing.T, more testkit.Settings) string {
	t.Helper()
	const hash = "$2a$04$U8qR9Z1uQ5pH6xOq2r2mXu3mS0d9m3qk9yJ0bN7wq1mI5c3m3sC7C" // of nothing that anybody knows
	return testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"clients": []map[string]any{
		{"system_id": testkit.Client, "password": testkit.Password, "numbers": []string{"3600"}},
		{"system_id": "acme", "password": hash, "numbers": []string{"3601"}},
	}}, more)
}

func TestSendWorksBesideTheBoundClientAndTakesNothingOfIts(t *testing.T) {
	hermes := testkit.StartHermes(t)
	hermes.Script("3601", testkit.Answer{Status: 409, Body: "campaign 3601 is closed\n"})
	path := twoClients(t, testkit.Settings{"hermes.url": hermes.URL()})
	smppserv := testkit.StartWorker(t, path)

	waits := succeeds(t, "", "reply", "--config", path, "--from", "3600", "--to", "33612345678", "--text", "for the client alone")
	if out := succeeds(t, "", "send", "--config", path, "--to", "3600", "--text", "Bonjour"); strings.Contains(out, "alone") || field(t, out, "receipt", field(t, out, "message_id")) != "DELIVRD" {
		t.Errorf("send printed %s", out)
	}
	client := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password) // both of its places
	if m := client.ExpectDeliver(); string(m.ShortMessage) != "for the client alone" {
		t.Errorf("after %s the client is given %+v", waits, m)
	}
	if out := succeeds(t, "", "send", "--config", path, "--to", "3600", "--text", strings.Repeat("Œuvre ", 30)); strings.Count(out, "DELIVRD") != 3 {
		t.Errorf("send printed %s", out)
	}
	client.ExpectAlive()
	client.ExpectSilence(time.Millisecond) // no receipt of what it did not send

	out := succeeds(t, "", "send", "--config", path, "--client", "acme", "--to", "3601", "--text", "Bonjour")
	if want := "UNDELIV err:409 HTTP 409 Conflict: campaign 3601 is closed\n"; !strings.HasSuffix(out, want) {
		t.Errorf("send printed %s, want %s", out, want)
	}
	hermes.Await(t, "acme's text", func(p testkit.Push) bool { return p.Message.Client == "acme" })

	for _, c := range []struct {
		args  []string
		words []string
	}{
		{[]string{"--client", "nobody"}, []string{"no client of", `"nobody"`, "esme1, acme"}},
		{[]string{"--password", "wrong"}, []string{"the bind of esme1", "was refused"}},
		{[]string{"--client", "acme"}, []string{"the message was refused"}}, // it does not own 3600
	} {
		r := command(t, "smppserv", "", append([]string{"send", "--config", path, "--to", "3600", "--text", "x"}, c.args...)...)
		if r.code != 1 {
			t.Errorf("%s: exit code %d, %s", c.args, r.code, r.stdout)
		}
		oneLine(t, r.stderr, c.words...)
	}
}

func TestSendWithThePasswordAsksForTheStateAndTakesNothing(t *testing.T) {
	path := twoClients(t, nil)
	smppserv := testkit.StartWorker(t, path)
	receiver := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindReceiver, testkit.Client, testkit.Password)
	out := succeeds(t, "", "send", "--config", path, "--to", "3600", "--text", "Bonjour", "--password", testkit.Password)
	if field(t, out, "receipt", field(t, out, "message_id")) != "DELIVRD" {
		t.Errorf("send printed %s", out)
	}
	receiver.ExpectAlive()
	receiver.ExpectSilence(time.Millisecond)
}

func TestReceiveShowsWhatWaitsForTheClient(t *testing.T) {
	path := twoClients(t, nil)
	testkit.StartWorker(t, path)
	succeeds(t, "", "reply", "--config", path, "--from", "3600", "--to", "33612345678", "--text", "été")
	if out := succeeds(t, "", "receive", "--config", path, "--wait", "2s"); out != "received   from 3600 to 33612345678: été\n" {
		t.Errorf("receive printed %q", out)
	}
}

// answering is the address of a port that answers whatever comes with these words, and stays.
func answering(t *testing.T, words string) string {
	t.Helper()
	return testkit.Serve(t, func(_ int, c net.Conn) {
		_, _ = c.Write([]byte(words))
		_, _ = io.Copy(io.Discard, c)
	})
}

func TestSendEndsByItselfWhereNobodySpeaksSMPP(t *testing.T) {
	mute, web := answering(t, ""), answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n")
	tcp := testkit.FreePort(t)
	path := twoClients(t, testkit.Settings{"tcp.listen_port": tcp})
	testkit.StartWorker(t, path)
	for name, c := range map[string]struct {
		addr string
		want []string
	}{
		"mute":    {mute, []string{"does not answer a bind within", "is it the port for SMPP?"}},
		"hermes":  {testkit.Loopback(tcp), []string{"does not answer a bind within", "that is tcp.listen_port"}},
		"HTTP":    {web, []string{"answers, but does not speak SMPP"}},
		"nothing": {testkit.Loopback(testkit.FreePort(t)), []string{"no server answers at", "start it with: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := command(t, "smppserv", "", "send", "--config", path, "--addr", c.addr, "--to", "3600", "--text", "x")
			if r.code != 1 {
				t.Errorf("exit code %d", r.code)
			}
			oneLine(t, r.stderr, append(c.want, c.addr)...)
		})
	}
}

func TestReloadTellsWhatTheRunningServerMadeOfTheFile(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir())
	r := command(t, "smppserv", "", "reload", "--config", path)
	if r.code != 1 {
		t.Errorf("without a server: exit code %d", r.code)
	}
	if !strings.Contains(r.stderr, path+" is valid; no server runs with it") {
		t.Errorf("without a server: %s", r.stderr)
	}
	smppserv := testkit.StartWorker(t, path)
	reload := func(want string) {
		t.Helper()
		if out := succeeds(t, "", "reload", "--config", path); out != path+" is valid; the running server has taken it up"+want+"\n" {
			t.Errorf("printed %swant %s", out, want)
		}
	}
	reload(", and nothing has changed")
	replace(t, path, testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients("secret2"), "server.window": 5}))
	reload(": clients[esme1].password; these wait for a restart: server.window")
	replace(t, path, testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients("secret3"), "server.window": 5}))
	reload(": clients[esme1].password; these wait for a restart: server.window") // it has not run since
	replace(t, path, testkit.ConfigText(t, testkit.Settings{"clients": testkit.Clients("secret3")}))
	reload(", and nothing has changed")
	smppserv.Log.AwaitWords(t, "nothing waits for a restart any more")

	smppserv.Stop(t)
	if r := command(t, "smppserv", "", "reload", "--config", path); r.code != 1 {
		t.Errorf("after the server's end: exit code %d, %s", r.code, r.stdout)
	}
}

func TestCheckNamesTheLineOfABodyTemplateAndWhatOnlyATryShows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	writeFile(t, path, []byte(needed+"[hermes.request]\n\nbody = '{\"text\":{{json .Txt}}}'\n"))
	r := command(t, "smppserv", "", "check", "--config", path)
	if r.code != int(worker.ExitBadConfig) {
		t.Errorf("exit code %d", r.code)
	}
	oneLine(t, r.stderr, path+":8: hermes.request.body: ", ".Txt")

	writeFile(t, filepath.Join(dir, "file"), nil)
	writeFile(t, path, []byte(needed+"[store]\ndsn = 'file/messages.db'\n"))
	r = command(t, "smppserv", "", "check", "--config", path)
	if r.code != 0 || !strings.Contains(r.stderr, "warning: store.dsn: the folder "+filepath.Join(dir, "file")+" cannot be made") {
		t.Errorf("exit code %d, %s", r.code, r.stderr)
	}
}

func TestAMessagesEndIsInMessagesLogAndItsTextNowhere(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"log.level": "trace"})
	smppserv := testkit.StartWorker(t, path)
	succeeds(t, "", "send", "--config", path, "--to", "3600", "--text", "hush hush")
	smppserv.Log.AwaitWords(t, `"pdu":"submit_sm"`, `"short_message_octets":9`)
	smppserv.Stop(t)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(path), "logs", "messages.log"))
	if err != nil {
		t.Fatal(err)
	}
	oneLine(t, string(data), `"id":"1"`, `"from":"33612345678"`, `"to":"3600"`, `"client":"esme1"`, `"state":"DELIVERED"`)
	for name, text := range map[string]string{"messages.log": string(data), "the log": smppserv.Log.String()} {
		if strings.Contains(text, "hush") || strings.Contains(text, testkit.Password) {
			t.Errorf("%s holds a text or a password:\n%s", name, text)
		}
	}
}
