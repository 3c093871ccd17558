package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoadNamesFileLineKeyAndRemedy(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // whole lines of the error, without the file
	}{
		{"unknown key", "[server]\n\nlisten_prt = 1", []string{"3: server.listen_prt: unknown key; did you mean server.listen_port?"}},
		{"the old product's spelling", "[server]\nListenPort = 1", []string{"2: server.ListenPort: unknown key; did you mean server.listen_port?"}},
		{"key of another table", "[tcp]\nthrottle_rate = 1", []string{"2: tcp.throttle_rate: unknown key; did you mean server.throttle_rate?"}},
		{"key below the wrong header", "[server]\nmode = \"vocalcom\"", []string{"2: server.mode: unknown key; did you mean mode?"}},
		{"unknown table", "[sever]\nlisten_port = 1", []string{"1: sever: unknown key; did you mean server?"}},
		{"unknown key in a client", "[[clients]]\nsystem_id='a'\npassword='b'\n[[clients]]\nsystem_id='c'\npassword='d'\nnumber=[]",
			[]string{"7: clients[1].number: unknown key; did you mean clients[1].numbers?"}},
		{"unknown dotted key", "server.tls.cert = 'x'", []string{"1: server.tls.cert: unknown key; did you mean server.tls.cert_file?"}},
		{"inline table", "[admin]\nusers = [\n  { name='a', password='b' },\n  { name='c', pasword='d' },\n]", []string{
			"4: admin.users[1].password: is missing",
			"4: admin.users[1].pasword: unknown key; did you mean admin.users[1].password?"}},
		{"duration without unit", "[server]\nkeep_alive_interval = 600", []string{`2: server.keep_alive_interval: must be a duration in quotes with its unit, such as "30s", "10m" or "250ms", not a whole number`}},
		{"single brackets", "[clients]\nsystem_id = 'a'", []string{"1: clients: is a list of tables: write [[clients]] with double brackets, once per entry"}},
		{"missing required keys", "mode = 'vocalcom'\n[[clients]]\nnumbers = []", []string{"2: clients[0].password: is missing", "2: clients[0].system_id: is missing"}},
		{"all at once, in order", "mode = 'x'\n[server]\nwindow = 0\nwindwo = 1\nthrottle_rate = true", []string{
			`1: mode: is "x"; it must be "vocalcom" or "opportunity"`,
			"3: server.window: is 0; it must be from 1 to 10000",
			"4: server.windwo: unknown key; did you mean server.window?",
			"5: server.throttle_rate: must be a whole number without quotes, not true or false"}},
		{"word of a client", "[[clients]]\nsystem_id='a'\npassword=''\nbind_types = [\n 'receiver',\n 'both',\n]",
			[]string{`6: clients[0].bind_types[1]: is "both"; it must be "transmitter", "receiver" or "transceiver"`}},
		{"distribution list without members", "[[distribution_lists]]\nname = 'a'", []string{"1: distribution_lists[0].members: is missing"}},
		{"member of a distribution list", "[[distribution_lists]]\nname = 'a'\nmembers = ['1',\n'36 00']", []string{
			`4: distribution_lists[0].members[1]: "36 00" is not a number; it must be at most 20 characters, digits with or without a + before them`}},
		{"canned message", "[canned_messages]\n1 = 'a'\n256 = 'b'", []string{"3: canned_messages.256: is not an sm_default_msg_id; write a number from 1 to 255"}},
		{"canned message without quotes", "[canned_messages]\n1 = 2", []string{"2: canned_messages.1: must be text in quotes, not a whole number"}},
		{"service type", "[service_types]\nCMT = 'off'", []string{`2: service_types.CMT: is "off"; it must be "unavailable" or "denied"`}},
		{"syntax", "[server]\nlisten_port = \n", []string{"2: server.listen_port: has no valid value; after = comes a number, true, false, or text in quotes"}},
		{"Windows path", "[store]\ndsn = \"C:\\data\\x.db\"", []string{`2: store.dsn: invalid escape in string '\d'; in a path write / or \\, or put it in single quotes`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, required(tt.text))
			_, err := Load(path)
			var typed *Error
			if !errors.As(err, &typed) {
				t.Fatalf("got %v, want an *Error", err)
			}
			for i, line := range tt.want {
				tt.want[i] = path + ":" + line
			}
			if want := strings.Join(tt.want, "\n"); err.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
		})
	}
}

// required puts behind a text what a file must say, as far as the text is silent about it.
func required(text string) string {
	if !strings.Contains(text, "[clients]") {
		text += "\n[[clients]]\nsystem_id = 'required'\npassword = 'secret'"
	}
	if !strings.Contains(text, "[hermes") {
		text += "\n[hermes]\nurl = 'simulator'"
	}
	return text + "\n"
}

