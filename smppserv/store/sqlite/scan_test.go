package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/storetest"
)

const (
	kept = 1800 // messages, of a third of a page each: the root of their table leads to pages that lead to these
	long = 60_000
)

// text is that of a message: some are far longer than a page.
func text(id sms.ID) string {
	n := 1000
	if id%300 == 7 {
		n = long
	}
	return strings.Repeat(fmt.Sprintf("%d, ", id), n)[:n]
}

// stocked is a database with kept messages of which every third waits. None of it is in a log.
func stocked(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "messages.db")
	s := must(t, file)
	var ended []sms.ID
	for i := sms.ID(1); i <= kept; i++ {
		m := storetest.Sample()
		m.Content, m.ReceivedAt = []byte(text(i)), time.Now()
		if i == kept {
			storetest.Add(t, s, m)
		} else {
			s.Add(unheard{m})
		}
		if i%3 != 0 {
			ended = append(ended, i)
		}
	}
	storetest.Finish(s, road.Transition{IDs: ended, State: sms.Delivered, Attempts: 1})
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return file
}

const page = 4096

func pageOf(t *testing.T, file string, number int64) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, page)
	if _, err := f.ReadAt(b, (number-1)*page); err != nil {
		t.Fatal(err)
	}
	return b
}

// tree is the root page of a table, and those that it leads to.
func tree(t *testing.T, file, table string) (root int64, below []int64) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err == nil {
		err = errors.Join(db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&root), db.Close()) // which folds the log
	}
	if err != nil {
		t.Fatal(err)
	}
	b := pageOf(t, file, root)
	if b[0] != 0x05 {
		return root, nil
	}
	for i := range int(binary.BigEndian.Uint16(b[3:])) {
		below = append(below, int64(binary.BigEndian.Uint32(b[binary.BigEndian.Uint16(b[12+2*i:]):])))
	}
	return root, append(below, int64(binary.BigEndian.Uint32(b[8:])))
}

// saved recovers a file that the worker left, and returns the messages that are there.
func saved(t *testing.T, file string) (r sqlite.Recovered, there map[sms.ID]*sms.Message) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "saved.db")
	r, err := sqlite.Recover(t.Context(), file, to, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := must(t, to)
	defer s.Close(context.Background())
	there = map[sms.ID]*sms.Message{}
	for id := sms.ID(1); id <= kept; id++ {
		switch m, err := s.Get(t.Context(), id); {
		case err == nil:
			there[id] = m
		case !errors.Is(err, sms.ErrUnknown):
			t.Fatal(err)
		}
	}
	for _, l := range r.Lost {
		for id := l.From; id <= min(l.To, kept); id++ {
			if _, ok := there[id]; ok {
				t.Errorf("message %d is said to be lost, and is there", id)
			}
		}
	}
	return r, there
}

// whole wants what is there to be as it was.
func whole(t *testing.T, there map[sms.ID]*sms.Message) {
	t.Helper()
	for id, m := range there {
		if string(m.Content) != text(id) || (id%3 == 0) != (m.State == sms.Enroute) || m.Source.Number != storetest.Sample().Source.Number {
			t.Fatalf("message %d is not as it was: %v, %.40q", id, m.State, m.Content)
		}
	}
}

