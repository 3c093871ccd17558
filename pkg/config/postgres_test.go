package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADSNOfPostgreSQLIsAURLOrWords(t *testing.T) {
	for dsn, ok := range map[string]bool{
		"postgres://smpp@db1,db2/smpp?target_session_attrs=read-write": true,
		"postgresql://localhost/smpp":                                  true,
		"host=db1 dbname=smpp user=smpp":                               true,
		"data/messages.db":                                             false,
		"postgres://":                                                  false,
		"C:\\data=1\\messages.db":                                      false,
		"":                                                             false,
	} {
		if isPostgresDSN(dsn) != ok {
			t.Errorf("%q: %v", dsn, !ok)
		}
	}
}

func TestTheServersFilesAreBesideItsDatabaseOrItsConfiguration(t *testing.T) {
	c := Default()
	c.Store.DSN = filepath.FromSlash("/var/lib/smpp/messages.db")
	file := filepath.FromSlash("/etc/smpp/config.toml")
	if got := DataFolder(file, &c); got != filepath.FromSlash("/var/lib/smpp") {
		t.Error(got)
	}
	c.Store.Driver = DriverPostgres
	if got := DataFolder(file, &c); got != filepath.FromSlash("/etc/smpp/data") {
		t.Error(got)
	}
}

func TestWhereAPostgreSQLIsIsNoPathOfAFile(t *testing.T) {
	dir := t.TempDir()
	for _, dsn := range []string{"postgres://u:S3cret@db/smpp", "postgresql://u:S3cret@db", "host=db password=S3cret", " user = u password=S3cret"} {
		path := filepath.Join(dir, "config.toml")
		text := fmt.Sprintf("mode = \"opportunity\"\n[[clients]]\nsystem_id = \"a\"\npassword = \"b\"\n[store]\ndsn = %q\n", dsn)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), "config.toml:6: store.dsn") || !strings.Contains(err.Error(), `driver = "postgres"`) || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
	for _, dsn := range []string{"postgres.db", "data/host=1.db", "store=1.db"} {
		c := Default()
		c.Store.DSN = dsn
		for _, problem := range c.check() {
			if problem.Key == "store.dsn" {
				t.Errorf("%s: %v", dsn, problem)
			}
		}
	}
}
