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
	"hnetsmpp/smppserv/testkit"
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
		case <-time.After(testkit.Patience):
			t.Fatalf("not pushed within %v: %s", testkit.Patience, missing)
		}
	}
	if missing = strings.TrimSpace(missing); missing != "" {
		t.Errorf("not pushed: %s", missing)
	}
}

// handIn hands one line in on the TCP port and returns the answer.
func handIn(t *testing.T, addr, line string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, testkit.Patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
	fmt.Fprintln(conn, line)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestAnEmptiedConfigurationHasWhatWaitsReachHermesAndNobodyElse(t *testing.T) {
	hermes := startClosedHermes(t)
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes.url, "hermes.retry": []string{"100ms"}, "tcp.token": "t0ken", "log.level": "debug"})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := testkit.StartWorker(t, path)
	c := testkit.Bind(t, p.SMPP, smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
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
		p.Log.AwaitWords(t, "not taken up", change.says)
		c.ExpectAlive()
		bindsOnce(t, p.SMPP, testkit.Password)
		known := smpptest.Dial(t, p.SMPP)
		known.ExpectResp(known.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "admin", Password: "vocalcom", InterfaceVersion: smpp.V34}), smpp.RINVSYSID)
		if got := handIn(t, p.TCP, `{"id":"1","from":"3600","to":"33612345678","text":"x"}`); !strings.Contains(got, `"unauthorized"`) {
			t.Errorf("%s: without a token: %s", change.what, got)
		}
		if r := command(t, "smppserv", "", "check", "--config", path); r.code != int(worker.ExitBadConfig) || r.stdout != "" {
			t.Errorf("%s: check ends with %d: %s%s", change.what, r.code, r.stdout, r.stderr)
		}
	}
	hermes.opened(t, "first", "second")
	p.Stop(t)
	refuses(t, path, worker.ExitBadConfig, "missing tcp.listen_host", "smppserv check --shorter")
	if strings.Contains(p.Log.String(), "the stand-in accepts a push") {
		t.Error("the stand-in has been asked")
	}
}

func TestAShorterConfigurationIsTakenUpWhenAnOperatorSaysSo(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"tcp.token": "t0ken"})
	p := testkit.StartWorker(t, path)
	shorter := testkit.ConfigText(t)
	replace(t, path, shorter)
	p.Log.AwaitWords(t, "not taken up", "missing tcp.token", "smppserv reload --shorter")
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
	p.Log.AwaitWords(t, "configuration taken up", "tcp.token")
	if got := handIn(t, p.TCP, `{"id":"1","from":"3600","to":"33612345678","text":"x"}`); !strings.Contains(got, `"accepted"`) {
		t.Errorf("without a token: %s", got)
	}
	p.Stop(t)
	if out := succeeds(t, "", "check", "--config", path); out != path+" is valid\n" {
		t.Errorf("printed %q", out)
	}
}

func TestALauncherThatWaitsStartsAShorterConfigurationThatIsAccepted(t *testing.T) {
	worker := testkit.Program(t, "smppserv")
	path := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"launcher.worker": worker, "tcp.token": "t0ken"})
	p := testkit.StartWorker(t, path)
	p.Stop(t)
	writeFile(t, path, testkit.ConfigText(t, testkit.Settings{"launcher.worker": worker}))
	launcher := testkit.StartLauncher(t, path)
	launcher.Log.AwaitWords(t, "started again when config.toml changes", "missing tcp.token")
	if out := succeeds(t, "", "check", "--shorter", "--config", path); out != path+" is valid and accepted as it is now\n" {
		t.Errorf("printed %q", out)
	}
	launcher.AwaitReady(t)
	launcher.Stop(t)
}

func TestCheckSaysThatItCannotTellWhetherTheEndIsLost(t *testing.T) {
	path := testkit.WriteConfig(t, t.TempDir())
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
	path := testkit.WriteConfig(t, dir, testkit.Settings{"hermes.url": hermes.url, "hermes.retry": []string{"100ms"}})
	p := testkit.StartWorker(t, path)
	c := testkit.Bind(t, p.SMPP, smpp.CmdBindTransmitter, testkit.Client, testkit.Password)
	c.Submit("33612345678", campaign, "first")
	p.Stop(t)

	opportunity := testkit.Settings{"mode": "opportunity", "hermes.retry": []string{"100ms"}}
	without := strings.Replace(string(testkit.ConfigText(t, opportunity)), "url = \"simulator\"\n", "", 1)
	writeFile(t, path, []byte(without))
	p = testkit.StartWorker(t, path)
	p.Log.AwaitWords(t, "hermes.url is not set: messages for Hermès wait")
	opportunity["hermes.url"] = hermes.url
	replace(t, path, testkit.ConfigText(t, opportunity))
	hermes.opened(t, "first")
	p.Stop(t)
	if strings.Contains(p.Log.String(), "the stand-in accepts a push") {
		t.Error("the stand-in has been asked")
	}
}
