package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

const unitFile = "../../launcher/service/HNET_SMPP_Serv.service"

// systemCalls are those of a set of systemd's.
func systemCalls(t *testing.T, analyze, set string) map[string]bool {
	t.Helper()
	out, err := exec.Command(analyze, "syscall-filter", set).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, word := range strings.Fields(regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(string(out), "")) {
		switch {
		case word == set:
		case strings.HasPrefix(word, "@"):
			for call := range systemCalls(t, analyze, word) {
				all[call] = true
			}
		default:
			all[word] = true
		}
	}
	return all
}

// unitLines are the lines of the unit with a key, in their order.
func unitLines(t *testing.T, key string) (values []string) {
	t.Helper()
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

func TestBothProgramsUseNoSystemCallThatTheirUnitForbids(t *testing.T) {
	const install = "apt-get install --no-install-recommends strace systemd"
	strace, analyze := testkit.Peer(t, "strace", install), testkit.Peer(t, "systemd-analyze", install)
	allowed := map[string]bool{}
	for _, line := range unitLines(t, "SystemCallFilter") {
		taken, forbids := strings.CutPrefix(line, "~")
		for _, set := range strings.Fields(taken) {
			for call := range systemCalls(t, analyze, set) {
				allowed[call] = !forbids
			}
		}
	}
	if !allowed["openat"] || allowed["mount"] || allowed["setuid"] {
		t.Fatal("the unit's system calls are not read")
	}
	dir := t.TempDir()
	settings, _, _ := withTLS(t, dir)
	hermes := testkit.StartHermes(t)
	ports := testkit.Settings{"server.listen_port": testkit.FreePort(t), "tcp.listen_port": testkit.FreePort(t), "hermes.url": hermes.URL(), "admin.listen": "127.0.0.1:0"}
	path := testkit.WriteConfig(t, dir, settings, ports)
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command(strace, "-f", "-qq", "-o", trace, testkit.Program(t, "launcher"), "run", "--config", path)
	log := &testkit.Log{}
	cmd.Dir, cmd.Stderr = dir, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() { // strace would only let go of them
		_ = exec.Command("kill", "-TERM", childOf(t, cmd.Process.Pid)).Run()
	}
	t.Cleanup(stop)
	log.AwaitWords(t, `"program":"launcher"`, `"smpp_tls"`)
	c := testkit.Bind(t, testkit.Loopback(ports["server.listen_port"].(int)), smpp.CmdBindTransceiver, testkit.Client, testkit.Password)
	id := c.Submit(customer, campaign, "Bonjour")
	hermes.Await(t, "the push", func(p testkit.Push) bool { return p.Message.ID == id })
	succeeds(t, "", "reply", "--config", path, "--from", campaign, "--to", customer, "--text", "ok", "--tls")
	c.ExpectDeliver()
	succeeds(t, "", "status", "--config", path)
	settings["server.throttle_rate"] = 1000
	testkit.WriteConfig(t, dir, settings, ports)
	succeeds(t, "", "reload", "--config", path)
	c.Unbind()
	stop()
	if err := testkit.Receive(t, ended, "the end of the launcher"); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	traced, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var forbidden []string
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +([a-z_0-9]+)\(.*$`).FindAllStringSubmatch(string(traced), -1) {
		if used[m[1]] {
			continue
		}
		used[m[1]] = true
		if asRoot := os.Geteuid() == 0 && strings.Contains(m[1], "chown"); !allowed[m[1]] && !asRoot { // whose unit allows it
			forbidden = append(forbidden, m[0])
		}
	}
	slices.Sort(forbidden)
	t.Logf("%d system calls are used", len(used))
	if len(used) < 30 {
		t.Error("they were not traced")
	}
	if len(forbidden) > 0 {
		t.Errorf("forbidden to them are:\n%s", strings.Join(forbidden, "\n"))
	}
	if regexp.MustCompile(`(?m)^\d+ +mprotect\(.*PROT_WRITE\|PROT_EXEC|^\d+ +mmap\(.*PROT_WRITE\|PROT_EXEC`).Match(traced) {
		t.Error("memory that is both written and run is asked for, which MemoryDenyWriteExecute refuses")
	}
	families := regexp.MustCompile(`(?m)^\d+ +socket\((AF_[A-Z0-9]+)`).FindAllStringSubmatch(string(traced), -1)
	may := strings.Fields(unitLines(t, "RestrictAddressFamilies")[0])
	for _, f := range families {
		if !slices.Contains(may, f[1]) {
			t.Errorf("a socket of %s is asked for", f[1])
		}
	}
}

// childOf is the first child of a process.
func childOf(t *testing.T, pid int) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil { // it has none any more
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return first
}
