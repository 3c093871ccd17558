package page

import (
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the reader's zone, on systems that have none

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/admin/words"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates are parsed when somebody opens a page, and never changed then.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"on":    func(v *view, it any) item { return item{v, it} },
		"asset": assetPath,
		"first": func(s string, n int) string { return string([]rune(s)[:min(n, len([]rune(s)))]) },
	}).ParseFS(templateFiles, "templates/*.html"))
})

// item is what a template inside another one is given: the view and what the template is about.
type item struct {
	V  *view
	It any
}

// view is one answer to one reader.
type view struct {
	*words.Words
	r *http.Request

	Section string // of the page that is marked in the header
	Title   string
	Topics  string // of the events that have the script fetch the page again
	Data    any
	Body    template.HTML

	Actor admin.Actor
	Token string
	Users bool
	Theme string // light, dark, or "" for the system's
	Said  string // of the action before
	Part  bool   // a part of a page is asked for, not the frame around it
	Live  bool   // what changes is asked for, not what stays

	Status      adminapi.Status
	StatusFault string
	Several     bool            // nodes share the store
	Lacks       []adminapi.Text // of what is shown, as a node did not answer
}

const (
	cookieLanguage = "language"
	cookieTheme    = "theme"
	cookieZone     = "zone"
	cookieSaid     = "said"
)

func (p *page) view(r *http.Request) *view {
	zone := time.Local
	if name := cookie(r, cookieZone); name != "" {
		if z, err := time.LoadLocation(name); err == nil {
			zone = z
		}
	}
	l := words.Choose(cookie(r, cookieLanguage), r.Header.Get("Accept-Language"))
	v := &view{Words: words.New(l, zone, time.Now()), r: r, Actor: p.o.Actor(r), Token: p.o.FormToken(r), Users: p.o.Users}
	if theme := cookie(r, cookieTheme); theme == "light" || theme == "dark" {
		v.Theme = theme
	}
	if said, err := base64.RawURLEncoding.DecodeString(cookie(r, cookieSaid)); err == nil {
		v.Said = string(said)
	}
	target := r.Header.Get("HX-Target")
	v.Live = target == "live"
	v.Part = target != "" && !v.Live
	return v
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > 1000 {
		return ""
	}
	value, err := url.QueryUnescape(c.Value)
	if err != nil {
		return ""
	}
	return value
}

// say has the next page tell what was done.
func (v *view) say(w http.ResponseWriter, said string) {
	if said == "" {
		return
	}
	if r := []rune(said); len(r) > 300 {
		said = string(r[:300]) + "…"
	}
	http.SetCookie(w, &http.Cookie{Name: cookieSaid, Value: base64.RawURLEncoding.EncodeToString([]byte(said)), Path: "/", MaxAge: 30,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: v.r.TLS != nil})
}

