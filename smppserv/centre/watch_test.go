package centre

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/fsnotify/fsnotify"

	"hnetsmpp/smppserv/testkit"
)

func TestAFolderWithTheDatabaseInItTellsOfNoWrites(t *testing.T) {
	probe, err := fsnotify.NewWatcher()
	if err != nil {
		t.Skip(err)
	}
	probe.Close()
	folder := t.TempDir()
	for dsn, want := range map[string][]string{"messages.db": nil, filepath.Join(folder, "messages.db"): nil, "data/messages.db": {folder}} {
		file, err := Read(testkit.WriteConfig(t, folder, testkit.Settings{"store.dsn": dsn}))
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		if w := watchFolder(file); w != nil {
			told = w.WatchList()
			w.Close()
		}
		if !slices.Equal(told, want) {
			t.Errorf("%s: it is told of %q, want %q", dsn, told, want)
		}
	}
}
