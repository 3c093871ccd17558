package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/admin/page/pagetest"
)

// planted is what would be markup if it came through as it is.
const planted = `"'><x9q `

// fuzzedViews are the views, and what their links and forms name in a query.
var fuzzedViews = []struct{ path, names string }{
	{"/", "span"}, {"/clients", "state find"}, {"/clients/{}", ""}, {"/messages", "number campaign client state direction kind from to cursor limit"},
	{"/messages/{}", ""}, {"/messages.csv", "number state from"}, {"/try", "client from to text"}, {"/reports", "by period from to client campaign number"},
	{"/reports.csv", "by from to"}, {"/log", "level contains limit"}, {"/audit", "cursor"}, {"/find", "q"}, {"/login", "next wrong"},
	{"/prefer", "language theme zone next"}, {"/clients/{}/unbind", ""}, {"/clients/{}/hand-over", "to"}, {"/messages/{}/cancel", ""}, {"/sessions/{}/unbind", ""},
	{"/clients/{}/trace.pcapng", "texts"}, {"/settings", ""}, {"/{}", ""},
}

// FuzzView holds that no view breaks over its path, its query, its cookies or the languages asked for, and that none of them
// becomes markup.
func FuzzView(f *testing.F) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	h := pagetest.Handler(pagetest.New(now), claire, zerolog.Nop())
	for i := range fuzzedViews {
		for _, value := range []string{"", "acme", "1042", "12", "today", "2026-11-23T10:00", "failed", "\xff\x00", "%", "-1", "99999999999999999999", "//evil"} {
			f.Add(uint8(i), value, "language=fr; theme=dark; zone=Europe/Paris; said=YQ", "fr")
		}
	}
	f.Add(uint8(0), "", "language=%zz; zone=../../etc/passwd; said=***; theme=\"", "x-y;q=9,,*")
	f.Fuzz(func(t *testing.T, n uint8, value, cookies, language string) {
		view := fuzzedViews[int(n)%len(fuzzedViews)]
		query := url.Values{}
		for _, name := range strings.Fields(view.names) {
			query.Set(name, value+planted)
		}
		for _, q := range []url.Values{query, only(query, value)} {
			path := strings.ReplaceAll(view.path, "{}", url.PathEscape(value))
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+path+"?"+q.Encode(), nil)
			if err != nil {
				return
			}
			r.Header.Set("Accept-Language", language)
			r.Header.Set("Cookie", cookies)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			body := w.Body.String()
			if w.Code >= 500 {
				t.Fatalf("%s: %d %.300s", r.URL, w.Code, body)
			}
			if i := strings.Index(body, "<x9q"); i >= 0 && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				t.Fatalf("%s: …%s", r.URL, body[max(0, i-100):i+10])
			}
			if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
				t.Fatalf("%s leads to %q", r.URL, to)
			}
		}
	})
}

// only is a query with one value everywhere.
func only(q url.Values, value string) url.Values {
	other := url.Values{}
	for name := range q {
		other.Set(name, value)
	}
	return other
}
