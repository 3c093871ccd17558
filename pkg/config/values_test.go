package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEachKeyTellsItsValueAndWhereThatComesFrom(t *testing.T) {
	t.Setenv("SMPP_TEST_TOKEN", "from the environment")
	folder := t.TempDir()
	secretFile := filepath.Join(folder, "hermes.secret")
	if err := os.WriteFile(secretFile, []byte("in a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "config.toml")
	text := strings.Join([]string{
		`mode = "vocalcom"`, // 1
		`[hermes]`,
		`url = "simulator"`,
		`retry = ["1s", "10m"]`,
		`secret_file = "hermes.secret"`, // 5
		`[hermes.request.headers]`,
		`x-api-key = "0123"`,
		`[tcp]`,
		`token = "${SMPP_TEST_TOKEN}"`,
		`[[clients]]`, // 10
		`system_id = "acme"`,
		`password = "secret"`,
		`numbers = ["3600", "3601*"]`,
	}, "\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Value{}
	for _, v := range f.Values() {
		if _, twice := all[v.Key]; twice {
			t.Errorf("%s is there twice", v.Key)
		}
		all[v.Key] = v
		for _, secret := range []string{"in a file", "from the environment", "0123"} {
			if strings.Contains(v.Text, secret) {
				t.Errorf("%s shows %q", v.Key, v.Text)
			}
		}
	}
	for key, want := range map[string]Value{
		"mode":                             {Text: "vocalcom", Line: 1},
		"hermes.url":                       {Text: "simulator", Line: 3, Live: true},
		"hermes.retry":                     {Text: `["1s", "10m"]`, Line: 4, Live: true},
		"hermes.secret":                    {Secret: true, Line: 5, File: secretFile, Live: true},
		"hermes.request.headers.x-api-key": {Secret: true, Line: 7, Live: true},
		"tcp.token":                        {Secret: true, Line: 9, Live: true},
		"clients[acme].password":           {Secret: true, Line: 12, Live: true},
		"clients[acme].numbers":            {Text: `["3600", "3601*"]`, Line: 13, Live: true},
		"clients[acme].max_queued":         {Text: "100000", Live: true},
		"server.listen_port":               {Text: "2346"},
		"hermes.validity":                  {Text: "24h", Live: true},
		"store.dsn":                        {Text: filepath.Join(folder, "data", "messages.db")},
	} {
		got, ok := all[key]
		want.Key = key
		if key == "tcp.token" {
			if len(got.Variables) != 1 || got.Variables[0] != "SMPP_TEST_TOKEN" {
				t.Errorf("%s comes from %q", key, got.Variables)
			}
			got.Variables = nil
		}
		if !ok || got.Key != want.Key || got.Text != want.Text || got.Line != want.Line || got.File != want.File || got.Secret != want.Secret || got.Live != want.Live {
			t.Errorf("%s is %+v, want %+v", key, got, want)
		}
	}
}

func TestEveryKeyOfTheSchemaHasAValueToShow(t *testing.T) {
	f, err := Read(filepath.Join("..", "..", "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	values := f.Values()
	for _, v := range values {
		if v.Secret && v.Text != "" {
			t.Errorf("%s is a secret, and shown", v.Key)
		}
		if strings.HasSuffix(v.Key, ".") || v.Key == "" {
			t.Errorf("a key without a name: %+v", v)
		}
	}
	if len(values) < 60 {
		t.Errorf("only %d keys", len(values))
	}
	if (&File{}).Values() != nil {
		t.Error("a file that is not TOML has values")
	}
}

func TestAURLIsShownWithoutItsSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"":          "",
		"simulator": "simulator",
		"https://hermes.example:8443/api/sms/push/":        "https://hermes.example:8443/api/sms/push/",
		"https://me:s3cret@hermes.example/push/":           "https://me:•••@hermes.example/push/",
		"https://me:s3c%40r@t@hermes.example/?key=s3cret":  "https://me:•••@hermes.example/?•••",
		"https://me@hermes.example/push/?key=s3cret&b=c@d": "https://me@hermes.example/push/?•••",
		"https://[::1": "•••",
	} {
		if got := withoutSecrets(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
