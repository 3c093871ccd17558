package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"hnetsmpp/pkg/adminapi"
)

// described is openapi.yaml, in which nothing more than it names may be.
func described(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	no := false
	for _, s := range doc.Components.Schemas {
		s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
	}
	return doc
}

func TestTheDescriptionHasTheRoutesThatThereAreAndNoOthers(t *testing.T) {
	var there, said []string
	for _, rt := range routes {
		there = append(there, rt.method+" "+apiPath+rt.path)
	}
	for path, item := range described(t).Paths.Map() {
		for method := range item.Operations() {
			said = append(said, method+" "+path)
		}
	}
	slices.Sort(there)
	slices.Sort(said)
	if !slices.Equal(there, said) {
		t.Errorf("there are %q\nand it has %q", there, said)
	}
}

// A schema without a field that the answer has, or with one that the Go type does not know, is found here though no answer shows it.
func TestTheDescriptionHasTheFieldsOfTheAnswers(t *testing.T) {
	doc := described(t)
	for _, v := range []any{adminapi.Status{}, adminapi.Part{}, adminapi.Notice{}, adminapi.Load{}, adminapi.Counts{}, adminapi.Client{}, adminapi.Pause{},
		adminapi.Traffic{}, adminapi.Event{}, adminapi.Session{}, adminapi.Waiting{}, adminapi.WaitingAt{}, adminapi.Page{}, adminapi.Message{}, adminapi.Detail{}, adminapi.Step{},
		adminapi.Field{}, adminapi.Done{}, adminapi.Erasure{}, adminapi.Report{}, adminapi.ReportRow{}, adminapi.Series{}, adminapi.Point{}, adminapi.Settings{}, adminapi.Setting{},
		adminapi.LogLine{}, adminapi.AuditEntry{}, adminapi.Audit{}, adminapi.Node{}, adminapi.Problem{}} {
		typ := reflect.TypeOf(v)
		schema := doc.Components.Schemas[typ.Name()]
		if schema == nil {
			t.Errorf("%s is not described", typ.Name())
			continue
		}
		var fields []string
		for _, f := range reflect.VisibleFields(typ) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				fields = append(fields, name)
			}
		}
		slices.Sort(fields)
		if got := slices.Sorted(maps.Keys(schema.Value.Properties)); !slices.Equal(got, fields) {
			t.Errorf("%s has %q and is described with %q", typ.Name(), fields, got)
		}
	}
}

// asking is a request that each route is asked with.
type asking struct{ method, path, body string }

func (a asking) String() string { return a.method + " " + a.path }

var askings = []asking{
	{"GET", "/status", ""}, {"GET", "/nodes", ""}, {"GET", "/clients", ""}, {"GET", "/clients/acme", ""}, {"GET", "/clients/nobody", ""},
	{"POST", "/clients/acme/pause", ""}, {"POST", "/clients/acme/resume", ""}, {"POST", "/clients/acme/hand-over", `{"to":"bob"}`},
	{"PUT", "/clients/acme/trace", `{"on":true}`}, {"GET", "/clients/acme/trace", ""}, {"GET", "/clients/acme/trace?texts=1", ""},
	{"GET", "/sessions", ""}, {"DELETE", "/sessions/7", ""}, {"DELETE", "/sessions/8", ""},
	{"GET", "/messages", ""}, {"GET", "/messages?client=acme&number=336*&campaign=3600&state=failed&direction=in&kind=text&from=2026-11-23&to=2026-11-23T10:05:00Z&limit=5&cursor=99", ""},
	{"POST", "/messages", `{"id":"h-1","from":"3600","to":"33612345678","text":"hi"}`},
	{"GET", "/messages/42", ""}, {"GET", "/messages/42?text=1", ""},
	{"POST", "/messages/42/retry", ""}, {"POST", "/messages/42/cancel", ""}, {"POST", "/messages/42/send-again", ""},
	{"GET", "/waiting", ""}, {"GET", "/waiting?by=recipient", ""}, {"GET", "/reports", ""}, {"GET", "/reports?by=campaign&from=2026-11-01&to=2026-12-01&client=acme&format=json", ""},
	{"GET", "/reports?format=csv", ""}, {"GET", "/series?span=day", ""}, {"GET", "/settings", ""}, {"GET", "/log?level=warn&contains=x&limit=10", ""},
	{"GET", "/audit?limit=1", ""}, {"POST", "/alerts/test", ""}, {"GET", "/openapi.yaml", ""},
	{"POST", "/erase", `{"number":"+33612345678"}`},
	{"DELETE", "/sessions/7?node=m", ""},
}

