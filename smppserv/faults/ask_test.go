package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// asked runs a command against the server of a configuration.
func asked(t *testing.T, config, line string) result {
	t.Helper()
	args := strings.Fields(line)
	return command(t, "smppserv", "", append([]string{args[0], "--config", config}, args[1:]...)...)
}

// answered is the answer of the API to a command that succeeds, or ends with the code given.
func answered[T any](t *testing.T, config, line string, code int) (v T) {
	t.Helper()
	r := asked(t, config, line+" --json")
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || r.code != code {
		t.Fatalf("%s: exit code %d, want %d, %v\n%s%s", line, r.code, code, err, r.stdout, r.stderr)
	}
	return v
}

// says requires that a command succeeds and prints every word.
func says(t *testing.T, config, line string, words ...string) string {
	t.Helper()
	r := asked(t, config, line)
	if r.code != 0 || r.stderr != "" {
		t.Errorf("%s: exit code %d, %s", line, r.code, r.stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("%s: %q is not in\n%s", line, word, r.stdout)
		}
	}
	return r.stdout
}

func TestTheCommandsAnswerWhatOperatorsAskWhileHermesIsSilent(t *testing.T) {
	hermes := testkit.StartHermes(t)
	hermes.Script("3600", testkit.Answer{Status: 503})
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes.URL(), "admin.listen": "127.0.0.1:0", "hermes.retry": []string{"1h"},
		"clients": []map[string]any{{"system_id": testkit.Client, "password": testkit.Password, "numbers": []string{"3600"}},
			{"system_id": "idle", "password": "secret2", "numbers": []string{"3601"}}}})
	smppserv := testkit.StartWorker(t, path)
	if st := answered[adminapi.Status](t, path, "status", 0); !st.Ready || len(st.Parts) != 6 || len(st.Attention) != 0 {
		t.Errorf("a server that is well: %+v", st)
	}

	c := testkit.Bind(t, smppserv.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
	id := field(t, succeeds(t, "", "reply", "--config", path, "--from", "3601", "--to", "33612345670", "--text", "for who is not there"), "accepted", "message_id")
	sent := command(t, "smppserv", "", "send", "--config", path, "--to", "3600", "--from", "33612345678", "--text", "Bonjour", "--wait", "1ms")
	waits := field(t, sent.stdout, "message_id")
	testkit.Await(t, "that Hermès is known to be silent", func() bool { return asked(t, path, "status").code == 6 })
	r := asked(t, path, "status")
	for _, words := range []string{"hermes", "bad", "503", "to do: see whether Hermès runs", "waits for idle"} {
		if !strings.Contains(r.stdout, words) {
			t.Errorf("status does not say %q:\n%s", words, r.stdout)
		}
	}

	says(t, path, "clients", "idle", "UNBOUND", testkit.Client, "BOUND_TRX")
	says(t, path, "clients idle", "not bound", "numbers", "3601")
	says(t, path, "waiting", "hermes", "503", "idle")
	found := answered[adminapi.Page](t, path, "messages --number 3361234567* --state waiting --from today", 0)
	if len(found.Messages) != 2 {
		t.Errorf("found %+v", found)
	}
	if one := answered[adminapi.Page](t, path, "messages --limit 1", 0); len(one.Messages) != 1 || one.Next == "" {
		t.Errorf("the first of two: %+v", one)
	} else if rest := answered[adminapi.Page](t, path, "messages --cursor "+one.Next, 0); len(rest.Messages) != 1 || rest.Messages[0].ID == one.Messages[0].ID {
		t.Errorf("after %s: %+v", one.Next, rest)
	}
	if text := says(t, path, "message "+waits, "accepted", "HTTP 503", "data_coding", "retry"); strings.Contains(text, "Bonjour") || strings.Contains(text, "0001-01-01") {
		t.Errorf("without --text:\n%s", text)
	}
	says(t, path, "message --text "+waits, "Bonjour")

	says(t, path, "pause idle", "idle")
	if one := answered[adminapi.Client](t, path, "clients idle", 0); one.Paused == nil || one.Paused.By != adminapi.ActorToken {
		t.Errorf("after pause: %+v", one)
	}
	says(t, path, "resume idle", "idle")
	again := answered[adminapi.Done](t, path, "send-again "+id, 0)
	says(t, path, "cancel "+id, id)
	if m := answered[adminapi.Detail](t, path, "message "+id, 0); m.State != "DELETED" {
		t.Errorf("after cancel: %+v", m)
	}
	r = asked(t, path, "cancel "+id+" 999999 "+again.ID)
	if r.code != 1 || strings.Count(r.stderr, "\n") != 3 || !strings.Contains(r.stderr, "2 of 3 messages were refused") || !strings.Contains(r.stdout, again.ID) {
		t.Errorf("one of three: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	id = field(t, succeeds(t, "", "reply", "--config", path, "--from", "3601", "--to", "33612345670", "--text", "handed over"), "accepted", "message_id")
	says(t, path, "hand-over --from idle --to "+testkit.Client, testkit.Client)
	if m := c.ExpectDeliver(); string(m.ShortMessage) != "handed over" {
		t.Errorf("message %s was handed over, and %+v came", id, m)
	}

	hermes.Script("3600", testkit.Answer{Status: 200})
	says(t, path, "retry "+waits, waits)
	hermes.Await(t, "what was retried", func(p testkit.Push) bool { return p.Message.ID == waits && p.Status == 200 })
	testkit.Await(t, "that it is counted", func() bool {
		return answered[adminapi.Report](t, path, "report --by client --client "+testkit.Client, 0).Sum.Pushed == 1
	})
	rows, err := csv.NewReader(strings.NewReader(says(t, path, "report --csv", "campaign"))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Errorf("the report as CSV: %q, %v", rows, err)
	}
	says(t, path, "report", "CAMPAIGN", "3600", "3601", "all")
	says(t, path, "log --contains ready", "ready", smppserv.SMPP)

	says(t, path, "trace "+testkit.Client+" on", testkit.Client)
	c.ExpectAlive()
	file := filepath.Join(t.TempDir(), "esme.pcapng")
	says(t, path, "trace "+testkit.Client+" save "+file, file)
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), "\n\r\r\n") || !strings.Contains(string(text), "\x00\x00\x00\x10\x00\x00\x00\x15") {
		t.Errorf("the file of an enquire_link: %q, %v", text, err)
	}
	r = asked(t, path, "trace "+testkit.Client+" save "+file)
	oneLine(t, r.stderr, "exists already", "--force")
	says(t, path, "trace "+testkit.Client+" save --force --texts "+file)
	says(t, path, "trace "+testkit.Client+" off", testkit.Client)

	sessions := answered[[]adminapi.Session](t, path, "sessions", 0)
	if len(sessions) != 1 || sessions[0].SystemID != testkit.Client {
		t.Fatalf("sessions: %+v", sessions)
	}
	says(t, path, fmt.Sprint("unbind ", sessions[0].ID), "is unbound")
	testkit.Await(t, "that the audit tells who unbound it", func() bool { // it is written behind the answer
		a := answered[adminapi.Audit](t, path, "audit", 0)
		return len(a.Entries) > 0 && a.Entries[0].What == "unbind" && a.Entries[0].Who == adminapi.ActorToken
	})
	says(t, path, "audit --limit 1", "unbind")
	c.Expect(smpp.CmdUnbind)
}

