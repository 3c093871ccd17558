package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a database has been through is not gone through again: what changes in a migration that somebody's database has been through, that database
// lacks. So migrations are added, with their line in merged.sha256 (sha256sum *.sql > merged.sha256), and never changed.
func TestMigrationsThatWereMergedNeverChange(t *testing.T) {
	for _, database := range []string{"sqlite", "postgres"} {
		folder := filepath.Join("store", database, "migrations")
		list, err := os.ReadFile(filepath.Join(folder, "merged.sha256"))
		if err != nil {
			t.Fatal(err)
		}
		merged := map[string]string{}
		for line := range strings.Lines(string(list)) {
			if words := strings.Fields(line); len(words) == 2 {
				merged[words[1]] = words[0]
			}
		}
		files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no migrations: %v", folder, err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			octets, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch want, listed := merged[name]; {
			case !listed:
				t.Errorf("%s is not listed in merged.sha256", file)
			case want != fmt.Sprintf("%x", sha256.Sum256(bytes.ReplaceAll(octets, []byte("\r\n"), []byte("\n")))): // as git has it
				t.Errorf("%s was changed: write what is to change into a new migration", file)
			}
			delete(merged, name)
		}
		for name := range merged {
			t.Errorf("%s of %s is gone", name, folder)
		}
	}
}
