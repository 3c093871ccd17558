package tomlstrict

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// everyForm has every form of TOML that holds a key.
const everyForm = `a = 1 # not = a key
[b.c] # comment ] [x]
"d e".f = '''
[no]
x = 1'''
g = """
\"""
k = 2 """"
h = [ # list
  [1, 2],
  { i = 1, 'j"' = [ 3 ] },
]
[[l]]
m = 1979-05-27 07:32:00
[[l]]
n = "]#"
[l.o]
p = 'C:\'
[[l.q]]
r = "\u00e9"
[[l.q]]
"\u00e9" = 1
`

func TestLineIndexKnowsEveryFormOfTOML(t *testing.T) {
	index := indexLines(everyForm)
	for key, want := range map[string]int{
		"a": 1, "b": 2, "b.c": 2, `b.c."d e"`: 3, `b.c."d e".f`: 3, "b.c.g": 6, "b.c.h": 9, "b.c.h[0]": 10,
		"b.c.h[0][1]": 10, "b.c.h[1].i": 11, `b.c.h[1]."j\""[0]`: 11, "l": 13, "l[0]": 13, "l[0].m": 14,
		"l[1]": 15, "l[1].n": 16, "l[1].o": 17, "l[1].o.p": 18, "l[1].q[0].r": 20, "l[1].q[1]": 21, `l[1].q[1]."é"`: 22,
	} {
		if got := index[key]; got != want {
			t.Errorf("%s: line %d, want %d", key, got, want)
		}
	}
	if _, ok := index["b.c.k"]; ok {
		t.Error("text inside a string was taken for a key")
	}
	if got := index.of("l[1].o.nothing"); got != 17 {
		t.Errorf("a missing key has line %d, want its table's 17", got)
	}
}

// FuzzRead looks for panics, for problems without a line, and for keys that the
// line index and the TOML library see differently.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		everyForm, "name = 'a'\n[[tables]]\nname='a'\nwait=\"\"\"1s\"\"\"\n[[tables]]\n", "a.\"b\\u00e9\".c = [[1],{d=2}]",
		"[table]\r\nnumber=1_0\r\n", "x = '''\n''''\ny=1", "[a]\n[[a.b]]\n[a.b.c]\nd = 07:32:00", "\xff\xfea\x00", "a=[1,\n#c\n2,]",
		"texts = { a = 'b', c = 1 }\nlist = [true, 1.5, {}]\nwaits = ['1s', '2', 3]\non = 1979-05-27",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target := defaults()
		doc, err := Read([]byte(text), &target, Options{File: "x.toml"})
		if err == nil {
			err = doc.Err()
		}
		var typed *Error
		if err != nil && !errors.As(err, &typed) {
			t.Fatalf("not an *Error: %v", err)
		}
		if typed != nil {
			for _, p := range typed.Problems {
				if p.File == "" || p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
					t.Errorf("no such line: %s", p)
				}
			}
		}
		plain, problem := decodeText([]byte(text))
		var tree map[string]any
		if problem != nil {
			return
		}
		if _, err := toml.Decode(plain, &tree); err != nil {
			return
		}
		index := indexLines(plain)
		eachKey("", tree, func(key string) {
			// The library itself miscounts lists below an empty name.
			if index[key] == 0 && !strings.Contains(key, `""`) {
				t.Errorf("no line for %s", key)
			}
		})
	})
}

func eachKey(path string, value any, visit func(string)) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			visit(Join(path, name))
			eachKey(Join(path, name), inner, visit)
		}
	case []map[string]any:
		for i, inner := range v {
			visit(Index(path, i))
			eachKey(Index(path, i), inner, visit)
		}
	case []any:
		for i, inner := range v {
			visit(Index(path, i))
			eachKey(Index(path, i), inner, visit)
		}
	}
}

func TestKeysAreThoseWithAValueInTheTextsOrder(t *testing.T) {
	doc, err := Read([]byte(everyForm), new(struct{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", `b.c."d e".f`, "b.c.g", "b.c.h", "l[0].m", "l[1].n", "l[1].o.p", "l[1].q[0].r", `l[1].q[1]."é"`}
	if names, open := doc.Keys(); !slices.Equal(names, want) || open {
		t.Errorf("got %q, %t", names, open)
	}
}

func TestATextIsOpenWhereItsLastValueMayBeTheBeginningOfALongerOne(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "a = 1": true, "a = 12_3": true, "a = -1.5": true, "a = 1\n": false, "a = 1 ": true, "a = 1\r\n": false, "a = 1# b": false,
		"a = ''": true, `a = ""`: true, `a = "b"`: false, `a = """b"""`: true, "a = true": false, "a = []": false, "a = [1]": false,
		"a = { b = 1 }": false, "a = 1\n[b]": false, "a = 1979-05-27": true, "# a = 1": false,
	} {
		doc, err := Read([]byte(text), new(struct{}), Options{})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if _, open := doc.Keys(); open != want {
			t.Errorf("%q: open = %t", text, open)
		}
	}
}

// The claim that Keys rests on: where a text is cut and still is TOML, its keys are a beginning of the whole one's, and the
// value of the last is whole, or the cut text is open.
func TestTheKeysOfACutTextAreABeginningOfTheWholeOnes(t *testing.T) {
	for _, text := range []string{everyForm, strings.ReplaceAll(everyForm, "\n", "\r\n"), "\xef\xbb\xbf" + everyForm, "a = 10\nb = '''c'''", "a = \"\"\"b\"\"\"\nc = 1.25"} {
		var whole map[string]any
		if _, err := toml.Decode(strings.TrimPrefix(text, "\xef\xbb\xbf"), &whole); err != nil {
			t.Fatal(err)
		}
		doc, err := Read([]byte(text), new(struct{}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		all, _ := doc.Keys()
		values := func(tree map[string]any) map[string]string {
			m := map[string]string{}
			eachValue("", tree, func(key string, value any) { m[key] = fmt.Sprint(value) })
			return m
		}
		of := values(whole)
		for n := range len(text) {
			cut, err := Read([]byte(text[:n]), new(struct{}), Options{})
			if err != nil {
				continue
			}
			names, open := cut.Keys()
			if len(names) > len(all) || !slices.Equal(names, all[:len(names)]) {
				t.Errorf("%q: keys %q", text[:n], names)
			}
			var tree map[string]any
			if _, err := toml.Decode(strings.TrimPrefix(text[:n], "\xef\xbb\xbf"), &tree); err != nil {
				t.Fatal(err)
			}
			for key, value := range values(tree) {
				if of[key] != value && !(open && key == names[len(names)-1]) {
					t.Errorf("%q: %s = %s, want %s", text[:n], key, value, of[key])
				}
			}
		}
	}
}

// eachValue visits what is neither a table nor a list of tables.
func eachValue(path string, value any, visit func(key string, value any)) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			eachValue(Join(path, name), inner, visit)
		}
	case []map[string]any:
		for i, inner := range v {
			eachValue(Index(path, i), inner, visit)
		}
	default:
		visit(path, v)
	}
}
