package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/testkit"
)

func test(t *testing.T, s Settings) (int, error) {
	t.Helper()
	a := New(Options{Node: "smsc1", Source: &world{}, Log: zerolog.Nop()})
	a.Configure(s)
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Patience)
	defer cancel()
	return a.Test(ctx)
}

func TestMailsReachServersOfEachKind(t *testing.T) {
	server, client := authority(t)
	rules := []Rule{{When: HermesSilent, Email: []string{"ops@example.com", "boss@example.com"}}}
	for name, c := range map[string]struct {
		server   mailServer
		implicit bool
		mail     Mail
		fails    string
	}{
		"STARTTLS":                     {server: mailServer{conf: server}, mail: Mail{}},
		"STARTTLS and a password":      {server: mailServer{conf: server, login: "/me/s3cret"}, mail: Mail{User: "me", Password: "s3cret"}},
		"TLS":                          {server: mailServer{conf: server, login: "/me/s3cret"}, implicit: true, mail: Mail{Security: ImplicitTLS, User: "me", Password: "s3cret"}},
		"in the clear":                 {mail: Mail{Security: NoTLS}},
		"no STARTTLS where it must be": {mail: Mail{}, fails: "STARTTLS"},
		"a wrong password":             {server: mailServer{conf: server, login: "/me/s3cret"}, mail: Mail{User: "me", Password: "guess"}, fails: "wrong password"},
		"nobody of this name":          {server: mailServer{conf: server, refuse: "550 5.1.1 nobody of this name"}, mail: Mail{}, fails: "nobody of this name"},
	} {
		t.Run(name, func(t *testing.T) {
			c.mail.Server, c.mail.Port, c.mail.From, c.mail.TLS = "127.0.0.1", newMailServer(t, c.implicit, &c.server), "HNET SMPP Serv <smpp@example.com>", client
			n, err := test(t, Settings{Rules: rules, Mail: c.mail})
			if c.fails != "" {
				if err == nil || n != 0 || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "ops@example.com") || strings.Contains(err.Error(), "guess") {
					t.Errorf("%d sent, %v", n, err)
				}
				return
			}
			if err != nil || n != 1 {
				t.Fatalf("%d sent, %v", n, err)
			}
			got := testkit.Receive(t, c.server.mails, "the mail")
			if got.encrypted != (c.mail.Security != NoTLS) || got.login != c.server.login || !strings.Contains(got.from, "<smpp@example.com>") ||
				!strings.Contains(got.to, "<ops@example.com>") || !strings.Contains(got.to, "<boss@example.com>") {
				t.Errorf("got %+v", got)
			}
			for _, want := range []string{"Subject: [smsc1] This is a test", "Auto-Submitted: auto-generated", "Message-ID: <", "Server: smsc1"} {
				if !strings.Contains(got.data, want) {
					t.Errorf("no %s in\n%s", want, got.data)
				}
			}
		})
	}
}

func TestAWebhookIsSentJSONOnceAndItsAddressIsNotTold(t *testing.T) {
	posts := make(chan Notice, 10)
	status := http.StatusNoContent
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var n Notice
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err != nil || d.Decode(&n) != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") || r.URL.RawQuery != "key=s3cret" {
			t.Errorf("%s %s: %s, %v", r.Method, r.URL, body, err)
		}
		posts <- n
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer s.Close()
	rules := []Rule{{When: HermesSilent, Webhook: s.URL + "/hook?key=s3cret"}, {When: DiskFree, Webhook: s.URL + "/hook?key=s3cret"}}
	if n, err := test(t, Settings{Rules: rules}); n != 1 || err != nil {
		t.Errorf("%d sent, %v", n, err)
	}
	if n := <-posts; n.Kind != KindTest || n.Node != "smsc1" || n.Text == "" || n.At.IsZero() || n.Source != source || len(posts) > 0 {
		t.Errorf("got %+v, and %d more", n, len(posts))
	}
	for code, final := range map[int]bool{http.StatusFound: true, http.StatusNotFound: true, http.StatusTooManyRequests: false, http.StatusBadGateway: false} {
		status = code
		got, err := post(t.Context(), rules[0].Webhook, Notice{})
		if <-posts; err == nil || got != final || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d: final %t, %v", code, got, err)
		}
	}
	s.Close()
	if n, err := test(t, Settings{Rules: rules}); n != 0 || err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "webhook of 127.0.0.1") {
		t.Errorf("%d sent, %v", n, err)
	}
}

func TestATestWithoutAlertsSaysSo(t *testing.T) {
	if n, err := test(t, Settings{}); n != 0 || err == nil {
		t.Errorf("%d sent, %v", n, err)
	}
}

// The whole way, with a real webhook: what holds at the start is told within moments.
func TestWhatHoldsIsToldToTheWebhook(t *testing.T) {
	posts := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- string(body)
	}))
	defer s.Close()
	w := &world{since: time.Now().Add(-time.Hour), waiting: []adminapi.Waiting{{Recipient: adminapi.Hermes, Count: 45}}}
	down := int64(0)
	w.hermes = &down
	a := New(Options{Node: "smsc1", Source: w, Log: zerolog.Nop()})
	a.Configure(Settings{Rules: []Rule{{When: HermesSilent, Lasts: time.Minute, Limit: "1m", Webhook: s.URL}}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go a.Run(ctx)
	got := testkit.Receive(t, posts, "the notice")
	if !strings.Contains(got, `"kind":"notice"`) || !strings.Contains(got, `"alert":"hermes_silent"`) || !strings.Contains(got, "45 messages wait") {
		t.Errorf("got %s", got)
	}
}
