package runs

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"hnetsmpp/smppserv/sms"
)

func blockOf(t testing.TB, base sms.ID, all []pair) []byte {
	w := blockWriter{base: base}
	for _, p := range all {
		if !w.add(p) {
			t.Fatalf("%d pairs do not fit a block", len(all))
		}
	}
	if len(w.data) > PieceSize {
		t.Fatalf("a block has %d octets, want at most %d", len(w.data), PieceSize)
	}
	return w.data[head:]
}

func pairsOf(body []byte) (all []pair, fault string) {
	r := readBlock(body)
	for p, ok := r.next(); ok; p, ok = r.next() {
		all = append(all, p)
	}
	return all, r.fault
}

func TestABlockGivesThePairsThatWereWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		base := sms.ID(1 + r.Uint64()>>r.IntN(64))
		all := []pair{{1, base}, {math.MaxUint64, math.MaxUint64}}
		for range r.IntN(190) {
			all = append(all, pair{Key(1 + r.Uint64()>>(1+r.IntN(63))), base + sms.ID(r.Uint64N(1<<63-1-uint64(base)>>1))>>r.IntN(4)})
			for len(all) < 190 && r.IntN(3) > 0 {
				last := all[len(all)-1]
				all = append(all, pair{last.key, max(last.id, last.id+sms.ID(r.IntN(300)))})
			}
		}
		slices.SortFunc(all, pair.compare)
		all = slices.Compact(all)
		got, fault := pairsOf(blockOf(t, base, all))
		if fault != "" || !slices.Equal(got, all) {
			t.Fatalf("read %v (%s), want %v", got, fault, all)
		}
	}
}

func TestAFullBlockTakesNoMore(t *testing.T) {
	w, n := blockWriter{base: 1}, 0
	for key := Key(1); w.add(pair{key << 30, sms.ID(key)}); key++ {
		n++
	}
	if got, fault := pairsOf(w.data[head:]); len(w.data) > PieceSize || len(w.data) < PieceSize-longestPair || len(got) != n || fault != "" {
		t.Errorf("a full block has %d octets and %d of %d pairs (%s)", len(w.data), len(got), n, fault)
	}
}

func TestAPieceIsRefusedElsewhereAndInAnyOtherForm(t *testing.T) {
	good := seal(7, 3, append(newPiece(), "what is in it"...)).Data
	if body, err := unseal(7, 3, good); err != nil || string(body) != "what is in it" {
		t.Fatalf("unsealed %q, %v", body, err)
	}
	newer := slices.Clone(good)
	newer[head-1]++
	seal(7, 3, newer)
	bad := map[string][]byte{"empty": {}, "a head without end": good[:head-1], "cut": good[:len(good)-1], "longer": append(slices.Clone(good), 0), "of a later version": newer}
	for name, data := range bad {
		if _, err := unseal(7, 3, data); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for at := range good {
		data := slices.Clone(good)
		data[at] ^= 0x10
		if _, err := unseal(7, 3, data); !errors.Is(err, ErrDamaged) {
			t.Errorf("octet %d is another: %v", at, err)
		}
	}
	if _, err := unseal(8, 3, good); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another run: %v", err)
	}
	if _, err := unseal(7, 4, good); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
}

func TestABlockThatCannotBeIsRefused(t *testing.T) {
	one := blockOf(t, 5, []pair{{7, 5}})
	for name, body := range map[string][]byte{
		"empty":                     {},
		"without pairs":             {5},
		"the first key cut":         one[:4],
		"the first id cut":          one[:len(one)-1],
		"the key 0":                 blockOf(t, 5, []pair{{0, 5}}),
		"the same pair twice":       append(slices.Clone(one), 0, 0),
		"a pair cut":                append(slices.Clone(one), 1),
		"a key too high":            append(append(slices.Clone(one), bytes.Repeat([]byte{0xFF}, 9)...), 1, 1),
		"an id too high":            append(append(append(slices.Clone(one), 1), bytes.Repeat([]byte{0xFF}, 9)...), 1),
		"a number beyond 64 bits":   append(append(slices.Clone(one), bytes.Repeat([]byte{0xFF}, 9)...), 9, 1),
		"a number that has no end":  append(slices.Clone(one), bytes.Repeat([]byte{0xFF}, 12)...),
		"two ids of a newest only":  append(blockOf(t, 5, []pair{{newestOnly + 7, 5}}), 0, 1),
		"the lowest id of a run, 0": blockOf(t, 0, []pair{{7, 0}}),
	} {
		if all, fault := pairsOf(body); fault == "" {
			t.Errorf("%s: read %v", name, all)
		}
	}
}

