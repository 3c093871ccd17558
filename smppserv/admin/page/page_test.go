package page_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin/page/pagetest"
	"hnetsmpp/smppserv/testkit"
)

var (
	claire = adminapi.Actor{Name: "claire", From: "10.20.9.3", Role: adminapi.Admin, Texts: true}
	local  = adminapi.Actor{Name: adminapi.ActorLocal, From: "127.0.0.1", Role: adminapi.Operator}
)

var views = []string{"/", "/?span=day", "/?span=month", "/clients", "/clients/acme", "/clients/boutique", "/messages", "/messages?state=failed", "/messages/1042", "/messages/1070",
	"/try", "/reports", "/reports?by=client", "/reports?by=day&period=week", "/reports?by=hour", "/reports?by=number&number=33612345678", "/log", "/audit", "/settings", "/nodes", "/erase",
	"/sessions/12/unbind", "/clients/acme/unbind", "/messages/1042/cancel", "/clients/boutique/hand-over?to=acme"}

// made is the page over a made-up server, for one who asks.
func made(t *testing.T, by adminapi.Actor) (*pagetest.Fake, http.Handler) {
	fake := pagetest.New(time.Now())
	return fake, pagetest.Handler(fake, by, zerolog.New(zerolog.NewTestWriter(t)))
}

func get(t *testing.T, h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func post(t *testing.T, h http.Handler, path string, fields url.Values) *httptest.ResponseRecorder {
	t.Helper()
	if fields == nil {
		fields = url.Values{}
	}
	fields.Set("csrf", pagetest.Token)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var unfilled = regexp.MustCompile(`%!|<no value>|ZgotmplZ`)

func TestEachViewIsWholeInBothLanguages(t *testing.T) {
	fake, h := made(t, claire)
	for _, state := range []struct {
		name   string
		change func()
	}{
		{"a bad day", func() {}}, {"a calm one", func() { fake.Calm = true }}, {"nothing came yet", func() { fake.Calm, fake.Empty, fake.Several = false, true, true }},
	} {
		state.change()
		for _, language := range []string{"en", "fr"} {
			for _, path := range views {
				w := get(t, h, path, "Accept-Language", language)
				body := w.Body.String()
				if w.Code != http.StatusOK || !strings.Contains(body, `<html lang="`+language+`"`) || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
					t.Errorf("%s: %s in %s: %d, %.200s", state.name, path, language, w.Code, body)
				}
				if bad := unfilled.FindStringIndex(body); bad != nil {
					t.Errorf("%s: %s in %s: …%s…", state.name, path, language, body[max(0, bad[0]-80):min(len(body), bad[1]+80)])
				}
			}
		}
	}
}

func TestAPageAllowsNothingOfElsewhereAndHasNothingInline(t *testing.T) {
	_, h := made(t, claire)
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?: [^>]*)?>[^<]|(?:src|href|action)="(?:https?:)?//`)
	for _, path := range append(views, "/login") {
		w := get(t, h, path)
		if found := inline.FindString(w.Body.String()); found != "" {
			t.Errorf("%s has %q", path, found)
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
			t.Errorf("%s: Content-Security-Policy: %s", path, p)
		}
	}
}

// hostile is what a peer may put into its texts and names.
const hostile = "<script>alert(1)</script>\u202e\x1b[2J\"'><img src=x onerror=alert(2)>"

