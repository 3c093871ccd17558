package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
)

const loopbackAny = "127.0.0.1:0"

// start serves on a free port of loopback and returns the server's URL, without a slash at the end.
func start(t *testing.T, o Options) string { return startWith(t, o, http.NotFoundHandler()) }

// startWith is start with a page.
func startWith(t *testing.T, o Options, page http.Handler) string {
	t.Helper()
	if o.Listen == "" {
		o.Listen = loopbackAny
	}
	if o.Centre == nil {
		o.Centre = &fake{}
	}
	if o.Metrics == nil {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeLines(w, http.StatusOK, "metric 1") })
	}
	s := New(o)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	s.Here(operators{o.Centre.(*fake)}, page)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	_, port, _ := net.SplitHostPort(s.Addr().String())
	return "http://" + net.JoinHostPort("127.0.0.1", port)
}

type change func(*http.Request)

func header(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }

func user(name, password string) change {
	return func(r *http.Request) { r.SetBasicAuth(name, password) }
}

func host(h string) change { return func(r *http.Request) { r.Host = h } }

// ask sends one request and reads its answer.
func ask(t *testing.T, method, url string, changes ...change) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		c(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHealthIsOKWhileTheProcessRuns(t *testing.T) {
	url := start(t, Options{Centre: &fake{ready: func() error { return errors.New("the store is not available") }}})
	if resp, body := ask(t, "GET", url+"/healthz"); resp.StatusCode != http.StatusOK || body != "ok\n" {
		t.Errorf("got %s, %q", resp.Status, body)
	}
}

func TestReadinessFollowsItsCauseAndSaysItInOneLine(t *testing.T) {
	var mu sync.Mutex
	var cause error
	set := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		cause = err
	}
	url := start(t, Options{Centre: &fake{ready: func() error {
		mu.Lock()
		defer mu.Unlock()
		return cause
	}}})
	for _, tt := range []struct {
		cause  error
		status int
		body   string
	}{
		{nil, http.StatusOK, "ok\n"},
		{errors.New("the store is not available:\n\tdisk full"), http.StatusServiceUnavailable, "the store is not available: disk full\n"},
		{nil, http.StatusOK, "ok\n"},
	} {
		set(tt.cause)
		if resp, body := ask(t, "GET", url+"/readyz"); resp.StatusCode != tt.status || body != tt.body {
			t.Errorf("%v: got %s, %q", tt.cause, resp.Status, body)
		}
	}
}

func TestReadinessHasALineForEachProblemThatAnybodyMayRead(t *testing.T) {
	var down error
	url := start(t, Options{Centre: &fake{ready: func() error { return down }, problems: []Problem{
		{Text: "1 message waits for bob in vain", Brief: "1 message waits\nin vain"}, {Text: "2 messages wait for carol in vain"}}}})
	if resp, body := ask(t, "GET", url+"/readyz"); resp.StatusCode != http.StatusOK || body != "ok\n1 message waits in vain\n" {
		t.Errorf("got %s, %q", resp.Status, body)
	}
	down = errors.New("the disk hangs")
	if resp, body := ask(t, "GET", url+"/readyz"); resp.StatusCode != http.StatusServiceUnavailable || body != "the disk hangs\n1 message waits in vain\n" {
		t.Errorf("got %s, %q", resp.Status, body)
	}
}

func TestReadinessDoesNotWaitForWhatElseIsToBeSeenTo(t *testing.T) {
	slow := make(chan struct{})
	defer close(slow)
	url := start(t, Options{Centre: &fake{await: slow}})
	if resp, body := ask(t, "GET", url+"/readyz"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(body, "ok\nwhat else is to be seen to is not known") {
		t.Errorf("got %s, %q", resp.Status, body)
	}
}

func TestSessionsAreListedAsJSON(t *testing.T) {
	since := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	url := start(t, Options{Centre: &fake{sessions: func() []adminapi.Session {
		return []adminapi.Session{{ID: 7, SystemID: "admin", State: "BOUND_TRX", Remote: "192.0.2.1:4000", Version: "3.4", Since: since}}
	}}})
	resp, body := ask(t, "GET", url+"/api/v1/sessions")
	const want = `[{"id":7,"system_id":"admin","state":"BOUND_TRX","remote":"192.0.2.1:4000","interface_version":"3.4","since":"2026-11-23T10:00:00Z","tls":false,"window":0,"in_flight":0,"submits":0,"refused":0,"delivers":0}]` + "\n"
	if resp.StatusCode != http.StatusOK || body != want || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s, %s, %q", resp.Status, resp.Header.Get("Content-Type"), body)
	}
}

func TestDeletingASessionUnbindsIt(t *testing.T) {
	url := start(t, Options{Centre: &fake{unbind: func(id uint64) bool { return id == 7 }}})
	if resp, body := ask(t, "DELETE", url+"/api/v1/sessions/7"); resp.StatusCode != http.StatusNoContent || body != "" {
		t.Errorf("got %s, %q", resp.Status, body)
	}
	for _, id := range []string{"8", "0", "-7", "seven", "99999999999999999999", "7%2f"} {
		resp, body := ask(t, "DELETE", url+"/api/v1/sessions/"+id)
		var p adminapi.Problem
		if err := json.Unmarshal([]byte(body), &p); resp.StatusCode != http.StatusNotFound || err != nil || p.Status != http.StatusNotFound {
			t.Errorf("%s: got %s, %q", id, resp.Status, body)
		}
	}
}

