package hermes

import (
	"encoding/hex"
	"html"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// refusedWith adds to the words for a status what the body says, where Hermès often says why. The body is read to its end,
// within bounds, so that the connection can be used again.
func refusedWith(a *http.Response) string {
	reason := inWords(a.StatusCode)
	if a.Body == http.NoBody {
		return reason
	}
	body, _ := io.ReadAll(io.LimitReader(a.Body, maxAnswer)) // what came of it is enough
	return quoting(reason, inUTF8(body, a.Header.Get("Content-Type")))
}

// inUTF8 is the beginning of a body in UTF-8. One that is not is Latin-1 where its type says so, or says only that it is text
// (as HTTP/1.1 had it), JSON or XML.
func inUTF8(body []byte, contentType string) []byte {
	if len(body) > 16*maxExcerpt { // blanks may be among it
		body = body[:16*maxExcerpt]
		for len(body) > 0 && !utf8.RuneStart(body[len(body)-1]) {
			body = body[:len(body)-1]
		}
		body = body[:max(0, len(body)-1)] // a character that is cut
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || utf8.Valid(body) {
		return body
	}
	isText := strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "xml")
	switch charset := strings.ToLower(params["charset"]); {
	case charset == "iso-8859-1", charset == "windows-1252", charset == "" && isText:
		body, _ = charmap.Windows1252.NewDecoder().Bytes(body) // it fails for nothing
	}
	return body
}

// saying stands between our words and those of an answer's body.
const saying = ": "

func quoting(reason string, body []byte) string {
	if text := excerpt(body); text != "" {
		reason += saying + text
	}
	return reason
}

// maxExcerpt is how many characters of a body are kept.
const maxExcerpt = 200

// excerpt is the beginning of a body, on one line and without what would spoil a log or a page.
func excerpt(body []byte) string {
	var b strings.Builder
	n, blank := 0, false
	for _, r := range strings.ToValidUTF8(string(body), "\ufffd") {
		if isBlank(r) {
			blank = n > 0
			continue
		}
		if blank && n < maxExcerpt {
			b.WriteByte(' ')
			n++
		}
		if blank = false; n == maxExcerpt {
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// withoutText takes out of a reason the text that was pushed: an answer's body may quote it, and no log line holds it.
func (t *try) withoutText(code int, reason string) string {
	ours, said, quotes := strings.Cut(reason, saying)
	if code == 0 || !quotes {
		return reason
	}
	f, binary := t.fields()
	text := f.Text
	if binary {
		text = f.Data
	}
	return ours + saying + strings.ReplaceAll(without(text, said), inItsPlace, "[text]")
}

// inItsPlace is what takes the place of a text while it is looked for: one character, which is no part of an escape.
const inItsPlace = "\ufffc"

const (
	// shortestText is the shortest text that is looked for: "ok" tells nobody anything, and is in many words.
	shortestText = 4
	// shortestQuote is how much of a text's beginning is one that was cut.
	shortestQuote = 8
)

// without puts inItsPlace wherever a text is quoted, which may be in several ways at once. Where it is escaped in a way that is not
// ours, all is shown as it reads without escapes. Whole quotes go first: a text begins as what others make of it does.
func without(text, said string) string {
	n := 0
	for i := range text {
		if n++; n > 2*maxExcerpt { // no excerpt has as much of it
			text = text[:i]
			break
		}
	}
	forms := mangled(text)
	for _, form := range forms {
		said = withoutWhole(form, said)
	}
	for _, form := range forms {
		said = withoutBeginning(form, said)
	}
	return said
}

// mangled are a text, and what those make of it who have no such characters: ? or U+FFFD in their place, of each or of those beyond
// Latin-1, or of each half of one beyond the first 65 536; and those who take its octets for Latin-1.
func mangled(text string) []string {
	all := []string{text}
	misread, _ := charmap.Windows1252.NewDecoder().String(text) // it fails for nothing
	for _, one := range [...]string{replaced(text, 0x7F, "?", 2), replaced(text, 0x7F, "?", 1), replaced(text, 0xFF, "?", 2), replaced(text, 0xFF, "?", 1),
		replaced(text, 0x7F, "\ufffd", 2), replaced(text, 0x7F, "\ufffd", 1), misread} {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// replaced has something in the place of each character above the last one that is known, and so many of these for one that is two in UTF-16.
func replaced(text string, last rune, by string, ofTwo int) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r <= last:
			b.WriteRune(r)
		case r > 0xFFFF:
			b.WriteString(strings.Repeat(by, ofTwo))
		default:
			b.WriteString(by)
		}
	}
	return b.String()
}

func withoutWhole(text, said string) string {
	whole := folded(text).text
	if len(whole) < shortestText {
		return said
	}
	quoted := strings.Trim(string(appendString(nil, text)), `"`)
	for _, form := range [...]string{text, quoted, html.EscapeString(text), url.QueryEscape(text), url.PathEscape(text)} {
		escaped := folded(form).text
		said = masked(said, escaped, len(escaped))
	}
	plain := said
	for next := plainly(plain); next != plain; next = plainly(plain) {
		if plain = masked(next, whole, len(whole)); plain != next {
			said = plain
		}
	}
	return said
}

func withoutBeginning(text, said string) string {
	if len(folded(text).text) < shortestText {
		return said
	}
	plain := said
	for next := plainly(plain); next != plain; next = plainly(plain) {
		plain = next
	}
	for next := plainly(text); next != text; next = plainly(text) { // what has lost its last escape has lost those of the text too
		text = next
	}
	whole := folded(text).text
	begins := len(whole)
	for i := range whole {
		if utf8.RuneCountInString(whole[:i]) == shortestQuote {
			begins = i
			break
		}
	}
	if begins < shortestText {
		return said
	}
	if found := masked(plain, whole, begins); found != plain {
		return found
	}
	return said
}

// masked puts inItsPlace in the place of what begins as a folded text does, of at least so many octets, as far as it goes on like it.
func masked(said, text string, least int) string {
	f := folded(said)
	var b strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(f.text[at:], text[:least])
		if i < 0 {
			return b.String() + said[done:]
		}
		i += at
		for at = i + least; at < len(f.text) && at-i < len(text) && f.text[at] == text[at-i]; {
			at++
		}
		for at > i && at < len(f.text) && !utf8.RuneStart(f.text[at]) {
			at--
		}
		b.WriteString(said[done:f.at[i]] + inItsPlace)
		done = f.ends(at)
	}
}

// fold is a text as it is compared: in small letters, its blanks one each and none at its ends, and + among them, which a URL writes
// for one.
type fold struct {
	text string
	at   []int // where each octet comes from
	end  int   // of what the last one comes from
}

func folded(s string) fold {
	var f fold
	var b []byte
	blank := false
	for i, r := range s {
		if r == '+' || isBlank(r) {
			blank = len(b) > 0
			continue
		}
		if blank {
			b, f.at, blank = append(b, ' '), append(f.at, f.end), false
		}
		for range utf8.RuneLen(unicode.ToLower(r)) {
			f.at = append(f.at, i)
		}
		b = utf8.AppendRune(b, unicode.ToLower(r))
		_, n := utf8.DecodeRuneInString(s[i:])
		f.end = i + n
	}
	f.text = string(b)
	return f
}

// ends is where that ends of which the octet before i is the last one.
func (f fold) ends(i int) int {
	if i == len(f.at) {
		return f.end
	}
	return f.at[i]
}

func isBlank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

var (
	inHex     = regexp.MustCompile(`(?:(?:%|\\x)[0-9A-Fa-f]{2})+`)
	escapes   = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+|\\[^u]`)
	escapeCut = regexp.MustCompile(`(?:\\(?:u[0-9A-Fa-f]{0,3}|x[0-9A-Fa-f]?)?|%[0-9A-Fa-f]?|&#?\w*)$`)
)

// plainly reads what servers write as escapes in a URL, JSON or HTML, whether they must (a quote) or not (é): one kind of them, once,
// of what was escaped twice.
func plainly(said string) string {
	said = escapeCut.ReplaceAllString(said, "")
	plain := inHex.ReplaceAllStringFunc(said, fromHex)
	if plain == said {
		plain = escapes.ReplaceAllStringFunc(said, fromEscapes)
	}
	if plain == said {
		plain = html.UnescapeString(said)
	}
	return excerpt([]byte(plain))
}

func fromHex(found string) string {
	text, _ := hex.DecodeString(strings.NewReplacer("%", "", `\x`, "").Replace(found))
	if !utf8.Valid(text) {
		text, _ = charmap.Windows1252.NewDecoder().Bytes(text) // it fails for nothing
	}
	return string(text)
}

func fromEscapes(found string) string {
	if found[1] != 'u' {
		if strings.ContainsRune("nrt", rune(found[1])) {
			return " "
		}
		return found[1:]
	}
	var units []uint16
	for _, unit := range strings.Split(found, `\u`)[1:] {
		n, _ := strconv.ParseUint(unit, 16, 16)
		units = append(units, uint16(n))
	}
	return string(utf16.Decode(units))
}
