// Package tomlstrict reads TOML strictly: every fault with its line, its key
// and the nearest known key.
//
// A text is read in two steps. The TOML library judges the syntax, and stops at
// its first fault; then the result is laid over a struct that holds the
// defaults, and every unknown key, wrong type and missing required key is
// collected. What the caller finds wrong with the values joins them by its key.
//
// A key is written server.listen_port, clients[1].password, hermes.retry[2];
// a name that TOML would quote is quoted.
package tomlstrict

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Options are all optional.
type Options struct {
	File   string                // goes before every problem
	Secret func(key string) bool // the value must not be quoted; the key bears no index
	// Text gives what a text of the file stands for; its error says why it stands for nothing. nil = for itself.
	Text func(key, text string) (string, error)
}

// A Document is a text that is TOML, whatever else is wrong with it.
type Document struct {
	file, text   string
	found, added []Problem // by Read, and by Add
}

// Read lays a text over *target, a struct that holds the defaults. Its fields
// that belong to the file bear a tag toml:"name", and required:"true" where the
// key must be there, or the one that a tag or:"name" names. They are string, bool, int, time.Duration, another struct,
// map[string]string, or a slice of these. A list in the text replaces the
// default; an empty one or an empty table of texts becomes or stays nil; a value
// of the wrong type leaves the default. UTF-16 with its mark, a byte order mark
// and Windows line ends are tolerated.
//
// The error is an *Error with one problem: the text is not TOML, and *target is
// as it was. All else that is wrong is in the Document's Err.
func Read(data []byte, target any, o Options) (*Document, error) {
	text, problem := decodeText(data)
	var tree map[string]any
	if problem == nil {
		if _, err := toml.Decode(text, &tree); err != nil {
			problem = syntaxProblem(err, text, o.Secret)
		}
	}
	if problem != nil {
		problem.File = o.File
		return nil, &Error{Problems: []Problem{*problem}}
	}
	return &Document{file: o.File, text: text, found: bind(target, tree, o.Text)}, nil
}

// Add appends what the caller found wrong, of which Key and Text count. A
// problem with a key that Read complained of is left out: its value is not the
// file's, but the default.
func (d *Document) Add(problems ...Problem) {
	for _, p := range problems {
		if !d.complained(p.Key) {
			d.added = append(d.added, p)
		}
	}
}

// complained reports whether Read found the key wrong, or what is around it.
func (d *Document) complained(key string) bool {
	for ; key != ""; key = parentKey(key) {
		if slices.ContainsFunc(d.found, func(p Problem) bool { return p.Key == key }) {
			return true
		}
	}
	return false
}

// Err is an *Error with all problems in the file's order, each with file and
// line, or nil. A key that is not there has the line of the table around it.
func (d *Document) Err() error {
	problems := slices.Concat(d.found, d.added)
	if len(problems) == 0 {
		return nil
	}
	locate(problems, d.file, indexLines(d.text))
	return &Error{Problems: problems}
}

// Fault is an *Error with one problem of the caller's, of which Key and Text count, with its file and line.
func (d *Document) Fault(p Problem) error {
	one := []Problem{p}
	locate(one, d.file, indexLines(d.text))
	return &Error{Problems: one}
}

// Keys are the names of the keys, in the text's order: clients[0].system_id. A table is none, nor is what stands inside a
// value: no text that is cut there is TOML. open tells that the text ends in its last value, and that this may be the
// beginning of a longer one: a number or a date, empty quotes, which may be two of three, or three, which may be of four.
func (d *Document) Keys() (names []string, open bool) {
	s := scan(d.text)
	if len(s.keys) > 0 && s.end == len(d.text) {
		open = strings.HasSuffix(s.text, `""`) || strings.HasSuffix(s.text, "''") || strings.IndexByte("+-0123456789", s.text[0]) >= 0
	}
	return s.keys, open
}

// KeyLines are the lines of the keys that the text has, tables and elements included.
func (d *Document) KeyLines() map[string]int { return indexLines(d.text) }

// EndsInEmptyQuotes tells that the text ends in its last value, and that this is "", which may be two of the quotes of a
// longer one: its end has the same two.
func (d *Document) EndsInEmptyQuotes() bool {
	s := scan(d.text)
	return len(s.keys) > 0 && s.end == len(d.text) && (s.text == `""` || s.text == "''")
}

// Lines is how many lines the text has; one that ends without an end of line counts.
func (d *Document) Lines() int {
	return strings.Count(strings.TrimSuffix(d.text, "\n"), "\n") + 1
}

func syntaxProblem(err error, text string, secret func(key string) bool) *Problem {
	p := &Problem{Line: 1, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		p.Line, p.Key, p.Text = max(1, syntax.Position.Line), syntax.LastKey, syntax.Message
	}
	if strings.HasSuffix(p.Text, `to end table name, but got '\n' instead`) && p.Line > 1 { // the library has read the end of the line, and counted it
		p.Line--
	}
	line := lineOf(text, p.Line)
	if strings.HasPrefix(strings.TrimSpace(line), "[") { // a table begins: the key is one of before it
		p.Key = ""
	}
	switch {
	case typographic.MatchString(line):
		p.Text = `has typographic quotes, as word processors write them; write straight ones: " or '`
	case secret != nil && secret(p.Key): // the library quotes what it stumbled over
		p.Text = "is not valid TOML; it must be text in quotes on one line, best in single quotes"
	case strings.HasPrefix(p.Text, "expected value but found"):
		p.Text = "has no valid value; after = comes a number, true, false, or text in quotes"
	case strings.Contains(p.Text, "escape") || strings.Contains(p.Text, "hexadecimal digits after"):
		p.Text += `; in a path write / or \\, or put it in single quotes`
	}
	p.Key = indexed(text, p.Key, p.Line)
	return p
}

// typographic finds the quotes that editors put in the place of straight ones, where a value or a key begins or ends. Inside of a
// text they are letters.
var typographic = regexp.MustCompile(`(^|[=\[{,])\s*[“”„‟‘’‚‛«»‹›″′＂＇´]|[“”„‟‘’‚‛«»‹›″′＂＇´][\s\]},]*(#.*)?$`)

// lineOf is a line of a text, counted from 1.
func lineOf(text string, n int) string {
	for line := range strings.Lines(text) {
		if n--; n == 0 {
			return line
		}
	}
	return ""
}

// indexed puts the indexes into a key that the library names without them: clients[1].password. It is the last of that name
// which begins no later than the line.
func indexed(text, key string, line int) string {
	if key == "" {
		return ""
	}
	best, at := key, 0
	for k, l := range indexLines(text) {
		if l <= line && (l > at || l == at && len(k) < len(best)) && WithoutIndexes(k) == key { // not of an element in it
			best, at = k, l
		}
	}
	return best
}