// bearer asks as the commands of this machine do.
var bearer = header("Authorization", "Bearer t0ken")

func describedFake() *fake {
	return &fake{knows: onlyOps, unbind: func(id uint64) bool { return id == 7 }, sessions: func() []adminapi.Session { return []adminapi.Session{{ID: 7, State: "OPEN", Since: at}} }}
}

func TestAnswersAreAsTheyAreDescribed(t *testing.T) {
	router, err := gorillamux.NewRouter(described(t))
	if err != nil {
		t.Fatal(err)
	}
	openapi3filter.RegisterBodyDecoder("application/x-pcapng", openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder("application/yaml", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.PlainBodyDecoder)
	url := start(t, Options{Centre: describedFake(), Token: "t0ken"})
	met := map[string]bool{}
	for _, a := range askings {
		r, _ := http.NewRequest(a.method, url+apiPath+a.path, strings.NewReader(a.body))
		if a.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		bearer(r)
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		met[route.Method+" "+route.Path] = true
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("%s is asked as it is not described: %v", a, err)
		}
		checkAnswer(t, a, in)
	}
	for _, rt := range routes {
		if name := rt.method + " " + apiPath + rt.path; !met[name] && rt.path != "/events" {
			t.Errorf("%s is not asked here", name)
		}
	}
}

func checkAnswer(t *testing.T, a asking, in *openapi3filter.RequestValidationInput) {
	t.Helper()
	in.Request.Body = io.NopCloser(strings.NewReader(a.body))
	resp, err := http.DefaultClient.Do(in.Request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
	out.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s is answered %s as it is not described: %v\n%s", a, resp.Status, err, body)
	}
	if resp.StatusCode >= 500 {
		t.Errorf("%s is answered %s", a, resp.Status)
	}
}

func TestWhatMakesNoSenseIsRefusedInWords(t *testing.T) {
	url := start(t, Options{Centre: describedFake(), Token: "t0ken"})
	for _, tt := range []struct {
		asking
		status int
		words  string
	}{
		{asking{"GET", "/messages?limit=0", ""}, 400, "limit"},
		{asking{"GET", "/messages?limit=1001", ""}, 400, "1000"},
		{asking{"GET", "/messages?from=yesterday", ""}, 400, "from"},
		{asking{"GET", "/messages?to=2026-13-45", ""}, 400, "to"},
		{asking{"GET", "/messages?state=SENT", ""}, 400, "DELIVERED"},
		{asking{"GET", "/messages?phone=336", ""}, 400, "number"},
		{asking{"GET", "/messages?number=1&number=2", ""}, 400, "2 times"},
		{asking{"GET", "/messages?a=%zz", ""}, 400, "query"},
		{asking{"GET", "/reports?by=moon", ""}, 400, "campaign"},
		{asking{"GET", "/series?span=year", ""}, 400, "month"},
		{asking{"GET", "/waiting?by=moon", ""}, 400, "recipient"},
		{asking{"GET", "/log?level=loud", ""}, 400, "warn"},
		{asking{"PUT", "/clients/acme/trace", "{}"}, 400, "on"},
		{asking{"PUT", "/clients/acme/trace", `{"on":true}{}`}, 400, "follows"},
		{asking{"PUT", "/clients/acme/trace", `{"on":true}}`}, 400, "follows"},
		{asking{"PUT", "/clients/acme/trace", `{"off":true}`}, 400, "off"},
		{asking{"POST", "/clients/acme/hand-over", "to bob"}, 400, "JSON"},
		{asking{"POST", "/clients/acme/hand-over", `{"to":"` + strings.Repeat("b", maxBody) + `"}`}, 413, "octets"},
		{asking{"POST", "/messages", strings.Repeat(" ", maxBody+1)}, 413, "octets"},
		{asking{"GET", "/nothing", ""}, 404, "openapi"},
		{asking{"DELETE", "/messages/42", ""}, 405, "GET"},
		{asking{"GET", "/clients/nobody", ""}, 404, "nobody"},
	} {
		r, _ := http.NewRequest(tt.method, url+apiPath+tt.path, strings.NewReader(tt.body))
		bearer(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%.60s: %v", tt.asking, err)
			continue
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var p adminapi.Problem
		err = json.Unmarshal(body, &p)
		if resp.StatusCode != tt.status || err != nil || p.Status != tt.status || !strings.Contains(p.Title+p.Detail, tt.words) ||
			resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: got %s, %s", tt.asking, resp.Status, body)
		}
	}
}

