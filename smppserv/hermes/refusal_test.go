package hermes

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"hnetsmpp/pkg/loglimit"

	"github.com/rs/zerolog"
)

func TestTheBeginningOfARefusalIsKeptOnOneCleanLine(t *testing.T) {
	for body, want := range map[string]string{
		"campaign 3601 is closed":            "campaign 3601 is closed",
		"\r\n a\x00b\x1b[31m\tc\u200bd  e\n": "a b [31m c d e",
		"caf\xe9":                            "caf\ufffd",
		strings.Repeat("é", 300):             strings.Repeat("é", 200),
		strings.Repeat("ab ", 100):           strings.TrimSpace(strings.Repeat("ab ", 67)[:200]),
		" \n ":                               "",
	} {
		got := excerpt([]byte(body))
		if strings.TrimSpace(got) != want || utf8.RuneCountInString(got) > maxExcerpt {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
	if got := excerpt(bytes.Repeat([]byte(" \n"), 1<<20)); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestARefusalInLatin1IsReadWhereItsTypeSaysSo(t *testing.T) {
	for _, c := range []struct{ contentType, body, want string }{
		{"text/plain; charset=ISO-8859-1", "ferm\xe9e", "fermée"},
		{"text/html; charset=windows-1252", "\x80", "€"},
		{"text/html", "ferm\xe9e", "fermée"},
		{"text/html", "fermée", "fermée"},
		{"text/html", strings.Repeat("é", 16*maxExcerpt), strings.Repeat("é", maxExcerpt)},
		{"text/html; charset=utf-8", "ferm\xe9e", "ferm\ufffde"},
		{"application/octet-stream", "\x80\xff", "\ufffd"},
		{"", "ferm\xe9e", "ferm\ufffde"},
	} {
		if got := excerpt(inUTF8([]byte(c.body), c.contentType)); got != c.want {
			t.Errorf("%s %q: got %q, want %q", c.contentType, c.body[:min(20, len(c.body))], got, c.want)
		}
	}
}

func TestATextIsFoundWhateverItConsistsOf(t *testing.T) {
	for _, text := range []string{
		"4711", "text", "a + b = %41 &amp; \\u0041", "50%25 off", "Tom & Jerry AT&T", `C:\new\x41`, "%", "\u212a\u0130İ Kelvin", "émoji 😀😀😀😀😀",
	} {
		want := "no " + inItsPlace + "."
		if len(text) < shortestText {
			want = ""
		}
		for _, escape := range []func(string) string{
			func(s string) string { return s }, html.EscapeString, url.QueryEscape, url.PathEscape, strings.ToUpper,
			func(s string) string { return strings.Trim(string(appendString(nil, s)), `"`) },
			func(s string) string { return html.EscapeString(html.EscapeString(s)) },
			func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
		} {
			said := "no " + escape(text) + "."
			if got := without(text, said); got != want && (want != "" || got != said) {
				t.Errorf("%q as %s: %s", text, said, got)
			}
		}
	}
	const text = "Rendez-vous demain à huit heures"
	for n := range utf8.RuneCountInString(text) {
		begun := string([]rune(text)[:n])
		if got := without(text, "("+begun+"…)"); n >= shortestQuote && strings.Replace(got, " …", "…", 1) != "("+inItsPlace+"…)" || n < shortestQuote && got != "("+begun+"…)" {
			t.Errorf("%d characters: %s", n, got)
		}
	}
}

func TestRejectedLinesAreWarnedOfOnceAMinuteForEachCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		p := NewPort(PortOptions{Queue: &taking{}, Clients: toAdmin, Log: zerolog.New(&log).Level(zerolog.WarnLevel)})
		to := &discarding{netip.MustParseAddr("10.0.0.1")}
		for range 1000 {
			p.submit(t.Context(), []byte(`{"id":"h-1"}`), true, to)
		}
		p.token = "secret"
		p.submit(t.Context(), []byte(`{"id":"h-2","from":"1","to":"2","text":"x"}`), true, to)
		for code, id := range map[string]string{codeBadRequest: "h-1", codeUnauthorized: "h-2"} {
			if n := log.count(`"level":"warn","peer":"10.0.0.1","id":"` + id + `","code":"` + code + `"`); n != 1 {
				t.Errorf("%d lines of %s", n, code)
			}
		}
		time.Sleep(loglimit.Period)
		synctest.Wait()
		if log.count(`"left_out":999,`) != 1 {
			t.Error("no line says how many were left out")
		}
	})
}

func TestALineOfTheLogIsNotAsLongAsItsPeerLikes(t *testing.T) {
	var log logged
	p := NewPort(PortOptions{Queue: &taking{}, Clients: toAdmin, Log: zerolog.New(&log)})
	long := strings.Repeat("x", 60000)
	p.submit(t.Context(), []byte(`{"id":"`+long+`","from":"1"}`), true, &discarding{netip.MustParseAddr("10.0.0.1")})
	if log.count("rejected") != 1 || log.count(strings.Repeat("x", maxExcerpt+1)) != 0 {
		t.Errorf("the log has %d octets", len(log.String()))
	}
}

