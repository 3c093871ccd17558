package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/worker"
)

// What a start refuses as a fault of config.toml, check does too, and nothing of the dsn is shown.
func TestCheckRefusesADSNThatSaysNothingThatCanBeUsed(t *testing.T) {
	for dsn, wants := range map[string]string{
		"postgres://smpp:S3cret@db1/smpp?sslmode=none":                             "sslmode",
		"postgres://smpp:S3cret@db1:port/smpp":                                     "port",
		"postgres://smpp:S3cret@db1/smpp?sslmode=verify-full&sslrootcert=none.pem": "CA file",
		"postgres://smpp:S3%ret@db1/smpp":                                          "user or its password has a %",
		"postgres://smpp:S3/ret@db1/smpp":                                          "user or its password has a /",
		"host=db1 user=smpp password='S3cret":                                      "neither",
		"postgres://smpp:S3cret@db1,db2/smpp?target_session_attrs=read-write":      "",
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		text := "[[clients]]\nsystem_id = \"acme\"\npassword = \"secret\"\n[hermes]\nurl = \"simulator\"\n[store]\ndriver = \"postgres\"\ndsn = \"" + dsn + "\"\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := smppserv(t.Context(), []string{"check", "--config", path}, commandline.Console{Stdout: &out, Stderr: &errs})
		said := out.String() + errs.String()
		if wants == "" && code != commandline.ExitDone || wants != "" && (code != int(worker.ExitBadConfig) || !strings.Contains(said, "store.dsn: its "+wants) && !strings.Contains(said, "store.dsn: it is "+wants)) {
			t.Errorf("%s: check ends with %d:\n%s", dsn, code, said)
		}
		if strings.Contains(said, "S3") {
			t.Errorf("%s: it is shown:\n%s", dsn, said)
		}
	}
}