// parse is Load without the disk.
func parse(path string, data []byte) (*Config, error) {
	f, err := parseFile(path, data)
	return f.Config, err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestErrorsNeverShowSecrets(t *testing.T) {
	const secret = "s3cr3tS3cr3t"
	texts := []string{
		"[[clients]]\nsystem_id='a'\npassword = ['" + secret + "']",
		"[[clients]]\nsystem_id='a'\npassword = '$2a$" + secret + "'",
		"[[clients]]\nsystem_id='a'\npassword = '" + strings.Repeat(secret, 10) + "'",
		"[hermes]\nurl = 'ftp://u:" + secret + "@h/'",
		"[tcp]\ntoken = { a = '" + secret + "' }",
		"[hermes]\nsecret = [\n'" + secret + "']\n",
		"[[clients]]\nsystem_id='a'\npassword = " + secret,
		"[hermes.request.headers]\nx-api-key = " + secret,
		"[tcp]\ntoken = 12" + secret,
		"[[clients]]\nsystem_id='a'\npassword=''\noutbind_password = '" + secret + "'",
		"[[clients]]\nsystem_id='a'\npassword=''\noutbind_password = ['" + secret + "']",
		"[[clients]]\nsystem_id='a'\npassword=''\noutbind_password = " + secret,
		"[[clients]]\nsystem_id='a'\npassword=''\noutbind_password = 12" + secret,
	}
	for _, text := range texts {
		_, err := parse("config.toml", []byte(required(text)))
		if err == nil {
			t.Errorf("%s: no error", text)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %s", err)
		}
	}
}

func TestErrorOfAFileThatCannotBeReadBeginsWithItsName(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "nowhere.toml")
	large := filepath.Join(dir, "large.toml")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFileSize+1); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{missing, large, dir} {
		_, err := Load(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || strings.Count(err.Error(), path) != 1 {
			t.Errorf("got %v, want %s: and the reason", err, path)
		}
	}
	for _, path := range []string{missing, dir} {
		_, err := Find(path, nil)
		if err == nil || !strings.HasPrefix(err.Error(), path+", named by --config: ") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAClientStartsFromTheDefaults(t *testing.T) {
	cfg, err := Load(write(t, required("[[clients]]\nsystem_id = 'acme'\npassword = 'pw'\nmax_queued = 5\n[[clients]]\nsystem_id = 'b'\npassword = ''\n")))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Clients) != 2 {
		t.Fatalf("%d clients", len(cfg.Clients))
	}
	a := cfg.Clients[0]
	if a.SystemID != "acme" || a.MaxQueued != 5 || a.BindPolicy != "split" || a.DefaultAlphabet != "gsm7" || a.LongMessages != "udh" {
		t.Errorf("got %+v", a)
	}
	if b := cfg.Clients[1]; b.MaxQueued != 100000 || b.Password != "" {
		t.Errorf("got %+v", b)
	}
}

func TestPathsStartFromTheFilesFolder(t *testing.T) {
	path := write(t, required("[store]\ndsn = 'db/m.db'\n[launcher]\nworker = 'bin/smppserv'\n"))
	cfg, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if want := filepath.Join(dir, "db", "m.db"); cfg.Store.DSN != want {
		t.Errorf("dsn = %s, want %s", cfg.Store.DSN, want)
	}
	if want := filepath.Join(dir, "bin", "smppserv"); cfg.Launcher.Worker != want {
		t.Errorf("worker = %s, want %s", cfg.Launcher.Worker, want)
	}
}

func TestFindLooksInTheCurrentFolderThenSaysWhereItLooked(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	_, err := Find("", nil)
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), " and ") {
		t.Errorf("got %v, want the places it looked in", err)
	}
	if err := os.WriteFile(FileName, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Find("", nil)
	if err != nil || !filepath.IsAbs(got) || filepath.Base(got) != FileName {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := Find("nowhere.toml", nil); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("got %v", err)
	}
	if _, err := Find(dir, nil); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("got %v", err)
	}
}

func TestLoadLauncherReadsItsSectionOfABrokenFile(t *testing.T) {
	path := write(t, "mode = 'x'\n[server]\nfoo = 1\n[launcher]\nstop_grace = '3s'\nworker = 'w'\n")
	got := LoadLauncher(path)
	if got.StopGrace != 3*time.Second || got.Worker != filepath.Join(filepath.Dir(path), "w") {
		t.Errorf("got %+v", got)
	}
	path = write(t, "[launcher]\nstop_grace = '0s'\nlog_keep = 'x'\nlog_kep = 1\nlog_max_mb = 7\n")
	want := Default().Launcher
	want.LogMaxMB = 7
	if got := LoadLauncher(path); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, text := range []string{"[launcher]\nstop_grace = 3", "[launcher\n", "[launcher]\nstop_grace = '0s'"} {
		if got := LoadLauncher(write(t, text)); got != Default().Launcher {
			t.Errorf("%q: got %+v, want the defaults", text, got)
		}
	}
	if got := LoadLauncher("/nowhere/config.toml"); got != Default().Launcher {
		t.Errorf("got %+v, want the defaults", got)
	}
}
