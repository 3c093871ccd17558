package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module    = "hnetsmpp/"
	fileLines = 500 // a file stays below
)

// room is a package: what it is, in one sentence, and which packages of this module it may import. A sentence that needs
// an "and" between two things is two packages.
// name/... is name and all below it; !name/... is left out again.
type room struct {
	name, sentence string
	imports        []string
}

// layout is every package of the module. One that is not here has no place yet.
var layout = []room{
	{"pkg/smpp", "SMPP 3.3/3.4/5.0 octets ↔ typed PDUs; no sockets, no goroutines", nil},
	{"pkg/smpp/smpptest", "a scripted ESME for tests", []string{"pkg/smpp"}},
	{"pkg/smstext", "alphabets, user data headers, splitting and joining; pure functions", nil},
	{"pkg/tomlstrict", "TOML read strictly: every fault with its line, key and nearest known key", nil},
	{"pkg/config", "the one config.toml: schema, defaults, validation", []string{"pkg/tomlstrict"}},
	{"pkg/commandline", "a program's command line, from its arguments to its exit code", nil},
	{"pkg/worker", "what launcher and worker promise each other", nil},
	{"pkg/logbuffer", "keeps the lines of a log until somebody takes them", nil},
	{"pkg/loglimit", "how many lines of a log a peer can cause", []string{"pkg/peeraddr"}},
	{"pkg/peeraddr", "the address that a peer is counted by", nil},
	{"pkg/livefile", "a file that counts while the process lives that writes it", nil},
	{"pkg/running", "what a server that runs tells the commands of its machine", []string{"pkg/livefile"}},
	{"pkg/registration", "how the service was registered on this machine", nil},
	{"pkg/adminapi", "the words of the admin port: requests, answers, a client for them", nil},
	{"pkg/adminport", "finds the admin port of the server that runs on this machine, for its commands", []string{"pkg/adminapi", "pkg/running"}},
	{"pkg/diskspace", "how much room there is on the disk of a file", nil},
	{"pkg/table", "lays text out in columns that fit a terminal", nil},
	{"pkg/completion", "has a shell complete a command line", nil},
	{"pkg/logfile", "a log file that is appended to, and rotated by its size", nil},
	{"pkg/mention", "where a text names a person's number", nil},
	{"pkg/release", "packs what build.ps1 leaves in dist/", nil},

	{"launcher", "the launcher's command line", []string{"launcher/...", "pkg/adminapi", "pkg/adminport", "pkg/commandline", "pkg/config", "pkg/registration", "pkg/running", "pkg/worker"}},
	{"launcher/logging", "log files that rotate beside the lines of a console", []string{"pkg/logbuffer", "pkg/logfile", "pkg/mention"}},
	{"launcher/service", "register, start, query and remove the service; who may read its files", []string{"pkg/..."}},
	{"launcher/supervise", "keep one child running and stop it politely", []string{"pkg/livefile", "pkg/mention", "pkg/worker"}},

	{"smppserv", "the worker's command line, one file for each group of commands", []string{"smppserv/...", "pkg/..."}},
	{"smppserv/centre", "the message centre as a whole: open, wire, serve, reload, close in reverse",
		[]string{"pkg/...", "smppserv/...", "!smppserv", "!smppserv/bench", "!smppserv/conformance", "!smppserv/faults", "!smppserv/testkit",
			"!smppserv/simulation", "!smppserv/store/memory", "!smppserv/store/storetest", "!smppserv/store/sqlite/sqlitetest", "!smppserv/store/postgres/postgrestest"}},
	{"smppserv/dotnet", "the .NET service's .exe.config → config.toml", []string{"pkg/config"}},
	{"smppserv/sms", "what a message is, its states, routes, conversations and errors: the domain's words, once", nil},
	{"smppserv/road", "what edge, queue and store promise each other", []string{"smppserv/sms"}},
	{"smppserv/guard", "keeps a panic in the work on a peer's data to that work", nil},
	{"smppserv/store", "durable messages: what both databases share", []string{"pkg/mention", "smppserv/road", "smppserv/sms", "smppserv/store/tally"}},
	{"smppserv/store/tally", "which counters a message counts in, by how much", []string{"pkg/smstext", "smppserv/sms"}},
	{"smppserv/store/runs", "an index from 64-bit keys to message_ids that is appended to, never changed in place", []string{"smppserv/sms"}},
	{"smppserv/store/numbers", "the messages of a number, found by an index of runs and looked up where they are", []string{"smppserv/sms", "smppserv/store/runs"}},
	{"smppserv/store/sqlite", "the dialect, the opening and the care of one database",
		[]string{"pkg/diskspace", "smppserv/road", "smppserv/sms", "smppserv/store", "smppserv/store/numbers", "smppserv/store/runs", "smppserv/store/tally",
			"smppserv/store/transfer"}},
	{"smppserv/store/sqlite/sqlitetest", "an empty database for tests", []string{"smppserv/store/sqlite"}},
	{"smppserv/store/postgres/postgrestest", "an empty database with our tables, for tests", []string{"smppserv/store/postgres", "smppserv/testkit"}},
	{"smppserv/store/postgres", "the dialect, the opening and the care of a database that workers share",
		[]string{"smppserv/road", "smppserv/sms", "smppserv/store", "smppserv/store/tally", "smppserv/store/transfer"}},
	{"smppserv/store/transfer", "copies what one database of a store has into another one", []string{"smppserv/sms"}},
	{"smppserv/store/storetest", "the contract that both databases keep", []string{"smppserv/road", "smppserv/sms", "smppserv/store", "smppserv/store/transfer"}},
	{"smppserv/store/memory", "a database in memory, with faults of every kind, for tests", []string{"smppserv/road", "smppserv/sms", "smppserv/store", "smppserv/store/tally"}},
	{"smppserv/simulation", "random lives of queue and store in simulated time, held against what is promised", nil},
	{"smppserv/queue", "which message is tried when, and what came of it", []string{"pkg/loglimit", "smppserv/guard", "smppserv/road", "smppserv/sms"}},
	{"smppserv/cluster", "which of the workers on one store does what", []string{"smppserv/guard", "smppserv/road", "smppserv/sms", "smppserv/store"}},
	{"smppserv/passwords", "what checking hashed passwords may cost", []string{"pkg/peeraddr"}},
	{"smppserv/balancer", "the client behind a connection that a TCP load balancer hands on", []string{"pkg/loglimit", "pkg/peeraddr"}},
	{"smppserv/handshake", "why a peer of a port that speaks TLS could not agree upon it", []string{"pkg/loglimit", "pkg/peeraddr", "smppserv/balancer"}},
	{"smppserv/session", "one SMPP connection: state, timers, window, one reader, one writer", []string{"pkg/loglimit", "pkg/peeraddr", "pkg/smpp", "smppserv/balancer", "smppserv/guard"}},
	{"smppserv/smsc", "our SMPP face: listen, authenticate, limit, registry",
		[]string{"pkg/loglimit", "pkg/smpp", "smppserv/guard", "smppserv/handshake", "smppserv/passwords", "smppserv/road", "smppserv/session", "smppserv/sms", "smppserv/smsc/translate"}},
	{"smppserv/smsc/translate", "PDU ↔ message, pure functions", []string{"pkg/smpp", "pkg/smstext", "smppserv/sms"}},
	{"smppserv/hermes", "the bridge: push (HTTP out), port (TCP in), the stand-in", []string{"pkg/loglimit", "pkg/peeraddr", "smppserv/balancer", "smppserv/guard", "smppserv/handshake", "smppserv/road", "smppserv/sms"}},
	{"smppserv/alerts", "who is told, when something needs attention", []string{"pkg/adminapi"}},
	{"smppserv/trace", "the PDUs of a client in a bounded ring, written as pcapng", []string{"pkg/smpp", "smppserv/session"}},
	{"smppserv/operators", "what operators see of the parts that run, what they have them do",
		[]string{"pkg/adminapi", "pkg/diskspace", "pkg/mention", "pkg/smpp", "smppserv/hermes", "smppserv/road", "smppserv/session", "smppserv/sms", "smppserv/smsc", "smppserv/store"}},
	{"smppserv/admin/words", "what operators read, in their language", []string{"pkg/adminapi"}},
	{"smppserv/admin/page", "the operator's page: HTML from an Operators, in a language", []string{"pkg/adminapi", "smppserv/admin", "smppserv/admin/words"}},
	{"smppserv/admin/page/pagetest", "a made-up server for the operator's page to be tried on", []string{"pkg/adminapi", "smppserv/admin", "smppserv/admin/page"}},
	{"smppserv/admin", "operator's page, JSON API, metrics, health", []string{"pkg/adminapi", "pkg/loglimit", "pkg/peeraddr", "smppserv/sms"}},
	{"smppserv/admin/metrics", "the registry: what Prometheus reads", []string{"pkg/adminapi", "pkg/smpp", "smppserv/sms"}},

	{"smppserv/testkit", "for suites: build and run the programs, a stub of Hermès, an SMPP client, PostgreSQL", []string{"pkg/..."}},
	{"smppserv/conformance", "the rows of the protocol list, each driven from outside through the built programs", suite("smppserv/conformance")},
	{"smppserv/faults", "kills, bad input, reloads and commands, driven from outside through the built programs", suite("smppserv/faults")},
	{"smppserv/browser", "the operator's page in a real browser, driven from outside", suite("smppserv/browser")},
	{"smppserv/bench", "throughput and latency of the built program beside others", suite("smppserv/bench")},
}

