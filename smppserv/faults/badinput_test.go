package faults

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"hnetsmpp/pkg/worker"
	"hnetsmpp/smppserv/testkit"
)

func TestAPortInUseIsNamedWithItsKey(t *testing.T) {
	for _, key := range []string{"server.listen_port", "tcp.listen_port", "admin.listen"} {
		t.Run(key, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			port := l.Addr().(*net.TCPAddr).Port
			value := any(port)
			if key == "admin.listen" {
				value = l.Addr().String()
			}
			config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{key: value, "hermes.url": "http://127.0.0.1:9/", "log.level": "error"})
			refuses(t, config, worker.ExitHeld, key, fmt.Sprint(port))
		})
	}
}

func TestASecondWorkerOnTheSameStoreIsRefused(t *testing.T) {
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"log.level": "error"})
	testkit.StartWorker(t, config)
	refuses(t, config, worker.ExitHeld, filepath.Join(filepath.Dir(config), "messages.db"), "stop the other smppserv")
}

func TestAnUnknownKeyIsNamedWithFileAndLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	writeFile(t, path, []byte("[server]\n\nlisten_prot = 2346\n"+needed))
	refuses(t, path, worker.ExitBadConfig, path+":3: server.listen_prot", "listen_port")
}

func TestAConfigThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere.toml")
	refuses(t, path, worker.ExitBadConfig, path)
}

func TestADatabaseThatCannotBeUsedIsNamedAndLeftAlone(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, file string)
		word string
	}{
		{"no database", func(t *testing.T, file string) {
			writeFile(t, file, []byte("Dear all,\n\nthese are my notes.\n"))
		}, "not a SQLite database"},
		{"another program's", func(t *testing.T, file string) {
			change(t, file, "CREATE TABLE recipes (name TEXT)")
		}, "another program"},
		{"a newer version's", func(t *testing.T, file string) {
			ours(t, file)
			change(t, file, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		}, "newer version"},
		{"damaged", func(t *testing.T, file string) {
			ours(t, file)
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i := 100; i < len(content); i++ {
				content[i] = 0xAA
			}
			writeFile(t, file, content)
		}, "damaged"},
		{"cut short", func(t *testing.T, file string) {
			ours(t, file)
			if err := os.Truncate(file, 5000); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "messages.db")
			test.make(t, file)
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			refuses(t, testkit.WriteConfig(t, dir, testkit.Settings{"log.level": "error"}), worker.ExitCrashed, file, test.word)
			after, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestADatabaseThatAnotherProgramHoldsEndsWithTheCodeOfAHeldStore(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "messages.db")
	ours(t, file)
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"PRAGMA locking_mode = exclusive", "BEGIN EXCLUSIVE"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	refuses(t, testkit.WriteConfig(t, dir, testkit.Settings{"log.level": "error"}), worker.ExitHeld, file, "held by another process", "end the program")
}

func TestAPathThatBeginsWithTwoSlashesIsAPath(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	path := "/" + filepath.ToSlash(file)
	if runtime.GOOS == "windows" {
		path = "//localhost/" + strings.Replace(filepath.ToSlash(file), ":", "$", 1) // the administrators' share
	}
	testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"store.dsn": path})).Stop(t)
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("the database is not where it was to be: %v", err)
	}
}

// ours makes a database of smppserv's, all of it in one file: whoever closes it last folds the write-ahead log into it.
func ours(t *testing.T, file string) {
	t.Helper()
	p := testkit.StartWorker(t, testkit.WriteConfig(t, filepath.Dir(file), testkit.Settings{"store.dsn": file}))
	p.Stop(t)
}

func change(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err == nil {
		_, err = db.Exec(statement)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFolderThatCannotBeMadeIsNamed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "taken")
	writeFile(t, file, nil)
	config := testkit.WriteConfig(t, dir, testkit.Settings{"store.dsn": filepath.Join("taken", "data", "messages.db"), "log.level": "error"})
	refuses(t, config, worker.ExitCrashed, file, "folder of the database")
}

func TestTheLauncherSaysWhichProgramIsMissing(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "elsewhere", "smppserv")
	config := testkit.WriteConfig(t, dir, testkit.Settings{"launcher.worker": missing})
	r := command(t, "launcher", "", "run", "--config", config)
	if r.code == 0 {
		t.Error("exit code 0")
	}
	oneLine(t, r.stderr, missing, "launcher.worker")
}

// field returns the word behind these words on the line that begins with them.
func field(t *testing.T, text string, words ...string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) > len(words) && strings.Join(fields[:len(words)], " ") == strings.Join(words, " ") {
			return fields[len(words)]
		}
	}
	t.Fatalf("no line begins with %q:\n%s", words, text)
	return ""
}