func TestNamesAndTextsOfPeersAreInert(t *testing.T) {
	fake, h := made(t, claire)
	fake.Hostile = hostile
	fake.All[0].SystemID, fake.All[0].Events[0].Text = hostile, adminapi.Verbatim(hostile)
	for i := range fake.Stored {
		m := &fake.Stored[i]
		m.From, m.To, m.Submitter, m.Reason, m.Why, m.ExternalID = hostile, hostile, hostile, adminapi.Verbatim(hostile), adminapi.Verbatim(hostile), hostile
		m.Timeline[0].Text, m.Fields[0].Value = adminapi.Verbatim(hostile), hostile
	}
	fake.Lines[0].Message, fake.Lines[0].Fields = hostile, map[string]string{hostile: hostile}
	fake.Done[0].Who, fake.Done[0].On, fake.Done[0].More = hostile, hostile, hostile
	for _, path := range append(views[:len(views):len(views)], "/clients/"+url.PathEscape(hostile), "/messages?number="+url.QueryEscape(hostile), "/reports?by=campaign&from="+url.QueryEscape(hostile)+"&period=other",
		"/find?q="+url.QueryEscape(hostile), "/log?contains="+url.QueryEscape(hostile), "/settings?q="+url.QueryEscape(hostile), "/login?next="+url.QueryEscape(hostile)) {
		harmless(t, path, get(t, h, path))
	}
	shown := post(t, h, "/messages/1042/text", nil)
	harmless(t, "the text", shown)
	if !strings.Contains(shown.Body.String(), "&lt;script&gt;alert(1)") {
		t.Error("the text is not shown as it was sent")
	}
}

func harmless(t *testing.T, what string, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, bad := range []string{"<script>alert", "<img src=x", "\u202e", "\x1b"} {
		if strings.Contains(w.Body.String(), bad) {
			t.Errorf("%s has %q", what, bad)
		}
	}
}

func TestWhoMayNotIsTold(t *testing.T) {
	viewer := adminapi.Actor{Name: "paul", Role: adminapi.Viewer}
	for _, c := range []struct {
		by           adminapi.Actor
		method, path string
		want         int
	}{
		{viewer, "GET", "/messages/1042", 200}, {viewer, "POST", "/messages/1042/retry", 403}, {viewer, "POST", "/clients/acme/pause", 403}, {viewer, "GET", "/sessions/12/unbind", 403},
		{viewer, "POST", "/messages/1042/text", 403}, {viewer, "GET", "/clients/acme/trace.pcapng", 200}, {viewer, "GET", "/clients/acme/trace.pcapng?texts=1", 403}, {viewer, "POST", "/try/client", 403}, {viewer, "GET", "/settings", 200},
		{local, "GET", "/settings", 403}, {local, "POST", "/messages/1042/text", 403}, {local, "GET", "/clients/acme/trace.pcapng?texts=1", 403}, {local, "GET", "/clients/acme/trace.pcapng", 200},
		{local, "POST", "/clients/acme/pause", 303}, {adminapi.Actor{}, "GET", "/clients", 303}, {adminapi.Actor{}, "GET", "/login", 200}, {adminapi.Actor{}, "POST", "/clients/acme/pause", 303},
		{adminapi.Actor{}, "GET", "/messages.csv", 303}, {adminapi.Actor{}, "GET", "/find?q=acme", 303}, {claire, "GET", "/nowhere", 404}, {claire, "GET", "/messages/9", 404}, {claire, "POST", "/messages/1070/retry", 409},
		{claire, "GET", "/messages?cursor=x", 400}, {claire, "GET", "/messages?from=yesterday", 400}, {claire, "GET", "/messages?from=2026-02-02&to=2026-01-01", 400}, {claire, "GET", "/reports?by=day&period=other&from=x", 400},
		{claire, "GET", "/sessions/99/unbind", 404}, {claire, "GET", "/sessions/x/unbind", 404}, {claire, "GET", "/clients/nobody", 404},
	} {
		fake, h := made(t, c.by)
		var w *httptest.ResponseRecorder
		if c.method == "GET" {
			w = get(t, h, c.path)
		} else {
			w = post(t, h, c.path, nil)
		}
		if w.Code != c.want {
			t.Errorf("%s: %s %s: %d, want %d", c.by.Name, c.method, c.path, w.Code, c.want)
		}
		if c.want == 403 && strings.Contains(w.Body.String(), "rendez-vous") {
			t.Errorf("%s: %s tells the text", c.by.Name, c.path)
		}
		if n := len(fake.Done); c.want >= 400 && n != 5 {
			t.Errorf("%s: %s %s was done", c.by.Name, c.method, c.path)
		}
	}
}

