package livefile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileCountsWhileItsWriterLives(t *testing.T) {
	dir := t.TempDir()
	path, lock := filepath.Join(dir, "status.json"), filepath.Join(dir, "status.lock")
	writer, reader := New(path, lock, 0o600), New(path, lock, 0o600)
	if _, _, err := reader.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("before anybody said anything: %v", err)
	}
	if err := writer.Hold(); err != nil {
		t.Fatal(err)
	}
	if err := reader.TryHold(); !errors.Is(err, ErrHeld) {
		t.Errorf("a second one: %v", err)
	}
	if err := os.WriteFile(path+".new", []byte("half of"), 0o644); err != nil { // as a crash leaves it
		t.Fatal(err)
	}
	for n := range 3 {
		if err := writer.Write(map[string]int{"n": n}); err != nil {
			t.Fatal(err)
		}
		data, alive, err := reader.Read()
		var said map[string]int
		if err == nil {
			err = json.Unmarshal(data, &said)
		}
		if err != nil || !alive || said["n"] != n {
			t.Errorf("%q, alive %t, %v", data, alive, err)
		}
	}
	if info, err := os.Stat(path); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	writer.Release() // as when it is killed
	if data, alive, err := reader.Read(); err != nil || alive || len(data) == 0 {
		t.Errorf("after its death: %q, alive %t, %v", data, alive, err)
	}
	writer.Remove()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
}
