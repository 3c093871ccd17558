package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/postgres"
	"hnetsmpp/smppserv/store/storetest"
	"hnetsmpp/smppserv/testkit"
)

// keysOf are keys of which the first one seals, if seal is set; an id tells what its key is.
func keysOf(t *testing.T, seal bool, ids ...string) *store.Keys {
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

func TestSealedTextsAreInNoRowAndTheirKeyIsAskedFor(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	o := options(pg.Database(t), t.TempDir())
	database := testkit.DatabaseName(t, o.DSN)
	var ids []sms.ID
	life := func(keys *store.Keys, text string) {
		t.Helper()
		o.Keys = keys
		s := must(t, o)
		m := storetest.Sample()
		m.Content, m.TLVs = []byte(text+strings.Repeat("x", 300)), []byte("tlv of "+text)
		storetest.Add(t, s, m)
		ids = append(ids, m.ID)
		m.Content = []byte("changed " + text + strings.Repeat("x", 300))
		changed := make(chan error, 1)
		s.Change(m, nil, func(err error) { changed <- err })
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		heads, err := s.LoadHeads(t.Context(), ids)
		if err != nil || len(heads) != len(ids) || !bytes.Equal(heads[len(ids)-1].Content, m.Content[:sms.HeadOctets]) {
			t.Errorf("%s: heads are %d, %v", text, len(heads), err)
		}
		ms, err := s.Load(t.Context(), ids)
		if err != nil || len(ms) != len(ids) || !bytes.Equal(ms[len(ms)-1].Content, m.Content) || !bytes.Equal(ms[len(ms)-1].TLVs, m.TLVs) {
			t.Errorf("%s: read are %d, %v", text, len(ms), err)
		}
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	life(nil, "plain")
	life(keysOf(t, true, "one"), "first")
	refused := func(keys *store.Keys) {
		t.Helper()
		o.Keys = keys
		if _, err := postgres.OpenDatabase(t.Context(), o); !errors.Is(err, store.ErrContentKey) {
			t.Errorf("got %v", err)
		}
	}
	refused(nil)
	refused(keysOf(t, true, "two"))
	life(keysOf(t, true, "two", "one"), "second")
	if n := pg.Value(t, database, "SELECT count(*) FROM messages WHERE encode(content, 'escape') LIKE '%xxxxxx%' OR encode(attributes, 'escape') LIKE '%tlv of%'"); n != "1" {
		t.Errorf("%s texts can be read", n)
	}

	o.Keys = keysOf(t, true, "two", "one")
	s := must(t, o)
	storetest.Finish(s, road.Transition{IDs: ids, State: sms.Delivered})
	if err := s.EraseMessages(t.Context(), ids[:2]); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	// As if a worker had gone on to seal with the old key after it was noted that nobody does.
	pg.Exec(t, database, "UPDATE content_keys SET up_to = 1 WHERE id = 'one'", "UPDATE messages SET content = '\\x036f6e65'::bytea || substr(content, 5)")
	refused(keysOf(t, true, "two"))
	pg.Exec(t, database, "UPDATE messages SET content = '\\x0374776f'::bytea || substr(content, 5)", "UPDATE content_keys SET up_to = 1 WHERE id = 'one'")
	o.Keys = keysOf(t, true, "two")
	s = must(t, o)
	if ms, err := s.Load(t.Context(), ids); err != nil || len(ms) != 1 {
		t.Errorf("%d, %v", len(ms), err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := pg.Value(t, database, "SELECT string_agg(id, ',') FROM content_keys"); n != "two" {
		t.Errorf("noted are %s", n)
	}
}

func TestSealedTextsAreInNoRowHoweverManyAreWrittenTogether(t *testing.T) {
	pg := testkit.SharedPostgres(t)
	o := options(pg.Database(t), t.TempDir())
	o.Keys = keysOf(t, true, "one")
	s := must(t, o)
	const together = 600
	done := make(chan error, together)
	var ms []*sms.Message
	for range together {
		m := storetest.Sample()
		m.Content, m.TLVs = []byte(strings.Repeat("x", 300)), []byte("tlv of it")
		ms = append(ms, m)
		s.Add(&addition{m: m, done: done})
	}
	for range together {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := pg.Value(t, testkit.DatabaseName(t, o.DSN), "SELECT count(*) FROM messages WHERE encode(content, 'escape') LIKE '%xxxxxx%' OR encode(attributes, 'escape') LIKE '%tlv of%'"); n != "0" {
		t.Errorf("%s texts can be read", n)
	}
	got, err := s.Load(t.Context(), []sms.ID{ms[together-1].ID})
	if err != nil || len(got) != 1 || !bytes.Equal(got[0].Content, ms[0].Content) || !bytes.Equal(got[0].TLVs, ms[0].TLVs) {
		t.Errorf("read is %v, %v", got, err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
