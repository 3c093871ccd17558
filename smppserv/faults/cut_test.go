package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
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
	"hnetsmpp/pkg/worker"
)

// A closedHermes answers 503 until it is opened, and hands on what it takes then.
type closedHermes struct {
	url    string
	isOpen atomic.Bool
	pushes chan string
}

func startClosedHermes(t *testing.T) *closedHermes {
	t.Helper()
	h := &closedHermes{pushes: make(chan string, 16)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !h.isOpen.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.pushes <- string(body)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL + "/api/sms/push/"
	return h
}

// opened requires that it is pushed these texts, in any order.
func (h *closedHermes) opened(t *testing.T, texts ...string) {
	t.Helper()
	h.isOpen.Store(true)
	missing := strings.Join(texts, " ")
	for range texts {
		select {
		case body := <-h.pushes:
			for _, text := range texts {
				if strings.Contains(body, text) {
					missing = strings.Replace(missing, text, "", 1)
				}
			}
		case <-time.After(patience):
			t.Fatalf("not pushed within %v: %s", patience, missing)
		}
	}
	if missing = strings.TrimSpace(missing); missing != "" {
		t.Errorf("not pushed: %s", missing)
	}
}

// handIn hands one line in on the TCP port and returns the answer.
func handIn(t *testing.T, addr, line string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintln(conn, line)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAnEmptiedConfigurationHasWhatWaitsReachHermesAndNobodyElse(t *testing.T) {
	hermes := startClosedHermes(t)
	path := writeConfig(t, t.TempDir(), settings{"hermes.url": hermes.url, "hermes.retry": []string{"100ms"}, "tcp.token": "t0ken", "log.level": "debug"})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p, ready, log := startWorker(t, path)
	c := smpptest.Dial(t, ready.SMPP)
	c.Bind(smpp.CmdBindTransceiver, testClient, testPassword, smpp.V34)
	c.Submit("33612345678", campaign, "first")
	c.Submit("33612345679", campaign, "second")

	for _, change := range []struct {
		what string
		text []byte
		says string
	}{
		{"empty", nil, "clients: is not set"},
		{"comments", []byte("# to be written anew\n"), path + ":1: the file has lost its end: missing admin.listen"},
		{"cut", whole[:strings.Index(string(whole), "[tcp]")], "missing tcp.listen_host, tcp.listen_port, tcp.token"},
	} {
		writeFile(t, path, change.text)
		log.awaitWords(t, "not taken up", change.says)
		c.ExpectAlive()
		bindsOnce(t, ready.SMPP, testPassword)
		known := smpptest.Dial(t, ready.SMPP)
		known.ExpectResp(known.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "admin", Password: "vocalcom", InterfaceVersion: smpp.V34}), smpp.RINVSYSID)
		if got := handIn(t, ready.TCP, `{"id":"1","from":"3600","to":"33612345678","text":"x"}`); !strings.Contains(got, `"unauthorized"`) {
			t.Errorf("%s: without a token: %s", change.what, got)
		}
		if r := command(t, "smppserv", "", "check", "--config", path); r.code != int(worker.ExitBadConfig) || r.stdout != "" {
			t.Errorf("%s: check ends with %d: %s%s", change.what, r.code, r.stdout, r.stderr)
		}
	}
	hermes.opened(t, "first", "second")
	stopWorker(t, p)
	refuses(t, path, worker.ExitBadConfig, "missing tcp.listen_host", "smppserv check --shorter")
	if text, _ := log.read(); strings.Contains(text, "the stand-in accepts a push") {
		t.Error("the stand-in has been asked")
	}
}