// suites drive the built programs from outside.
var suites = []string{"smppserv/bench", "smppserv/browser", "smppserv/conformance", "smppserv/faults"}

// suite is what the suites that drive the built programs from outside may import: anything but each other.
func suite(own string) []string {
	allowed := []string{"launcher/...", "pkg/...", "smppserv/..."}
	for _, other := range suites {
		if other != own {
			allowed = append(allowed, "!"+other+"/...")
		}
	}
	return allowed
}

// roomOf finds a package's row.
func roomOf(name string) (room, bool) {
	at := slices.IndexFunc(layout, func(r room) bool { return r.name == name })
	if at < 0 {
		return room{}, false
	}
	return layout[at], true
}

func (r room) mayImport(p string) bool {
	ok := false
	for _, pattern := range r.imports {
		pattern, not := strings.CutPrefix(pattern, "!")
		if matches(pattern, p) {
			if not {
				return false
			}
			ok = true
		}
	}
	return ok
}

func matches(pattern, p string) bool {
	root, all := strings.CutSuffix(pattern, "/...")
	return p == root || all && strings.HasPrefix(p, root+"/")
}

// testsMayImport is what the tests of a package may import besides: nobody's tests reach over from pkg or the launcher to
// the worker, and none import a suite that drives the programs from outside.
func (r room) testsMayImport(p string) bool {
	if slices.Contains(suites, r.name) {
		return r.mayImport(p)
	}
	for _, suite := range suites {
		if matches(suite+"/...", p) {
			return false
		}
	}
	switch top, _, _ := strings.Cut(r.name, "/"); top {
	case "smppserv":
		return matches("smppserv/...", p) || matches("pkg/...", p)
	case "launcher":
		return matches("launcher/...", p) || matches("pkg/...", p)
	}
	return matches("pkg/...", p)
}

