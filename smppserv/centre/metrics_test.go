package centre

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

// served is a centre that does all that it does.
func served(t *testing.T, client string, url string) *centre {
	t.Helper()
	cfg := configOf(t, named(client, false))
	cfg.Admin.Listen, cfg.Hermes.URL = "127.0.0.1:0", url
	mc := opened(t, cfg, zerolog.Nop())
	mc.serve()
	t.Cleanup(func() {
		if err := mc.close(); err != nil {
			t.Error(err)
		}
	})
	return mc
}

func TestAServerThatRunsCountsWhatHappens(t *testing.T) {
	hermes := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hermes.Close()
	mc := served(t, "alice", hermes.URL)
	stranger := smpptest.Dial(t, mc.plain.Addr().String())
	stranger.ExpectResp(stranger.Send(&smpp.Bind{Type: smpp.CmdBindTransmitter, SystemID: "alice", Password: "guess"}), smpp.RINVPASWD)
	alice := testkit.Bind(t, mc.plain.Addr().String(), smpp.CmdBindTransceiver, "alice", "secret")
	alice.Send(&smpp.SubmitSM{Source: smpp.Address{Addr: "336"}, Dest: smpp.Address{Addr: "3600"}, ShortMessage: []byte("x")})
	alice.Expect(smpp.CmdSubmitSMResp)
	var body string
	testkit.Await(t, "the push is counted", func() bool {
		_, body, _ = asked(t, mc, "/metrics")
		return strings.Contains(body, `hnetsmpp_pushes_total{status="200"} 1`) && strings.Contains(body, "hnetsmpp_hermes_up 1")
	})
	for _, want := range []string{`hnetsmpp_binds_refused_total{reason="RINVPASWD"} 1`, `hnetsmpp_client_accepted_total{client="alice"} 1`,
		`hnetsmpp_client_sessions{client="alice"} 1`, "hnetsmpp_push_duration_seconds_count 1", "hnetsmpp_disk_free_bytes ", "hnetsmpp_ready 1",
		`hnetsmpp_waiting{kind="text",recipient="hermes"} `, "hnetsmpp_config_last_reload_successful 1"} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(body, "hnetsmpp_commit_duration_seconds_count 0") || strings.Contains(body, "hnetsmpp_database_size_bytes 0") {
		t.Error("no commit is counted, or the database has no size")
	}
}

func TestTheTraceOfAClientIsSwitchedAndDownloadedOverTheAPI(t *testing.T) {
	hermes := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hermes.Close()
	mc := served(t, "alice", hermes.URL)
	const path = "/api/v1/clients/alice/trace"
	if status, text, _ := asked(t, mc, path); status != http.StatusNotFound || !strings.Contains(text, "switch its trace on first") {
		t.Errorf("before it was switched on: %d %s", status, text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+mc.admin.Addr().String()+path, strings.NewReader(`{"on":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	alice := testkit.Bind(t, mc.plain.Addr().String(), smpp.CmdBindTransceiver, "alice", "secret")
	alice.Send(&smpp.SubmitSM{Source: smpp.Address{Addr: "336"}, Dest: smpp.Address{Addr: "3600"}, ShortMessage: []byte("hush")})
	alice.Expect(smpp.CmdSubmitSMResp)
	status, capture, _ := asked(t, mc, path)
	if status != http.StatusOK || strings.Contains(capture, "hush") || strings.Contains(capture, "secret") || !strings.Contains(capture, "alice\x00******\x00") {
		t.Errorf("%d, %d octets", status, len(capture))
	}
	if status, _, _ := asked(t, mc, path+"?texts=1"); status != http.StatusForbidden {
		t.Errorf("texts are given to anybody: %d", status)
	}
}
