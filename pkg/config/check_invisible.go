package config

import (
	"fmt"
	"strings"
	"unicode"

	"hnetsmpp/pkg/tomlstrict"
)

// unseen describes the first character of a text that nobody sees, or takes for another one; "" = there is none. A blank is
// one only where blanks are not allowed.
func unseen(text string, blanks bool) string {
	for _, r := range text {
		switch {
		case r == ' ' && blanks:
			continue
		case r == ' ':
			return "a blank"
		case r == '\t':
			return "a tab"
		case r == '\n':
			return "a line feed"
		case r == '\r':
			return "a carriage return"
		case unicode.IsControl(r):
			return fmt.Sprintf("a control character (U+%04X)", r)
		case unicode.IsSpace(r), unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector), r == emptyBraille:
			return fmt.Sprintf("a character that nobody sees (U+%04X)", r)
		}
	}
	return ""
}

// emptyBraille is a letter without a dot, which Unicode does not count as a space.
const emptyBraille = '\u2800'

// escapes are the letters that stand for the control characters in double quotes.
var escapes = strings.NewReplacer("\a", `\a`, "\b", `\b`, "\t", `\t`, "\n", `\n`, "\v", `\v`, "\f", `\f`, "\r", `\r`, "\x1b", `\e`)

// path judges the path of a file. In double quotes "D:\temp\new.db" has a tab and a line feed.
func (k *checker) path(key, value string) {
	what := unseen(value, true)
	switch {
	case namesFile(value):
		return
	case what == "":
		k.add(key, "begins or ends with a blank; take it out")
		return
	}
	for _, r := range value {
		if escaped := escapes.Replace(string(r)); escaped != string(r) {
			k.add(key, `holds %s, since in double quotes %s stands for that; in a path write / or \\, or put it in single quotes`, what, escaped)
			return
		}
	}
	k.add(key, "holds %s; take it out", what)
}

// namesFile reports whether there is nothing about a path that path finds fault with, so that it is worth reading what it names.
func namesFile(path string) bool { return unseen(path, true) == "" && strings.TrimSpace(path) == path }

func (k *checker) paths(c *Config) {
	for _, p := range [][2]string{
		{"server.tls.cert_file", c.Server.TLS.CertFile}, {"server.tls.key_file", c.Server.TLS.KeyFile}, {"server.tls.client_ca_file", c.Server.TLS.ClientCAFile},
		{"admin.cert_file", c.Admin.CertFile}, {"admin.key_file", c.Admin.KeyFile},
		{"hermes.tls.ca_file", c.Hermes.TLS.CAFile}, {"hermes.tls.cert_file", c.Hermes.TLS.CertFile}, {"hermes.tls.key_file", c.Hermes.TLS.KeyFile},
		{"launcher.worker", c.Launcher.Worker},
	} {
		k.path(p[0], p[1])
	}
	if c.Store.Driver == "sqlite" {
		k.path("store.dsn", c.Store.DSN)
	}
	for _, s := range c.secrets() {
		k.path(s.key+"_file", *s.file)
	}
	for name, file := range c.Hermes.Request.HeadersFile {
		k.path(tomlstrict.Join("hermes.request.headers_file", name), file)
	}
}
