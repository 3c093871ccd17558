package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func outline(keys string) Outline {
	return Outline{Keys: strings.Fields(strings.TrimSuffix(keys, "…")), Open: strings.HasSuffix(keys, "…")}
}

func TestAFileThatHasLostItsEndHasABeginningOfTheKeys(t *testing.T) {
	for _, c := range []struct{ before, after, lost, amid string }{
		{"a b c", "a b c", "", ""},
		{"a b c", "a b", "c", "c"},
		{"a b c", "a", "b c", "b c"},
		{"a b c", "", "a b c", "a b c"},
		{"a b c", "a b c d", "", ""},
		{"a b c", "b c", "", ""},
		{"a b c", "a c", "", ""},
		{"a b c", "a c b", "", ""},
		{"a b c", "b a", "", "c"},
		{"a b c", "a x b", "", "c"}, // a key came, and the end is not there yet
		{"a b c", "a b x", "", "c"},
		{"a b c", "a b c_file", "", ""}, // the secret moved into a file
		{"a b c_file", "a b c", "", ""},
		{"a b c d", "a b c_file", "", "d"},
		{"u c[0].p c[1].p", "u c[0].p c[1].p_file", "", ""},
		{"u c[0].a c[0].b c[1].a c[1].b c[1].d", "u c[0].a c[0].b c[1].a c[1].b c[2].a c[2].b c[2].d", "", ""}, // an element came
		{"u c[0].a c[0].b c[1].a c[1].b c[1].d", "u c[0].a c[0].b c[1].a c[1].b c[2].a c[2].b", "", "c[1].d"},
		{"u c[0].a c[0].b c[1].a c[1].b t", "u x c[0].a c[0].b", "", "c[1].a c[1].b t"},
		{"u c[0].a c[0].b c[1].a c[1].b", "u x c[0].a c[0].b c[1].a", "", "c[1].b"},
		{"a b c", "a x b c…", "", "the rest of c"},
		{"a b c", "a b c x…", "", ""},
		{"a b c d", "a c", "", ""}, // another file
		{"a b c d", "a x c", "", ""},
		{"a b c", "x", "", ""}, // nothing in common
		{"a b c", "a b c…", "the rest of c", "the rest of c"},
		{"a b c…", "a b c…", "", ""},
		{"a b c…", "a b c", "", ""},
		{"", "", "", ""},
		{"", "a", "", ""},
		{"", "a…", "", ""},
	} {
		before, after := outline(c.before), outline(c.after)
		if got := strings.Join(after.Lost(before), " "); got != c.lost {
			t.Errorf("%q after %q has lost %q, want %q", c.after, c.before, got, c.lost)
		}
		if got := strings.Join(after.LostAmid(before), " "); got != c.amid {
			t.Errorf("%q after %q has lost %q amid, want %q", c.after, c.before, got, c.amid)
		}
	}
}

func TestALostEndIsNamedWithTheCommandThatAcceptsIt(t *testing.T) {
	f, err := Read(write(t, "mode = 'opportunity'\n[[clients]]\nsystem_id = 'a'\npassword = 'b'"))
	if err != nil {
		t.Fatal(err)
	}
	want := f.Path + ":4: the file has lost its end: missing tcp.allow, tcp.token, as last in force; put it back, or take the file as it is with: smppserv check --shorter"
	if got := f.LostEnd([]string{"tcp.allow", "tcp.token"}, "smppserv check --shorter").String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := f.LostEnd(strings.Fields("a b c d e f g"), "").String(); !strings.HasSuffix(got, ": missing a, b, c, d, e and 2 more, as last in force; put it back") {
		t.Errorf("got %s", got)
	}
	if got := f.LostEnd(nil, "x").String(); !strings.HasSuffix(got, "it is the beginning of what was last in force; put the rest back, or take the file as it is with: x") {
		t.Errorf("got %s", got)
	}
}

func TestARecordHoldsNamesAndNoValues(t *testing.T) {
	path := write(t, "mode = 'opportunity'\n[[clients]]\nsystem_id = 'acme'\npassword = 'S3cret&1'\n[tcp]\ntoken = 't0ken'\n[store]\ndsn = 'db/m.db'\n")
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	files := RecordFiles(path, f.Config)
	if want := []string{filepath.Join(dir, "data", "config.keys.json"), filepath.Join(dir, "db", "config.keys.json")}; !slices.Equal(files, want) {
		t.Fatalf("got %q", files)
	}
	if got, err := ReadRecords(files); err != nil || got != nil {
		t.Errorf("before there is one: %v, %v", got, err)
	}
	want := Record{Outline: f.Outline, Accepted: f.Sum()}
	if err := WriteRecord(files, want); err != nil { // there is no folder db yet, and none is made
		t.Fatal(err)
	}
	if got, err := ReadRecords(files); err != nil || len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		want.Accepted = ""
		if err := WriteRecord(files, want); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadRecords(files); err != nil || len(got) != 2 || fmt.Sprint(got[0], got[1]) != fmt.Sprint(want, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), `"clients[0].password","tcp.token","store.dsn"]`) || strings.Contains(string(text), "S3cret") || strings.Contains(string(text), "t0ken") {
			t.Errorf("%s: %v\n%s", file, err, text)
		}
		if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
			t.Errorf("besides it there are %v, %v", entries, err)
		}
	}
}

func TestARecordThatCannotBeReadIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data", "config.keys.json")
	if err := os.MkdirAll(file, 0o700); err != nil { // a folder
		t.Fatal(err)
	}
	if _, err := ReadRecords([]string{file}); err == nil || strings.Count(err.Error(), file) != 1 {
		t.Errorf("got %v", err)
	}
	if err := WriteRecord([]string{file}, Record{}); err == nil || strings.Count(err.Error(), file) != 1 {
		t.Errorf("got %v", err)
	}
	other := filepath.Join(filepath.Dir(file), "other.keys.json")
	if err := os.WriteFile(other, []byte(`{"keys":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadRecords([]string{other}); err == nil || got != nil {
		t.Errorf("half a record: %v, %v", got, err)
	}
	if err := WriteRecord([]string{other}, Record{Outline: outline("a")}); err != nil {
		t.Error(err)
	}
}

func TestRecordsOfTwoFilesInOneFolderAreApart(t *testing.T) {
	cfg := Default()
	cfg.Store.DSN = "/srv/data/messages.db"
	for path, want := range map[string]string{
		"/srv/config.toml": "[/srv/data/config.keys.json]", "/srv/second.toml": "[/srv/data/second.keys.json]", "/etc/hnet/config.toml": "[/etc/hnet/data/config.keys.json /srv/data/config.keys.json]",
	} {
		if got := filepath.ToSlash(fmt.Sprint(RecordFiles(filepath.FromSlash(path), &cfg))); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := RecordFiles("/srv/config.toml", nil); len(got) != 1 {
		t.Errorf("of a file with a fault: %s", got)
	}
}
