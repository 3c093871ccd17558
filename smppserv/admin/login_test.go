package admin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// site is a server with users vera, a viewer, and ops, an operator, and a page that shows who asks and the token of its forms.
func site(t *testing.T) (url string, f *fake) {
	f = &fake{
		knows: func(name, password string) bool { return (name == "vera" || name == "ops") && password == "s3cret" },
		user: func(name string) (adminapi.Role, bool, bool) {
			if name == "vera" {
				return adminapi.Viewer, false, true
			}
			return adminapi.Operator, true, true
		},
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, ActorOf(r).Name, " ", ActorOf(r).Role, " ", FormToken(r))
	})
	return startWith(t, Options{AuthRequired: true, Centre: f, Token: "t0ken"}, page), f
}

// browser keeps cookies, and goes where it is sent.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func look(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	r, _ := http.NewRequest("GET", url, nil)
	r.Header.Set("Accept", "text/html")
	return do(t, c, r)
}

func do(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp, string(body)
}

func post(t *testing.T, c *http.Client, at string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, _ := http.NewRequest("POST", at, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, c, r)
}

// token is what the form of login carries.
func token(t *testing.T, c *http.Client, site string) string {
	t.Helper()
	_, body := look(t, c, site+"/login")
	words := strings.Fields(body)
	return words[len(words)-1]
}

func TestWhoLogsInIsKnownUntilTheEndOfTheVisit(t *testing.T) {
	site, f := site(t)
	c := browser(t)
	resp, _ := look(t, c, site+"/messages?number=336")
	if resp.Request.URL.Path != "/login" || resp.Request.URL.Query().Get("next") != "/messages?number=336" {
		t.Fatalf("a stranger is sent to %s", resp.Request.URL)
	}
	form := url.Values{"name": {"ops"}, "password": {"wrong"}, "next": {"/messages?number=336"}, FormTokenField: {token(t, c, site)}}
	if resp, _ := post(t, c, site+"/login", form); resp.Request.URL.Query().Get("wrong") != "1" || resp.Request.URL.Path != "/login" {
		t.Fatalf("a wrong password leads to %s", resp.Request.URL)
	}
	form.Set("password", "s3cret")
	resp, body := post(t, c, site+"/login", form)
	if resp.Request.URL.RequestURI() != "/messages?number=336" || !strings.HasPrefix(body, "ops operator ") {
		t.Fatalf("led to %s: %s", resp.Request.URL, body)
	}
	if resp, _ := look(t, c, site+"/api/v1/status"); resp.StatusCode != http.StatusOK {
		t.Errorf("the API: %s", resp.Status)
	}
	form = url.Values{FormTokenField: {strings.Fields(body)[2]}}
	post(t, c, site+"/logout", form)
	if resp, _ := look(t, c, site+"/"); resp.Request.URL.Path != "/login" {
		t.Errorf("after that: %s", resp.Request.URL)
	}
	if !slices.Equal(f.notes, []string{" login refused ", "ops login "}) {
		t.Errorf("%q", f.notes)
	}
}

func TestTheCookieIsForThisServerAndNoScript(t *testing.T) {
	site, _ := site(t)
	c := browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, _ := post(t, c, site+"/login", url.Values{"name": {"ops"}, "password": {"s3cret"}, FormTokenField: {token(t, c, site)}})
	if len(resp.Cookies()) != 1 {
		t.Fatal(resp.Status, resp.Header)
	}
	got := resp.Cookies()[0]
	if !got.HttpOnly || got.SameSite != http.SameSiteStrictMode || got.Path != "/" || got.Domain != "" || len(got.Value) < 20 {
		t.Errorf("%+v", got)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "https://smsc.example/", nil)
	New(Options{}).setCookie(w, r, "x", 1)
	if got := w.Result().Cookies()[0]; !got.Secure || got.Name != secureCookieName {
		t.Errorf("under TLS: %+v", got)
	}
}

