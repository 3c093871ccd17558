package running

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestWhatAServerSaysCountsWhileItLives(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	if s, err := Look(config); s != nil || err != nil {
		t.Fatalf("before the first start: %+v, %v", s, err)
	}
	n, err := Hold(config)
	if err != nil {
		t.Fatal(err)
	}
	want := Server{PID: 1, SMPP: "127.0.0.1:2346", Token: "hush", Started: time.Now().UTC().Truncate(0),
		Config: Reload{Keys: []string{"clients"}, Pending: []string{"server.window"}}}
	for range 2 {
		if err := n.Write(want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Look(config)
	if err != nil || got == nil || !got.Started.Equal(want.Started) {
		t.Fatalf("got %+v, %v", got, err)
	}
	got.Started = want.Started
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	file, _ := names(config)
	if info, err := os.Stat(file); err != nil || os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read the token", info, err)
	}
	if _, err := Hold(config); err == nil {
		t.Error("two servers hold one file")
	}
	n.file.Release() // as when it is killed
	if s, err := Look(config); s != nil || err != nil {
		t.Errorf("after its death: %+v, %v", s, err)
	}
	n, err = Hold(config)
	if err != nil {
		t.Fatal(err)
	}
	n.Close()
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("it leaves %v, %v", entries, err)
	}
}

func TestTwoConfigurationsOfOneFolderAreApart(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.toml", "b.toml"} {
		n, err := Hold(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
	}
}
