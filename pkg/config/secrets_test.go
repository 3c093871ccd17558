package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const someClient = "[[clients]]\nsystem_id = 'acme'\n"

// loads is Load of a file that holds text beside those others.
func loads(t *testing.T, text string, others map[string]string) (*Config, string, error) {
	t.Helper()
	path := write(t, text)
	for name, content := range others {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(path)
	return cfg, filepath.Dir(path), err
}

func TestSecretsComeFromTheEnvironmentAndFromFilesOfTheirOwn(t *testing.T) {
	t.Setenv("HNET_TEST_SECRET", "from the environment")
	t.Setenv("HNET_TEST_WAIT", "7s")
	cfg, dir, err := loads(t, `
[server]
response_timeout = "${HNET_TEST_WAIT}"
[hermes]
url = "simulator"
secret = "${HNET_TEST_SECRET}"
[hermes.request]
headers = { Authorization = "Bearer ${HNET_TEST_SECRET} $${x}", "X-Y" = "$${HNET_TEST_SECRET}" }
headers_file = { "X-Api-Key" = "key.txt" }
[tcp]
token_file = "token.txt"
[store]
dsn_file = "dsn.txt"
[admin]
users = [{ name = "ops", password_file = "ops.txt" }]
[[clients]]
system_id = "acme"
password_file = "acme.txt"
[[clients]]
system_id = "other"
password = "$${HNET_TEST_SECRET}"
outbind_password_file = "out.txt"
default_source = "a${b}c"
`, map[string]string{"key.txt": "k1\r\n", "token.txt": "two\nlines\n\n", "dsn.txt": "own/messages.db", "ops.txt": "\xef\xbb\xbfhush\n", "acme.txt": "secret1\n", "out.txt": "call"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"hermes.secret": cfg.Hermes.Secret, "clients[0].password": cfg.Clients[0].Password, "clients[1].password": cfg.Clients[1].Password,
		"outbind_password": cfg.Clients[1].OutbindPassword, "default_source": cfg.Clients[1].DefaultSource, "tcp.token": cfg.TCP.Token,
		"store.dsn": cfg.Store.DSN, "admin.users": cfg.Admin.Users[0].Password, "response_timeout": cfg.Server.ResponseTimeout.String(),
		"Authorization": cfg.Hermes.Request.Headers["Authorization"], "X-Y": cfg.Hermes.Request.Headers["X-Y"], "X-Api-Key": cfg.Hermes.Request.Headers["X-Api-Key"],
	}
	for key, want := range map[string]string{
		"hermes.secret": "from the environment", "clients[0].password": "secret1", "clients[1].password": "${HNET_TEST_SECRET}",
		"outbind_password": "call", "default_source": "a${b}c", "tcp.token": "two\nlines\n",
		"store.dsn": filepath.Join(dir, "own", "messages.db"), "admin.users": "hush", "response_timeout": "7s",
		"Authorization": "Bearer from the environment ${x}", "X-Y": "${HNET_TEST_SECRET}", "X-Api-Key": "k1",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	var files []string
	for _, name := range []string{"acme.txt", "dsn.txt", "key.txt", "ops.txt", "out.txt", "token.txt"} {
		files = append(files, filepath.Join(dir, name))
	}
	if !slices.Equal(cfg.Files(), files) {
		t.Errorf("it is read from %q, want %q", cfg.Files(), files)
	}
}

func TestASecretThatIsNotThereIsAFaultWithItsLineAndWithoutOthers(t *testing.T) {
	t.Setenv("HNET_TEST_EMPTY", "")
	for _, c := range []struct{ text, want string }{
		{someClient + "password = '${HNET_TEST_UNSET}'", ":3: clients[0].password: the environment variable HNET_TEST_UNSET is not set, or empty"},
		{someClient + "password = '${HNET_TEST_EMPTY}'", ":3: clients[0].password: the environment variable HNET_TEST_EMPTY is not set, or empty"},
		{someClient + "password = 'hush'\npassword_file = 'a.txt'", ":4: clients[0].password_file: is set, and clients[0].password too"},
		{someClient + "password_file = 'nowhere.txt'", "nowhere.txt cannot be read"},
		{someClient + "password_file = 'empty.txt'", "empty.txt is empty"},
		{someClient + "password_file = '.'", "is not a file"},
		{someClient + "password_file = 'utf16.txt'", "utf16.txt is not UTF-8"},
		{someClient + "password_file = 'long.txt'", "long.txt is larger than 64 KiB"},
		{someClient + "outbind_password = 'x'", ":1: clients[0].password: is missing"},
		{someClient + "password = 'x'\n[hermes.request]\nheaders = { A = 'b ${hush' }", ":5: hermes.request.headers.A: holds ${ without a name and }"},
		{someClient + "password = 'x'\n[hermes.request]\nheaders = { A = 'hush' }\nheaders_file = { A = 'a.txt' }", ":6: hermes.request.headers_file.A: is set, and hermes.request.headers.A too"},
		{someClient + "password = 'x'\n[hermes.request]\nheaders = { 'X-A' = 'hush' }\nheaders_file = { 'x-a' = 'a.txt' }", ":6: hermes.request.headers_file.x-a: is set, and hermes.request.headers.X-A too"},
		{someClient + "password = 'x'\n[store]\ndsn = 'data/messages.db'\ndsn_file = 'a.txt'", ":6: store.dsn_file: is set, and store.dsn too"},
		{someClient + "password = 'x'\n[store]\ndsn = 'a.db'\ndsn_file = 'a.txt'", ":6: store.dsn_file: is set, and store.dsn too"},
	} {
		_, _, err := loads(t, c.text, map[string]string{"a.txt": "hush", "empty.txt": "\r\n", "utf16.txt": "\xff\xfeh\x00", "long.txt": strings.Repeat("hush", 20000)})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestTheLaunchersSectionKnowsTheEnvironmentToo(t *testing.T) {
	t.Setenv("HNET_TEST_GRACE", "9s")
	if got := LoadLauncher(write(t, "[launcher]\nstop_grace = '${HNET_TEST_GRACE}'")); got.StopGrace.String() != "9s" {
		t.Errorf("the grace is %s", got.StopGrace)
	}
}

func TestTheServicesFileCountsWhereNoneIsNamedNorInTheFolder(t *testing.T) {
	service := write(t, "")
	empty, full := t.TempDir(), filepath.Dir(write(t, ""))
	asked := func() string { return service }
	for _, c := range []struct {
		name, folder, explicit string
		service                func() string
		want                   string
	}{
		{"none here", empty, "", asked, service},
		{"one here", full, "", asked, filepath.Join(full, FileName)},
		{"one named", empty, filepath.Join(full, FileName), asked, filepath.Join(full, FileName)},
		{"its file is gone", empty, "", func() string { return filepath.Join(empty, "gone.toml") }, "gone.toml, which the service was installed with: cannot be read"},
		{"no service", empty, "", func() string { return "" }, "no configuration file: looked for "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(c.folder)
			got, err := Find(c.explicit, c.service)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestNoSecretIsShown(t *testing.T) {
	c := Config{Clients: make([]Client, 1), Alerts: make([]Alert, 1)}
	c.Admin.Users = make([]User, 1)
	for _, s := range c.secrets() {
		if s.key != "store.dsn" && !isSecret(s.key) { // that depends on what is in it
			t.Errorf("%s is shown", s.key)
		}
	}
}