func FuzzBlock(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Add(blockOf(f, 5, []pair{{1, 5}, {1, 6}, {2, 900}, {newestOnly + 1, 7}, {newestOnly + 2, 7}}))
	f.Add(bytes.Repeat([]byte{0xFF}, 40))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, fault := pairsOf(body)
		if len(all) > len(body) {
			t.Fatalf("%d pairs in %d octets", len(all), len(body))
		}
		if !slices.IsSortedFunc(all, func(a, b pair) int { return cmp.Or(a.compare(b), 1) }) {
			t.Fatalf("pairs do not rise: %v", all)
		}
		if fault != "" || len(body) > PieceSize/4 {
			return
		}
		if len(all) == 0 {
			t.Fatal("no pairs, and no fault")
		}
		base := readBlock(body).base
		if again, fault := pairsOf(blockOf(t, base, all)); fault != "" || !slices.Equal(again, all) {
			t.Fatalf("written again and read: %v (%s), want %v", again, fault, all)
		}
	})
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendMark(appendMark(nil, pair{1, 2}), pair{1, 3}))
	f.Fuzz(func(t *testing.T, body []byte) {
		marks, err := readMarks(1, directory, body)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		var again []byte
		for _, m := range marks {
			again = appendMark(again, m)
		}
		if !bytes.Equal(again, body) {
			t.Fatalf("read %v from %x", marks, body)
		}
	})
}

func TestAFilterHasAllThatWasAddedAndSeemsToHaveLittleElse(t *testing.T) {
	for _, n := range []uint64{1, 60, 1000, 65_536} {
		f := make(filter, filterSize(16*n)) // far too large, as after keys that came in each of 16 runs
		for i := range n {
			f.add(ConversationKey("a number", string(rune(i))))
		}
		f = f.fitted(n)
		if want := filterSize(n); uint64(len(f)) != want || want > max(lineSize, n*leastOfKey/8*2) {
			t.Errorf("%d keys: %d octets, want %d", n, len(f), want)
		}
		for i := range n {
			if !f.mayHave(ConversationKey("a number", string(rune(i)))) {
				t.Fatalf("%d keys: number %d is missing", n, i)
			}
		}
		wrong := 0
		const tries = 20_000
		for i := range tries {
			if f.mayHave(UseKey("a client", string(rune(i)))) {
				wrong++
			}
		}
		if n >= 1000 && wrong > tries*5/100 {
			t.Errorf("%d keys: %d of %d others seem to be there", n, wrong, tries)
		}
	}
}

func TestAKeyIsTheSameInEveryProcess(t *testing.T) {
	for got, want := range map[Key]Key{
		NumberKey("33612345678"):               0x4faba2034191d1a1,
		ConversationKey("33612345678", "3600"): 0xa4e84c8f7f2e3c88,
		UseKey("client", "33612345678"):        0xfd3eb3d886b70b77,
	} {
		if got != want {
			t.Errorf("key %#x, want %#x", uint64(got), uint64(want))
		}
	}
	if NumberKey("1").NewestOnly() || !ConversationKey("1", "2").NewestOnly() || !UseKey("1", "2").NewestOnly() {
		t.Error("only of conversations and uses the newest message is enough")
	}
	if ConversationKey("12", "3") == ConversationKey("1", "23") || ConversationKey("1", "2") == UseKey("1", "2") {
		t.Error("different things have one key")
	}
}