func TestACommandThatCannotAskSaysWhyInOneLine(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"admin.listen": "127.0.0.1:0"})
	r := asked(t, path, "status")
	if r.code != 1 {
		t.Errorf("without a server: exit code %d", r.code)
	}
	oneLine(t, r.stderr, "no server runs with "+path, "start it with: smppserv")

	smppserv := testkit.StartWorker(t, path)
	for line, words := range map[string][]string{
		"message 12345":                  {"not found", "no message has this id"},
		"clients nobody":                 {"not found", `"nobody"`},
		"resume " + testkit.Client:       {"not possible as things are"},
		"messages --cursor x":            {"not understood"},
		"status --addr " + smppserv.SMPP: {"is not the admin port", "admin.listen"},
		"status --addr " + testkit.Loopback(testkit.FreePort(t)): {"no server answers", "start it with"},
		"sessions --user ops": {"needs a password", "SMPPSERV_PASSWORD"},
		"alerts test":         {"alerts"},
	} {
		r := asked(t, path, line)
		if r.code != 1 {
			t.Errorf("%s: exit code %d\n%s", line, r.code, r.stdout)
		}
		oneLine(t, r.stderr, words...)
	}
	for _, line := range []string{"messages --from hier", "messages --state lost", "trace acme save", "trace acme on x.pcapng", "report --csv --json", "log --limit 0"} {
		if r := asked(t, path, line); r.code != 2 {
			t.Errorf("%s: exit code %d, %s", line, r.code, r.stderr)
		}
	}

	off := testkit.WriteConfig(t, t.TempDir())
	testkit.StartWorker(t, off)
	oneLine(t, asked(t, off, "waiting").stderr, "no port for its commands", "admin.listen")
}

