//go:build !windows

package faults

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// What nobody may find outside of config.toml and the database: secrets, and what people wrote.
var (
	fixtureSecrets = map[string]string{
		"the password of a client": "pw-Cl13nt", "a wrong password": "pw-Wr0ng", "the password behind a hash": "pw-Ha5hed", "the password in an outbind": "pw0utb1n",
		"tcp.token": "tok3n-Of-Hermes", "a wrong token": "tok3n-Wr0ng", "hermes.secret": "s1gning-Secret", "the password in hermes.url": "url-Passw0rd",
		"a header": "h3ader-Key", "an operator's password": "pw-0perator", "an operator's wrong one": "pw-0ther", "the webhook": "w3bhook-Path", "the mail server's": "pw-Ma1l",
		"one from the environment": "env-Tok3n", "the text of an operator's": "Text-By-Op3rator",
	}
	fixtureTexts = []string{"Text-Submitt3d", "Text-Repl1ed", "Text-Rej3cted", "Text-Ech0ed", "Text-In-A-Br0ken-Line", "Text-Wa1ting", "Text-Thr0ttled"}
)

// inEveryForm are the forms in which octets might stand in a file.
func inEveryForm(s string) (forms [][]byte) {
	forms = append(forms, []byte(s), []byte(hex.EncodeToString([]byte(s))), []byte(strings.ToUpper(hex.EncodeToString([]byte(s)))), []byte(url.QueryEscape(s)))
	for skip := range 3 { // wherever in a group of three octets it begins
		padded := base64.StdEncoding.EncodeToString(append(make([]byte, skip), s...))
		forms = append(forms, []byte(padded[4:len(padded)-4]))
	}
	var wide []byte
	for i := range len(s) {
		wide = append(wide, 0, s[i])
	}
	return append(forms, wide)
}

// outputs are what a server has said of itself, by where.
type outputs map[string][]byte

func (o outputs) search(t *testing.T) {
	t.Helper()
	needles := map[string]string{}
	for what, secret := range fixtureSecrets {
		needles[what] = secret
	}
	for _, text := range fixtureTexts {
		needles["the text "+text] = text
	}
	for what, needle := range needles {
		for _, form := range inEveryForm(needle) {
			for where, said := range o {
				if at := bytes.Index(said, form); at >= 0 {
					t.Errorf("%s is in %s: …%s…", what, where, said[max(0, at-80):min(len(said), at+40)])
				}
			}
		}
	}
}

// files adds all below a folder but those that are to hold secrets or texts.
func (o outputs) files(t *testing.T, dir string, but ...string) {
	t.Helper()
	eachFile(t, dir, func(name string, data []byte) {
		if !slices.ContainsFunc(but, func(b string) bool { return name == b || strings.HasPrefix(name, b+"-") }) {
			o[name] = data
		}
	})
}

// get adds what the admin port answers.
func (o outputs) get(t *testing.T, c *http.Client, base, path string, show func(*http.Request)) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if show != nil {
		show(r)
	}
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	said, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	_ = a.Header.Write(&head)
	o["GET "+path+" "+a.Status] = append(head.Bytes(), said...)
	return said
}

