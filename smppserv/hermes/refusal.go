package hermes

import (
	"html"
	"io"
	"mime"
	"net/http"
	"regexp"
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
// (as HTTP/1.1 had it).
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
	switch charset := strings.ToLower(params["charset"]); {
	case charset == "iso-8859-1", charset == "windows-1252", charset == "" && strings.HasPrefix(kind, "text/"):
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
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
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
	quoted := string(appendString(nil, text))
	forms := []string{text, strings.Trim(quoted, `"`), excerpt([]byte(text))}
	if found, plain := without(forms, said), plainly(said); found != said || plain == said {
		said = found
	} else if found := without(forms, plain); found != plain {
		said = found
	}
	return ours + saying + said
}

// without puts [text] in the place of each form of it, also of one that the end of the excerpt cut off.
func without(forms []string, said string) string {
	for _, form := range forms {
		if len(form) < shortestText {
			continue
		}
		said = strings.ReplaceAll(said, form, "[text]")
		for n := min(len(form)-1, len(said)); n >= shortestQuote; n-- {
			if strings.HasSuffix(said, form[:n]) {
				said = strings.ToValidUTF8(said[:len(said)-n], "") + "[text]"
				break
			}
		}
	}
	return said
}

var (
	escapes   = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+|\\[^u]`)
	escapeCut = regexp.MustCompile(`(?:\\(?:u[0-9A-Fa-f]{0,3})?|&#?\w*)$`)
)

// plainly reads what servers write as escapes in JSON or HTML, whether they must (a quote) or not (é).
func plainly(said string) string {
	said = escapes.ReplaceAllStringFunc(escapeCut.ReplaceAllString(said, ""), func(found string) string {
		if found[1] != 'u' {
			if strings.ContainsRune("nrt", rune(found[1])) {
				return " "
			}
			return found[1:]
		}
		var units []uint16
		for _, hex := range strings.Split(found, `\u`)[1:] {
			unit, _ := strconv.ParseUint(hex, 16, 16)
			units = append(units, uint16(unit))
		}
		return string(utf16.Decode(units))
	})
	return html.UnescapeString(said)
}

const (
	// shortestText is the shortest text that is looked for: "ok" tells nobody anything, and is in many words.
	shortestText  = 4
	shortestQuote = 12 // of a text that is cut off
)
