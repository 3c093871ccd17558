package tomlstrict

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// lineIndex is the line of each key of a TOML text, by its path:
// server.listen_port, clients[1].password, hermes.retry[2]. The TOML library
// knows these positions but shows them only for errors of its own.
type lineIndex map[string]int

// of is the line of key, or of the nearest table around it, or 1.
func (x lineIndex) of(key string) int {
	for key != "" {
		if line, ok := x[key]; ok {
			return line
		}
		key = parentKey(key)
	}
	return 1
}

// parentKey takes the last name or index off.
func parentKey(key string) string {
	quoted := false
	cut := 0
	for i := 0; i < len(key); i++ {
		switch {
		case key[i] == '\\' && quoted:
			i++
		case key[i] == '"':
			quoted = !quoted
		case (key[i] == '.' || key[i] == '[') && !quoted:
			cut = i
		}
	}
	return key[:cut]
}

// Join appends one name to a path and quotes it where TOML would.
func Join(path, name string) string {
	bare := name != ""
	for _, r := range name {
		if !isBareKey(r) {
			bare = false
		}
	}
	if !bare {
		name = strconv.Quote(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func Index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func isBareKey(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

// lineScanner walks a text that the TOML library has already accepted. On
// anything else it still ends, with whatever it found.
type lineScanner struct {
	src   string
	pos   int
	line  int
	index lineIndex
	count map[string]int // elements of each array of tables so far

	keys []string // that have a value, in order; not those inside a value
	text string   // of the last one's value
	end  int      // of that
}

func indexLines(src string) lineIndex { return scan(src).index }

func scan(src string) *lineScanner {
	s := &lineScanner{src: src, line: 1, index: lineIndex{}, count: map[string]int{}}
	table := ""
	for {
		s.skipSpace()
		if s.pos >= len(s.src) {
			return s
		}
		start := s.pos
		if s.peek() == '[' {
			table = s.header()
		} else if key, from := s.keyValue(table); 0 < from && from < s.pos {
			s.keys = append(s.keys, key)
			s.text, s.end = s.src[from:s.pos], s.pos
		}
		if s.pos == start { // not TOML
			s.pos++
		}
	}
}

func (s *lineScanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *lineScanner) next() byte {
	c := s.peek()
	if c == '\n' {
		s.line++
	}
	s.pos++
	return c
}

func (s *lineScanner) note(path string) {
	if _, ok := s.index[path]; !ok {
		s.index[path] = s.line
	}
}

// skipBlank passes spaces and tabs.
func (s *lineScanner) skipBlank() {
	for s.peek() == ' ' || s.peek() == '\t' {
		s.pos++
	}
}

// skipSpace passes spaces, line ends and comments.
func (s *lineScanner) skipSpace() {
	for s.pos < len(s.src) {
		switch s.peek() {
		case ' ', '\t', '\r', '\n':
			s.next()
		case '#':
			for s.pos < len(s.src) && s.peek() != '\n' {
				s.pos++
			}
		default:
			return
		}
	}
}

// header reads [table] or [[array of tables]] and returns the path it opens.
func (s *lineScanner) header() string {
	s.pos++
	array := s.peek() == '['
	if array {
		s.pos++
	}
	parts := s.key()
	path := ""
	for i, part := range parts {
		path = Join(path, part)
		s.note(path)
		last := i == len(parts)-1
		if array && last {
			s.count[path]++
		}
		if n := s.count[path]; n > 0 {
			path = Index(path, n-1)
			s.note(path)
		}
	}
	s.skipBlank()
	for s.peek() == ']' {
		s.pos++
	}
	return path
}

// key reads a.b."c d".
func (s *lineScanner) key() []string {
	var parts []string
	for {
		s.skipBlank()
		switch s.peek() {
		case '"', '\'':
			parts = append(parts, s.quotedKey())
		default:
			start := s.pos
			for s.pos < len(s.src) {
				r, size := utf8.DecodeRuneInString(s.src[s.pos:])
				if !isBareKey(r) {
					break
				}
				s.pos += size
			}
			if s.pos == start {
				return parts
			}
			parts = append(parts, s.src[start:s.pos])
		}
		s.skipBlank()
		if s.peek() != '.' {
			return parts
		}
		s.pos++
	}
}

func (s *lineScanner) quotedKey() string {
	quote := s.peek()
	start := s.pos
	s.skipString(quote)
	raw := s.src[start:s.pos]
	if quote == '\'' || len(raw) < 2 {
		return strings.Trim(raw, "'")
	}
	return unescape(raw[1 : len(raw)-1])
}

// unescape reads TOML's escapes, which a quoted key may hold.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if digits > 0 && i+digits < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+1+digits], 16, 32); err == nil {
				b.WriteRune(rune(n))
			}
			i += digits
			continue
		}
		if at := strings.IndexByte(`btnfre`, s[i]); at >= 0 {
			b.WriteByte("\b\t\n\f\r\x1b"[at])
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// keyValue reads key = value and returns where the value begins, 0 if there is none.
func (s *lineScanner) keyValue(table string) (path string, from int) {
	start := s.pos
	path = table
	for _, part := range s.key() {
		path = Join(path, part)
		s.note(path)
	}
	if s.pos == start {
		return path, 0
	}
	s.skipBlank()
	if s.peek() != '=' {
		return path, 0
	}
	s.pos++
	s.skipBlank()
	from = s.pos
	s.value(path)
	return path, from
}

func (s *lineScanner) value(path string) {
	s.skipBlank()
	switch s.peek() {
	case '"', '\'':
		s.skipString(s.peek())
	case '[':
		s.pos++
		for i := 0; s.more(']'); i++ {
			start := s.pos
			element := Index(path, i)
			s.note(element)
			s.value(element)
			if s.pos == start { // not TOML
				return
			}
		}
	case '{':
		s.pos++
		for s.more('}') {
			start := s.pos
			s.keyValue(path)
			if s.pos == start { // not TOML
				return
			}
		}
	default:
		for s.pos < len(s.src) && !strings.ContainsRune(",]}#\r\n", rune(s.peek())) {
			s.pos++
		}
	}
}

// more steps to the next element of an array or inline table; false at its end.
func (s *lineScanner) more(end byte) bool {
	s.skipSpace()
	if s.peek() == ',' {
		s.pos++
		s.skipSpace()
	}
	if s.peek() == end {
		s.pos++
		return false
	}
	return s.pos < len(s.src)
}

// skipString passes a string of either quote, on one line or on several.
func (s *lineScanner) skipString(quote byte) {
	triple := strings.Repeat(string(quote), 3)
	if !strings.HasPrefix(s.src[s.pos:], triple) {
		s.pos++
		for s.pos < len(s.src) {
			switch c := s.next(); {
			case c == '\\' && quote == '"':
				s.next()
			case c == quote:
				return
			}
		}
		s.pos = len(s.src)
		return
	}
	s.pos += 3
	for s.pos < len(s.src) {
		if strings.HasPrefix(s.src[s.pos:], triple) {
			s.pos += 3
			// Up to two quotes may stand right before the closing ones.
			for i := 0; i < 2 && s.peek() == quote; i++ {
				s.pos++
			}
			return
		}
		if s.next() == '\\' && quote == '"' && s.pos < len(s.src) {
			s.next()
		}
	}
	s.pos = len(s.src)
}