func TestAViewerIsOfferedNoAction(t *testing.T) {
	_, h := made(t, adminapi.Actor{Name: "paul", Role: adminapi.Viewer})
	for _, path := range []string{"/clients/acme", "/messages/1042", "/try"} {
		if body := get(t, h, path).Body.String(); strings.Count(body, `method="post"`) != 1 { // that of signing out
			t.Errorf("%s offers an action", path)
		}
	}
}

func TestWhatCannotBeTakenBackIsAskedForOnce(t *testing.T) {
	fake, h := made(t, claire)
	for _, c := range []struct{ path, effect string }{
		{"/sessions/13/unbind", "1 session of acme is unbound"}, {"/clients/acme/unbind", "2 sessions of acme are unbound"},
		{"/messages/1042/cancel", "1 message, from "}, {"/clients/boutique/hand-over?to=acme", "7 messages that wait for boutique go to acme instead."},
	} {
		body := get(t, h, c.path, "Accept-Language", "en").Body.String()
		if !strings.Contains(body, c.effect) || !strings.Contains(body, `method="post" action="`+strings.Split(c.path, "?")[0]+`"`) {
			t.Errorf("%s does not say %q, or leads nowhere", c.path, c.effect)
		}
	}
	if len(fake.Done) != 5 {
		t.Error("asking did it")
	}
	w := post(t, h, "/clients/boutique/hand-over", url.Values{"to": {"acme"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/clients/acme" || fake.Done[0].What != "hand-over" {
		t.Errorf("%d, %s, %+v", w.Code, w.Header().Get("Location"), fake.Done[0])
	}
}

func TestAPersonsNumberIsErasedByAnAdminAlone(t *testing.T) {
	fake, h := made(t, claire)
	if body := get(t, h, "/settings", "Accept-Language", "en").Body.String(); !strings.Contains(body, `href="/erase"`) {
		t.Error("the settings do not lead there")
	}
	if body := get(t, h, "/erase", "Accept-Language", "en").Body.String(); !strings.Contains(body, `method="post" action="/erase"`) || !strings.Contains(body, `name="number"`) {
		t.Error("no number is asked for")
	}
	number, all := fake.Stored[0].From, len(fake.Stored)
	if w := post(t, h, "/erase", url.Values{"number": {number}}); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/audit" || len(fake.Stored) >= all {
		t.Errorf("%d, %s, %d messages of %d", w.Code, w.Header().Get("Location"), len(fake.Stored), all)
	}
	for _, by := range []adminapi.Actor{local, {Name: "ops", Role: adminapi.Operator}} {
		fake, h := made(t, by)
		if body := get(t, h, "/settings").Body.String(); strings.Contains(body, `href="/erase"`) {
			t.Errorf("%s is offered it", by.Name)
		}
		all := len(fake.Stored)
		if w := post(t, h, "/erase", url.Values{"number": {fake.Stored[0].From}}); w.Code != http.StatusForbidden || len(fake.Stored) != all {
			t.Errorf("%s: %d", by.Name, w.Code)
		}
	}
}

func TestASearchLeadsToAClientAMessageOrANumber(t *testing.T) {
	_, h := made(t, claire)
	for q, want := range map[string]string{
		"acme": "/clients/acme", "ACME": "/clients/acme", "bout": "/clients/boutique", "1042": "/messages/1042", "+33 6 12 34 56 78": "/messages?number=33612345678", "33612*": "/messages?number=33612%2A",
		"3600": "/messages?number=3600", "999999999": "/messages?number=999999999", "": "/messages", "Societe": "/messages?number=Societe",
	} {
		if to := get(t, h, "/find?q="+url.QueryEscape(q)).Header().Get("Location"); to != want {
			t.Errorf("%q leads to %s, want %s", q, to, want)
		}
	}
}

func TestAnAnswerLeadsNowhereElse(t *testing.T) {
	_, h := made(t, claire)
	for to, want := range map[string]string{"/clients?x=1": "/clients?x=1", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "": "/"} {
		if got := get(t, h, "/prefer?language=fr&to="+url.QueryEscape(to)).Header().Get("Location"); got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
	}
}

func TestADatabaseThatDoesNotAnswerIsToldWithWhatToDo(t *testing.T) {
	fake, h := made(t, claire)
	fake.Fault = adminapi.ErrTooSlow
	for _, path := range []string{"/", "/clients", "/messages", "/messages/1042", "/reports", "/log", "/audit", "/settings", "/messages.csv", "/reports.csv"} {
		w := get(t, h, path, "Accept-Language", "fr")
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "La base n’a pas répondu à temps") {
			t.Errorf("%s: %d, %.300s", path, w.Code, w.Body.String())
		}
	}
	fake.Fault = fmt.Errorf("%w: the database is locked", adminapi.ErrUnavailable)
	if w := get(t, h, "/messages", "Accept-Language", "fr"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "Rien ne peut être écrit pour l’instant") {
		t.Errorf("%d, %.300s", w.Code, w.Body.String())
	}
	fake.Fault = errors.New("disk I/O error")
	if w := get(t, h, "/messages"); w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "disk I/O error") {
		t.Errorf("%d, %.300s", w.Code, w.Body.String())
	}
}

