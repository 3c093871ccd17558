package tomlstrict

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

type settings struct {
	Mode   string            `toml:"mode"`
	Server server            `toml:"server"`
	Peers  []peer            `toml:"peers"`
	Texts  map[string]string `toml:"texts"`
	Inner  string            // no key of the file
}

type server struct {
	ListenPort int             `toml:"listen_port"`
	Wait       time.Duration   `toml:"wait"`
	Waits      []time.Duration `toml:"waits"`
	Open       bool            `toml:"open"`
	Networks   []string        `toml:"networks"`
	TLS        tls             `toml:"tls"`
}

type tls struct {
	CertFile string `toml:"cert_file"`
}

type peer struct {
	Name     string   `toml:"name" required:"true"`
	Password string   `toml:"password" required:"true"`
	Numbers  []string `toml:"numbers"`
	Window   int      `toml:"window"`
}

func (p *peer) SetDefaults() { p.Window = 10 }

func defaults() settings {
	return settings{Mode: "a", Server: server{ListenPort: 80, Waits: []time.Duration{time.Second}}, Peers: []peer{{Name: "first"}}, Inner: "kept"}
}

// read is Read with all that it found.
func read(text string, o Options) (settings, error) {
	s := defaults()
	doc, err := Read([]byte(text), &s, o)
	if err == nil {
		err = doc.Err()
	}
	return s, err
}