func TestALogIsFollowedOverARestartUntilItIsInterrupted(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"admin.listen": "127.0.0.1:0"})
	smppserv := testkit.StartWorker(t, path)
	var out, said testkit.Log
	follow := exec.Command(testkit.Program(t, "smppserv"), "log", "--config", path, "--follow", "--level", "debug")
	follow.Stdout, follow.Stderr = &out, &said
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if follow.ProcessState == nil {
			_ = follow.Process.Kill()
			_ = follow.Wait()
		}
	})
	out.AwaitWords(t, "ready", smppserv.SMPP)
	says(t, path, "pause "+testkit.Client)
	out.AwaitWords(t, "an operator acts", "pause")
	smppserv.Stop(t)
	said.AwaitWords(t, "the server is away")
	smppserv.Start(t)
	out.AwaitWords(t, "ready", smppserv.SMPP)
	polite, err := testkit.Terminate(follow.Process)
	if err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); polite && err != nil {
		t.Errorf("interrupted, it ends with %v\n%s", err, &said)
	}
	if n := strings.Count(out.String(), "an operator acts"); n != 1 {
		t.Errorf("the line of the pause is shown %d times:\n%s", n, &out)
	}
	if strings.Count(said.String(), "\n") != 1 {
		t.Errorf("it says\n%s", &said)
	}
}

func TestCommandsAskOverHTTPSWithTheTokenOrAsAUser(t *testing.T) {
	folder := t.TempDir()
	writeCertificate(t, folder)
	path := testkit.WriteConfig(t, folder, testkit.Settings{"admin.listen": "127.0.0.1:0", "admin.cert_file": "admin.pem", "admin.key_file": "admin.key",
		"admin.users": []map[string]any{{"name": "eve", "password": "looks9only", "role": "viewer"}}})
	smppserv := testkit.StartWorker(t, path)
	says(t, path, "clients", testkit.Client) // by the token, and the certificate beside config.toml
	if r := asked(t, path, "clients --addr "+smppserv.Admin); r.code != 0 {
		t.Errorf("by its own address: %s", r.stderr)
	}
	if r := asked(t, path, "clients --addr localhost:"+smppserv.Admin[strings.LastIndexByte(smppserv.Admin, ':')+1:]); r.code != 1 || !strings.Contains(r.stderr, "speaks HTTPS") {
		t.Errorf("by plain HTTP: exit code %d, %s", r.code, r.stderr)
	}
	t.Setenv("SMPPSERV_PASSWORD", "looks9only")
	says(t, path, "clients --user eve", testkit.Client)
	r := asked(t, path, "pause --user eve "+testkit.Client)
	if r.code != 1 {
		t.Errorf("a viewer paused: %s", r.stdout)
	}
	oneLine(t, r.stderr, "not allowed", "operator")
	t.Setenv("SMPPSERV_PASSWORD", "wrong")
	oneLine(t, asked(t, path, "clients --user eve").stderr, "eve is no user of admin.users, or the password is wrong")
}

func TestTheLauncherSaysThatHermesIsSilent(t *testing.T) {
	hermes := testkit.StartHermes(t)
	hermes.Script("3600", testkit.Answer{Status: 503})
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes.URL(), "admin.listen": "127.0.0.1:0"})
	launcher := testkit.StartLauncher(t, path)
	launcher.AwaitReady(t)
	command(t, "smppserv", "", "send", "--config", path, "--to", "3600", "--text", "Bonjour", "--wait", "1ms")
	launcher.Log.AwaitWords(t, "Hermès does not take messages since", "503", "To do: see whether Hermès runs") // what the Event Log is told, too

	var said struct {
		State     string
		Hermes    adminapi.Part
		Attention []adminapi.Notice
	}
	r := command(t, "launcher", "", "status", "--config", path, "--json")
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || r.code != 0 {
		t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
	}
	if said.Hermes.Level != adminapi.Bad || len(said.Attention) != 1 || said.Attention[0].Code != adminapi.CodeHermesSilent {
		t.Errorf("status says %+v", said)
	}
	if r := command(t, "launcher", "", "status", "--config", path); !strings.Contains(r.stdout, "Hermès       bad since") {
		t.Errorf("status says\n%s", r.stdout)
	}
	hermes.Script("3600", testkit.Answer{Status: 200})
}

// writeCertificate writes admin.pem, which signs itself and bears another name than this machine's, and admin.key.
func writeCertificate(t *testing.T, folder string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"sms.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "admin.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	writeFile(t, filepath.Join(folder, "admin.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