func TestAPageWeighsUnder200KBWithAllItNeeds(t *testing.T) {
	_, h := made(t, claire)
	file := regexp.MustCompile(`"(/assets/[^"]+)"`)
	for _, path := range views {
		body := get(t, h, path).Body.String()
		sum := len(body)
		for _, m := range file.FindAllStringSubmatch(body, -1) {
			w := get(t, h, m[1])
			if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d, %s", m[1], w.Code, w.Header().Get("Cache-Control"))
			}
			sum += w.Body.Len()
		}
		if sum > 200_000 {
			t.Errorf("%s weighs %d octets", path, sum)
		}
	}
}

func TestExcelInFrenchReadsAReportRightly(t *testing.T) {
	fake, h := made(t, claire)
	fake.Hostile = "=HYPERLINK(\"http://evil.example\";\"3600\")\r\n-1"
	rows := readCSV(t, get(t, h, "/reports.csv?by=campaign", "Accept-Language", "fr"), ";")
	if rows[0][0] != "Campagne" || rows[1][0] != "3600" || rows[1][8] != "8,4" || rows[len(rows)-1][0] != "Total" {
		t.Errorf("%q", rows)
	}
	if formula := rows[len(rows)-2][0]; formula != "'"+`=HYPERLINK("http://evil.example";"3600")  -1` {
		t.Errorf("a formula came as %q", formula)
	}
	english := readCSV(t, get(t, h, "/reports.csv?by=campaign", "Accept-Language", "en"), ",")
	if english[0][0] != "Campaign" || english[1][8] != "8.4" {
		t.Errorf("%q", english[:2])
	}
	if chosen := readCSV(t, get(t, h, "/reports.csv?by=client&format=fr", "Accept-Language", "en"), ";"); len(chosen) != 6 {
		t.Errorf("%q", chosen)
	}
}

func TestAListOfMessagesIsWholeAsCSV(t *testing.T) {
	fake, h := made(t, claire)
	rows := readCSV(t, get(t, h, "/messages.csv", "Accept-Language", "fr"), ";")
	if len(rows) != len(fake.Stored)+1 || rows[0][0] != "Message" || rows[1][0] != "1100" || rows[1][8] != "en attente" {
		t.Errorf("%d rows, %q", len(rows), rows[:2])
	}
}