func TestReadNamesFileLineKeyAndRemedy(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // whole lines of the error, without the file
	}{
		{"unknown key", "[server]\n\nlisten_prt = 1", []string{"3: server.listen_prt: unknown key; did you mean server.listen_port?"}},
		{"other spelling", "[server]\nListenPort = 1", []string{"2: server.ListenPort: unknown key; did you mean server.listen_port?"}},
		{"key of another table", "[server]\ncert_file = 'x'", []string{"2: server.cert_file: unknown key; did you mean server.tls.cert_file?"}},
		{"key below the wrong header", "[server]\nmode = 'a'", []string{"2: server.mode: unknown key; did you mean mode?"}},
		{"unknown table", "[sever]\nlisten_port = 1", []string{"1: sever: unknown key; did you mean server?"}},
		{"unknown key in an element", "[[peers]]\nname='a'\npassword='b'\n[[peers]]\nname='c'\npassword='d'\nnumber=[]",
			[]string{"7: peers[1].number: unknown key; did you mean peers[1].numbers?"}},
		{"unknown dotted key", "server.tls.cert = 'x'", []string{"1: server.tls.cert: unknown key; did you mean server.tls.cert_file?"}},
		{"quoted key", "[server]\n\"listen port\" = 1", []string{`2: server."listen port": unknown key; did you mean server.listen_port?`}},
		{"empty key", "\"\" = 1", []string{`1: "": unknown key; did you mean mode?`}},
		{"inline table", "peers = [\n  { name='a', password='b' },\n  { name='c', pasword='d' },\n]", []string{
			"3: peers[1].password: is missing",
			"3: peers[1].pasword: unknown key; did you mean peers[1].password?"}},
		{"number in quotes", "[server]\nlisten_port = \"2346\"", []string{"2: server.listen_port: must be a whole number without quotes, not text in quotes"}},
		{"fraction", "[server]\nlisten_port = 1.5", []string{"2: server.listen_port: must be a whole number without quotes, not a number with a fraction"}},
		{"date", "mode = 1979-05-27", []string{"1: mode: must be text in quotes, not a date or time"}},
		{"duration without unit", "[server]\nwait = 600", []string{`2: server.wait: must be a duration in quotes with its unit, such as "30s", "10m" or "250ms", not a whole number`}},
		{"bad duration", "[server]\nwait = \"10 min\"", []string{`2: server.wait: "10 min" is not a duration; write a number with its unit, such as "30s", "10m" or "250ms"`}},
		{"element of a list", "[server]\nwaits = [\n \"1s\",\n 5,\n]", []string{`4: server.waits[1]: must be a duration in quotes with its unit, such as "30s", "10m" or "250ms", not a whole number`}},
		{"boolean in quotes", "[server]\nopen = 'yes'", []string{"2: server.open: must be true or false without quotes, not text in quotes"}},
		{"single brackets", "[peers]\nname = 'a'", []string{"1: peers: is a list of tables: write [[peers]] with double brackets, once per entry"}},
		{"text for a list", "[server]\nnetworks = '10.0.0.0/8'", []string{"2: server.networks: must be a list in square brackets, not text in quotes"}},
		{"value for a table", "server = 1", []string{"1: server: must be a table, as in [server], not a whole number"}},
		{"list for a table of texts", "texts = ['a']", []string{"1: texts: must be a table, as in [texts], not a list"}},
		{"number in a table of texts", "[texts]\n1 = 2", []string{"2: texts.1: must be text in quotes, not a whole number"}},
		{"missing required keys", "mode = 'a'\n[[peers]]\nnumbers = []", []string{"2: peers[0].name: is missing", "2: peers[0].password: is missing"}},
		{"all at once, in order", "mode = true\n[server]\nwait = 0\nwiat = 1\nopen = 1", []string{
			"1: mode: must be text in quotes, not true or false",
			`3: server.wait: must be a duration in quotes with its unit, such as "30s", "10m" or "250ms", not a whole number`,
			"4: server.wiat: unknown key; did you mean server.wait?",
			"5: server.open: must be true or false without quotes, not a whole number"}},
		{"syntax", "[server]\nlisten_port = \n", []string{"2: server.listen_port: has no valid value; after = comes a number, true, false, or text in quotes"}},
		{"section without its end", "mode = 'a'\n[server\nopen = true", []string{"2: expected '.' or ']' to end table name, but got '\\n' instead"}},
		{"list section without its end", "[[peers\nname = 'a'", []string{"1: expected '.' or ']' to end table name, but got '\\n' instead"}},
		{"key without a value", "[server]\nopen\nlisten_port = 1", []string{"2: server: expected '.' or '=', but got '\\n' instead"}},
		{"same key twice", "[server]\nopen = true\nopen = false", []string{"3: server.open: Key 'server.open' has already been defined."}},
		{"Windows path", "mode = \"C:\\data\\x.db\"", []string{`1: mode: invalid escape in string '\d'; in a path write / or \\, or put it in single quotes`}},
		{"Latin-1", "[server]\n# caf\xe9\n", []string{"2: this line is not UTF-8; save the file as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}},
		{"UTF-16", utf16File("# caf\u00e9\nmod = 'a'"), []string{"2: mod: unknown key; did you mean mode?"}},
		{"UTF-16 without its mark", utf16File("mode = 'a'")[2:], []string{"1: the file is UTF-16 or binary; save it as UTF-8 (Notepad: Save as, Encoding: UTF-8)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(tt.text, Options{File: "x.toml"})
			var typed *Error
			if !errors.As(err, &typed) {
				t.Fatalf("got %v, want an *Error", err)
			}
			for i, line := range tt.want {
				tt.want[i] = "x.toml:" + line
			}
			if want := strings.Join(tt.want, "\n"); err.Error() != want {
				t.Errorf("got\n%s\nwant\n%s", err, want)
			}
		})
	}
}

func utf16File(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestReadLaysTheFileOverTheDefaults(t *testing.T) {
	got, err := read(`
		[server]
		wait = "1m"
		waits = ["2s", "3s"]
		networks = []
		[texts]
		1 = "one"
		[[peers]]
		name = "a"
		password = ""
		[[peers]]
		name = "b"
		password = "pw"
		window = 5`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Server.Wait, want.Server.Waits = time.Minute, []time.Duration{2 * time.Second, 3 * time.Second}
	want.Texts = map[string]string{"1": "one"}
	want.Peers = []peer{{Name: "a", Window: 10}, {Name: "b", Password: "pw", Window: 5}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEmptyTextLeavesTheDefaults(t *testing.T) {
	if got, err := read("", Options{}); err != nil || !reflect.DeepEqual(got, defaults()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEmptyListsAndTablesAreNil(t *testing.T) {
	got, err := read("peers = []\n[server]\nwaits = []\nnetworks = []\n[texts]\n", Options{})
	if err != nil || got.Peers != nil || got.Server.Waits != nil || got.Server.Networks != nil || got.Texts != nil {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestValueOfTheWrongTypeLeavesTheDefault(t *testing.T) {
	got, err := read("peers = 1\n[server]\nlisten_port = '1'\nopen = true\nwaits = 'x'\n", Options{})
	want := defaults()
	want.Server.Open = true
	if err == nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTextThatIsNotTOMLLeavesTheTargetAsItWas(t *testing.T) {
	for _, text := range []string{"mode = 'b'\n[server", "mode = 'b'\x00", "mode = 'b' # \xff"} {
		got := defaults()
		doc, err := Read([]byte(text), &got, Options{})
		if err == nil || doc != nil || !reflect.DeepEqual(got, defaults()) {
			t.Errorf("%q: got %+v, %v, %v", text, got, doc, err)
		}
	}
}

func TestByteOrderMarksAndWindowsLineEndsAreTolerated(t *testing.T) {
	text := "mode = 'cl\u00e9 \U0001F511'\r\n[server]\r\nopen = true\r\n"
	for _, file := range []string{text, "\xef\xbb\xbf" + text, utf16File(text)} {
		if got, err := read(file, Options{}); err != nil || got.Mode != "cl\u00e9 \U0001F511" || !got.Server.Open {
			t.Errorf("%q: got %+v, %v", file, got, err)
		}
	}
	if _, err := read("\xef\xbb\xbf[server]\r\n\r\nopn = true\r\n", Options{File: "x"}); err == nil || !strings.HasPrefix(err.Error(), "x:3: server.opn") {
		t.Errorf("got %v, want line 3", err)
	}
}

func TestErrorsNeverShowSecrets(t *testing.T) {
	const secret = "s3cr3tS3cr3t"
	o := Options{Secret: func(key string) bool { return key == "peers.password" || strings.HasPrefix(key, "texts.") }}
	for _, text := range []string{
		"[[peers]]\nname='a'\npassword = " + secret,
		"[[peers]]\nname='a'\npassword = 12" + secret,
		"[[peers]]\nname='a'\npassword = ['" + secret + "']",
		"[[peers]]\nname='a'\npassword = { a = '" + secret + "' }",
		"[texts]\nx-api-key = " + secret,
	} {
		_, err := read(text, o)
		if err == nil {
			t.Errorf("%s: no error", text)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %s", err)
		}
	}
	if _, err := read("mode = "+secret, o); err == nil || err.Error() != "mode: has no valid value; after = comes a number, true, false, or text in quotes" {
		t.Errorf("got %v", err)
	}
}

func TestProblemsOfTheCallerGetTheirLineAndOrder(t *testing.T) {
	s := defaults()
	doc, err := Read([]byte("mode = 'x'\n[server]\nlisten_prt = 1\nwait = '0s'\n[[peers]]\nname = 'a'\npassword = 'b'\n"), &s, Options{File: "x"})
	if err != nil {
		t.Fatal(err)
	}
	doc.Add(Problem{Key: "peers[0].window", Text: "is odd"}, Problem{Key: "server.wait", Text: "is short"})
	doc.Add(Problem{Key: "mode", Text: "is strange"}, Problem{Text: "is dull"})
	want := []string{
		"x:1: is dull", "x:1: mode: is strange", "x:3: server.listen_prt: unknown key; did you mean server.listen_port?",
		"x:4: server.wait: is short", "x:5: peers[0].window: is odd",
	}
	for range 2 { // Err changes nothing
		if err := doc.Err(); err == nil || err.Error() != strings.Join(want, "\n") {
			t.Errorf("got\n%v\nwant\n%s", err, strings.Join(want, "\n"))
		}
	}
}

func TestDefaultsLeftByAFaultAreNotComplainedOfAgain(t *testing.T) {
	s := defaults()
	doc, err := Read([]byte("mode = 1\nserver = 2\ntexts = { a = 3, b = '' }\n"), &s, Options{File: "x"})
	if err != nil {
		t.Fatal(err)
	}
	doc.Add(Problem{Key: "mode", Text: "again"}, Problem{Key: "server.tls.cert_file", Text: "again"}, Problem{Key: "texts.a", Text: "again"}, Problem{Key: "texts.b", Text: "is empty"})
	var typed *Error
	if !errors.As(doc.Err(), &typed) {
		t.Fatal("no error")
	}
	var keys []string
	for _, p := range typed.Problems {
		keys = append(keys, p.Key)
	}
	if want := []string{"mode", "server", "texts.a", "texts.b"}; !slices.Equal(keys, want) {
		t.Errorf("got %v\nwant keys %q", typed, want)
	}
}

func TestProblemIsWrittenWithoutThePartsThatAreNotKnown(t *testing.T) {
	for want, p := range map[string]Problem{
		"f:3: a.b: is odd": {File: "f", Line: 3, Key: "a.b", Text: "is odd"},
		"f: a: is odd":     {File: "f", Key: "a", Text: "is odd"},
		"f:3: is odd":      {File: "f", Line: 3, Text: "is odd"},
		"a: is odd":        {Line: 3, Key: "a", Text: "is odd"},
		"is odd":           {Text: "is odd"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestStructWithFieldsThatCannotBeReadSaysSo(t *testing.T) {
	var target struct {
		Share  float64        `toml:"share"`
		Counts map[string]int `toml:"counts"`
	}
	doc, err := Read([]byte("share = 0.5\ncounts = {}"), &target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := "share: is of a type that this program cannot read: float64\ncounts: is of a type that this program cannot read: map[string]int"
	if err := doc.Err(); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var empty struct{}
	if doc, err = Read([]byte("a = 1"), &empty, Options{}); err != nil || doc.Err() == nil || doc.Err().Error() != "a: unknown key" {
		t.Errorf("got %v, %v", err, doc.Err())
	}
}

func TestKeysAreQuotedWhereTOMLQuotesThem(t *testing.T) {
	for want, got := range map[string]string{
		"a":        Join("", "a"),
		"a.b-1":    Join("a", "b-1"),
		`a."b c"`:  Join("a", "b c"),
		`a."b.c"`:  Join("a", "b.c"),
		`a.""`:     Join("a", ""),
		`a."\""`:   Join("a", `"`),
		"a[2].b":   Join(Index("a", 2), "b"),
		"a[0][1]":  Index(Index("a", 0), 1),
		`"\u00e9"`: strings.ReplaceAll(Join("", "é"), "é", `\u00e9`),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
