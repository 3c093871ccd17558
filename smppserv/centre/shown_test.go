package centre

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/testkit"
)

const shownFile = `mode = "vocalcom"
[server]
listen_host = "127.0.0.1"
listen_port = 0
window = 10
[hermes]
url = "http://127.0.0.1:9/push/"
[tcp]
listen_host = "127.0.0.1"
listen_port = 0
[admin]
listen = ""
[[clients]]
system_id = "acme"
password = "vocalcom"
numbers = ["3600"]
[[clients]]
system_id = "other"
password = "S3cret&1"
numbers = ["3600"]
`

// settingsShown are the settings as an operator sees them, by their keys.
func settingsShown(t *testing.T, mc *centre) (adminapi.Settings, map[string]adminapi.Setting) {
	t.Helper()
	s, err := mc.operators.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]adminapi.Setting{}
	for _, one := range s.All {
		all[one.Key] = one
	}
	return s, all
}

func TestOperatorsSeeWhereEachSettingComesFromAndWhatWaitsForARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	write := func(text string) (config.File, error) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Read(path)
	}
	f, err := write(shownFile)
	if err != nil {
		t.Fatal(err)
	}
	mc := opened(t, f.Config, zerolog.Nop())
	defer func() {
		if err := mc.close(); err != nil {
			t.Error(err)
		}
	}()
	mc.file, mc.started = f, f
	mc.show(&mc.file, "")
	s, all := settingsShown(t, mc)
	if s.File != path || s.Fault != "" || len(s.Pending) != 0 || s.Taken.IsZero() {
		t.Errorf("got %q, %q, %q", s.File, s.Fault, s.Pending)
	}
	for key, want := range map[string]adminapi.Setting{
		"server.window":            {Value: "10", Source: "config.toml:5", Restart: true},
		"hermes.timeout":           {Value: "10s", Source: "default"},
		"clients[other].password":  {Value: hidden, Secret: true, Source: "config.toml:19"},
		"hermes.secret":            {Secret: true, Source: "default"},
		"clients[other].numbers":   {Value: `["3600"]`, Source: "config.toml:20"},
		"server.response_timeout":  {Value: "30s", Source: "default", Restart: true},
		"clients[acme].max_queued": {Value: "100000", Source: "default"},
	} {
		if want.Key = key; all[key] != want {
			t.Errorf("%s is %+v, want %+v", key, all[key], want)
		}
	}
	status, err := mc.operators.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	for _, n := range status.Attention {
		codes[n.Code] = n.About
	}
	if codes[operators.CodeShippedPassword] != "clients[acme].password" || codes[operators.CodeNumberShared] != "clients[other].numbers[0]" {
		t.Errorf("attention: %v", codes)
	}

	f, err = write(strings.Replace(strings.Replace(shownFile, "window = 10", "window = 20", 1), "[hermes]", "[hermes]\ntimeout = \"7s\"", 1))
	mc.reload(f, err)
	s, all = settingsShown(t, mc)
	if got := all["server.window"]; got.Value != "10" || got.Pending != "20" || strings.Join(s.Pending, " ") != "server.window" {
		t.Errorf("a restart waits for %q: %+v", s.Pending, got)
	}
	if got := all["hermes.timeout"]; got.Value != "7s" || got.Pending != "" || got.Source != "config.toml:7" {
		t.Errorf("what was taken up: %+v", got)
	}
	mc.reload(write("mode = 1"))
	s, all = settingsShown(t, mc)
	if s.Fault == "" || s.Faulty.IsZero() || all["hermes.timeout"].Value != "7s" || len(s.Pending) != 1 {
		t.Errorf("of a file with a fault: %q since %v, pending %q", s.Fault, s.Faulty, s.Pending)
	}
	since := s.Faulty
	mc.reload(write("mode = 2"))
	if s, _ = settingsShown(t, mc); !s.Faulty.Equal(since) {
		t.Errorf("it is faulty since %v, and then since %v", since, s.Faulty)
	}
	testkit.Await(t, "the audit tells of each reload", func() bool {
		a, err := mc.operators.Audit(context.Background(), "", 0)
		if err != nil {
			t.Fatal(err)
		}
		var what []string
		for _, e := range a.Entries {
			if e.Who != adminapi.ActorFile {
				t.Errorf("by %q", e.Who)
			}
			what = append(what, e.What)
		}
		return strings.Join(what, ", ") == "reload refused, reload refused, reload" && strings.Contains(a.Entries[2].More, "hermes.timeout")
	})
}
