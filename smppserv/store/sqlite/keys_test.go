package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

// sealing are keys of which the first one seals; an id tells what its key is.
func sealing(t testing.TB, ids ...string) *store.Keys { return keysOf(t, true, ids...) }

func keysOf(t testing.TB, seal bool, ids ...string) *store.Keys {
	t.Helper()
	var all []store.ContentKey
	for _, id := range ids {
		k := store.ContentKey{ID: id}
		copy(k.Key[:], id+" is a key")
		all = append(all, k)
	}
	keys, err := store.NewKeys(all, seal)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func openWith(file string, keys *store.Keys) (*store.Store, error) {
	return sqlite.Open(context.Background(), sqlite.Options{File: file, Keys: keys, Log: zerolog.Nop()})
}

func TestSQLiteWithSealedTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	storetest.Run(t, func(t *testing.T) storetest.Open {
		file := filepath.Join(t.TempDir(), "messages.db")
		return func() *store.Store {
			t.Helper()
			s, err := openWith(file, sealing(t, "one"))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}

func TestSealedTextsAreInNoFileAndTheirKeyIsAskedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	var ids []sms.ID
	life := func(keys *store.Keys, text string) {
		t.Helper()
		s, err := openWith(file, keys)
		if err != nil {
			t.Fatal(err)
		}
		m := storetest.Sample()
		m.Content, m.TLVs = []byte(text+strings.Repeat("x", 300)), []byte("tlv of "+text)
		storetest.Add(t, s, m)
		ids = append(ids, m.ID)
		ms, err := s.Load(t.Context(), ids)
		if err != nil || len(ms) != len(ids) || !bytes.Equal(ms[len(ms)-1].Content, m.Content) || !bytes.Equal(ms[len(ms)-1].TLVs, m.TLVs) {
			t.Errorf("%s: read are %d, %v", text, len(ms), err)
		}
		heads, err := s.LoadHeads(t.Context(), ids)
		if err != nil || len(heads) != len(ids) || !bytes.Equal(heads[len(ms)-1].Content, m.Content[:sms.HeadOctets]) {
			t.Errorf("%s: heads are %d, %v", text, len(heads), err)
		}
		found, err := s.Search(t.Context(), store.Search{Number: m.Source.Number, Limit: 10})
		if err != nil || len(found.Messages) != len(ids) {
			t.Errorf("%s: found are %d, %v", text, len(found.Messages), err)
		}
		if n := inFiles(t, file, text); (n == 0) != (text != "wordofplain" && text != "wordofoff") {
			t.Errorf("%s stands in the files %d times", text, n)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	life(nil, "wordofplain")
	life(sealing(t, "one"), "wordoffirst")
	for want, keys := range map[string]*store.Keys{`"one", which is not there`: nil, `key "one", which is not there: put`: sealing(t, "two")} {
		if _, err := openWith(file, keys); !errors.Is(err, store.ErrContentKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	life(sealing(t, "two", "one"), "wordofsecond")
	life(keysOf(t, false, "two", "one"), "wordofoff")

	s, err := openWith(file, keysOf(t, false, "two", "one"))
	if err != nil {
		t.Fatal(err)
	}
	storetest.Finish(s, road.Transition{IDs: ids, State: sms.Delivered})
	if err := s.EraseMessages(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s, err = openWith(file, nil); err != nil { // nothing is left that is sealed
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreHeldToAStoreBeforeAStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	if err := sqlite.CheckKeys(file, sealing(t, "new")); err != nil {
		t.Errorf("of no file: %v", err)
	}
	s, err := openWith(file, sealing(t, "old"))
	if err != nil {
		t.Fatal(err)
	}
	hold := func(when string) {
		t.Helper()
		for _, c := range []struct {
			keys *store.Keys
			fits bool
		}{{sealing(t, "old"), true}, {sealing(t, "new", "old"), true}, {keysOf(t, false, "old"), true}, {sealing(t, "new"), false}, {nil, false}} {
			if err := sqlite.CheckKeys(file, c.keys); (err == nil) != c.fits || err != nil && !errors.Is(err, store.ErrContentKey) {
				t.Errorf("%s: %v, want %v", when, err, c.fits)
			}
		}
	}
	storetest.Add(t, s, storetest.Sample())
	hold("while a server works on it")
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	hold("when that has ended")
	if left, _ := filepath.Glob(file + "-*"); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
	if err := os.WriteFile(file+"-wal", []byte("what a crash left"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.CheckKeys(file, nil); err != nil {
		t.Errorf("beside what a crash left: %v", err)
	}
	if b, err := os.ReadFile(file + "-wal"); err != nil || string(b) != "what a crash left" {
		t.Errorf("that is %q now, %v", b, err)
	}
}