func (v *view) toLogin(w http.ResponseWriter) {
	if v.Part || v.Live { // htmx would put the form into the middle of the page
		w.Header().Set("HX-Refresh", "true")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(w, v.r, "/login?next="+url.QueryEscape(v.r.URL.RequestURI()), http.StatusSeeOther)
}

// write sends a view.
func (p *page) write(w http.ResponseWriter, v *view, name string, code int) {
	var b bytes.Buffer
	err := templates().ExecuteTemplate(&b, name, v)
	if err == nil && !v.Part {
		v.Body = template.HTML(b.String())
		b.Reset()
		outer := "layout"
		if v.Live {
			outer = "live"
		}
		err = templates().ExecuteTemplate(&b, outer, v)
	}
	if err != nil {
		p.o.Log.Error().Err(err).Str("view", name).Msg("cannot write the operator's page")
		http.Error(w, "the page cannot be written; the log tells why", http.StatusInternalServerError)
		return
	}
	if v.Said != "" && !v.Live && !v.Part {
		http.SetCookie(w, &http.Cookie{Name: cookieSaid, Path: "/", MaxAge: -1})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(v.Lang))
	w.WriteHeader(code)
	_, _ = w.Write(inert(b.Bytes()))
}

// fault is what an error page tells.
type fault struct {
	Code               int
	What, Detail, ToDo string
}

// fail tells what went wrong, and what to do.
func (p *page) fail(w http.ResponseWriter, v *view, err error) {
	f := fault{Detail: err.Error()}
	switch {
	case errors.Is(err, errNoPage):
		f = fault{Code: http.StatusNotFound, What: v.T("There is no such page"), ToDo: v.T("Go to the overview, or search above for a message id, a number or a client.")}
	case errors.Is(err, errRole), errors.Is(err, adminapi.ErrForbidden):
		f = fault{Code: http.StatusForbidden, What: v.T("This needs more rights than you have")}
		f.ToDo = v.T("Ask an administrator, or sign in as a user whose role in admin.users allows it.")
		if !v.Actor.Known() {
			f.ToDo = v.T("Nobody signs in here, so the page does what an operator may without reading texts. Settings and texts need a user: add one to admin.users in config.toml with role = \"admin\", or use the commands on this machine.")
		}
	case errors.Is(err, adminapi.ErrNotFound):
		f.Code, f.What, f.ToDo = http.StatusNotFound, v.T("Not found"), v.T("Check the id or the name. Messages are kept as long as jobs.retention says.")
	case errors.Is(err, adminapi.ErrConflict):
		f.Code, f.What, f.ToDo = http.StatusConflict, v.T("That cannot be done now"), v.T("Things have changed since the page was shown: go back and look again.")
	case errors.Is(err, adminapi.ErrBadRequest):
		f.Code, f.What, f.ToDo = http.StatusBadRequest, v.T("That was not understood"), v.T("Go back and correct what was entered.")
	case errors.Is(err, adminapi.ErrTooSlow), errors.Is(err, context.DeadlineExceeded):
		f.Code, f.What, f.ToDo = http.StatusServiceUnavailable, v.T("The database did not answer in time"), v.T("Messages go on. Try again in a moment, or ask for a shorter time.")
	case errors.Is(err, adminapi.ErrNoAnswer):
		f.Code, f.What, f.ToDo = http.StatusGatewayTimeout, v.T("Another node does not answer"), v.T("See Nodes. When it answers, or another one has taken over what it holds, try again.")
	case errors.Is(err, adminapi.ErrUnavailable):
		f.Code, f.What, f.ToDo = http.StatusServiceUnavailable, v.T("Nothing can be written now"), v.T("Nothing was changed. See the store on the overview; when it can be written again, try again.")
	default:
		f.Code, f.What, f.ToDo = http.StatusInternalServerError, v.T("Something went wrong"), v.T("Try again. If it stays, the log tells more.")
		p.o.Log.Error().Err(err).Str("path", v.r.URL.Path).Msg("the operator's page could not be made")
	}
	v.Title, v.Data = f.What, f
	if !v.Part && !v.Live && v.Actor.Role != adminapi.Nobody {
		ctx, cancel := context.WithTimeout(v.r.Context(), time.Second)
		defer cancel()
		p.around(ctx, v)
	}
	p.write(w, v, "fault", f.Code)
}

// inert makes visible what would reorder or hide text: marks of direction and control characters, which come from peers.
func inert(page []byte) []byte {
	return bytes.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0, r == 0x061c, r == 0x200e || r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
			return '\ufffd'
		}
		return r
	}, page)
}

// Time is a time of day that shows UTC and milliseconds under the mouse.
func (v *view) Time(t time.Time) template.HTML { return v.timed(t, v.Clock(t)) }

// Exact is a time with its milliseconds.
func (v *view) Exact(t time.Time) template.HTML { return v.timed(t, v.Moment(t)) }

func (v *view) timed(t time.Time, text string) template.HTML {
	if t.IsZero() {
		return "–"
	}
	utc := t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s UTC">%s</time>`,
		utc.Format("2006-01-02T15:04:05.000Z"), utc.Format("2006-01-02 15:04:05.000"), template.HTMLEscapeString(text)))
}

// SinceAgo is since when something is, and for how long.
func (v *view) SinceAgo(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return v.T("since %s (%s)", t, v.Now.Sub(t))
}

// Here is the path and query of this view.
func (v *view) Here() string { return v.r.URL.RequestURI() }

// May tells whether the reader may act.
func (v *view) May() bool { return v.Actor.Role >= adminapi.Operator }

// MayErase tells whether the reader may erase a person's number.
func (v *view) MayErase() bool { return v.Actor.Role >= adminapi.Admin && v.Actor.Known() }

