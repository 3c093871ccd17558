package sqlite_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

// testdata/fuzz/FuzzPages has databases with pages of 512 octets, so that rows go on in chains of them.
func FuzzPages(f *testing.F) {
	like := filepath.Join(f.TempDir(), "messages.db")
	s, err := sqlite.Open(f.Context(), sqlite.Options{File: like, Log: zerolog.Nop()})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		f.Fatal(err)
	}
	read, err := sqlite.Messages(like)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		read(octets, func(_ int64, record []byte) {
			if len(record) > 16<<20 {
				t.Errorf("a row of %d octets", len(record))
			}
		})
	})
}

func TestTheMessagesOfEachEarlierSchemaAreKnownOnTheirPages(t *testing.T) {
	like := filepath.Join(t.TempDir(), "messages.db")
	if err := must(t, like).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	read, err := sqlite.Messages(like)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.db")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		octets, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var ids []int64
		read(octets, func(id int64, _ []byte) { ids = append(ids, id) })
		if len(ids) != 5 || ids[0] != 1 || ids[4] != 5 {
			t.Errorf("%s: got %v", file, ids)
		}
	}
}

// small is a database with pages of 512 octets, with a message that goes on in such pages, which are returned in their order.
func small(t *testing.T) (octets []byte, chain []uint32) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "messages.db")
	execute(t, file, "PRAGMA page_size = 512; VACUUM")
	s := must(t, file)
	m := storetest.Sample()
	m.Content = bytes.Repeat([]byte("long"), 1000)
	storetest.Add(t, s, m)
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	execute(t, file, "PRAGMA wal_checkpoint(truncate)")
	octets, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for number := uint32(1); int(number)*512 <= len(octets); number++ {
		if b := octets[(number-1)*512 : number*512]; bytes.Contains(m.Content, b[4:400]) {
			if len(chain) > 0 && binary.BigEndian.Uint32(octets[(chain[len(chain)-1]-1)*512:]) != number {
				t.Fatalf("the chain %v does not lead to %d", chain, number)
			}
			chain = append(chain, number)
		}
	}
	if len(chain) < 5 || binary.BigEndian.Uint32(octets[(chain[len(chain)-1]-1)*512:]) != 0 {
		t.Fatalf("the chain %v does not end", chain)
	}
	return octets, chain
}

func TestAChainOfPagesThatDoesNotEndWithItsRowIsNone(t *testing.T) {
	like := filepath.Join(t.TempDir(), "messages.db")
	if err := must(t, like).Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	read, err := sqlite.Messages(like)
	if err != nil {
		t.Fatal(err)
	}
	whole, chain := small(t)
	last := len(chain) - 1
	for name, c := range map[string]struct {
		page, next uint32
		want       int
	}{
		"as it was":                       {chain[0], chain[1], 1},
		"it goes on behind its end":       {chain[last], chain[0], 0},
		"it ends too early":               {chain[2], 0, 0},
		"it comes back to where it was":   {chain[last-1], chain[1], 0},
		"it comes back to itself":         {chain[3], chain[3], 0},
		"it leads out of the file":        {chain[1], 1 << 30, 0},
		"it leads to where it should not": {chain[1], 1, 0},
	} {
		octets := bytes.Clone(whole)
		binary.BigEndian.PutUint32(octets[(c.page-1)*512:], c.next)
		found := 0
		read(octets, func(_ int64, record []byte) {
			if found++; !bytes.Contains(record, bytes.Repeat([]byte("long"), 1000)) {
				t.Errorf("%s: the row is not as it was", name)
			}
		})
		if found != c.want {
			t.Errorf("%s: %d messages, want %d", name, found, c.want)
		}
	}
}

func TestWhatIsNoRowOfMessagesIsNotTakenForOne(t *testing.T) {
	like := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, like)
	storetest.Add(t, s, storetest.Sample())
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	read, err := sqlite.Messages(like)
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[string]int{
		"reason = reason": 1, "kind = 5": 0, "kind = -1": 0, "kind = 'text'": 0, "state = 9": 0, "state = 1.5": 0, "source = 33": 0, "due_at = NULL": 0, "final_at = 7": 1,
		"final_at = 'no'": 0, "content = 'text'": 0, "attributes = x'FF'": 0, "attributes = NULL": 0, "attributes = substr(attributes, 1, 20)": 0,
	} {
		file := filepath.Join(t.TempDir(), "theirs.db")
		var columns string
		query(t, like, "SELECT group_concat(name) FROM pragma_table_info('messages') WHERE name <> 'id'", &columns)
		execute(t, file, "ATTACH '"+like+"' AS ours; CREATE TABLE theirs (id INTEGER PRIMARY KEY, "+columns+"); INSERT INTO theirs SELECT * FROM ours.messages; UPDATE theirs SET "+change)
		octets, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		read(octets, func(int64, []byte) { found++ })
		if found != want {
			t.Errorf("with %s: %d messages, want %d", change, found, want)
		}
	}
}
