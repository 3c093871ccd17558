package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/running"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

// runner runs programs to their end, from any goroutine.
func runner(t *testing.T) func(stdin, name string, args ...string) (result, error) {
	testkit.Program(t, "smppserv")
	return func(stdin, name string, args ...string) (result, error) {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, testkit.Program(t, name), args...)
		cmd.Dir = os.TempDir()
		var stdout, stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
		err := cmd.Run()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) || ctx.Err() != nil {
			return result{}, fmt.Errorf("%s %s: %w\n%s%s", name, args, err, &stdout, &stderr)
		}
		return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}, nil
	}
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: trusting}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: slow}
}

// exited is what came of a program.
func exited(r result, err error) reply {
	return reply{answer: []string{fmt.Sprint("exit ", r.code)}, said: r.stdout + r.stderr, err: err}
}

func (d *doors) check(c *malformed) reply {
	path, err := d.caseFile(c, "config.toml")
	if err != nil {
		return reply{err: err}
	}
	return exited(d.run("", "smppserv", "check", "--config", path))
}

func (d *doors) importConfig(c *malformed) reply {
	path, err := d.caseFile(c, "old.exe.config")
	if err != nil {
		return reply{err: err}
	}
	return exited(d.run("", "smppserv", "import-config", path))
}

// receipt has smppserv send meet a message centre that sends the case for a receipt, and then a good one.
func (d *doors) receipt(c *malformed) reply {
	path, err := d.caseFile(&malformed{Text: needed}, "config.toml")
	if err != nil {
		return reply{err: err}
	}
	text, err := c.octets(c.Octets)
	if err != nil {
		return reply{err: err}
	}
	text = append(text, c.Text...)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return reply{err: err}
	}
	defer l.Close()
	var served sync.WaitGroup
	defer served.Wait()
	served.Go(func() { centreOf(l, text) })
	notice, err := running.Hold(path)
	if err != nil {
		return reply{err: err}
	}
	defer notice.Close()
	if err := notice.Write(running.Server{PID: os.Getpid(), SMPP: l.Addr().String(), Token: "token"}); err != nil {
		return reply{err: err}
	}
	r := exited(d.run("", "smppserv", "send", "--config", path, "--to", "3600", "--text", "Bonjour", "--wait", slow.String()))
	for line := range strings.Lines(r.said) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "receipt" {
			r.answer = append([]string{strings.Join(words[1:3], " ")}, r.answer...)
		}
	}
	return r
}

// centreOf is a message centre for one session: it answers, and sends the text given and then a good receipt.
func centreOf(l net.Listener, text []byte) {
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(slow))
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(testkit.Patience))
	for {
		h, _, err := smpp.ReadPDU(conn, smpp.MaxPDU)
		if err != nil {
			return
		}
		var out []byte
		switch h.Command {
		case smpp.CmdBindTransceiver:
			out = smpp.AppendPDU(out, smpp.ROK, h.Sequence, &smpp.BindResp{Type: smpp.CmdBindTransceiverResp, SystemID: "stranger"})
		case smpp.CmdEnquireLink:
			out = smpp.AppendPDU(out, smpp.ROK, h.Sequence, &smpp.EnquireLinkResp{})
		case smpp.CmdSubmitSM:
			out = smpp.AppendPDU(out, smpp.ROK, h.Sequence, &smpp.SubmitSMResp{MessageID: "1"})
			good := smpp.Receipt{ID: "1", State: smpp.StateDelivered}
			for i, text := range [][]byte{text, good.Append(nil)} {
				out = smpp.AppendPDU(out, smpp.ROK, uint32(100+i), &smpp.DeliverSM{ESMClass: 4, ShortMessage: text})
			}
		default:
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// An inlet is the standard input of a worker that runs.
type inlet struct {
	mu     sync.Mutex // one case at a time
	stdin  io.WriteCloser
	ended  chan struct{}
	config string
}

// openInlet starts another worker as its launcher does, whose standard input cases write to. At the test's end it must stop as asked.
func openInlet(t *testing.T, _ string) *inlet {
	t.Helper()
	in := &inlet{ended: make(chan struct{}), config: testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"admin.listen": "127.0.0.1:0", "hermes.url": "http://127.0.0.1:9/"})}
	cmd := exec.Command(testkit.Program(t, "smppserv"), "run", "--config", in.config, "--supervised")
	var out testkit.Log
	cmd.Stdout, cmd.Stderr = &out, io.Discard
	var err error
	if in.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(in.ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		in.stdin.Close()
		testkit.Receive(t, in.ended, "the worker's end")
		if code := cmd.ProcessState.ExitCode(); code != int(worker.ExitStopped) {
			t.Errorf("the worker whose standard input was written to ended with %d", code)
		}
	})
	out.AwaitWords(t, `"ready"`)
	return in
}

// stdin writes to a worker's standard input, which means nothing but its end.
func (d *doors) stdin(c *malformed) reply {
	in := d.inlet
	in.mu.Lock()
	defer in.mu.Unlock()
	octets, err := c.sent(sequence)
	if err != nil {
		return reply{err: err}
	}
	if _, err := in.stdin.Write(octets); err != nil {
		return reply{err: fmt.Errorf("%v: %w", c, err)}
	}
	r := exited(d.run("", "smppserv", "status", "--config", in.config))
	select {
	case <-in.ended:
		r.answer = []string{"closed"}
	default:
	}
	return r
}

// actWorker is this program in the place of a worker: it says what the file holds, that it is ready, and ends with its standard input.
func actWorker(path string) {
	said, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(said)
	fmt.Println("\n" + `{"event":"ready","version":"after the case","pid":1}`)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// stdout has a worker's launcher read what is no event, or one that cannot be, before the one that it waits for.
func (d *doors) stdout(c *malformed) reply {
	path, err := d.caseFile(c, "stdout")
	if err != nil {
		return reply{err: err}
	}
	self, err := os.Executable()
	if err != nil {
		return reply{err: err}
	}
	var log testkit.Log
	p, err := worker.Start(context.Background(), worker.Options{Path: self, Config: path, Dir: filepath.Dir(path), Stderr: &log, Env: []string{sentByWorker + "=" + path}})
	if err != nil {
		return reply{err: err}
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	ready, err := p.Ready(ctx)
	exit := p.Stop(slow)
	r := reply{answer: []string{fmt.Sprint("exit ", int(exit.Code))}, said: log.String()}
	if err == nil && ready.Version == "after the case" {
		r.answer = append([]string{"ready"}, r.answer...)
	}
	return r
}
