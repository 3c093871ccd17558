package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

// guardedPaths are those that show or change something.
var guardedPaths = []string{"/metrics", "/api/v1/sessions", "/api/v1/status", "/api/v1/nothing"}

func onlyOps(name, password string) bool { return name == "ops" && password == "s3cret" }

func TestUsersAreAskedForOnEverythingButHealth(t *testing.T) {
	url := start(t, Options{AuthRequired: true, Centre: &fake{knows: onlyOps}})
	for _, path := range guardedPaths {
		for name, changes := range map[string][]change{
			"nobody":         nil,
			"wrong password": {user("ops", "S3cret")},
			"wrong name":     {user("root", "s3cret")},
			"other scheme":   {header("Authorization", "Bearer s3cret")},
		} {
			resp, _ := ask(t, "GET", url+path, changes...)
			if resp.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic realm=") {
				t.Errorf("%s, %s: got %s", path, name, resp.Status)
			}
		}
		want := http.StatusOK
		if path == "/api/v1/nothing" {
			want = http.StatusNotFound
		}
		if resp, _ := ask(t, "GET", url+path, user("ops", "s3cret")); resp.StatusCode != want {
			t.Errorf("%s: got %s", path, resp.Status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if resp, _ := ask(t, "GET", url+path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s", path, resp.Status)
		}
	}
}

func TestWhenUsersAreAskedForAndNobodyKnowsThemNobodyIsLetIn(t *testing.T) {
	url := start(t, Options{AuthRequired: true})
	if resp, _ := ask(t, "GET", url+"/", user("ops", "s3cret")); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", resp.Status)
	}
}

func TestAWrongPasswordIsLoggedOnceWithoutWhatWasTyped(t *testing.T) {
	var log testkit.Log
	url := start(t, Options{AuthRequired: true, Log: zerolog.New(&log), Centre: &fake{knows: onlyOps}})
	for range 3 {
		ask(t, "GET", url+"/", user("typed-as-name", "typed-as-password"))
	}
	ask(t, "GET", url+"/", user("ops", "s3cret"))
	got := log.String()
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, `"remote":"127.0.0.1:`) || strings.Contains(got, "typed") || strings.Contains(got, "s3cret") {
		t.Errorf("the log has %q", got)
	}
}

func TestAFloodOfWrongPasswordsAndOfFaultyRequestsIsAFewLines(t *testing.T) {
	const flood = 100
	var log testkit.Log
	f := &fake{knows: onlyOps}
	s := New(Options{AuthRequired: true, Log: zerolog.New(&log), Centre: f})
	s.Here(operators{f}, nil)
	for range flood {
		r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
		r.SetBasicAuth("ops", "guess")
		s.http.Handler.ServeHTTP(httptest.NewRecorder(), r)
		s.http.ErrorLog.Print("http: TLS handshake error from 192.0.2.1:5000: EOF")
	}
	for what, most := range map[string]int{wrongLogin.Text: wrongLogin.PerPeer, "TLS handshake": httpTrouble.PerPeer} {
		if n := strings.Count(log.String(), what); n != most {
			t.Errorf("%d lines of %q, want %d", n, what, most)
		}
	}
	s.limited.Flush()
	for _, left := range []int{maxAttempts - wrongLogin.PerPeer, flood - httpTrouble.PerPeer} {
		if !strings.Contains(log.String(), fmt.Sprintf(`"left_out":%d,`, left)) {
			t.Errorf("no line says that %d were left out: %s", left, log.String())
		}
	}
}

func TestASessionIsUnboundOnlyForAUserWhoIsNamed(t *testing.T) {
	f := &fake{knows: onlyOps, unbind: func(uint64) bool { return true }}
	url := start(t, Options{AuthRequired: true, Centre: f})
	if resp, _ := ask(t, "DELETE", url+"/api/v1/sessions/1"); resp.StatusCode != http.StatusUnauthorized || len(f.notes) != 0 {
		t.Errorf("got %s, %q", resp.Status, f.notes)
	}
	if resp, _ := ask(t, "DELETE", url+"/api/v1/sessions/1", user("ops", "s3cret")); resp.StatusCode != http.StatusNoContent {
		t.Errorf("got %s", resp.Status)
	}
	if !slices.Equal(f.notes, []string{"ops unbind 1"}) {
		t.Errorf("%q", f.notes)
	}
}

func TestAnotherSitesPageCannotUnbindASession(t *testing.T) {
	var unbound bool
	url := start(t, Options{Centre: &fake{unbind: func(uint64) bool {
		unbound = true
		return true
	}}})
	for _, tt := range []struct {
		name    string
		changes []change
		want    int
	}{
		{"a program", nil, http.StatusNoContent},
		{"the page itself", []change{header("Sec-Fetch-Site", "same-origin"), header("Origin", url)}, http.StatusNoContent},
		{"typed by hand", []change{header("Sec-Fetch-Site", "none")}, http.StatusNoContent},
		{"another site", []change{header("Sec-Fetch-Site", "cross-site")}, http.StatusForbidden},
		{"another port of this site", []change{header("Sec-Fetch-Site", "same-site")}, http.StatusForbidden},
		{"another site in an old browser", []change{header("Origin", "http://evil.example")}, http.StatusForbidden},
	} {
		unbound = false
		resp, _ := ask(t, "DELETE", url+"/api/v1/sessions/1", tt.changes...)
		if resp.StatusCode != tt.want || unbound != (tt.want == http.StatusNoContent) {
			t.Errorf("%s: got %s", tt.name, resp.Status)
		}
	}
}

