package store

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
)

func contentKey(id string, octet byte) ContentKey {
	k := ContentKey{ID: id}
	copy(k.Key[:], bytes.Repeat([]byte{octet}, len(k.Key)))
	return k
}

func keys(t testing.TB, seal bool, all ...ContentKey) *Keys {
	t.Helper()
	k, err := NewKeys(all, seal)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func written() *sms.Message {
	m := full(sms.KindText)
	m.ID, m.Content, m.TLVs = 42, []byte("what somebody wrote"), []byte("\x03\x81\x00\x04 too")
	return m
}

// reread is what the columns say to whoever has other keys.
func reread(k *Keys, attributes, content []byte, id sms.ID) (*sms.Message, error) {
	m := &sms.Message{ID: id, ReceivedAt: written().FirstReceived()}
	return m, k.Decode(attributes, content, m, &Names{})
}

func TestSealedColumnsAreOpenedByTheKeyThatSealedThem(t *testing.T) {
	old, now := contentKey("", 1), contentKey("now", 2)
	for name, sealing := range map[string]*Keys{"nobody": nil, "off": keys(t, false, old), "one": keys(t, true, old), "rotated": keys(t, true, now, old)} {
		m := written()
		a, c := sealing.AppendColumns([]byte("before"), m)
		sealed := name == "one" || name == "rotated"
		a = a[len("before"):]
		if (bytes.Contains(c, []byte("somebody")) || bytes.Contains(a, []byte(" too"))) == sealed {
			t.Errorf("%s: the columns are %q, %q", name, a, c)
		}
		for by, opening := range map[string]*Keys{"both": keys(t, true, now, old), "off": keys(t, false, old, now)} {
			got, err := reread(opening, a, c, m.ID)
			if err != nil || !bytes.Equal(got.Content, m.Content) || !bytes.Equal(got.TLVs, m.TLVs) {
				t.Errorf("%s, opened by %s: %+v, %v", name, by, got, err)
			}
		}
		if bare, err := reread(keys(t, true, now, old), a, nil, m.ID); err != nil || bare.Content != nil || !bytes.Equal(bare.TLVs, m.TLVs) {
			t.Errorf("%s: without its content: %+v, %v", name, bare, err)
		}
		if !sealed {
			continue
		}
		if _, err := reread(nil, a, c, m.ID); !errors.Is(err, ErrContentKey) {
			t.Errorf("%s: without a key: %v", name, err)
		}
		again, other := sealing.AppendColumns(nil, m)
		if bytes.Equal(again, a) || bytes.Equal(other, c) {
			t.Errorf("%s: the same nonce comes twice", name)
		}
	}
}

func TestASealedColumnIsOfItsMessageAlone(t *testing.T) {
	k := keys(t, true, contentKey("a", 1))
	m := written()
	a, c := k.AppendColumns(nil, m)
	if _, err := reread(k, a, c, m.ID+1); err == nil {
		t.Error("it is taken for another message's")
	}
	for i := range c {
		damaged := bytes.Clone(c)
		damaged[i] ^= 1
		if _, err := reread(k, a, damaged, m.ID); err == nil {
			t.Errorf("octet %d may be changed", i)
		}
		if _, err := reread(k, a, c[:i:i], m.ID); err == nil {
			t.Errorf("it may be cut to %d octets", i)
		}
	}
	if _, err := reread(k, a, k.first.seal(nil, m.Content, m.ID, sealedTLVs), m.ID); err == nil {
		t.Error("it is taken from another column")
	}
}

func TestKeysAreHeldToThoseThatMessagesAreSealedWith(t *testing.T) {
	one, two := contentKey("one", 1), contentKey("two", 2)
	// noted are the notes after what was written.
	noted := func(notes, write []KeyNote) (all []KeyNote) {
		for _, n := range notes {
			for _, w := range write {
				if w.ID == n.ID {
					n = w
				}
			}
			if !n.Forget {
				all = append(all, n)
			}
		}
		for _, w := range write {
			if !w.Forget && !reflect.DeepEqual(noteOf(all, w.ID), w) {
				all = append(all, w)
			}
		}
		return all
	}
	var notes []KeyNote
	for _, step := range []struct {
		what        string
		keys        *Keys
		first, last sms.ID
		fault       string
		want        string
	}{
		{"nothing is sealed", nil, 1, 5, "", ""},
		{"the first key", keys(t, true, one), 1, 10, "", "one:0"},
		{"the same", keys(t, true, one), 1, 20, "", "one:0"},
		{"none", nil, 1, 20, `the key "one", which is not there`, "one:0"},
		{"another of the same id", keys(t, true, contentKey("one", 9)), 1, 20, `a key "one" that is another one`, "one:0"},
		{"only a new one", keys(t, true, two), 1, 20, `the key "one", which is not there`, "one:0"},
		{"a new one before it", keys(t, true, two, one), 1, 20, "", "one:20 two:0"},
		{"it is still needed", keys(t, true, two), 20, 30, `the key "one"`, "one:20 two:0"},
		{"it is needed no more", keys(t, true, two), 21, 30, "", "two:0"},
		{"off, with the key", keys(t, false, two), 21, 40, "", "two:40"},
		{"off, without", nil, 30, 50, `the key "two"`, "two:40"},
		{"on again", keys(t, true, two), 50, 60, "", "two:0"},
		{"off again", keys(t, false, two), 50, 70, "", "two:70"},
		{"all are purged", nil, 0, 70, "", ""},
	} {
		write, err := step.keys.Check(notes, step.first, step.last)
		if (err != nil) != (step.fault != "") || err != nil && (!errors.Is(err, ErrContentKey) || !strings.Contains(err.Error(), step.fault)) {
			t.Errorf("%s: %v", step.what, err)
		}
		notes = noted(notes, write)
		var got []string
		for _, n := range notes {
			got = append(got, n.ID+":"+n.UpTo.String())
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: noted are %v, want %s", step.what, got, step.want)
		}
	}
}

func noteOf(notes []KeyNote, id string) KeyNote {
	for _, n := range notes {
		if n.ID == id {
			return n
		}
	}
	return KeyNote{}
}

func BenchmarkSeal(b *testing.B) {
	m := written()
	m.TLVs = nil
	m.Content = []byte(strings.Repeat("a text of 160 octets", 8))
	for name, k := range map[string]*Keys{"plain": nil, "sealed": keys(b, true, contentKey("a", 1))} {
		b.Run(name, func(b *testing.B) {
			var buf, content []byte
			for b.Loop() {
				buf, content = k.AppendColumns(buf[:0], m)
			}
			_ = content
		})
		a, c := k.AppendColumns(nil, m)
		b.Run(name+" read", func(b *testing.B) {
			names := &Names{}
			got := &sms.Message{ID: m.ID}
			for b.Loop() {
				if err := k.Decode(a, c, got, names); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
