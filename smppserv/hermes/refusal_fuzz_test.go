package hermes

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"hnetsmpp/smppserv/sms"
)

// FuzzRefusal holds that whatever a server answers in the place of Hermès becomes words of one line and of a bounded length,
// without the text that was pushed, however the answer quotes it.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{"", "no", `{"error":"full"}`, "<html><body>502</body></html>", "\xff\xfe", "caf\xe9", "a\r\nb\x00\x1b[2J\u202e", strings.Repeat("é", 5000), `{"text":"\u00`} {
		for _, kind := range []string{"", "text/plain", "text/html; charset=iso-8859-1", "application/json", `text/plain; charset="`, "\x00"} {
			f.Add(503, kind, []byte(body), "Votre code est 4711", "<p>")
		}
	}
	f.Add(400, "application/json", []byte(`{"e":"`), `quoted "text" \ of é`, `"}`)
	f.Fuzz(func(t *testing.T, code int, kind string, before []byte, text, after string) {
		if code < 300 || code > 599 || len(text) < shortestQuote || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) ||
			strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
			return
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		m := &sms.Message{ID: 1, Submitter: "acme", Alphabet: "ascii", Content: []byte(text)}
		one := &try{push: &Push{text: func([]*sms.Message) sms.Text { return sms.Text{Text: text} }}, messages: []*sms.Message{m}}
		forms := []string{"", text, string(quoted), html.EscapeString(text), url.QueryEscape(text), url.PathEscape(text), html.EscapeString(html.EscapeString(text))}
		for i, form := range forms {
			form += " " + forms[(i+1)%len(forms)] + " " + forms[(i+3)%len(forms)]
			body := bytes.Join([][]byte{before, []byte(form), []byte(after)}, nil)
			a := &http.Response{StatusCode: code, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body))}
			reason := refusedWith(a)
			said := one.withoutText(code, reason)
			for _, s := range []string{reason, said} {
				if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxExcerpt+200 || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
					t.Fatalf("%q became %q", body, s)
				}
			}
			for n, form := range forms[1:] {
				if escapes := bytes.ContainsAny(before, `&%\\`); n == len(forms)-2 && escapes { // they may make another one with what follows
					continue
				}
				if strings.Contains(said, form) && !strings.Contains(inWords(code), form) {
					t.Fatalf("%q is in %q, of %q", form, said, body)
				}
			}
		}
	})
}
