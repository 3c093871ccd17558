package admin

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
)

// fuzzed is the handler of a server where everybody's password is right, without a port.
func fuzzed(page http.Handler) http.Handler {
	f := &fake{knows: func(string, string) bool { return true }, user: func(string) (adminapi.Role, bool, bool) { return adminapi.Operator, true, true },
		unbind: func(uint64) bool { return true }}
	s := New(Options{AuthRequired: true, Centre: f, Token: "t0ken", Log: zerolog.Nop()})
	s.Here(operators{f}, page)
	return s.http.Handler
}

// FuzzAPI holds that whatever is asked of the API, by path, query and body, it answers in JSON of one object, blames the one
// who asks for what is wrong, and breaks over nothing.
func FuzzAPI(f *testing.F) {
	h := fuzzed(http.NotFoundHandler())
	for i := range routes {
		f.Add(uint8(i), "acme", "", []byte(nil))
		f.Add(uint8(i), "", "\x91", []byte(nil))
	}
	for _, query := range []string{"limit=10&cursor=5&state=waiting&from=2026-11-23T10:00:00Z&to=24h", "by=client&format=csv", "span=day", "text=true", "texts=1",
		"level=warn&contains=%00&limit=-1", "limit=1&limit=2", "%zz", "a;b", "number=%FF"} {
		for i, rt := range routes {
			if rt.method == http.MethodGet && rt.path != eventsPath {
				f.Add(uint8(i), "1", query, []byte(nil))
			}
		}
	}
	for _, body := range []string{`{"on":true}`, `{"to":"acme"}`, `{"from":"1","to":"2","text":"a"}`, `{"on":1}`, `{}{}`, `[`, "\xff", `{"to":"\ud800"}`, `{"to":{"to":{}}}`} {
		for i, rt := range routes {
			if rt.method != http.MethodGet {
				f.Add(uint8(i), "1", "", []byte(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, id, query string, body []byte) {
		rt := routes[int(n)%len(routes)]
		if rt.path == eventsPath { // which goes on until who asks has gone
			return
		}
		path := strings.NewReplacer("{id}", url.PathEscape(id), "{system_id}", url.PathEscape(id)).Replace(rt.path)
		r, err := http.NewRequestWithContext(t.Context(), rt.method, "http://127.0.0.1"+apiPath+path, strings.NewReader(string(body)))
		if err != nil {
			return
		}
		r.URL.RawQuery, r.RemoteAddr = query, "192.0.2.1:1"
		r.SetBasicAuth("ops", "x")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		said := w.Body.String()
		if w.Code >= 500 {
			t.Fatalf("%s %s?%q %q: %d %s", rt.method, path, query, body, w.Code, said)
		}
		kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
		if err != nil && w.Code != http.StatusNoContent && w.Code/100 != 3 {
			t.Fatalf("%s %s: %d without a type: %s", rt.method, path, w.Code, said)
		}
		octets := kind == "application/x-pcapng" // the fake's has the name of its client in it
		if !octets && !utf8.ValidString(said) || strings.ContainsAny(w.Header().Get("Content-Disposition"), "\r\n\\") {
			t.Fatalf("%s %s: %q %v", rt.method, path, said, w.Header())
		}
		if kind != "application/json" && kind != "application/problem+json" {
			return
		}
		d := json.NewDecoder(strings.NewReader(said))
		var v any
		if err := d.Decode(&v); err != nil || !atEnd(d) {
			t.Fatalf("%s %s: %v: %q", rt.method, path, err, said)
		}
		var p adminapi.Problem
		if bad := w.Code >= 400; bad != (kind == "application/problem+json") || bad && (json.Unmarshal([]byte(said), &p) != nil || p.Status != w.Code || p.Detail == "") {
			t.Fatalf("%s %s: %d %s %q", rt.method, path, w.Code, kind, said)
		}
	})
}

// FuzzForm holds that no post reaches the page without the token that belongs to its cookie, whatever both are, and that a
// login leads nowhere but into this server.
func FuzzForm(f *testing.F) {
	reached := false
	h := fuzzed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = reached || r.Method == http.MethodPost }))
	const urlencoded = "application/x-www-form-urlencoded"
	for _, next := range []string{"/", "//evil", `/\evil`, "https://evil/", "/a?b=c#d", "/%0d%0aX: y", "javascript:alert(1)", "/\t/evil", "%", "/messages?number=336"} {
		f.Add(urlencoded, cookieName+"=abc", "name=ops&password=x&", next, true)
	}
	f.Add(urlencoded, "", "csrf=AAAA", "", false)
	f.Add(urlencoded, cookieName+"=; "+cookieName+"=a", "csrf=", "", true)
	f.Add("multipart/form-data; boundary=x", "=;;;", "--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\na\r\n--x--", "", false)
	f.Add("text/plain", "\x00", "%zz", "", false)
	f.Fuzz(func(t *testing.T, kind, cookie, body, next string, login bool) {
		path := "/clients/acme/pause"
		if login {
			path = loginPath
			body += "&next=" + url.QueryEscape(next)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		r.RemoteAddr = "192.0.2.1:1"
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Cookie", cookie)
		reached = false
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if reached || len(w.Result().Cookies()) > 0 {
			t.Fatalf("%q with the cookie %q was taken: %d", body, cookie, w.Code)
		}
		if w.Code >= 500 || w.Code < 300 {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		at := localPath(next)
		if u, err := url.Parse(at); err != nil || !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") || u.Host != "" || u.Scheme != "" || strings.ContainsAny(at, "\\\r\n\t") {
			t.Fatalf("%q leads to %q", next, at)
		}
	})
}
