package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/config"
)

func TestAStoreIsNamedByADSNOrAFileWithOne(t *testing.T) {
	t.Setenv("STORE_PASSWORD", "se/cret")
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte("postgres://u:${STORE_PASSWORD}@h/d\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := filepath.Abs("messages.db")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dsn, file, driver, want string }{
		{"messages.db", "", config.DriverSQLite, here},
		{"./a=b.db", "", config.DriverSQLite, filepath.Join(filepath.Dir(here), "a=b.db")},
		{"postgres://u:${STORE_PASSWORD}@h/d", "", config.DriverPostgres, "postgres://u:se/cret@h/d"},
		{"host=h user=u", "", config.DriverPostgres, "host=h user=u"},
		{"", file, config.DriverPostgres, "postgres://u:se/cret@h/d"},
	} {
		s, err := config.NamedStore(tt.dsn, tt.file)
		if err != nil || s.Driver != tt.driver || s.DSN != tt.want {
			t.Errorf("%q %q: got %s %q, %v", tt.dsn, tt.file, s.Driver, s.DSN, err)
		}
	}
	for _, tt := range []struct{ dsn, file string }{
		{"", ""}, {"a", file}, {"file:a.db", ""}, {":memory:", ""}, {"", file + ".missing"}, {"postgres://u:${NO_SUCH_VARIABLE_HERE}secret@h/d", ""},
	} {
		if _, err := config.NamedStore(tt.dsn, tt.file); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q %q: %v", tt.dsn, tt.file, err)
		}
	}
}
