package worker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// fakeEnv makes this test binary a worker that behaves as its value says.
const fakeEnv = "HNET_TEST_FAKE_WORKER"

// What a fake worker is told besides.
const (
	grandchildEnv = "HNET_TEST_GRANDCHILD" // how the worker of a "parent" behaves
	markEnv       = "HNET_TEST_MARK"       // the file that a worker writes when it stops politely
)

func TestMain(m *testing.M) {
	if behaviour := os.Getenv(fakeEnv); behaviour != "" {
		os.Exit(int(fakeWorker(behaviour)))
	}
	os.Exit(m.Run())
}

func fakeWorker(behaviour string) ExitCode {
	report := NewReporter(os.Stdout)
	stop := StopOnEOF(os.Stdin)
	switch behaviour {
	case "good":
		_ = report.Ready(Ready{Version: "1.2.3", SMPP: "127.0.0.1:2346", TCP: "127.0.0.1:18182"})
		go func() { _ = report.RunAlive(context.Background()) }()
		<-stop
		fmt.Fprintln(os.Stderr, `{"level":"info","message":"stopped"}`)
		return ExitStopped
	case "crowd":
		for range 2000 {
			go func() { select {} }()
		}
		fmt.Fprintln(os.Stderr, `{"level":"error","message":"an earlier fault"}`)
		_ = report.Ready(Ready{})
		<-stop
		return ExitStopped
	case "args":
		fmt.Fprintln(os.Stderr, os.Args[1:])
		return ExitStopped
	case "bad config":
		fmt.Fprintln(os.Stderr, `{"level":"error","error":"config.toml:3: server.listen_prt: unknown key","message":"load"}`)
		fmt.Fprintln(os.Stderr, `{"level":"info","message":"bye"}`)
		return ExitBadConfig
	case "panic":
		panic("out of luck")
	case "junk":
		fmt.Println("a library says hello")
		fmt.Println(`{"event":`)
		fmt.Println(`{"event":"from the future","x":1}`)
		_ = report.Ready(Ready{})
		fmt.Print("no line end")
		<-stop
		return ExitStopped
	case "deaf with child":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), fakeEnv+"=asleep")
		child.Stderr = os.Stderr // held open by the child too
		if err := child.Start(); err != nil {
			return ExitCrashed
		}
		_ = report.Ready(Ready{Version: fmt.Sprint(child.Process.Pid)})
		for {
			time.Sleep(time.Hour)
		}
	case "asleep":
		time.Sleep(2 * long)
		return ExitStopped
	case "outlive":
		// Its parent dies without a word; all pipes to it are broken then.
		_ = report.Ready(Ready{})
		<-stop
		for range 3 {
			fmt.Println("{}")
			fmt.Fprintln(os.Stderr, "{}")
		}
		_ = os.WriteFile(os.Getenv(markEnv), []byte("stopped politely"), 0o600)
		return ExitStopped
	case "parent":
		p, err := Start(context.Background(), Options{Path: os.Args[0], Env: []string{fakeEnv + "=" + os.Getenv(grandchildEnv)}})
		if err != nil {
			return ExitCrashed
		}
		ready, err := p.Ready(context.Background())
		if err != nil {
			return ExitCrashed
		}
		_ = report.Ready(ready)
		for {
			time.Sleep(time.Hour)
		}
	}
	return ExitCrashed
}

func start(t *testing.T, behaviour string, opts Options) *Process {
	t.Helper()
	opts.Path = os.Args[0]
	opts.Env = append(opts.Env, fakeEnv+"="+behaviour)
	p, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// long is a time that no passing test comes near to.
const long = 30 * time.Second