func TestErrorsOfTheServerAreProblemsAndOnlyTheLogHasWhatNobodyExpects(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		detail string
	}{
		{fmt.Errorf("%w: message 42 is DELIVERED", adminapi.ErrConflict), 409, "message 42 is DELIVERED"},
		{fmt.Errorf("message 42: %w", adminapi.ErrNotFound), 404, "message 42"},
		{fmt.Errorf("%w: the disk is full", adminapi.ErrUnavailable), 503, "the disk is full"},
		{fmt.Errorf("%w: the node m did not answer", adminapi.ErrNoAnswer), 504, "the node m did not answer"},
		{adminapi.ErrTooSlow, 503, adminapi.ErrTooSlow.Error()},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), 503, adminapi.ErrTooSlow.Error()},
		{fmt.Errorf("disk I/O error in secret.db"), 500, "its log says why"},
	} {
		url := start(t, Options{Centre: &fake{err: tt.err}})
		resp, body := ask(t, "GET", url+"/api/v1/messages")
		var p adminapi.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != tt.status || p.Detail != tt.detail {
			t.Errorf("%v: got %s, %s", tt.err, resp.Status, body)
		}
	}
}

func TestWhatAnAnswerLacksIsInItsHeader(t *testing.T) {
	f := describedFake()
	f.lacks = "the node m does not answer:\nwhat it knows is left out"
	url := start(t, Options{Centre: f, Token: "t0ken"})
	for _, path := range []string{"/waiting", "/clients/acme/trace"} {
		r, _ := http.NewRequest("GET", url+apiPath+path, nil)
		bearer(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Values(adminapi.LacksHeader); len(got) != 1 || got[0] != "the node m does not answer: what it knows is left out" {
			t.Errorf("%s: %q", path, got)
		}
		if file := resp.Header.Get("Content-Disposition"); file != "" && file != `attachment; filename="acme-incomplete.pcapng"` {
			t.Errorf("%s: %s", path, file)
		}
	}
	remote := adminapi.NewRemote(url, adminapi.Login{Token: "t0ken"}, nil)
	ctx := adminapi.Gathering(t.Context())
	for range 2 {
		if _, err := remote.Waiting(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got := adminapi.Lacks(ctx); len(got) != 1 || !strings.Contains(got[0].String(), "the node m does not answer") {
		t.Errorf("%v", got)
	}
}

func TestTheSearchIsAskedAsItIsWritten(t *testing.T) {
	f := describedFake()
	url := start(t, Options{Centre: f})
	ask(t, "GET", url+apiPath+askings[15].path)
	want := adminapi.Search{Client: "acme", Number: "336*", Campaign: "3600", State: "failed", Direction: "in", Kind: "text",
		From: time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local), To: time.Date(2026, 11, 23, 10, 5, 0, 0, time.UTC), Limit: 5, Cursor: "99"}
	got, _ := f.last.(adminapi.Search)
	if !got.From.Equal(want.From) || !got.To.Equal(want.To) {
		t.Errorf("from %s to %s", got.From, got.To)
	}
	got.From, got.To, want.From, want.To = at, at, at, at
	if got != want {
		t.Errorf("asked for %+v", got)
	}
}

func TestAMessageIsHandedInAsOnTheTCPPort(t *testing.T) {
	for answer, status := range map[string]int{
		`{"id":"h-1","status":"accepted","message_id":"42","duplicate":true}`:           200,
		`{"id":"h-1","status":"rejected","code":"bad_request","error":"no to"}`:         400,
		`{"id":"h-1","status":"rejected","code":"no_client","error":"nobody has 3601"}`: 422,
		`{"id":"h-1","status":"rejected","code":"queue_full","error":"100000 wait"}`:    503,
		`{"id":"h-1","status":"rejected","code":"store_unavailable","error":"full"}`:    503,
	} {
		var line string
		url := start(t, Options{Centre: &fake{submit: func(l string) (string, error) {
			line = l
			return answer, nil
		}}})
		resp, body := ask(t, "POST", url+"/api/v1/messages", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("{\n \"from\": \"3600\"\n}")) })
		if line != `{"from":"3600"}` {
			t.Errorf("%q was handed in", line)
		}
		if resp.StatusCode != status || status == 200 && body != answer {
			t.Errorf("%s: got %s, %s", answer, resp.Status, body)
		}
		var p adminapi.Problem
		if err := json.Unmarshal([]byte(body), &p); status != 200 && (err != nil || !strings.Contains(answer, p.Title) || !strings.Contains(answer, p.Detail)) {
			t.Errorf("%s: got %s", answer, body)
		}
	}
}