func TestNoSecretAndNoTextOfAMessageLeavesConfigTOMLAndTheDatabase(t *testing.T) {
	dir := t.TempDir()
	const echoing = "3609"
	secret := fixtureSecrets
	hermes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(echoing)) { // a server that quotes what it refuses
			w.WriteHeader(http.StatusConflict)
			w.Write(body)
		}
	}))
	defer hermes.Close()
	at, err := url.Parse(hermes.URL)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("hermes", secret["the password in hermes.url"])
	cert, key := filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
	testkit.WriteCertificate(t, cert, key, "127.0.0.1")
	hash := strings.TrimSpace(succeeds(t, secret["the password behind a hash"]+"\n", "hash-password"))
	operatorHash := strings.TrimSpace(succeeds(t, secret["an operator's password"]+"\n", "hash-password", "--algorithm", "bcrypt"))
	t.Setenv("SMPP_TEST_TOKEN", secret["one from the environment"])
	silent := testkit.Serve(t, func(_ int, c net.Conn) { io.Copy(io.Discard, c) })
	settings := testkit.Settings{
		"log.level": "trace", "hermes.url": at.String(), "hermes.secret": secret["hermes.secret"], "hermes.retry": []string{"1h"},
		"hermes.request.headers": map[string]any{"X-Api-Key": secret["a header"], "X-Env": "a ${SMPP_TEST_TOKEN} b"}, "tcp.token": secret["tcp.token"],
		"tcp.tls": map[string]any{"listen_port": testkit.FreePort(t), "cert_file": cert, "key_file": key},
		"clients": []map[string]any{
			{"system_id": testkit.Client, "password": secret["the password of a client"], "bind_policy": "pair", "numbers": []string{"36*"}},
			{"system_id": "hashed", "password": hash, "numbers": []string{"37*"}, "outbind": silent, "outbind_password": secret["the password in an outbind"], "throttle_rate": 1},
		},
		"admin.listen": "127.0.0.1:0",
		"admin.users":  []map[string]any{{"name": "ops", "password": operatorHash, "role": "admin", "texts": true}, {"name": "looks", "password": secret["an operator's password"], "role": "viewer"}},
		"alerts":       []map[string]any{{"when": "waiting", "limit": "1", "webhook": "http://" + silent + "/" + secret["the webhook"]}},
		"mail":         map[string]any{"server": "mail.example", "user": "me", "password": secret["the mail server's"], "from": "a@example.com"},
	}
	path := testkit.WriteConfig(t, dir, settings)
	launcher := testkit.StartLauncher(t, path)
	ready := launcher.AwaitReady(t)
	pid := launcher.AwaitPID(t, nil)
	var runs *running.Server
	testkit.Await(t, "the server tells its commands of itself", func() bool {
		runs, err = running.Look(path)
		return err == nil && runs != nil
	})

	// Clients, good and bad, and what they submit.
	good := testkit.Bind(t, ready.SMPP, smpp.CmdBindTransceiver, testkit.Client, secret["the password of a client"])
	hashed := testkit.Bind(t, ready.SMPP, smpp.CmdBindTransmitter, "hashed", secret["the password behind a hash"])
	for _, system := range []string{testkit.Client, "hashed", "nobody"} {
		c := smpptest.Dial(t, ready.SMPP)
		c.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: system, Password: secret["a wrong password"], InterfaceVersion: smpp.V34})
		c.Expect(smpp.CmdBindTransceiverResp)
	}
	submit := good.Submit(customer, "3600", "Text-Submitt3d")
	good.Submit(customer, echoing, "Text-Ech0ed")
	for range 3 {
		hashed.Send(&smpp.SubmitSM{Source: smpp.Address{TON: 1, NPI: 1, Addr: customer}, Dest: smpp.Address{Addr: "3700"}, ShortMessage: []byte("Text-Thr0ttled")})
		hashed.Expect(smpp.CmdSubmitSMResp)
	}
	lines := []string{
		`{"id":"h-1","token":"` + secret["tcp.token"] + `","from":"3600","to":"` + customer + `","text":"Text-Repl1ed"}`,
		`{"id":"h-2","token":"` + secret["a wrong token"] + `","from":"3600","to":"` + customer + `","text":"Text-Rej3cted"}`,
		`{"id":"h-3","token":"` + secret["tcp.token"] + `","from":"9999","to":"` + customer + `","text":"Text-Rej3cted"}`,
		`{"id":"h-4","token":"` + secret["tcp.token"] + `","from":"3600","to":"` + customer + `","text":"Text-Rej3cted","validity":"Text-Rej3cted"}`,
		`{"id":"h-5","token":"` + secret["tcp.token"] + `","from":"3700","to":"` + customer + `","text":"Text-Wa1ting"}`,
		`{"id":"h-6","token":"` + secret["tcp.token"] + `" "text":"Text-In-A-Br0ken-Line`,
	}
	tcpTLS, err := tls.Dial("tcp", runs.TCPTLS, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer tcpTLS.Close()
	plain, err := net.Dial("tcp", ready.TCP)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	said := outputs{}
	for name, conn := range map[string]net.Conn{"the TCP port": plain, "the TCP port over TLS": tcpTLS} {
		_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
		answers := json.NewDecoder(conn)
		for i, line := range lines {
			if _, err := io.WriteString(conn, strings.ReplaceAll(line, "h-", name+"-")+"\n"); err != nil {
				t.Fatal(err)
			}
			var answer json.RawMessage
			if err := answers.Decode(&answer); err != nil {
				t.Fatal(err)
			}
			if accepted := i == 0 || i == 4; strings.Contains(string(answer), `"accepted"`) != accepted {
				t.Errorf("%s answers %s to %s", name, answer, line)
			}
			said[name+", line "+strconv.Itoa(i)] = answer
		}
	}
	if got := good.ExpectDeliver(); string(got.ShortMessage) == "" {
		t.Error("nothing came")
	}

	// Operators.
	base := "http://" + running.Reachable(runs.Admin)
	visitor := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	byToken := func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+runs.Token) }
	operator := func(r *http.Request) { r.SetBasicAuth("ops", secret["an operator's password"]) }
	wrong := func(r *http.Request) { r.SetBasicAuth("ops", secret["an operator's wrong one"]) }
	testkit.Await(t, "the push that is refused has its end", func() bool {
		return bytes.Contains(said.get(t, visitor, base, "/api/v1/messages?state=UNDELIVERABLE", operator), []byte(echoing))
	})
	for _, path := range []string{"/api/v1/status", "/api/v1/clients", "/api/v1/clients/hashed", "/api/v1/sessions", "/api/v1/messages", "/api/v1/messages?number=" + customer,
		"/api/v1/messages/" + submit, "/api/v1/waiting", "/api/v1/settings", "/api/v1/log", "/api/v1/audit", "/api/v1/nodes", "/api/v1/reports?by=client", "/api/v1/nothing",
		"/metrics", "/readyz", "/healthz", "/", "/clients", "/clients/hashed", "/messages", "/messages/" + submit, "/settings", "/log", "/audit", "/messages.csv", "/login"} {
		said.get(t, visitor, base, path, operator)
		if len(path) < 9 { // a few: after 20 in a minute the answers wait
			said.get(t, visitor, base, path+"#", wrong)
		}
		said.get(t, visitor, base, path+"##", nil)
		if strings.HasPrefix(path, "/api") {
			said.get(t, visitor, base, path+"###", byToken)
		}
	}
	for _, args := range [][]string{{"status"}, {"messages"}, {"message", submit}, {"log"}, {"audit"}, {"check", "--strict"}, {"clients", "hashed"}, {"version"}} {
		r := command(t, "smppserv", "", append(args, "--config", path)...)
		said["smppserv "+args[0]] = []byte(r.stdout + r.stderr)
	}
	r := command(t, "launcher", "", "status", "--json", "--config", path)
	said["launcher status"] = []byte(r.stdout + r.stderr)

	// A reload with a fault in each secret's own line, and one that changes a secret.
	settings["tcp.token"] = secret["tcp.token"] + "2"
	settings["log.level"] = "nonsense"
	testkit.WriteConfig(t, dir, settings)
	r = command(t, "smppserv", "", "reload", "--config", path)
	said["smppserv reload, a fault"] = []byte(r.stdout + r.stderr)
	settings["log.level"] = "trace"
	testkit.WriteConfig(t, dir, settings)
	said["smppserv reload"] = []byte(succeeds(t, "", "reload", "--config", path))
	said.get(t, visitor, base, "/api/v1/settings", operator)

	// A crash, with the stacks of all goroutines; the next worker goes on.
	if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	launcher.AwaitPID(t, map[int]bool{pid: true})
	r = command(t, "launcher", "", "status", "--config", path)
	said["launcher status after a crash"] = []byte(r.stdout + r.stderr)
	launcher.Stop(t)
	said["the launcher's console"] = []byte(launcher.Log.String())
	said.files(t, dir, "config.toml", "messages.db", "tls.pem", "tls.key")
	for _, file := range []string{"logs/smppserv.log", "logs/launcher.log", "logs/launcher.status.json", "data/config.keys.json"} {
		if len(said[filepath.FromSlash(file)]) == 0 {
			t.Errorf("%s is empty or not there", file)
		}
	}
	log := string(said[filepath.FromSlash("logs/smppserv.log")])
	for _, word := range []string{"SIGQUIT", "goroutine ", "submit_sm", "409 Conflict", "is rejected"} {
		if !strings.Contains(log, word) {
			t.Errorf("the log lacks %q: the run did not do what the test is about", word)
		}
	}
	if _, there := said[filepath.FromSlash("data/config.running.json")]; there {
		t.Error("the file with the token stays behind") // a polite stop takes it away
	}
	said.search(t)
}

// The file that the commands are let in by holds the token of this start, and nothing of config.toml's.
func TestTheFileOfTheTokenIsTheServersAccountsAlone(t *testing.T) {
	dir := t.TempDir()
	path := testkit.WriteConfig(t, dir, testkit.Settings{"tcp.token": fixtureSecrets["tcp.token"], "clients": testkit.Clients(fixtureSecrets["the password of a client"])})
	testkit.StartWorker(t, path)
	file := filepath.Join(dir, "data", "config.running.json")
	testkit.Await(t, "the server tells its commands of itself", func() bool { s, err := running.Look(path); return err == nil && s != nil && s.Token != "" })
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	said := outputs{}
	said.files(t, dir, "config.toml", "messages.db")
	if len(said[filepath.Join("data", "config.running.json")]) == 0 {
		t.Error("it was not searched")
	}
	said.search(t)
}
