package config

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestLineIndexKnowsEveryFormOfTOML(t *testing.T) {
	text := `a = 1 # not = a key
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
	index := indexLines(text)
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

// FuzzLoad looks for panics, for problems without a line, and for keys that the
// line index and the TOML library see differently.
func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	for _, text := range []string{
		"[[clients]]\nsystem_id='a'\npassword=\"\"\"x\"\"\"\n[[clients]]\n", "a.\"b\\u00e9\".c = [[1],{d=2}]",
		"[server]\r\nwindow=1_0\r\n", "x = '''\n''''\ny=1", "[a]\n[[a.b]]\n[a.b.c]\nd = 07:32:00", "\xff\xfea\x00", "a=[1,\n#c\n2,]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := parse("config.toml", []byte(text))
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
			visit(joinKey(path, name))
			eachKey(joinKey(path, name), inner, visit)
		}
	case []map[string]any:
		for i, inner := range v {
			visit(indexKey(path, i))
			eachKey(indexKey(path, i), inner, visit)
		}
	case []any:
		for i, inner := range v {
			visit(indexKey(path, i))
			eachKey(indexKey(path, i), inner, visit)
		}
	}
}
