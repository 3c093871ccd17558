package sqlite_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// closeAndDamage overwrites the first page that has what is given, whole.
func closeAndDamage(t *testing.T, s *store.Store, file string, what []byte) {
	t.Helper()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for page := int64(0); ; page++ {
		if bytes.Contains(data[page*4096:][:4096], what) {
			overwrite(t, file, page)
			return
		}
	}
}

func TestADamagedMessageBesideThoseThatAreLoadedDoesNotStopThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	for id := sms.ID(1); id <= 6; id++ {
		m := storetest.Sample()
		if m.ExternalID = ""; id == 3 {
			m.Content = bytes.Repeat([]byte("Z"), 60_000)
		}
		storetest.Add(t, s, m)
	}
	closeAndDamage(t, s, file, bytes.Repeat([]byte("Z"), 4092))

	s = must(t, file)
	defer s.Close(context.Background())
	ms, err := s.Load(t.Context(), []sms.ID{1, 2, 4, 6})
	if err != nil || len(ms) != 4 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
	for i, id := range []sms.ID{1, 2, 4, 6} {
		if ms[i].ID != id {
			t.Errorf("message %d came in the place of %d", ms[i].ID, id)
		}
	}
	if ms, err := s.Load(t.Context(), []sms.ID{2, 3}); err == nil {
		t.Errorf("%d messages came of those that are damaged", len(ms))
	}
}

func TestAStartThatCannotReadTheMessagesSaysSoAndDoesNotWait(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	for id := sms.ID(1); id <= 200; id++ {
		m := storetest.Sample()
		if m.ExternalID = ""; id == 100 {
			m.Content = []byte("needle")
		}
		storetest.Add(t, s, m)
	}
	closeAndDamage(t, s, file, []byte("needle"))
	s, err := openFile(file)
	if err == nil {
		s.Close(context.Background())
		t.Fatal("it opened")
	}
	for _, part := range []string{file, "damaged", "smppserv store recover"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %s", err, part)
		}
	}
}
