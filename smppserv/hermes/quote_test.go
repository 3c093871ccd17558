package hermes

import (
	"encoding/json"
	"testing"
)

func TestAStringIsWrittenAsJSONThatSaysTheSame(t *testing.T) {
	for s, want := range map[string]string{
		"":                       `""`,
		"a":                      `"a"`,
		" !~\x7f":                `" !~` + "\x7f" + `"`,
		"\x1f\x00\b\f":           `"\u001f\u0000\u0008\u000c"`,
		"\n\r\t":                 `"\n\r\t"`,
		"<a href=\"x\">&\\</a>":  `"<a href=\"x\">&\\</a>"`,
		"é€😀":                    `"é€😀"`,
		"\u0080":                 "\"\u0080\"",
		"\uFFFD":                 "\"\uFFFD\"",
		"\x80":                   "\"\uFFFD\"",
		"a\xffb\xfe\xffc":        "\"a\uFFFDb\uFFFD\uFFFDc\"",
		"\xe2\x82":               "\"\uFFFD\uFFFD\"",
		"€\xe2\x82\"€":           "\"€\uFFFD\uFFFD\\\"€\"",
		"\xed\xa0\x80":           "\"\uFFFD\uFFFD\uFFFD\"", // a surrogate
		"\n\xff\n":               "\"\\n\uFFFD\\n\"",
		"\uFFFD\xff\uFFFD":       "\"\uFFFD\uFFFD\uFFFD\"",
		"a\u2028b":               "\"a\u2028b\"",
		"ends with a \\":         `"ends with a \\"`,
		"\"begins and ends\"":    `"\"begins and ends\""`,
		"é\"é":                   `"é\"é"`,
		"tab\tthen é then \x01.": `"tab\tthen é then \u0001."`,
	} {
		got := string(appendString([]byte("x"), s))
		if got != "x"+want {
			t.Errorf("%q: %s, want %s", s, got[1:], want)
		}
		var back string
		if err := json.Unmarshal([]byte(got[1:]), &back); err != nil || back != string([]rune(s)) {
			t.Errorf("%q: %s says %q, %v", s, got[1:], back, err)
		}
	}
}