func TestNobodyIsSentToAnotherSiteAfterALogin(t *testing.T) {
	for _, next := range []string{"", "//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "evil.example", "/\r\nX: y", "\t//evil.example"} {
		if got := localPath(next); got != "/" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	if got := localPath("/messages?number=336#x"); got != "/messages?number=336#x" {
		t.Error(got)
	}
}

func TestAFormOfAnotherSiteOrWithoutItsTokenDoesNothing(t *testing.T) {
	site, _ := site(t)
	c := browser(t)
	own := token(t, c, site)
	for name, change := range map[string]func(*http.Request, url.Values){
		"no token":             func(_ *http.Request, v url.Values) { v.Del(FormTokenField) },
		"another one's token":  func(_ *http.Request, v url.Values) { v.Set(FormTokenField, "x"+own) },
		"from another site":    func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"of another origin":    func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "http://evil.example") },
		"more than a form has": func(_ *http.Request, v url.Values) { v.Set("more", strings.Repeat("x", maxForm)) },
	} {
		form := url.Values{"name": {"ops"}, "password": {"s3cret"}, FormTokenField: {own}}
		r, _ := http.NewRequest("POST", site+"/login", nil)
		change(r, form)
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if resp, body := do(t, c, r); resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: got %s, %s", name, resp.Status, body)
		}
	}
}

func TestAGuesserWaitsAndNobodyElse(t *testing.T) {
	site, f := site(t)
	for range 2 * maxAttempts {
		ask(t, "GET", site+"/api/v1/status", user("ops", "guess"))
	}
	resp, _ := ask(t, "GET", site+"/api/v1/status", user("ops", "s3cret"))
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %s", resp.Status)
	}
	if len(f.notes) != maxAttempts {
		t.Errorf("%d entries in the audit", len(f.notes))
	}
	var a attempts
	mallory, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range maxAttempts {
		a.wrong(mallory)
	}
	if a.wait(mallory) == 0 || a.wait(other) != 0 {
		t.Errorf("%s and %s to wait", a.wait(mallory), a.wait(other))
	}
	if a.right(mallory); a.wait(mallory) != 0 {
		t.Error("who has logged in waits")
	}
}

func TestGuessersAndVisitsAreBounded(t *testing.T) {
	var a attempts
	for i := range 10 * maxGuessers {
		a.wrong(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if len(a.all) > maxGuessers+1 {
		t.Errorf("%d addresses are counted", len(a.all))
	}
	v := newVisits()
	first := v.begin(Actor{Name: "ops"})
	for range 10 * maxVisits {
		v.begin(Actor{Name: "ops"})
	}
	if _, still := v.of(first, false); still || len(v.all) != maxVisits {
		t.Errorf("%d visits", len(v.all))
	}
}

func TestStrangersDoNotGrowTheAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a attempts
		noted, told := 0, 0
		from := netip.MustParseAddr("10.0.0.0")
		guess := func(times int) {
			for range times {
				a.wrong(from)
				from = from.Next()
				if enters, left := a.enters(); enters {
					noted++
					told += left
				}
			}
		}
		if guess(1000); noted != maxNoted {
			t.Errorf("%d of a thousand addresses are noted", noted)
		}
		for range 60 {
			time.Sleep(attemptTime)
			guess(100)
		}
		if noted != maxNoted+60 || told != 1000-maxNoted+59*99 {
			t.Errorf("an hour later %d are noted, and %d told of", noted, told)
		}
		time.Sleep(24 * time.Hour)
		before := noted
		if guess(1000); noted != before+maxNoted {
			t.Errorf("a day later %d are noted", noted-before)
		}
	})
}

func TestEachRouteIsForItsRole(t *testing.T) {
	site, _ := site(t)
	for _, a := range askings {
		for name, most := range map[string]adminapi.Role{"vera": adminapi.Viewer, "ops": adminapi.Operator} {
			r, _ := http.NewRequest(a.method, site+apiPath+a.path, strings.NewReader(a.body))
			r.SetBasicAuth(name, "s3cret")
			resp, body := do(t, http.DefaultClient, r)
			refused := resp.StatusCode == http.StatusForbidden
			want := most < roleOf(a) || name == "vera" && (strings.Contains(a.path, "text=1") || strings.Contains(a.path, "texts=1"))
			if refused != want {
				t.Errorf("%s as %s: got %s, %s", a, name, resp.Status, body)
			}
		}
	}
}

