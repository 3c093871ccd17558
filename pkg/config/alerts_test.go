package config

import (
	"strings"
	"testing"
	"time"
)

const alertBase = "[[clients]]\nsystem_id = 'acme'\npassword = 'b'\n[hermes]\nurl = 'simulator'\n"

func TestAlertsAreReadWithEachKindOfLimit(t *testing.T) {
	cfg, err := parse("/x/config.toml", []byte(alertBase+`
[mail]
server = "mail.example.com"
from = "HNET SMPP Serv <smpp@example.com>"
[[alerts]]
when = "client_unbound"
client = "acme"
limit = "10m"
email = ["ops@example.com"]
[[alerts]]
when = "waiting"
client = "hermes"
limit = 5000
webhook = "https://example.com/hook?key=1"
[[alerts]]
when = "disk_free"
limit = "5 GB"
webhook = "http://127.0.0.1:9000/"
`))
	if err != nil {
		t.Fatal(err)
	}
	d, err := cfg.Alerts[0].Limit.Duration()
	n, err2 := cfg.Alerts[1].Limit.Number()
	size, err3 := cfg.Alerts[2].Limit.Octets()
	if err != nil || err2 != nil || err3 != nil || d != 10*time.Minute || n != 5000 || size != 5<<30 {
		t.Errorf("got %v %v, %d %v, %d %v", d, err, n, err2, size, err3)
	}
	if cfg.Mail.Port != 587 || cfg.Mail.TLS != MailSTARTTLS {
		t.Errorf("got %+v", cfg.Mail)
	}
}

func TestAlertsThatCannotWorkAreFaults(t *testing.T) {
	const hook = "webhook = 'https://example.com/'\n"
	for text, want := range map[string]string{
		"when = 'hermes_silent'\n" + hook:                                                     "alerts[0].limit: is missing",
		"when = 'hermes_silence'\nlimit = '1m'\n" + hook:                                      `alerts[0].when: is "hermes_silence"; it must be`,
		"when = 'hermes_silent'\nlimit = 10\n" + hook:                                         `alerts[0].limit: is "10"; it must be a duration`,
		"when = 'hermes_silent'\nlimit = '10ms'\n" + hook:                                     "alerts[0].limit: is",
		"when = 'waiting'\nlimit = '10m'\n" + hook:                                            "alerts[0].limit: is \"10m\"; it must be a whole number",
		"when = 'waiting'\nlimit = 1.5\n" + hook:                                              "alerts[0].limit: must be",
		"when = 'disk_free'\nlimit = '5 Go'\n" + hook:                                         "alerts[0].limit: is \"5 Go\"; it must be a size",
		"when = 'disk_free'\nlimit = '99999999999TB'\n" + hook:                                "alerts[0].limit: is",
		"when = 'disk_free'\nlimit = '5GB'\nclient = 'acme'\n" + hook:                         "alerts[0].client: is set, but disk_free is about no client",
		"when = 'client_unbound'\nlimit = '5m'\nclient = 'hermes'\n" + hook:                   `alerts[0].client: "hermes" is the system_id of no client`,
		"when = 'waiting'\nlimit = 1\n":                                                       "alerts[0].webhook: is not set, nor is email",
		"when = 'waiting'\nlimit = 1\nwebhook = 'ftp://s3cret/'":                              "alerts[0].webhook: must be an address that begins with https://",
		"when = 'waiting'\nlimit = 1\nemail = ['ops@example.com']":                            "alerts[0].email: needs a server",
		"when = 'waiting'\nlimit = 1\nemail = ['ops']\n[mail]\nserver='m'\nfrom='a@b.c'":      `alerts[0].email[0]: is "ops"; it must be a mail address`,
		"when = 'waiting'\nlimit = 1\n" + hook + "[mail]\nserver='m:25'\nfrom='a@b.c'":        "mail.server: is \"m:25\"",
		"when = 'waiting'\nlimit = 1\n" + hook + "[mail]\nserver='m'":                         "mail.from: is empty",
		"when = 'waiting'\nlimit = 1\n" + hook + "[mail]\ntls='ssl'":                          "mail.tls: is \"ssl\"",
		"when = 'waiting'\nlimit = 1\n" + hook + "[mail]\nuser='u'\npassword='p'\ntls='none'": "mail.tls: is \"none\", and mail.user is set",
		"when = 'waiting'\nlimit = 1\n" + hook + "[mail]\nuser='u'":                           "mail.password: is empty",
	} {
		_, err := parse("/x/config.toml", []byte(alertBase+"[[alerts]]\n"+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: a webhook's address is told: %v", text, err)
		}
	}
}

func TestTheAddressOfAWebhookIsASecretAndAChangeOfAnAlertIsLive(t *testing.T) {
	text := alertBase + "[[alerts]]\nwhen = 'waiting'\nlimit = 1\nwebhook = 'https://example.com/s3cret'\n"
	f, err := parseFile("config.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, v := range f.Values() {
		if v.Key == "alerts[0].webhook" {
			found = v.Secret && v.Text == "" && v.Live
		}
		if strings.Contains(v.Text, "s3cret") {
			t.Errorf("%s tells it", v.Key)
		}
	}
	if !found {
		t.Error("alerts[0].webhook is no secret, or takes a restart")
	}
	other := *f.Config
	other.Alerts, other.Mail.Server = nil, "m"
	if applied, restart := Diff(f.Config, &other); len(applied) != 2 || len(restart) != 0 {
		t.Errorf("applied %q, restart %q", applied, restart)
	}
}