func TestMessagesWhosePagesAreWholeAreSavedWithoutTheWayToThem(t *testing.T) {
	original := stocked(t)
	root, below := tree(t, original, "messages")
	if len(below) < 2 || pageOf(t, original, below[0])[0] != 0x05 {
		t.Fatalf("the table has too few pages: %d below its root", len(below))
	}
	first := pageOf(t, original, 1)
	if first[100] != 0x05 {
		t.Fatal("the first page leads to no other")
	}
	info, err := os.Stat(original)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		damage func(file string)
		least  int // messages that are saved
	}{
		"the root":             {func(file string) { overwrite(t, file, root-1) }, kept},
		"a page below it":      {func(file string) { overwrite(t, file, below[0]-1) }, kept},
		"all pages below it":   {func(file string) { overwrite(t, file, below[0]-1, below[1]-1) }, kept},
		"the first page":       {func(file string) { overwrite(t, file, 0) }, kept},
		"the first page, zero": {func(file string) { zero(t, file, 0, page) }, kept},
		"the first half page":  {func(file string) { zero(t, file, 100, page/2) }, kept},
		"the root and the first": {func(file string) {
			overwrite(t, file, 0, root-1)
			if err := os.Remove(filepath.Join(filepath.Dir(file), "last_message_id.messages.db")); err != nil {
				t.Fatal(err)
			}
		}, kept},
		"the root and a page that a text goes on in": {func(file string) {
			overwrite(t, file, root-1, goesOn(t, file, 307)-1)
		}, kept - 1},
		"the root and how long the file is": {func(file string) {
			overwrite(t, file, root-1)
			write(t, file, 28, []byte{0x0F, 0xFF, 0xFF, 0xFF}) // terabytes
		}, kept},
		"the half of the file": {func(file string) { cut(t, file, info.Size()/2) }, kept * 2 / 5},
	} {
		t.Run(name, func(t *testing.T) {
			file := duplicate(t, original)
			c.damage(file)
			r, there := saved(t, file)
			whole(t, there)
			m := r.Tables[0]
			if len(there) < c.least || m.Rows != len(there) || m.Scattered == 0 != strings.HasPrefix(name, "the first") || m.Scattered > m.Rows {
				t.Errorf("%d of %d messages are there, want %d: %+v", len(there), kept, c.least, m)
			}
			if lost(r) != kept-len(there) {
				t.Errorf("%d are there, and %d are said to be lost: %v", len(there), lost(r), r.Lost)
			}
			if strings.HasPrefix(name, "the first") {
				for _, table := range r.Tables {
					if table.Unread != "" {
						t.Errorf("of %s: %s", table.Table, table.Unread)
					}
				}
			}
			t.Logf("%d of %d messages, %d of them page by page; %d lost", len(there), kept, m.Scattered, lost(r))
		})
	}
}

// lost is how many of the messages that there were are said to be lost.
func lost(r sqlite.Recovered) (n int) {
	for _, l := range r.Lost {
		n += int(min(l.To, kept) - min(l.From-1, kept))
	}
	return n
}

// goesOn is a page that the text of a message goes on in.
func goesOn(t *testing.T, file string, id sms.ID) int64 {
	t.Helper()
	octets, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for number := int64(1); number*page <= int64(len(octets)); number++ {
		if b := octets[(number-1)*page : number*page]; strings.Contains(text(id)[:100], string(b[4:50])) { // behind the number of the next one
			return number
		}
	}
	t.Fatal("it goes on in no page")
	return 0
}

// duplicate copies a database and the mark beside it.
func duplicate(t *testing.T, file string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"messages.db", "messages.db-wal", "last_message_id.messages.db"} { // not what a worker that runs has locked
		octets, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), octets, 0o600)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "messages.db")
}

func zero(t *testing.T, file string, at, octets int64) {
	t.Helper()
	write(t, file, at, make([]byte, octets))
}

