package sqlite_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/sqlite"
)

// leavesOf are those of a table, in the order of their rows.
func leavesOf(t *testing.T, file, table string) (all []int64) {
	t.Helper()
	_, below := tree(t, file, table)
	for len(below) > 0 {
		number := below[0]
		below = below[1:]
		b := pageOf(t, file, number)
		if b[0] == 0x0D {
			all = append(all, number)
			continue
		}
		var further []int64
		for i := range int(binary.BigEndian.Uint16(b[3:])) {
			further = append(further, int64(binary.BigEndian.Uint32(b[binary.BigEndian.Uint16(b[12+2*i:]):])))
		}
		below = append(append(further, int64(binary.BigEndian.Uint32(b[8:]))), below...)
	}
	return all
}

// rowidAt is where on its page the id of a row is, the last one for -1.
func rowidAt(b []byte, row int) (at, octets int) {
	if row < 0 {
		row += int(binary.BigEndian.Uint16(b[3:]))
	}
	at = int(binary.BigEndian.Uint16(b[8+2*row:]))
	for b[at]&0x80 != 0 {
		at++
	}
	at++
	for octets = 1; b[at+octets-1]&0x80 != 0; octets++ {
	}
	return at, octets
}

// SQLite finds less in such a file, and says nothing.
func TestNoMessageIsLostSilentlyOrGetsTheTextOfAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes long")
	}
	original := stocked(t)
	root, below := tree(t, original, "messages")
	leaves := leavesOf(t, original, "messages")
	first, middle, last := leaves[0], leaves[len(leaves)/2], leaves[len(leaves)-1]
	type damage struct {
		at     int64
		octets []byte
		least  int // messages that are saved
	}
	cases := map[string]damage{}
	for name, number := range map[string]int64{"first": first, "middle": middle, "last": last} {
		b := pageOf(t, original, number)
		for row, of := range map[int]string{0: "first", 1: "second", -1: "last"} {
			at, octets := rowidAt(b, row)
			for _, fill := range []byte{0, 0xFF} {
				cases[fmt.Sprintf("sector %02X over the %s row of the %s leaf", fill, of, name)] = damage{(number-1)*page + int64(at/512*512), bytes.Repeat([]byte{fill}, 512), kept - 4}
			}
			for octet := range octets {
				for bit := octet % 3; bit < 8; bit += 3 {
					cases[fmt.Sprintf("bit %d of octet %d of the id of the %s row of the %s leaf", bit, octet, of, name)] =
						damage{(number-1)*page + int64(at+octet), []byte{b[at+octet] ^ 1<<bit}, kept - 4}
				}
			}
		}
	}
	for name, from := range map[string]int64{"the first leaf": first, "a leaf": middle, "the last leaf": last, "a page below the root": below[0], "the last page below the root": below[len(below)-1]} {
		b := pageOf(t, original, from)
		cases[name+" over the root"] = damage{(root - 1) * page, b, kept}
		if from != below[0] {
			cases[name+" over a page below the root"] = damage{(below[0] - 1) * page, b, kept}
		}
		if from != middle {
			cases[name+" over a leaf"] = damage{(middle - 1) * page, b, kept - 4}
		}
	}
	for sector := range int64(8) {
		cases[fmt.Sprint("zeros over the sector of the root ", sector)] = damage{(root-1)*page + 512*sector, make([]byte, 512), kept}
		cases[fmt.Sprint("zeros over the sector of a page below it ", sector)] = damage{(below[0]-1)*page + 512*sector, make([]byte, 512), kept}
	}
	silent := 0
	for name, c := range cases {
		file := duplicate(t, original)
		write(t, file, c.at, c.octets)
		r, there := saved(t, file)
		for id := sms.ID(1); id <= kept; id++ {
			m, is := there[id]
			switch {
			case !is && !named(r, id):
				silent++
				t.Errorf("%s: message %d is neither there nor named: %v", name, id, r.Lost)
			case is && string(m.Content) != text(id) && !slices.Contains(r.Doubtful, id):
				t.Errorf("%s: message %d has another text: %.40q", name, id, m.Content)
			}
		}
		if len(there) < c.least || r.Tables[0].Rows != len(there) {
			t.Errorf("%s: %d of %d are there, want %d: %+v, lost %v", name, len(there), kept, c.least, r.Tables[0], r.Lost)
		}
	}
	t.Logf("%d kinds of damage, %d messages lost silently", len(cases), silent)
}

func named(r sqlite.Recovered, id sms.ID) bool {
	for _, l := range r.Lost {
		if l.From <= id && id <= l.To {
			return true
		}
	}
	return false
}

// An id is nine octets at most, and its first row may be damaged so that it is below zero.
func TestAnIDBelowOneIsNoneAndTheLostOnesAreNamed(t *testing.T) {
	original := stocked(t)
	for _, id := range []int64{0, -1, math.MinInt64, math.MinInt64 + 100} {
		file := duplicate(t, original)
		execute(t, file, fmt.Sprint("UPDATE messages SET id = ", id, " WHERE id = 1; PRAGMA wal_checkpoint(truncate)"))
		overwrite(t, file, leavesOf(t, file, "messages")[1]-1)
		r, there := saved(t, file)
		whole(t, there)
		if len(there) < kept-6 || lost(r) != kept-len(there) || !named(r, 1) {
			t.Errorf("%d: %d are there, lost %v, %+v", id, len(there), r.Lost, r.Tables[0])
		}
	}
}

