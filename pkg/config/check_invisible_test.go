package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatNobodySeesInAnAddressIsNamed(t *testing.T) {
	for url, want := range map[string]string{
		"https://h/push/ ":           "holds a blank",
		"https://h/push/\u200b":      "U+200B",
		"https://h/push/\u00a0":      "U+00A0",
		"https://h/push?a=b c":       "holds a blank",
		"\ufeffhttps://h/":           "U+FEFF",
		"https://h/\t":               "holds a tab",
		"https://h/\u2800":           "U+2800",
		"https://h/\ufe0f":           "U+FE0F",
		"https://h/\u3164":           "U+3164",
		"https://h:99999/push":       "its port is 99999; it must be from 1 to 65535",
		"https://h:0/":               "its port is 0",
		"https://h:8443/push?a=b%20": "",
		"https://[::1]:8443/":        "",
	} {
		c := valid()
		c.Hermes.URL, c.Hermes.StatusURL = url, url
		err := c.Validate()
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", url, err)
		case want != "" && (err == nil || strings.Count(err.Error(), want) != 2 || strings.Contains(err.Error(), "push")):
			t.Errorf("%q: got %v, want %s of both addresses", url, err, want)
		}
	}
}

func TestAnEscapeInAPathIsNamedWithItsRemedy(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`dsn = "D:\temp\new.db"`, `store.dsn: holds a tab, since in double quotes \t stands for that; in a path write / or \\`},
		{`dsn = "D:\new.db"`, `holds a line feed, since in double quotes \n stands for that`},
		{`dsn = "C:\Users\x.db"`, `in a path write / or \\`},
		{`dsn = "D:\data.db"`, `in a path write / or \\`},
		{`dsn = "D:\x\y.db"`, `in a path write / or \\`},
		{`dsn = 'D:\temp\new.db '`, "begins or ends with a blank"},
		{"dsn = 'data/\u200bmessages.db'", "U+200B"},
	} {
		_, err := parse("config.toml", []byte("hermes.url = 'simulator'\n[store]\n"+c.line+"\n"+someClient+"password = 'x'"))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "config.toml:3: ") {
			t.Errorf("%s: got %v, want %s", c.line, err, c.want)
		}
	}
	if _, err := parse("config.toml", []byte("hermes.url = 'simulator'\n[store]\ndsn = 'D:\\temp\\new folder\\x.db'\n"+someClient+"password = 'x'")); err != nil {
		t.Error(err)
	}
}

func TestAPathWithAFaultIsNotReadToo(t *testing.T) {
	c := valid()
	c.Hermes.TLS.CAFile, c.Hermes.TLS.CertFile, c.Hermes.TLS.KeyFile = "D:\temp.pem", "a.pem ", "b\u200b.pem"
	if err := c.Validate(); err == nil || strings.Count(err.Error(), "\n") != 2 || strings.Contains(err.Error(), "stat ") {
		t.Errorf("got %v, want one line for each path", err)
	}
	_, err := parse("config.toml", []byte("hermes.url = 'simulator'\nhermes.secret_file = \"D:\\temp\\new.txt\"\n"+someClient+"password = 'x'"))
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "config.toml:2: hermes.secret_file: holds a tab") {
		t.Errorf("got %v, want one line", err)
	}
}