func TestATextIsFoundInWhatThoseMakeOfItWhoHaveNoSuchCharacters(t *testing.T) {
	const early, late, emoji = "Été 2026: code PIN 4711", "Votre code 4711 pour retirer 45 € à l'agence: José", "😀 code PIN 4711 pour Bob"
	latin1 := strings.NewReplacer("à", "\xe0", "é", "\xe9", "É", "\xc9", "€", "?")
	for _, c := range []struct{ text, contentType, body, want string }{
		{early, "application/json", `{"text":"` + latin1.Replace(early) + `"}`, `{"text":"[text]"}`},
		{early, "", "no: " + latin1.Replace(early), "no: [text]"},
		{late, "text/plain; charset=iso-8859-1", "no: " + latin1.Replace(late) + ".", "no: [text]."},
		{late, "", "no: " + late + " / " + strings.ReplaceAll(late, "€", "?") + " / Votre code 4711 pour ret...", "no: [text] / [text] / [text]..."},
		{early, "text/plain; charset=us-ascii", "no: ?t? 2026: code PIN 4711", "no: [text]"},
		{early, "text/plain; charset=utf-8", "no: " + latin1.Replace(early), "no: [text]"},
		{emoji, "", "no: ?? code PIN 4711 pour Bob", "no: [text]"},
		{emoji, "", "no: ? code PIN 4711 pour Bob", "no: [text]"},
		{early, "text/plain; charset=utf-8", "no: Ã‰tÃ© 2026: code PIN 4711", "no: [text]"},
		{early, "", `{"text":"?t? 2026: code PIN 4711 \u00ab"}`, `{"text":"[text] \u00ab"}`},
		{"where?? when??", "", "why?? who??", "why?? who??"},
	} {
		o := options("http://hermes/")
		o.Transport = transportOf(func() *http.Response {
			return &http.Response{StatusCode: 400, Header: http.Header{"Content-Type": {c.contentType}}, Body: io.NopCloser(strings.NewReader(c.body))}
		})
		if got := deliver(t, newPush(t, o), message(1, c.text)); got.Reason != "HTTP 400 Bad Request: "+c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.body, got.Reason, c.want)
		}
	}
}

func TestTheReasonHoldsWhatHermesSaysAndNotTheText(t *testing.T) {
	const text = "Mon mot de passe est « été\" 1234 »"
	for _, c := range []struct {
		code       int
		body, want string
	}{
		{409, "campaign 3601 is closed\n", "HTTP 409 Conflict: campaign 3601 is closed"},
		{400, "no good: " + text + "!", "HTTP 400 Bad Request: no good: [text]!"},
		{400, `{"text":` + string(appendString(nil, text)) + `}`, `HTTP 400 Bad Request: {"text":"[text]"}`},
		{400, `{"text":"Mon mot de passe est \u00ab \u00e9t\u00e9\" 1234 \u00bb","n":1}`, `HTTP 400 Bad Request: {"text":"[text]","n":1}`}, // as PHP writes it
		{400, `<p>Mon mot de passe est &laquo; &#233;t&eacute;&quot; 1234 &raquo;</p>`, `HTTP 400 Bad Request: <p>[text]</p>`},
		{400, strings.Repeat("x", 160) + `Mon mot de passe est \u00ab`, "HTTP 400 Bad Request: " + strings.Repeat("x", 160) + "[text]"},
		{503, "maintenance", "HTTP 503 Service Unavailable: maintenance"},
		{404, "", "HTTP 404 Not Found"},
		{400, strings.Repeat("x", 180) + text, "HTTP 400 Bad Request: " + strings.Repeat("x", 180) + "[text]"},
		{400, text + ` / Mon mot de passe est \u00ab \u00e9t\u00e9\" 1234 \u00bb / ` + html.EscapeString(text), "HTTP 400 Bad Request: [text] / [text] / [text]"},
		{400, "sms.asp?msg=" + url.QueryEscape(text) + "&to=3601", "HTTP 400 Bad Request: sms.asp?msg=[text]&to=3601"},
		{400, "/push/" + strings.ToLower(url.PathEscape(text)) + "/3601", "HTTP 400 Bad Request: /push/[text]/3601"},
		{400, "/push/Mon%20mot%20de%20passe%20est%20%AB%20%E9t%E9%22%201234%20%BB/3601", "HTTP 400 Bad Request: /push/[text]/3601"}, // in Latin-1
		{400, html.EscapeString(html.EscapeString(text)), "HTTP 400 Bad Request: [text]"},
		{400, html.EscapeString(string(appendString(nil, text))), `HTTP 400 Bad Request: "[text]"`},
		{400, `b'Mon mot de passe est \xc2\xab \xc3\xa9t\xc3\xa9" 1234 \xc2\xbb'`, "HTTP 400 Bad Request: b'[text]'"},
		{400, "MON MOT  DE\r\nPASSE EST « ÉTÉ\" 1234 »", "HTTP 400 Bad Request: [text]"},
		{400, `no: "Mon mot de..." (Mon mot de passe est &laquo; &#233;...)`, `HTTP 400 Bad Request: no: "[text]..." ([text]...)`},
		{400, "Mon mot", "HTTP 400 Bad Request: Mon mot"},
		{400, "a&#10;b%0ac", "HTTP 400 Bad Request: a&#10;b%0ac"},
		{400, "a%0ab " + url.PathEscape(url.PathEscape(text)), "HTTP 400 Bad Request: a b [text]"},
		{400, "a&#10;b%0ac " + url.PathEscape(text), "HTTP 400 Bad Request: a&#10;b%0ac [text]"},
	} {
		o := options("http://hermes/")
		o.Transport = transportOf(func() *http.Response {
			return &http.Response{StatusCode: c.code, Body: io.NopCloser(strings.NewReader(c.body))}
		})
		if got := deliver(t, newPush(t, o), message(1, text)); got.Reason != c.want {
			t.Errorf("%d %s\ngot  %s\nwant %s", c.code, c.body, got.Reason, c.want)
		}
	}
}