// PartNamed is a part of the server by its name.
func (v *view) PartNamed(name string) adminapi.Part {
	for _, part := range v.Status.Parts {
		if part.Name == name {
			return part
		}
	}
	return adminapi.Part{Name: name, Level: adminapi.Neutral}
}

// Levels are the words of a class: good, warning, bad, neutral.
func stateLevel(state string) adminapi.Level {
	switch state {
	case "DELIVERED", "BOUND_TRX", "BOUND_TX+BOUND_RX", "BOUND_TX", "BOUND_RX", "ACCEPTED":
		return adminapi.Good
	case "ENROUTE", "SCHEDULED", "UNBOUND", "OPEN", "UNBINDING", "CLOSING":
		return adminapi.Warning
	case "EXPIRED", "UNDELIVERABLE", "REJECTED":
		return adminapi.Bad
	}
	return adminapi.Neutral
}

// State is a state as a tag: a word, a shape and SMPP's own word under the mouse.
func (v *view) State(state string) template.HTML {
	return v.tag(stateLevel(state), v.Name(state), state)
}

func (v *view) tag(level adminapi.Level, text, title string) template.HTML {
	return template.HTML(fmt.Sprintf(`<span class="tag %s" title="%s">%s%s</span>`,
		template.HTMLEscapeString(string(level)), template.HTMLEscapeString(title), v.Icon(level), template.HTMLEscapeString(text)))
}

// Icon is the shape of a level. It is not read out: a word stands beside it.
func (v *view) Icon(level adminapi.Level) template.HTML {
	shape := `<circle cx="8" cy="8" r="4" fill="none" stroke="currentColor" stroke-width="2"/>`
	switch level {
	case adminapi.Good:
		shape = `<circle cx="8" cy="8" r="5.5" fill="currentColor"/>`
	case adminapi.Warning:
		shape = `<path d="M8 1.5 15 14H1z" fill="currentColor"/>`
	case adminapi.Bad:
		shape = `<path d="M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z" fill="currentColor"/>`
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">` + shape + `</svg>`)
}

// Query is this view's address with keys set: pairs of a key and its value.
func (v *view) Query(pairs ...any) string {
	q := v.r.URL.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		key, value := fmt.Sprint(pairs[i]), fmt.Sprint(pairs[i+1])
		if value == "" {
			q.Del(key)
		} else {
			q.Set(key, value)
		}
	}
	return v.r.URL.Path + "?" + q.Encode()
}

// Prefer is the address that notes a choice and comes back.
func (v *view) Prefer(key, value string) string {
	return "/prefer?" + url.Values{key: {value}, "to": {v.Here()}}.Encode()
}

// prefer keeps the language or the theme that was chosen.
func (p *page) prefer(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for _, name := range []string{cookieLanguage, cookieTheme} {
		if value := q.Get(name); value != "" && len(value) < 10 && !strings.ContainsAny(value, "; ,") {
			http.SetCookie(w, &http.Cookie{Name: name, Value: url.QueryEscape(value), Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteLaxMode})
		}
	}
	http.Redirect(w, r, local(q.Get("to")), http.StatusSeeOther)
}

// local is a path of this server, whatever was asked for.
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// login is the form; whoever mounts the page takes its post.
func (p *page) login(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	v.Title, v.Section = v.T("Sign in"), "login"
	v.Data = struct {
		Wrong bool
		Next  string
	}{r.URL.Query().Get("wrong") != "", local(r.URL.Query().Get("next"))}
	p.write(w, v, "login", http.StatusOK)
}

// place is a page of the header.
type place struct {
	Href, Name string
	Here       bool
}

// Nav are the pages of the header.
func (v *view) Nav() (all []place) {
	add := func(section, href, name string) { all = append(all, place{href, name, v.Section == section}) }
	add("overview", "/", v.T("Overview"))
	add("clients", "/clients", v.T("Clients"))
	if v.Several {
		add("nodes", "/nodes", v.T("Nodes"))
	}
	add("messages", "/messages", v.T("Messages"))
	add("try", "/try", v.T("Try it"))
	add("reports", "/reports", v.T("Reports"))
	add("log", "/log", v.T("Log"))
	add("audit", "/audit", v.T("Audit"))
	add("settings", "/settings", v.T("Settings"))
	return all
}

