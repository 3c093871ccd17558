package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/launcher/logging"
	"hnetsmpp/launcher/service"
	"hnetsmpp/launcher/supervise"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
)

func event(kind supervise.EventKind, state supervise.State, reason string) supervise.Event {
	return supervise.Event{Kind: kind, Status: supervise.Status{State: state, LastReason: reason, Wait: time.Second}}
}

func TestTheServiceRunsOnlyOnceTheServerIsReady(t *testing.T) {
	for _, tt := range []struct {
		before service.State
		event  supervise.Event
		after  service.State
	}{
		{service.Starting, event(supervise.EventStarting, supervise.Starting, ""), service.Starting},
		{service.Starting, event(supervise.EventReady, supervise.Running, ""), service.Running},
		{service.Starting, event(supervise.EventExited, supervise.AwaitingConfig, "bad"), service.Paused},
		{service.Starting, event(supervise.EventExited, supervise.BackingOff, "held"), service.Paused},
		{service.Paused, event(supervise.EventStarting, supervise.Starting, ""), service.Paused},
		{service.Paused, event(supervise.EventReady, supervise.Running, ""), service.Running},
		{service.Running, event(supervise.EventHung, supervise.Running, ""), service.Running},
		{service.Running, event(supervise.EventExited, supervise.BackingOff, "crashed"), service.Running},
		{service.Running, event(supervise.EventExited, supervise.AwaitingConfig, "bad"), service.Paused},
		{service.Running, supervise.Event{Kind: supervise.EventExited, Status: supervise.Status{State: supervise.BackingOff, Wait: 2 * time.Second}}, service.Paused},
		{service.Paused, event(supervise.EventStopped, supervise.Stopped, "bad"), service.Paused},
		{service.Running, event(supervise.EventStopping, supervise.Stopping, ""), service.Stopping},
	} {
		if got := stateAfter(tt.before, tt.event); got != tt.after {
			t.Errorf("%s, %s (%s): now %s, want %s", tt.before, tt.event.Kind, tt.event.State, got, tt.after)
		}
	}
}

func TestTheEventLogTellsEachReasonOnce(t *testing.T) {
	var c chronicle
	ready := event(supervise.EventReady, supervise.Running, "")
	ready.Ready = worker.Ready{SMPP: "[::]:2346", TCP: "[::]:18182"}
	for _, tt := range []struct {
		event supervise.Event
		id    uint32
		text  string
	}{
		{event(supervise.EventStarting, supervise.Starting, ""), 0, ""},
		{event(supervise.EventExited, supervise.AwaitingConfig, "bad configuration: config.toml:3: no"), noticeConfig, "config.toml:3: no. It is started by itself when config.toml has changed"},
		{event(supervise.EventExited, supervise.AwaitingConfig, "bad configuration: config.toml:3: no"), 0, ""},
		{event(supervise.EventExited, supervise.BackingOff, "held"), noticeEnded, "held. It is started again in 1s"},
		{event(supervise.EventExited, supervise.BackingOff, "held"), 0, ""},
		{ready, noticeReady, "SMPP [::]:2346"},
		{event(supervise.EventHung, supervise.Running, "hung: no sign of life for 30s"), noticeHung, "no sign of life"},
		{event(supervise.EventExited, supervise.BackingOff, "held"), noticeEnded, "held"},
		{event(supervise.EventStopping, supervise.Stopping, ""), 0, ""},
		{event(supervise.EventExited, supervise.Stopped, "stopped as asked"), noticeStopped, "stopped as asked"},
		{event(supervise.EventStopped, supervise.Stopped, "held"), noticeStopped, "no server to stop"},
	} {
		n := c.notice(tt.event)
		switch {
		case n == nil && tt.id != 0:
			t.Errorf("%s (%s): nothing is told", tt.event.Kind, tt.event.State)
		case n != nil && (n.ID != tt.id || !strings.Contains(n.Text, tt.text)):
			t.Errorf("%s (%s): told %d %q, want %d %q", tt.event.Kind, tt.event.State, n.ID, n.Text, tt.id, tt.text)
		}
	}
	if n := logsNotice(errors.New("disk full")); !n.Failure || !strings.Contains(n.Text, "disk full") {
		t.Errorf("got %+v", n)
	}
}