func TestAPathOfTheAPIWithAnEmptyNameIsNotFound(t *testing.T) {
	url := start(t, Options{})
	for _, path := range []string{"/clients//trace?%91", "//status", "/clients/../status", "/clients/./pause", "//"} {
		resp, body := ask(t, "GET", url+"/api/v1"+path)
		var p adminapi.Problem
		if err := json.Unmarshal([]byte(body), &p); resp.StatusCode != http.StatusNotFound || err != nil || p.Status != http.StatusNotFound {
			t.Errorf("%s: got %s, %q", path, resp.Status, body)
		}
	}
	if resp, _ := ask(t, "GET", url+"/api/v1/clients/a%2F%2Fb/trace"); resp.Header.Get("Location") != "" {
		t.Errorf("a name with slashes is sent to %s", resp.Header.Get("Location"))
	}
}

func TestAnUnknownPathIsNotFoundAndAnotherMethodNotAllowed(t *testing.T) {
	url := start(t, Options{})
	for path, want := range map[string]int{
		"GET /index.html":            http.StatusNotFound,
		"GET /api/v1/sessions/7":     http.StatusMethodNotAllowed,
		"DELETE /api/v1/sessions":    http.StatusMethodNotAllowed,
		"GET /debug/pprof/goroutine": http.StatusNotFound,
	} {
		method, p, _ := strings.Cut(path, " ")
		if resp, _ := ask(t, method, url+p); resp.StatusCode != want {
			t.Errorf("%s: got %s", path, resp.Status)
		}
	}
}

func TestAPortInUseIsNamedWithItsKey(t *testing.T) {
	l, err := net.Listen("tcp", loopbackAny)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = New(Options{Listen: l.Addr().String()}).Listen()
	if err == nil || !strings.HasPrefix(err.Error(), `admin.listen = "`+l.Addr().String()+`": `) {
		t.Fatalf("got %v", err)
	}
	var number syscall.Errno
	if !errors.As(err, &number) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestWithoutAnAddressNothingListens(t *testing.T) {
	s := New(Options{})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	s.Here(operators{&fake{}}, nil)
	if s.Addr() != nil {
		t.Errorf("it listens on %s", s.Addr())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseFreesThePortThatWasNeverServed(t *testing.T) {
	s := New(Options{Listen: loopbackAny})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestCloseWaitsForARequestUnderWay(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := New(Options{Listen: loopbackAny, Centre: &fake{ready: func() error {
		close(begun)
		<-goOn
		return nil
	}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	s.Here(operators{&fake{}}, nil)
	status := make(chan int, 1)
	go func() {
		resp, err := http.Get("http://" + s.Addr().String() + "/readyz")
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-begun
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	select {
	case err := <-closed:
		t.Fatalf("it closed under the request: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if got := <-status; got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestCloseCutsARequestWhenItsTimeIsOver(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := New(Options{Listen: loopbackAny, Centre: &fake{ready: func() error {
		close(begun)
		<-goOn
		return nil
	}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	s.Here(operators{&fake{}}, nil)
	cut := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + s.Addr().String() + "/readyz")
		if err == nil {
			resp.Body.Close()
		}
		cut <- err
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if <-cut == nil {
		t.Error("the request was answered")
	}
	close(goOn)
}

func TestCloseDoesNotWaitForAConnectionThatAsksNothing(t *testing.T) {
	s := New(Options{Listen: loopbackAny})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	s.Here(operators{&fake{}}, nil)
	idle, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	began := time.Now()
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took >= 5*time.Second { // for so long net/http waits for one that has sent nothing
		t.Errorf("it took %s", took)
	}
}

func TestConnectionsTooManyAreClosedAndOthersStillAnswered(t *testing.T) {
	url := start(t, Options{})
	address := strings.TrimPrefix(url, "http://")
	var open []net.Conn
	for range maxConnections + 1 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	last := open[maxConnections]
	_ = last.SetReadDeadline(time.Now().Add(10 * time.Second))
	var timeout net.Error
	if _, err := last.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("one too many stays open: %v", err)
	}
	for _, c := range open[:10] {
		c.Close()
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		resp, err := http.Get(url + "/healthz")
		if err == nil {
			resp.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestQuietWaitsForWhoAsksAndNoLongerThanItMay(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := New(Options{Listen: loopbackAny, Centre: &fake{ready: func() error {
		close(begun)
		<-goOn
		return nil
	}}})
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
	defer func() { _ = s.Close(context.Background()) }()
	get := func() int {
		resp, err := http.Get("http://" + s.Addr().String() + "/readyz")
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get(); got != http.StatusServiceUnavailable {
		t.Errorf("before there is a centre: %d", got)
	}
	s.Here(operators{&fake{}}, nil)
	status := make(chan int, 1)
	go func() { status <- get() }()
	<-begun
	s.Away("stopping")
	if got := get(); got != http.StatusServiceUnavailable {
		t.Errorf("behind one that asks: %d", got)
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Quiet(short); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	quiet := make(chan error, 1)
	go func() { quiet <- s.Quiet(context.Background()) }()
	close(goOn)
	if got := <-status; got != http.StatusOK {
		t.Errorf("got %d", got)
	}
	if err := <-quiet; err != nil {
		t.Error(err)
	}
	if err := s.Quiet(t.Context()); err != nil {
		t.Error(err)
	}
}