// A goPackage is what go list says of one; Imports leaves the tests out.
type goPackage struct {
	ImportPath, Dir                   string
	GoFiles, CgoFiles, IgnoredGoFiles []string
	TestGoFiles, XTestGoFiles         []string
	Imports                           []string
	TestImports, XTestImports         []string
}

func (p *goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// files are those of every operating system, tests included.
func (p *goPackage) files() []string {
	return slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles, p.TestGoFiles, p.XTestGoFiles)
}

// packages lists the module's packages as they are on an operating system.
func packages(t *testing.T, goos string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps=false", "-json=ImportPath,Dir,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".." // the module's root: tests run in the folder of their package
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		t.Fatal("go list names no packages")
	}
	return all
}

func TestPackagesImportOnlyWhatTheLayoutAllows(t *testing.T) {
	for _, goos := range []string{"linux", "windows"} {
		for _, p := range packages(t, goos) {
			r, known := roomOf(p.name())
			if !known {
				t.Errorf("%s: package %s is not in the table of this test", goos, p.name())
				continue
			}
			for _, imported := range p.Imports {
				if name, ours := strings.CutPrefix(imported, module); ours && !r.mayImport(name) {
					t.Errorf("%s: package %s imports %s", goos, p.name(), name)
				}
			}
			for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
				if name, ours := strings.CutPrefix(imported, module); ours && name != p.name() && !r.testsMayImport(name) {
					t.Errorf("%s: the tests of package %s import %s", goos, p.name(), name)
				}
			}
		}
	}
}