func TestEveryPathIsLookedThrough(t *testing.T) {
	c := valid()
	bad := "a\tb"
	c.Server.TLS.CertFile, c.Hermes.TLS.CAFile, c.Launcher.Worker = bad, bad, bad
	c.TCP.TokenFile, c.Hermes.SecretFile, c.Clients[0].PasswordFile = bad, bad, bad
	c.Hermes.Request.HeadersFile = map[string]string{"A": bad}
	err := c.Validate()
	for _, key := range []string{"server.tls.cert_file", "hermes.tls.ca_file", "launcher.worker", "tcp.token_file", "hermes.secret_file", "clients[0].password_file", "hermes.request.headers_file.A"} {
		if err == nil || !strings.Contains(err.Error(), key+": holds a tab") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
}

func TestNumbersThatTwoClientsOwnAreWarnedOf(t *testing.T) {
	c := valid()
	c.Clients[0].Numbers = []string{"3600", "37*", "3600"}
	b := DefaultClient()
	b.SystemID, b.Password, b.Numbers = "acme", "x", []string{"3601", "3600", "370", "37*"}
	off := b
	off.SystemID, off.Disabled, off.Numbers = "off", true, []string{"3601"}
	c.Clients = append(c.Clients, b, off)
	var got []string
	for _, w := range c.Warnings() {
		if strings.Contains(w.Key, "numbers") {
			got = append(got, w.String())
		}
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], `clients[1].numbers[1]: "3600" belongs to "acme" and to "admin"`) || !strings.HasPrefix(got[1], "clients[1].numbers[3]: ") {
		t.Errorf("got %q", got)
	}
}

func TestAStoreFolderThatCannotBeMadeIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := valid()
	c.Store.DSN = filepath.Join(file, "data", "messages.db")
	if w := c.TriedWarnings(); len(w) != 1 || w[0].Key != "store.dsn" || !strings.Contains(w[0].Text, file) {
		t.Errorf("got %v", w)
	}
	c.Store.DSN = filepath.Join(dir, "a", "b", "messages.db")
	if w := c.TriedWarnings(); len(w) != 0 {
		t.Errorf("got %v", w)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the try leaves %v, %v", entries, err)
	}
}

func TestABlankThatAClientWouldHaveToSendIsWarnedOf(t *testing.T) {
	c := valid()
	c.Clients[0].SystemID, c.Clients[0].SystemType = "acme ", " VMS"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range c.Warnings() {
		if strings.Contains(w.Text, "sends the blank") {
			got = append(got, w.Key)
		}
	}
	if strings.Join(got, " ") != "clients[0].system_id clients[0].system_type" {
		t.Errorf("warned of %q", got)
	}
}

func TestANumberThatNoMessageCanBearIsWarnedOf(t *testing.T) {
	c := valid()
	c.Clients[0].Numbers = []string{"3600", "36 00", "36-01", "36*", "ACME Corp", "*"}
	var got []string
	for _, w := range c.Warnings() {
		if strings.Contains(w.Text, "no message can bear it") {
			got = append(got, w.Key)
		}
	}
	if strings.Join(got, " ") != "clients[0].numbers[1] clients[0].numbers[2]" {
		t.Errorf("warned of %q", got)
	}
}

func TestADatabaseThatIsAFolderIsWarnedOf(t *testing.T) {
	c := valid()
	c.Store.DSN = t.TempDir()
	if w := c.TriedWarnings(); len(w) != 1 || w[0].Key != "store.dsn" || !strings.Contains(w[0].Text, "is a folder") {
		t.Errorf("got %v", w)
	}
}

func TestQuotesOfWordProcessorsAreNamedWithTheRightClient(t *testing.T) {
	const first = "[[clients]]\nsystem_id = 'a'\npassword = 'x'\n[[clients]]\nsystem_id = 'b'\n"
	for line, want := range map[string]string{
		"password = “hush”":       "config.toml:6: clients[1].password: has typographic quotes",
		"password = \"hush”":      "config.toml:6: clients[1].password: has typographic quotes",
		"numbers = [‘3600’]":      "config.toml:6: clients[1].numbers: has typographic quotes",
		"password = ＂hush＂":       "config.toml:6: clients[1].password: has typographic quotes",
		"numbers = [´3600´]":      "config.toml:6: clients[1].numbers: has typographic quotes",
		"password = hush":         "config.toml:6: clients[1].password: is not valid TOML",
		"password = 'a’s' # hush": "",
	} {
		_, err := parse("config.toml", []byte(first+line+"\n[hermes]\nurl = 'simulator'\n"))
		if want == "" && err == nil {
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) || want == "" || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s\ngot  %v\nwant %s", line, err, want)
		}
	}
}
