package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// FuzzLoad looks for panics, and for problems without a line.
func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	for _, text := range []string{
		"[[clients]]\nsystem_id='a'\npassword=\"\"\"x\"\"\"\n[[clients]]\n", "[server]\r\nwindow=1_0\r\n", "\xff\xfea\x00",
		"mode = 1\n[canned_messages]\n\"a b\" = ''\n[hermes.request.headers]\n\"\" = ''", "[tcp]\nallow=['1',\n#c\n'::1']",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := parse("config.toml", []byte(text))
		if err == nil {
			return
		}
		var typed *Error
		if !errors.As(err, &typed) {
			t.Fatalf("not an *Error: %v", err)
		}
		for _, p := range typed.Problems {
			if p.File == "" || p.Line < 1 || p.Line > strings.Count(text, "\n")+1 {
				t.Errorf("no such line: %s", p)
			}
		}
	})
}