func roleOf(a asking) adminapi.Role {
	switch {
	case a.method == "GET":
		return adminapi.Viewer
	case a.path == "/erase":
		return adminapi.Admin
	}
	return adminapi.Operator
}

func TestWithoutUsersTextsAndSettingsAreForTheTokenOfTheMachine(t *testing.T) {
	url := start(t, Options{Token: "t0ken"})
	for path, want := range map[string]int{"/settings": 403, "/messages/42?text=1": 403, "/clients/acme/trace?texts=1": 403, "/messages/42": 200, "/audit": 200} {
		if resp, body := ask(t, "GET", url+apiPath+path); resp.StatusCode != want || strings.Contains(body, "the text") {
			t.Errorf("%s: got %s, %s", path, resp.Status, body)
		}
		if resp, body := ask(t, "GET", url+apiPath+path, bearer); resp.StatusCode != http.StatusOK {
			t.Errorf("%s with the token: got %s, %s", path, resp.Status, body)
		}
		if resp, _ := ask(t, "GET", url+apiPath+path, header("Authorization", "Bearer guess")); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s with another token: got %s", path, resp.Status)
		}
	}
	if resp, _ := ask(t, "GET", start(t, Options{})+apiPath+"/settings", header("Authorization", "Bearer ")); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("an empty token: got %s", resp.Status)
	}
}

func TestAPageThatIsOpenWhenItsVisitEndsIsSentToTheLoginWithoutAWindowOfTheBrowser(t *testing.T) {
	at, _ := site(t)
	for _, path := range []string{"/clients", apiPath + "/events"} {
		r, _ := http.NewRequest("GET", at+path, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, _ := do(t, browser(t), r)
		if h := resp.Header; resp.StatusCode != http.StatusUnauthorized || h.Get("HX-Refresh") != "true" || h.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %s, HX-Refresh %q, WWW-Authenticate %q", path, resp.Status, h.Get("HX-Refresh"), h.Get("WWW-Authenticate"))
		}
	}
}

func TestGuessesKeepNobodyFromTheTokenOfTheMachine(t *testing.T) {
	site, _ := site(t)
	for range 2 * maxAttempts {
		ask(t, "GET", site+"/api/v1/status", user("ops", "guess"))
	}
	if resp, body := ask(t, "GET", site+"/api/v1/status", bearer); resp.StatusCode != http.StatusOK {
		t.Errorf("got %s, %s", resp.Status, body)
	}
	if resp, _ := ask(t, "GET", site+"/api/v1/status", header("Authorization", "Bearer guess")); resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("another token: got %s", resp.Status)
	}
}

func TestWhoseVisitsAreEndedLogsInAgainAndNobodyElse(t *testing.T) {
	v := newVisits()
	vera, ops := v.begin(Actor{Name: "vera"}), v.begin(Actor{Name: "ops"})
	v.endOf("vera")
	if _, still := v.of(vera, false); still {
		t.Error("a visit goes on that was ended")
	}
	if _, still := v.of(ops, false); !still {
		t.Error("another one's visit was ended")
	}
}

func TestAPageThatIsLeftOpenDoesNotKeepItsVisitAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s := New(Options{AuthRequired: true, Centre: f})
		s.Here(operators{f}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		cookie := s.visits.begin(Actor{Name: "ops"})
		asks := func(target string) int {
			r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
			r.AddCookie(&http.Cookie{Name: cookieName, Value: cookie})
			r.Header.Set("HX-Target", target)
			w := httptest.NewRecorder()
			s.http.Handler.ServeHTTP(w, r)
			return w.Code
		}
		for range 3 { // clicks
			time.Sleep(visitIdle - time.Minute)
			if got := asks("charts"); got != http.StatusOK {
				t.Fatalf("got %d", got)
			}
		}
		for range 60 {
			time.Sleep(time.Minute)
			if got := asks("live"); got != http.StatusOK {
				t.Fatalf("got %d", got)
			}
		}
		time.Sleep(time.Minute)
		if got := asks("live"); got == http.StatusOK {
			t.Error("the visit goes on without anybody")
		}
	})
}
