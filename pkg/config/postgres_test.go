package config

import (
	"path/filepath"
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