// ThemeNext is what the switch of the theme does.
func (v *view) ThemeNext(next string) string {
	switch next {
	case "dark":
		return v.T("Use dark colours")
	case "light":
		return v.T("Use light colours")
	}
	return v.T("Use the system's colours")
}

// Number64 is a whole number, grouped.
func (v *view) Number64(n int) string { return v.Number(int64(n)) }

// Capital begins a word with a capital.
func (v *view) Capital(t adminapi.Text) string { return v.Sentence(t) }

// ByTexts are what a report counts by.
func (v *view) ByTexts() map[string]adminapi.Text { return byTexts }

// StateChoices are the states to search by.
func (v *view) StateChoices() (all []choice) {
	for _, state := range []string{"waiting", "failed", "DELIVERED", "EXPIRED", "UNDELIVERABLE", "REJECTED", "DELETED"} {
		name := v.Name(state)
		switch state {
		case "failed":
			name = v.T("failed, whichever way")
		case "UNDELIVERABLE":
			name = v.T("undeliverable")
		}
		all = append(all, choice{state, name})
	}
	return all
}

// Hex are octets as pairs of digits.
func (v *view) Hex(data []byte) string { return fmt.Sprintf("% x", data) }

// Figures are what belongs to a part, in the operators' words.
func (v *view) Figures(part adminapi.Part) (all []adminapi.Field) {
	for _, f := range []struct {
		key    string
		name   adminapi.Text
		octets bool
	}{
		{"disk_free", adminapi.Say("free"), true}, {"database", adminapi.Say("database"), true}, {"log", adminapi.Say("write-ahead log"), true},
		{"bound", adminapi.Say("bound"), false}, {"configured", adminapi.Say("configured"), false}, {"connections", adminapi.Say("connections"), false},
		{"window", adminapi.Say("pushes at once"), false}, {"in_flight", adminapi.Say("under way"), false},
	} {
		n, ok := part.Figures[f.key]
		if !ok {
			continue
		}
		value := v.Number(n)
		if f.octets {
			value = v.Octets(n)
		}
		all = append(all, adminapi.Field{Name: v.Say(f.name), Value: value})
	}
	return all
}

// Short is how a part stands, for the line on every page: the figure that people ask for, or what is wrong.
func (v *view) Short(part adminapi.Part) string {
	f, good := part.Figures, part.Level == adminapi.Good
	switch {
	case part.Name == adminapi.PartHermes && part.Level == adminapi.Bad:
		return v.T("silent since %s (%s)", part.Since, v.Now.Sub(part.Since))
	case part.Name == adminapi.PartConfiguration && f["pending"] > 0 && f["refused"] == 0:
		return v.T("%d key waits for a restart", f["pending"])
	case part.Name == adminapi.PartSMPP && part.Level != adminapi.Bad:
		return v.T("%d of %d is bound", f["bound"], f["configured"])
	case !good:
		return v.Say(part.Text)
	case part.Name == adminapi.PartDisk:
		return v.T("%s free", v.Octets(f["disk_free"]))
	case part.Name == adminapi.PartHermes:
		return v.T("answers")
	}
	return ""
}

// Notice is what needs attention, with what it is about.
func (v *view) Notice(n adminapi.Notice) string {
	said := v.Sentence(n.Text)
	if n.About == "" || n.Text.Format != "%s" || strings.Contains(said, n.About) { // words of the check of config.toml, without the key
		return said
	}
	return n.About + ": " + said
}

// Version is the program's, without how it was built.
func (v *view) Version() string {
	short, _, _ := strings.Cut(v.Status.Version, " (")
	return short
}

// Standing is since when a part stands as it does, unless its text has a time already.
func (v *view) Standing(part adminapi.Part) string {
	if hasTime(part.Text) {
		return ""
	}
	return v.SinceAgo(part.Since)
}

// hasTime tells whether a sentence, or one within it, names a time.
func hasTime(t adminapi.Text) bool {
	return slices.ContainsFunc(t.Args, func(arg any) bool {
		_, is := arg.(time.Time)
		inner, ok := arg.(adminapi.Text)
		return is || ok && hasTime(inner)
	})
}