func write(t *testing.T, file string, at int64, octets []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(octets, at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasPurgedOrErasedDoesNotComeBackWithoutTheWayToIt(t *testing.T) {
	file := stocked(t)
	s := must(t, file)
	var erased []sms.ID
	for id := sms.ID(1); id <= kept; id += 3 {
		erased = append(erased, id)
	}
	if err := s.EraseMessages(t.Context(), erased); err != nil {
		t.Fatal(err)
	}
	purged, err := s.Purge(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	root, _ := tree(t, file, "messages")
	overwrite(t, file, root-1)
	_, there := saved(t, file)
	for id, m := range there {
		if id%3 != 0 || m.State != sms.Enroute {
			t.Errorf("message %d, which was purged, comes back", id)
		}
	}
	if purged != kept/3 || len(there) != kept/3 {
		t.Errorf("%d were purged, and %d are saved", purged, len(there))
	}
}

// The page of an earlier state, which a disk put where it does not belong, or an older program gave free without overwriting it.
func TestOfAMessageThatIsOnTwoPagesTheOneCountsThatIsFurtherOn(t *testing.T) {
	for _, order := range []string{"older first", "older last"} {
		file := filepath.Join(t.TempDir(), "messages.db")
		s := must(t, file)
		m := storetest.Sample()
		storetest.Add(t, s, m)
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		root, _ := tree(t, file, "messages")
		older := pageOf(t, file, root)
		s = must(t, file)
		storetest.Finish(s, road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Attempts: 1})
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		newer := pageOf(t, file, root)
		if bytes.Equal(older, newer) {
			t.Fatal("the page is as it was")
		}
		if order == "older last" {
			older, newer = newer, older
		}
		appendTo(t, file, older, newer)
		overwrite(t, file, root-1)
		if _, there := saved(t, file); len(there) != 1 || there[m.ID].State != sms.Delivered {
			t.Errorf("%s: got %v", order, there[m.ID])
		}
	}
}

func TestAPageThatTellsOfWhatIsNotLostBringsNothingBack(t *testing.T) {
	other := filepath.Join(t.TempDir(), "messages.db")
	s := must(t, other)
	storetest.Add(t, s, storetest.Sample())
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	execute(t, other, fmt.Sprint("UPDATE messages SET id = ", 10*kept, "; PRAGMA wal_checkpoint(truncate)"))
	stray, _ := tree(t, other, "messages")
	file := stocked(t)
	_, below := tree(t, file, "messages")
	appendTo(t, file, pageOf(t, other, stray))
	overwrite(t, file, below[0]-1)
	if r, there := saved(t, file); r.Tables[0].Rows != kept || len(there) != kept || r.Tables[0].Scattered == 0 {
		t.Errorf("%d of %d are there, and these rows: %+v", len(there), kept, r.Tables[0])
	}
}

func appendTo(t *testing.T, file string, octets ...[]byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(bytes.Join(octets, nil))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A search for each id that there may be would take years.
func TestHowManyIDsThereMayBeIsNoMatterWithoutTheWayToMessages(t *testing.T) {
	file := stocked(t)
	const high = 1 << 40
	execute(t, file, fmt.Sprint("UPDATE messages SET id = id + ", high, "; UPDATE last_message_id SET id = 0; DELETE FROM runs; DELETE FROM external_ids; "+
		"DROP INDEX messages_waiting; PRAGMA wal_checkpoint(truncate)"))
	root, _ := tree(t, file, "messages")
	overwrite(t, file, root-1)
	mark := filepath.Join(filepath.Dir(file), "last_message_id.messages.db")
	for _, known := range []bool{false, true} {
		if err := os.Remove(mark); err != nil && !known {
			t.Fatal(err)
		}
		if known {
			if err := store.RaiseMark(mark, high+kept); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r, err := sqlite.Recover(ctx, file, filepath.Join(t.TempDir(), "saved.db"), nil)
		cancel()
		if err != nil || r.Tables[0].Rows != kept || len(r.Lost) != 1 || r.Lost[0].From != 1 || r.Lost[0].To != high {
			t.Errorf("the mark is known, %t: %v, %+v, lost %v", known, err, r.Tables, r.Lost)
		}
	}
}

// What a killed worker left in its log is newer than what is in the file.
func TestTheLogCountsAlsoWithoutTheWayToMessages(t *testing.T) {
	file := stocked(t)
	root, _ := tree(t, file, "messages")
	s := must(t, file)
	defer s.Close(context.Background())
	var ended []sms.ID
	for id := sms.ID(3); id <= kept; id += 6 {
		ended = append(ended, id)
	}
	storetest.Finish(s, road.Transition{IDs: ended, State: sms.Rejected, Attempts: 1})
	for name, c := range map[string]struct {
		damage func(file string)
		least  int
	}{
		"the root":        {func(file string) { overwrite(t, file, root-1) }, kept},
		"the first page":  {func(file string) { overwrite(t, file, 0) }, kept},
		"all of the file": {func(file string) { cut(t, file, 0) }, len(ended)},
	} {
		t.Run(name, func(t *testing.T) {
			killed := duplicate(t, file)
			c.damage(killed)
			_, there := saved(t, killed)
			rejected := 0
			for _, m := range there {
				if m.State == sms.Rejected {
					rejected++
				}
			}
			if len(there) < c.least || rejected != len(ended) {
				t.Errorf("%d are there, %d of them rejected", len(there), rejected)
			}
		})
	}
}

func TestWhatHoldsNothingIsSaidAtOnce(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.db")
	execute(t, other, "CREATE TABLE theirs (id INTEGER)")
	for file, want := range map[string]string{empty: "is empty", other: "no table of smppserv's"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := sqlite.Recover(ctx, file, filepath.Join(t.TempDir(), "saved.db"), nil)
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %s: %v", filepath.Base(file), err)
		}
	}
}

func TestATableThatIsMissingIsSaidAtOnceAndTheOthersAreSaved(t *testing.T) {
	original := stocked(t)
	for _, missing := range []string{"messages", "external_ids", "audit", "tries", "last_message_id", "counted"} {
		t.Run(missing, func(t *testing.T) {
			file := duplicate(t, original)
			execute(t, file, "PRAGMA secure_delete = on; DROP TABLE "+missing+"; PRAGMA wal_checkpoint(truncate)")
			r, there := saved(t, file)
			want := kept
			if missing == "messages" {
				want = 0
			}
			if len(there) != want {
				t.Errorf("%d messages are there", len(there))
			}
			for _, table := range r.Tables {
				if (table.Unread != "") != (table.Table == missing) || table.Unread != "" && !strings.Contains(table.Unread, "no such table") {
					t.Errorf("of %s: %q", table.Table, table.Unread)
				}
			}
		})
	}
}