func TestAReportAsCSVIsReadBackAndNoFormula(t *testing.T) {
	_, body := ask(t, "GET", start(t, Options{})+"/api/v1/reports?format=csv")
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "'=3600" || rows[1][1] != "3" || rows[1][8] != "1.5" || rows[1][10] != "expired=1" {
		t.Errorf("%q, %v", rows, err)
	}
}

func TestChangesAreToldAndTheStreamEndsWithTheServer(t *testing.T) {
	f := &fake{changes: make(chan []string)}
	s := New(Options{Centre: f})
	s.Here(operators{f}, nil)
	served := httptest.NewServer(s.http.Handler)
	defer served.Close()
	resp, err := http.Get(served.URL + "/api/v1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	f.changes <- []string{"status", "waiting"}
	seen := make([]byte, 0, 200)
	for !bytes.Contains(seen, []byte("}\n\n")) {
		n, err := resp.Body.Read(seen[len(seen):cap(seen)])
		if seen = seen[:len(seen)+n]; err != nil {
			t.Fatal(err)
		}
	}
	const want = "event: changed\ndata: {\"topics\":[\"status\",\"waiting\"]}\n\n"
	if !strings.HasSuffix(string(seen), want) || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q", seen)
	}
	s.Away("stopping")
	if err := s.Quiet(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
}

func TestOnlySoManyPagesAreLive(t *testing.T) {
	f := &fake{changes: make(chan []string)}
	url := start(t, Options{Centre: f})
	for range maxStreams {
		resp, err := http.Get(url + "/api/v1/events")
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", resp, err)
		}
		defer resp.Body.Close()
	}
	if resp, body := ask(t, "GET", url+"/api/v1/events"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "live") {
		t.Errorf("got %s, %s", resp.Status, body)
	}
}
