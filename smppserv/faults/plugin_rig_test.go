package faults

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/testkit"
)

const (
	pluginFile   = "../../hermes/Smpp.xml"
	pluginDriver = "testdata/plugin/Driver.cs"
	monoInstall  = "apt-get install --no-install-recommends mono-mcs mono-runtime"
	// untouched is the line that an administrator edits.
	untouched = `private static string IpPortSmppServer = "xx.xx.xx.xx:18182";`
	customer  = "33612345678"
)

// A pluginXML is the file, so far as its form is ours.
type pluginXML struct {
	XMLName  xml.Name `xml:"SmsProvider"`
	Name     string   `xml:"name,attr"`
	Language string   `xml:"language,attr"`
	Source   string   `xml:"Source"`
}

func readPlugin(t *testing.T) []byte {
	t.Helper()
	file, err := os.ReadFile(pluginFile)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// edited is the file as an administrator leaves it who wrote this address, and these values of other lines, C# literals.
func edited(t *testing.T, address string, values map[string]string) []byte {
	t.Helper()
	file := readPlugin(t)
	if n := bytes.Count(file, []byte(untouched)); n != 1 {
		t.Fatalf("%s holds %d times the line to edit, %s", pluginFile, n, untouched)
	}
	file = bytes.Replace(file, []byte(untouched), []byte(strings.Replace(untouched, "xx.xx.xx.xx:18182", address, 1)), 1)
	for name, value := range values {
		line := regexp.MustCompile(`(private static \w+ ` + name + ` = )[^\r\n]*;`)
		if n := len(line.FindAll(file, -1)); n != 1 {
			t.Fatalf("%s holds %d lines of %s to edit", pluginFile, n, name)
		}
		file = line.ReplaceAll(file, []byte("${1}"+value+";"))
	}
	return file
}

// A plugin is the provider in a process of its own, under Mono, with the driver in Hermès' place.
type plugin struct {
	stdin   io.WriteCloser
	answers chan string
}

// startPlugin compiles the edited file's C# as strictly as can be had, and runs it until the test's end.
func startPlugin(t *testing.T, address string, values map[string]string) *plugin {
	t.Helper()
	for _, name := range []string{"mcs", "mono"} {
		testkit.Peer(t, name, monoInstall)
	}
	var provider pluginXML
	if err := xml.Unmarshal(edited(t, address, values), &provider); err != nil {
		t.Fatalf("%s: %v", pluginFile, err)
	}
	driver, err := os.ReadFile(pluginDriver)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Smpp.cs"), []byte(provider.Source))
	writeFile(t, filepath.Join(dir, "Driver.cs"), driver)
	// The provider by itself, as Hermès compiles it: from mscorlib and System.dll alone.
	compile(t, dir, "-target:library", "-out:Smpp.dll", "Smpp.cs")
	compile(t, dir, "-target:exe", "-out:Driver.exe", "-r:Smpp.dll", "Driver.cs")
	return runPlugin(t, dir)
}

func compile(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "mcs", append([]string{"-langversion:5", "-noconfig", "-r:System.dll", "-warn:4", "-warnaserror"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

func runPlugin(t *testing.T, dir string) *plugin {
	t.Helper()
	cmd := exec.Command("mono", "Driver.exe")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &plugin{answers: make(chan string, 1)}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.answers)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			p.answers <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		p.stdin.Close() // the driver ends
		kill := time.AfterFunc(testkit.Patience, func() { cmd.Process.Kill() })
		defer kill.Stop()
		for range p.answers {
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the plugin's process ended: %v\n%s", err, &stderr)
		}
	})
	return p
}

// begin gives the driver a command, whose outcome is to be fetched.
func (p *plugin) begin(t *testing.T, words ...string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, strings.Join(words, " ")+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *plugin) outcome(t *testing.T) string {
	t.Helper()
	select {
	case answer, ok := <-p.answers:
		if !ok {
			t.Fatal("the plugin's process has ended")
		}
		return answer
	case <-time.After(testkit.Patience):
		t.Fatalf("the plugin did not return within %v", testkit.Patience)
	}
	panic("not reached")
}

func (p *plugin) send(t *testing.T, from, to, text string) string {
	t.Helper()
	p.begin(t, "send", word(from), word(to), word(text))
	return p.outcome(t)
}

func (p *plugin) set(t *testing.T, name, value string) {
	t.Helper()
	p.begin(t, "set", name, word(value))
	if answer := p.outcome(t); answer != "set" {
		t.Fatal(answer)
	}
}

// null stands for C#'s.
const null = "\x00null"

// word is a string for the driver.
func word(s string) string {
	if s == null {
		return "-"
	}
	return unitsWord(utf16.Encode([]rune(s)))
}

// unitsWord is word for a string of which Go has no form: one with half a surrogate pair.
func unitsWord(units []uint16) string {
	var octets []byte
	for _, unit := range units {
		octets = binary.LittleEndian.AppendUint16(octets, unit)
	}
	return "." + base64.StdEncoding.EncodeToString(octets)
}

// accepts requires that the call has succeeded.
func accepts(t *testing.T, outcome string) {
	t.Helper()
	if outcome != "accepted" {
		t.Fatalf("the plugin returned: %s", outcome)
	}
}

// fails requires that the call has failed with an error that holds every word.
func fails(t *testing.T, outcome string, words ...string) {
	t.Helper()
	failure, failed := strings.CutPrefix(outcome, "failed ")
	if !failed {
		t.Errorf("the plugin returned %q, want a failure with %q", outcome, words)
		return
	}
	oneLine(t, failure, words...)
}

// bindReceiver binds the client that receives what the plugin sends.
func bindReceiver(t *testing.T, addr string) *smpptest.Client {
	t.Helper()
	return testkit.Bind(t, addr, smpp.CmdBindReceiver, testkit.Client, testkit.Password)
}

// takeText takes the next message, all its parts, and returns its text.
func takeText(t *testing.T, c *smpptest.Client) string {
	t.Helper()
	for parts := [][]byte(nil); ; {
		m := c.ExpectDeliver()
		if m.Source.Addr != campaign || m.Dest.Addr != customer {
			t.Errorf("a message from %q to %q came", m.Source.Addr, m.Dest.Addr)
		}
		alphabet := smstext.ForDataCoding(m.DataCoding, smstext.GSM7)
		if m.ESMClass&smpp.ESMUDHI == 0 {
			return smstext.Decode(alphabet, m.ShortMessage)
		}
		header, payload, err := smstext.ParseUDH(m.ShortMessage)
		concat, ok := header.Concat()
		if err != nil || !ok || int(concat.Seq) != len(parts)+1 {
			t.Fatalf("part %d: %+v, %v", len(parts)+1, concat, err)
		}
		if parts = append(parts, payload); len(parts) == int(concat.Total) {
			return smstext.Join(alphabet, parts)
		}
	}
}

// A peer listens in smppserv's place, or before it. Its methods may be called at the same time as it serves.
type peer struct {
	addr string

	mu    sync.Mutex
	lines []string // that the plugin has sent
}

// startPeer serves connections one after the other with serve, which is told their number, from 0, and the line that
// came. It is closed when serve returns true, else when the plugin closes it.
func startPeer(t *testing.T, serve func(conn net.Conn, number int, line string) bool) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{addr: l.Addr().String()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for number := 0; ; number++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
			line, err := bufio.NewReaderSize(conn, 100<<10).ReadString('\n')
			if err == nil {
				p.mu.Lock()
				p.lines = append(p.lines, line)
				p.mu.Unlock()
				if !serve(conn, number, line) {
					_, _ = io.Copy(io.Discard, conn)
				}
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-ended
	})
	return p
}

