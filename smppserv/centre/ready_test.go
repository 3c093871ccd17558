package centre

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// opened is a centre whose ports listen and are not served yet.
func opened(tb testing.TB, cfg *config.Config, log zerolog.Logger) *centre {
	tb.Helper()
	mc, err := begin("config.toml", cfg, "test", nil, log)
	if err == nil {
		err = mc.open(context.Background(), "test")
	}
	if err != nil {
		tb.Fatal(err)
	}
	return mc
}

// asked is what the operators' port answers; nothing of a port that is closed.
func asked(t *testing.T, mc *centre, path string) (status int, text, retryAfter string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + mc.admin.Addr().String() + path)
	if err != nil {
		return 0, "", ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(b)), resp.Header.Get("Retry-After")
}

func TestReadyzSaysWhatASlowStartAndASlowStopAreAt(t *testing.T) {
	pushed, goOn := make(chan struct{}), make(chan struct{})
	hermes := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(pushed)
		<-goOn
	}))
	defer hermes.Close()
	cfg := configOf(t, named("alice", false))
	cfg.Admin.Listen, cfg.Hermes.URL = "127.0.0.1:0", hermes.URL
	mc, err := begin("config.toml", cfg, "test", nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	away := func(reason string) {
		t.Helper()
		for _, path := range []string{"/readyz", "/", "/metrics", "/api/v1/sessions"} {
			if status, text, again := asked(t, mc, path); status != http.StatusServiceUnavailable || text != reason || again == "" {
				t.Errorf("%s: %d %q, Retry-After %q; want 503 %q", path, status, text, again, reason)
			}
		}
		if status, text, _ := asked(t, mc, "/healthz"); status != http.StatusOK {
			t.Errorf("/healthz: %d %q", status, text)
		}
	}
	away("starting")
	if err := mc.open(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	away("starting: taking up the messages that wait")
	mc.serve()
	for _, path := range []string{"/readyz", "/", "/metrics", "/api/v1/sessions"} {
		if status, text, _ := asked(t, mc, path); status != http.StatusOK {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	c := testkit.Bind(t, mc.plain.Addr().String(), smpp.CmdBindTransceiver, "alice", "secret")
	defer c.Close()
	c.Send(&smpp.SubmitSM{Source: smpp.Address{Addr: "336"}, Dest: smpp.Address{Addr: "3600"}, ShortMessage: []byte("x")})
	<-pushed
	stopped := make(chan error, 1)
	go func() { stopped <- mc.close() }()
	const waiting = "stopping: waiting for pushes and other tries under way"
	c.Expect(smpp.CmdSubmitSMResp)
	c.Close()
	testkit.Await(t, "/readyz says what the stop waits for", func() bool {
		status, text, _ := asked(t, mc, "/readyz")
		return status == http.StatusServiceUnavailable && text == waiting
	})
	away(waiting)
	close(goOn)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if status, text, _ := asked(t, mc, "/healthz"); status != 0 {
		t.Errorf("after the end: %d %q", status, text)
	}
}

func TestAStartThatFailsClosesTheOperatorsPort(t *testing.T) {
	cfg := configOf(t)
	cfg.Admin.Listen = "127.0.0.1:0"
	cfg.Store.DSN = filepath.Join(t.TempDir(), "none", "\x00") // cannot be
	mc, err := begin("config.toml", cfg, "test", nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := mc.open(t.Context(), "test"); err == nil {
		t.Fatal("it opened")
	}
	if status, text, _ := asked(t, mc, "/healthz"); status != 0 {
		t.Errorf("a start that failed left the port open: %d %q", status, text)
	}
}

func TestAnOperatorsPortThatIsTakenIsFoundBeforeTheStoreIsTouched(t *testing.T) {
	cfg := configOf(t)
	cfg.Admin.Listen = "127.0.0.1:0"
	first := opened(t, cfg, zerolog.Nop())
	defer func() { _ = first.close() }()
	second := *cfg
	second.Admin.Listen = first.admin.Addr().String()
	if _, err := begin("config.toml", &second, "test", nil, zerolog.Nop()); !IsHeld(err) || !strings.Contains(err.Error(), "admin.listen") {
		t.Errorf("got %v", err)
	}
}