// readCSV reads what Python's csv makes of an answer, and what Go's does, and requires that they agree.
func readCSV(t *testing.T, w *httptest.ResponseRecorder, separator string) [][]string {
	t.Helper()
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.HasPrefix(body, "\ufeff") || !strings.Contains(w.Header().Get("Content-Disposition"), ".csv") {
		t.Fatalf("%d, %q, %.100s", w.Code, w.Header(), body)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff")))
	r.Comma = rune(separator[0])
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	python := exec.Command(testkit.Peer(t, "python3", "apt-get install python3"), "-c",
		`import csv, io, sys
for row in csv.reader(io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", newline=""), delimiter=sys.argv[1]): sys.stdout.buffer.write(("\x1f".join(row) + "\x1e").encode())`, separator)
	python.Stdin = strings.NewReader(body)
	out, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	var ours strings.Builder
	for _, row := range rows {
		_, _ = io.WriteString(&ours, strings.Join(row, "\x1f")+"\x1e")
	}
	if string(out) != ours.String() {
		t.Errorf("Python reads %q, Go %q", out, ours.String())
	}
	return rows
}

func TestWhatAnOperatorTypedIsShownToThatOneAlone(t *testing.T) {
	fake := pagetest.New(time.Now())
	h := func(by adminapi.Actor) http.Handler {
		return pagetest.Handler(fake, by, zerolog.New(zerolog.NewTestWriter(t)))
	}
	mine := h(local)
	fields := url.Values{"client": {"acme"}, "customer": {"33600000001"}, "number": {"3600"}, "text": {"mon essai"}}
	w := post(t, mine, "/try/client", fields)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	if body := get(t, mine, w.Header().Get("Location")).Body.String(); strings.Count(body, "mon essai") != 2 {
		t.Error("what was typed is not on both phones")
	}
	if body := get(t, h(adminapi.Actor{Name: "paul", Role: adminapi.Operator}), w.Header().Get("Location")).Body.String(); strings.Contains(body, "mon essai") {
		t.Error("somebody else reads it")
	}
	if rejected := post(t, mine, "/try/hermes", url.Values{"client": {"acme"}, "customer": {"33600000001"}, "number": {"3600"}}); rejected.Code != http.StatusBadRequest || !strings.Contains(rejected.Body.String(), "text: missing") {
		t.Errorf("%d: %s", rejected.Code, rejected.Body)
	}
}

func TestOnlyWhatChangesIsSentToAPageThatIsOpen(t *testing.T) {
	_, h := made(t, claire)
	whole, live := get(t, h, "/").Body.Len(), get(t, h, "/", "HX-Target", "live").Body.String()
	if len(live) > whole/2 || strings.Contains(live, "<html") || !strings.Contains(live, `id="statusline"`) || !strings.Contains(live, `id="figures"`) || strings.Contains(live, "figure class=\"chart\"") {
		t.Errorf("%d octets of %d: %.300s", len(live), whole, live)
	}
	w := get(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, h := made(t, adminapi.Actor{}); h.ServeHTTP(w, r) }), "/", "HX-Target", "live")
	if w.Code != http.StatusUnauthorized || w.Header().Get("HX-Refresh") != "true" {
		t.Errorf("who is signed out is told %d %v", w.Code, w.Header())
	}
}

func TestAnHourOfAReportIsNamedAndLeadsToItsMessagesInTheZoneOfItsReader(t *testing.T) {
	_, h := made(t, claire)
	body := get(t, h, "/reports?by=hour&period=other&from=2026-07-01&to=2026-07-01", "Cookie", "zone=Europe%2FParis", "Accept-Language", "fr").Body.String()
	if want := `<a href="/messages?from=2026-07-01T00%3A00&amp;to=2026-07-01T01%3A00" class="num">01/07/2026 00:00</a>`; !strings.Contains(body, want) {
		t.Errorf("there is no %s", want)
	}
}