func (r *launched) status() (o overview) {
	r.t.Helper()
	var stdout, stderr bytes.Buffer
	code := launch([]string{"status", "--json", "--config", r.config()}, program{Console: commandline.Console{Stdout: &stdout, Stderr: &stderr}})
	if err := json.Unmarshal(stdout.Bytes(), &o); err != nil {
		r.t.Fatalf("exit code %d, %s: %v", code, &stderr, err)
	}
	want := map[supervise.State]int{supervise.Running: 0, supervise.Stopped: exitStopped}
	if expected, ok := want[o.State]; !ok && code != exitWaits || ok && code != expected || stderr.Len() > 0 {
		r.t.Errorf("while the server is %s the exit code is %d: %s", o.State, code, &stderr)
	}
	return o
}

// recent tells whether a time of status is one of this test's.
func recent(text string) bool {
	at, err := time.Parse(time.RFC3339, text)
	return err == nil && time.Since(at) < long && time.Since(at) > -time.Second
}

func TestStatusTellsHowTheServerIsAndWas(t *testing.T) {
	r := newRunning(t, "crash")
	if o := r.status(); o.State != supervise.Stopped || o.Logs != filepath.Join(r.dir, "logs") {
		t.Errorf("before the first start it says %+v", o)
	}
	r.start()
	r.waitFor("logs/launcher.log", "started again in 1s")
	r.waitFor("logs/launcher.status.json", "out of luck")
	if o := r.status(); o.WorkerPID != 0 || o.LastReason != "crashed (exit code 2): panic: out of luck" || o.LauncherPID != os.Getpid() || !recent(o.LastEnd) {
		t.Errorf("after a crash it says %+v", o)
	}
	r.configure("good")
	r.waitFor("logs/launcher.log", "the worker is ready")
	r.waitFor("logs/launcher.status.json", "9.9")
	o := r.status()
	if o.State != supervise.Running || o.WorkerPID == 0 || o.Restarts == 0 || o.SMPP != "127.0.0.1:2346" || o.Version != "9.9" {
		t.Errorf("while it runs it says %+v", o)
	}
	var text bytes.Buffer
	launch([]string{"status", "--config", r.config()}, program{Console: commandline.Console{Stdout: &text, Stderr: &text}})
	for _, want := range []string{fmt.Sprintf("process %d", o.WorkerPID), ": crashed (exit code 2): panic: out of luck", strings.Replace(o.LastEnd, "T", " ", 1), "SMPP 127.0.0.1:2346"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text has no %q:\n%s", want, &text)
		}
	}
	second := &launched{t: t, dir: r.dir, signals: make(chan os.Signal), stderr: &lockedBuffer{}, exit: make(chan int, 1)}
	second.start().wantExit(int(worker.ExitHeld))
	if got, want := second.stderr.String(), fmt.Sprintf("launcher: another launcher, process %d, keeps the server of %s running; launcher status tells more\n", os.Getpid(), r.config()); got != want {
		t.Errorf("a second launcher says %q, want %q", got, want)
	}
	r.signal()
	r.wantExit(0)
	if o := r.status(); o.State != supervise.Stopped || o.WorkerPID != 0 || o.LastReason != "stopped as asked" || o.SMPP != "" {
		t.Errorf("at the end it says %+v", o)
	}
}

func TestStatusOfALauncherThatDiedIsStopped(t *testing.T) {
	r := newRunning(t, "good")
	rep := supervise.NewReporter(logging.Folder(r.config()), "1.0.0")
	if !rep.Acquire() {
		t.Fatal("the lock is held")
	}
	if err := rep.Write(supervise.Status{State: supervise.Running, PID: 1, LastReason: "killed"}); err != nil {
		t.Fatal(err)
	}
	if o := r.status(); o.State != supervise.Running || o.WorkerPID != 1 {
		t.Errorf("while it lives it is %+v", o)
	}
	rep.Close()
	if o := r.status(); o.State != supervise.Stopped || o.WorkerPID != 0 || o.LastReason != "killed" {
		t.Errorf("after its death it is %+v", o)
	}
}

func TestServiceCommandsWithoutAServiceSayWhatToDo(t *testing.T) {
	if state, _, err := service.Query(); err != nil || state != service.NotInstalled {
		t.Skipf("the service is %s here: %v", state, err)
	}
	for _, command := range []string{"start", "stop", "restart", "uninstall"} {
		var stdout, stderr bytes.Buffer
		if code := launch([]string{command}, program{Console: commandline.Console{Stdout: &stdout, Stderr: &stderr}}); code != commandline.ExitFailed ||
			!strings.HasPrefix(stderr.String(), "launcher: the service HNET_SMPP_Serv is not installed") || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, %q", command, code, &stderr)
		}
	}
}