func TestOnLoopbackAForeignHostIsRefused(t *testing.T) {
	var unbound bool
	url := start(t, Options{Centre: &fake{unbind: func(uint64) bool {
		unbound = true
		return true
	}}})
	for _, h := range []string{"127.0.0.1:8346", "localhost", "LocalHost:80", "[::1]:9000", "[::1]", "127.8.9.10", "[::ffff:127.0.0.1]:1"} {
		unbound = false
		if resp, body := ask(t, "DELETE", url+"/api/v1/sessions/1", host(h)); resp.StatusCode != http.StatusNoContent || !unbound {
			t.Errorf("%s: got %s, %q", h, resp.Status, body)
		}
	}
	unbound = false
	for _, h := range []string{"evil.example", "evil.example:8346", "localhost.evil.example", "127.0.0.1.evil.example", "192.0.2.1", "0.0.0.0:8346", "localhost:80:80"} {
		for _, path := range guardedPaths {
			if resp, _ := ask(t, "GET", url+path, host(h)); resp.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("%s%s: got %s", h, path, resp.Status)
			}
		}
		if resp, _ := ask(t, "DELETE", url+"/api/v1/sessions/1", host(h)); resp.StatusCode != http.StatusMisdirectedRequest || unbound {
			t.Errorf("%s: got %s", h, resp.Status)
		}
		if resp, _ := ask(t, "GET", url+"/healthz", host(h)); resp.StatusCode != http.StatusOK {
			t.Errorf("%s, health: got %s", h, resp.Status)
		}
	}
}

func TestTheHostOfTheListenAddressIsItsOwn(t *testing.T) {
	s := New(Options{Listen: "SMSC.internal:8346"})
	for h, want := range map[string]bool{"smsc.internal": true, "smsc.internal:8346": true, "internal": false, "": false} {
		if got := s.ownHost(h); got != want {
			t.Errorf("%q: got %v", h, got)
		}
	}
	if New(Options{Listen: ":8346"}).ownHost("") {
		t.Error("no host is nobody's")
	}
}

func TestAServerThatOtherMachinesReachGoesByAnyName(t *testing.T) {
	url := start(t, Options{Listen: "0.0.0.0:0", AuthRequired: true, Centre: &fake{knows: onlyOps}})
	if resp, _ := ask(t, "GET", url+"/metrics", host("smsc.example"), user("ops", "s3cret")); resp.StatusCode != http.StatusOK {
		t.Errorf("got %s", resp.Status)
	}
	if resp, _ := ask(t, "GET", url+"/metrics", host("smsc.example")); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s", resp.Status)
	}
}

func TestOnlySoManyPasswordsAreCheckedAtATime(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	url := start(t, Options{AuthRequired: true, Centre: &fake{knows: func(string, string) bool {
		begun <- struct{}{}
		<-goOn
		return true
	}}})
	const requests = 3 * maxChecks
	answered := make(chan int, requests)
	for range requests {
		go func() {
			r, _ := http.NewRequest("GET", url+"/api/v1/sessions", nil)
			r.SetBasicAuth("ops", "s3cret")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				answered <- 0
				return
			}
			resp.Body.Close()
			answered <- resp.StatusCode
		}()
	}
	for range maxChecks {
		<-begun
	}
	select {
	case <-begun:
		t.Errorf("more than %d are checked", maxChecks)
		goOn <- struct{}{}
	default:
	}
	go func() {
		for range begun { // the rest get their turn
		}
	}()
	close(goOn)
	for range requests {
		if got := <-answered; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
	}
	close(begun)
}

func TestHeadersOverTheBoundAreRefused(t *testing.T) {
	url := start(t, Options{})
	resp, _ := ask(t, "GET", url+"/healthz", header("X-Long", strings.Repeat("x", 2*maxHeaderBytes)))
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", resp.Status)
	}
}

func TestBrowsersAreToldToKeepAndLoadNothing(t *testing.T) {
	url := start(t, Options{})
	for _, path := range []string{"/", "/healthz", "/metrics", "/api/v1/sessions", "/nothing"} {
		resp, _ := ask(t, "GET", url+path)
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": contentPolicy} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestProgramsReadAProblemWhateverTheyAreRefusedFor(t *testing.T) {
	url := start(t, Options{AuthRequired: true, Centre: &fake{knows: onlyOps}})
	for name, tt := range map[string]struct {
		changes []change
		status  int
		words   string
	}{
		"a stranger":       {nil, http.StatusUnauthorized, "a user of admin.users is needed"},
		"a wrong password": {[]change{user("ops", "guess")}, http.StatusUnauthorized, "no user of admin.users with this password"},
		"another host":     {[]change{user("ops", "s3cret"), host("evil.example")}, http.StatusMisdirectedRequest, "is not this server"},
		"another site":     {[]change{user("ops", "s3cret"), header("Sec-Fetch-Site", "cross-site")}, http.StatusForbidden, "another site"},
	} {
		resp, body := ask(t, "DELETE", url+"/api/v1/sessions/1", tt.changes...)
		var p adminapi.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != tt.status || p.Status != tt.status || !strings.Contains(p.Detail, tt.words) ||
			resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %s, %s, %s", name, resp.Status, resp.Header.Get("Content-Type"), body)
		}
	}
}