// How many rows a table may have is no matter where its last page is damaged.
func TestOfAnotherTableOnlyTheDamagedPageIsLost(t *testing.T) {
	original := stocked(t)
	const numbers = " WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x WHERE i < 5000) SELECT "
	for table, insert := range map[string]string{
		"external_ids": "external_ids (external_id, message_id, received_at)" + numbers + "'hermes-'||i, i, 0 FROM x",
		"minutes": "minutes (minute, submitted, pushed, delivered, failed, receipts, waiting, oldest_ms, push)" + numbers +
			"1764630000000+i*60000, 1, 1, 1, 0, 0, 0, 0, x'' FROM x",
		"audit": "audit (done_at, who, from_where, what, on_what, more)" + numbers + "i, 'ops', '127.0.0.1', 'erase', 'x', '' FROM x",
	} {
		file := duplicate(t, original)
		execute(t, file, "INSERT INTO "+insert+"; UPDATE last_message_id SET id = 10000000; PRAGMA wal_checkpoint(truncate)")
		leaves := leavesOf(t, file, table)
		for name, pages := range map[string][]int64{
			"the first": {leaves[0]}, "two": {leaves[3], leaves[4]}, "the last": {leaves[len(leaves)-1]}, "some": {leaves[1], leaves[3], leaves[len(leaves)-1]},
		} {
			damaged := duplicate(t, file)
			lost := 0
			for _, number := range pages {
				lost += int(binary.BigEndian.Uint16(pageOf(t, file, number)[3:]))
				overwrite(t, damaged, number-1)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			r, err := sqlite.Recover(ctx, damaged, filepath.Join(t.TempDir(), "saved.db"), nil)
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(r.Tables, func(s sqlite.Saved) bool { return s.Table == table })
			if s := r.Tables[i]; s.Rows != 5000-lost || s.Unread == "" || s.Unreadable == 0 {
				t.Errorf("%s, %s: want %d rows: %+v", table, name, 5000-lost, s)
			}
		}
	}
}

func TestAViewInThePlaceOfATableIsNotRead(t *testing.T) {
	original := stocked(t)
	for table, columns := range map[string]string{"tries": "i AS message_id", "goose_db_version": "i AS version_id", "last_message_id": "i AS id"} {
		file := duplicate(t, original)
		execute(t, file, "DROP TABLE "+table+"; CREATE VIEW "+table+" AS WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x) SELECT "+columns+" FROM x; PRAGMA wal_checkpoint(truncate)")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		r, err := sqlite.Recover(ctx, file, filepath.Join(t.TempDir(), "saved.db"), nil)
		cancel()
		if err != nil || r.Tables[0].Rows != kept {
			t.Errorf("%s: %v, %+v", table, err, r.Tables)
		}
	}
}

// Pages whose rows all go on in the same long chain would be read for hours.
func TestAChainThatManyRowsGoOnInIsNotReadForEach(t *testing.T) {
	file := stocked(t)
	root, _ := tree(t, file, "messages")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, file, root-1)
	next := uint32(info.Size()/page) + 1
	const chain = 4000
	var added bytes.Buffer
	for i := range uint32(chain) {
		b := make([]byte, page)
		if i < chain-1 {
			binary.BigEndian.PutUint32(b, next+i+1)
		}
		added.Write(b)
	}
	const local = 489 // octets of a row of this length that are on its page
	length := local + 4092*chain
	for range 40 {
		b := make([]byte, page)
		b[0] = 0x0D
		for i := range 40 {
			at := 2000 + 12*i
			copy(b[at:], []byte{byte(length>>21) | 0x80, byte(length>>14) | 0x80, byte(length>>7) | 0x80, byte(length & 0x7F), 0x80, byte(i + 1)})
			binary.BigEndian.PutUint32(b[at+6+local:], next)
			binary.BigEndian.PutUint16(b[8+2*i:], uint16(at))
		}
		binary.BigEndian.PutUint16(b[3:], 40)
		added.Write(b)
	}
	appendTo(t, file, added.Bytes())
	if _, there := saved(t, file); len(there) != kept { // hours are beyond the time of a test
		t.Errorf("%d are there", len(there))
	}
}

func TestATextWithARunOfZerosOrOnesIsNamedAsDoubtful(t *testing.T) {
	original := stocked(t)
	first := leavesOf(t, original, "messages")[0]
	for _, fill := range []byte{0, 0xFF} {
		file := duplicate(t, original)
		write(t, file, (first-1)*page+2*512, bytes.Repeat([]byte{fill}, 512)) // within the text of its last row
		r, there := saved(t, file)
		if len(r.Doubtful) != 1 || len(there) != kept || string(there[r.Doubtful[0]].Content) == text(r.Doubtful[0]) {
			t.Errorf("%02X: %d are there, doubtful %v", fill, len(there), r.Doubtful)
		}
	}
}
