package centre

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/alerts"
	"hnetsmpp/smppserv/testkit"
)

func TestAlertsAreAsConfigTomlSays(t *testing.T) {
	cfg := configOf(t, named("alice", false))
	cfg.Mail = config.Mail{Server: "mail.example.com", Port: 465, User: "me", Password: "pw", From: "a@example.com", TLS: config.MailTLS}
	cfg.Alerts = []config.Alert{{When: config.WhenClientUnbound, Limit: "10m", Client: "alice", Email: []string{"ops@example.com"}},
		{When: config.WhenWaiting, Limit: "5000", Webhook: "http://example.com/"}, {When: config.WhenDiskFree, Limit: "5GB", Webhook: "http://example.com/"}}
	if err := cfg.Validate(); err != nil && strings.Contains(err.Error(), "alerts") {
		t.Fatal(err)
	}
	want := alerts.Settings{Mail: alerts.Mail{Server: "mail.example.com", Port: 465, User: "me", Password: "pw", From: "a@example.com", Security: alerts.ImplicitTLS},
		Rules: []alerts.Rule{{When: alerts.ClientUnbound, Limit: "10m", Lasts: 10 * time.Minute, Client: "alice", Email: []string{"ops@example.com"}},
			{When: alerts.Waiting, Limit: "5000", Count: 5000, Webhook: "http://example.com/"}, {When: alerts.DiskFree, Limit: "5GB", Octets: 5 << 30, Webhook: "http://example.com/"}}}
	if got := alertSettings(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A server that runs tells what holds, and a test, over the API, reaches the same webhook.
func TestAWebhookHearsOfWhatHoldsAndOfATest(t *testing.T) {
	posts := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- string(body)
	}))
	defer hook.Close()
	cfg := configOf(t, named("alice", false))
	cfg.Admin.Listen, cfg.Hermes.URL = "127.0.0.1:0", "http://127.0.0.1:1/"
	cfg.Alerts = []config.Alert{{When: config.WhenDiskFree, Limit: "4000000TB", Webhook: hook.URL}}
	mc := opened(t, cfg, zerolog.Nop())
	mc.serve()
	t.Cleanup(func() {
		if err := mc.close(); err != nil {
			t.Error(err)
		}
	})
	if got := testkit.Receive(t, posts, "the notice"); !strings.Contains(got, `"alert":"disk_free"`) || !strings.Contains(got, `"kind":"notice"`) {
		t.Errorf("got %s", got)
	}
	resp, err := http.Post("http://"+mc.admin.Addr().String()+"/api/v1/alerts/test", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"count":1`) {
		t.Errorf("%s %s", resp.Status, body)
	}
	if got := testkit.Receive(t, posts, "the test"); !strings.Contains(got, `"kind":"test"`) {
		t.Errorf("got %s", got)
	}
}