func (p *peer) sent() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// sentTwice requires that the plugin has sent one line, with its id, two times.
func (p *peer) sentTwice(t *testing.T) {
	t.Helper()
	lines := p.sent()
	if len(lines) != 2 || lines[0] != lines[1] || lineID(lines[0]) == "" {
		t.Errorf("the plugin sent %q, want one line twice", lines)
	}
}

// lineID is the id of a line from the plugin, "" if it is no JSON.
func lineID(line string) string {
	var l struct{ ID string }
	if json.Unmarshal([]byte(line), &l) != nil {
		return ""
	}
	return l.ID
}

// A relay passes lines on to the worker and hands its answers to the test, which says what becomes of them.
type relay struct {
	*peer
	answers chan string
	pass    chan bool // or the connection is cut
}

func startRelay(t *testing.T, worker string) *relay {
	r := &relay{answers: make(chan string), pass: make(chan bool)}
	over := t.Context().Done()
	r.peer = startPeer(t, func(conn net.Conn, _ int, line string) bool {
		answer, err := exchange(worker, line)
		if err != nil {
			answer = "no answer: " + err.Error()
		}
		select {
		case r.answers <- answer:
		case <-over:
			return true
		}
		select {
		case pass := <-r.pass:
			if pass {
				_, _ = io.WriteString(conn, answer)
			}
			return !pass
		case <-over:
			return true
		}
	})
	return r
}

// exchange sends one line and returns its answer.
func exchange(addr, line string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, testkit.Patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := errors.Join(conn.SetDeadline(time.Now().Add(testkit.Patience))); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, line); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

// answer waits for the worker's answer, which must hold every word.
func (r *relay) answer(t *testing.T, words ...string) string {
	t.Helper()
	select {
	case answer := <-r.answers:
		oneLine(t, answer, words...)
		return answer
	case <-time.After(testkit.Patience):
		t.Fatalf("no answer came through the relay within %v", testkit.Patience)
	}
	panic("not reached")
}

// messageID is that of an answer.
func messageID(t *testing.T, answer string) string {
	t.Helper()
	var a struct {
		MessageID string `json:"message_id"`
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil || a.MessageID == "" {
		t.Fatalf("no message_id: %s", answer)
	}
	return a.MessageID
}