func TestAShorterConfigurationIsTakenUpWhenAnOperatorSaysSo(t *testing.T) {
	path := writeConfig(t, t.TempDir(), settings{"tcp.token": "t0ken"})
	p, ready, log := startWorker(t, path)
	shorter := configText(t, nil)
	replace(t, path, shorter)
	log.awaitWords(t, "not taken up", "missing tcp.token", "smppserv reload --shorter")
	for _, args := range [][]string{{"check"}, {"reload"}} {
		r := command(t, "smppserv", "", append(args, "--config", path)...)
		if r.code != int(worker.ExitBadConfig) || r.stdout != "" {
			t.Errorf("%s ends with %d: %s", args, r.code, r.stdout)
		}
		oneLine(t, r.stderr, path+":", "missing tcp.token", "smppserv check --shorter")
	}
	if out := succeeds(t, "", "reload", "--shorter", "--config", path); !strings.HasPrefix(out, path+" is valid and accepted as it is now; ") {
		t.Errorf("printed %q", out)
	}
	log.awaitWords(t, "configuration taken up", "tcp.token")
	if got := handIn(t, ready.TCP, `{"id":"1","from":"3600","to":"33612345678","text":"x"}`); !strings.Contains(got, `"accepted"`) {
		t.Errorf("without a token: %s", got)
	}
	stopWorker(t, p)
	if out := succeeds(t, "", "check", "--config", path); out != path+" is valid\n" {
		t.Errorf("printed %q", out)
	}
}

func TestALauncherThatWaitsStartsAShorterConfigurationThatIsAccepted(t *testing.T) {
	worker := program(t, "smppserv")
	path := writeConfig(t, t.TempDir(), settings{"launcher.worker": worker, "tcp.token": "t0ken"})
	p, _, _ := startWorker(t, path)
	stopWorker(t, p)
	writeFile(t, path, configText(t, settings{"launcher.worker": worker}))
	launcher, log := startLauncher(t, path)
	log.awaitWords(t, "started again when config.toml changes", "missing tcp.token")
	if out := succeeds(t, "", "check", "--shorter", "--config", path); out != path+" is valid and accepted as it is now\n" {
		t.Errorf("printed %q", out)
	}
	awaitPID(t, log, nil)
	stopLauncher(t, launcher)
}

func TestCheckSaysThatItCannotTellWhetherTheEndIsLost(t *testing.T) {
	path := writeConfig(t, t.TempDir(), nil)
	if err := os.MkdirAll(filepath.Join(filepath.Dir(path), "data", "config.keys.json"), 0o700); err != nil { // a folder
		t.Fatal(err)
	}
	r := command(t, "smppserv", "", "check", "--config", path)
	if r.code != 0 || !strings.Contains(r.stderr, "warning: whether the file has lost its end cannot be told: "+filepath.Join(filepath.Dir(path), "data", "config.keys.json")) {
		t.Errorf("ends with %d: %s", r.code, r.stderr)
	}
}

func TestWhatWaitsForHermesInModeOpportunityGoesToNoStandIn(t *testing.T) {
	hermes := startClosedHermes(t)
	dir := t.TempDir()
	path := writeConfig(t, dir, settings{"hermes.url": hermes.url, "hermes.retry": []string{"100ms"}})
	p, ready, _ := startWorker(t, path)
	c := smpptest.Dial(t, ready.SMPP)
	c.Bind(smpp.CmdBindTransmitter, testClient, testPassword, smpp.V34)
	c.Submit("33612345678", campaign, "first")
	stopWorker(t, p)

	opportunity := settings{"mode": "opportunity", "hermes.retry": []string{"100ms"}}
	without := strings.Replace(string(configText(t, opportunity)), "url = \"simulator\"\n", "", 1)
	writeFile(t, path, []byte(without))
	p, _, log := startWorker(t, path)
	log.awaitWords(t, "hermes.url is not set: messages for Hermès wait")
	opportunity["hermes.url"] = hermes.url
	replace(t, path, configText(t, opportunity))
	hermes.opened(t, "first")
	stopWorker(t, p)
	if text, _ := log.read(); strings.Contains(text, "the stand-in accepts a push") {
		t.Error("the stand-in has been asked")
	}
}