func TestEachRoomOfTheLayoutIsThereOnceWithItsSentence(t *testing.T) {
	all := packages(t, "linux")
	for i, r := range layout {
		if !slices.ContainsFunc(all, func(p goPackage) bool { return p.name() == r.name }) {
			t.Errorf("there is no package %s", r.name)
		}
		if r.sentence == "" || slices.ContainsFunc(layout[:i], func(o room) bool { return o.name == r.name || o.sentence == r.sentence }) {
			t.Errorf("the row of package %s: no sentence of its own, or a second row", r.name)
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	for _, p := range packages(t, "linux") {
		for _, name := range p.files() {
			data, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(data, []byte("\n")); n >= fileLines {
				t.Errorf("%s/%s has %d lines, want less than %d", p.name(), name, n, fileLines)
			}
		}
	}
}

func TestPackagesAreNamedAfterWhatTheyDo(t *testing.T) {
	for _, p := range packages(t, "linux") {
		if slices.Contains([]string{"utils", "util", "common", "helpers", "helper"}, path.Base(p.ImportPath)) {
			t.Errorf("package %s says nothing about what it does", p.name())
		}
	}
}

func TestImportTableTellsAllowedFromForbidden(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"pkg/smpp", "pkg/smstext", false},
		{"launcher", "launcher/supervise", true},
		{"launcher", "smppserv/sms", false},
		{"smppserv", "smppserv/store/storetest", true},
		{"smppserv/smsc", "smppserv/queue", false},
		{"smppserv/centre", "smppserv/queue", true},
		{"smppserv/centre", "smppserv", false},
		{"smppserv/centre", "smppserv/bench", false},
		{"smppserv/store", "smppserv/sms", true},
		{"smppserv/faults", "smppserv/store", true},
		{"smppserv/faults", "smppserv/conformance", false},
		{"smppserv/bench", "launcher", true},
		{"smppserv/centre", "smppserv/store/storetest", false},
	}
	for _, c := range tests {
		r, _ := roomOf(c.from)
		if got := r.mayImport(c.to); got != c.want {
			t.Errorf("%s may import %s: %t, want %t", c.from, c.to, got, c.want)
		}
	}
}

func TestTheTestsOfAPackageReachNoFurtherThanTheyMay(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"smppserv/conformance", "smppserv/testkit", true},
		{"smppserv/conformance", "smppserv/faults", false},
		{"smppserv/hermes", "smppserv/testkit", true},
		{"smppserv/queue", "smppserv/store/sqlite", true},
		{"smppserv/queue", "smppserv/bench", false},
		{"launcher/supervise", "smppserv/sms", false},
		{"launcher", "pkg/worker", true},
		{"pkg/smpp", "pkg/smpp/smpptest", true},
		{"pkg/worker", "launcher/supervise", false},
	} {
		r, _ := roomOf(c.from)
		if got := r.testsMayImport(c.to); got != c.want {
			t.Errorf("the tests of %s may import %s: %t, want %t", c.from, c.to, got, c.want)
		}
	}
}
