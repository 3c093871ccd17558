package hermes

import (
	"io"
	"net/http"
	"strings"
	"unicode"
)

// refusedWith adds to the words for a status what the body says, where Hermès often says why. The body is read to its end,
// within bounds, so that the connection can be used again.
func refusedWith(a *http.Response) string {
	reason := inWords(a.StatusCode)
	if a.Body == http.NoBody {
		return reason
	}
	body, _ := io.ReadAll(io.LimitReader(a.Body, maxAnswer)) // what came of it is enough
	return quoting(reason, body)
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
	if len(body) > 16*maxExcerpt {
		body = body[:16*maxExcerpt] // blanks may be among it
	}
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
	for _, form := range []string{text, strings.Trim(quoted, `"`), excerpt([]byte(text))} {
		if len(form) >= shortestText {
			said = strings.ReplaceAll(said, form, "[text]")
			// Cut off by the end of the excerpt.
			for n := min(len(form)-1, len(said)); n >= shortestQuote; n-- {
				if strings.HasSuffix(said, form[:n]) {
					said = strings.ToValidUTF8(said[:len(said)-n], "") + "[text]"
					break
				}
			}
		}
	}
	return ours + saying + said
}

const (
	// shortestText is the shortest text that is looked for: "ok" tells nobody anything, and is in many words.
	shortestText  = 4
	shortestQuote = 12 // of a text that is cut off
)
