// Package page is the operator's page: HTML made from what an admin.Operators tells, in the reader's language. Each view is whole
// without a script; the script keeps it live, from the topics of /api/v1/events.
//
// A view is a GET that changes nothing. An action is a POST with the form's token; one that cannot be taken back is asked for once,
// by a GET of the same path. Whoever mounts the page says who asks, and refuses posts without the token.
package page

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
)

// viewTime bounds what a view may take.
const viewTime = 10 * time.Second

// Options are fixed for the life of a page.
type Options struct {
	Operators admin.Operators
	Actor     func(*http.Request) admin.Actor // who asks; a role of Nobody sees the form of login and nothing else
	FormToken func(*http.Request) string      // goes back in admin.FormTokenField with each post; nil = none is asked for
	Users     bool                            // there are users who sign in, so there is a way to sign out
	Log       zerolog.Logger
}

type page struct {
	o      Options
	tried  *tried
	series seriesCache
}

// New makes the handler of everything but /api, /metrics, health, and the posts of /login and /logout.
func New(o Options) http.Handler {
	if o.FormToken == nil {
		o.FormToken = func(*http.Request) string { return "" }
	}
	p := &page{o: o, tried: newTried(maxTried)}
	mux := http.NewServeMux()
	for pattern, v := range map[string]shown{
		"GET /{$}":           {"overview", adminapi.Viewer, p.overview, false},
		"GET /clients":       {"clients", adminapi.Viewer, p.clients, false},
		"GET /clients/{id}":  {"client", adminapi.Viewer, p.client, false},
		"GET /messages":      {"messages", adminapi.Viewer, p.messages, false},
		"GET /messages/{id}": {"message", adminapi.Viewer, p.message, false},
		"GET /try":           {"try", adminapi.Viewer, p.try, false},
		"GET /reports":       {"reports", adminapi.Viewer, p.reports, false},
		"GET /log":           {"log", adminapi.Viewer, p.log, false},
		"GET /audit":         {"audit", adminapi.Viewer, p.audit, false},
		"GET /settings":      {"settings", adminapi.Viewer, p.settings, true},
		"GET /nodes":         {"nodes", adminapi.Viewer, p.nodes, false},
		"GET /erase":         {"erase", adminapi.Admin, p.askErase, true},

		"GET /sessions/{id}/unbind":   {"confirm", adminapi.Operator, p.askUnbind, false},
		"GET /clients/{id}/unbind":    {"confirm", adminapi.Operator, p.askUnbindAll, false},
		"GET /clients/{id}/hand-over": {"confirm", adminapi.Operator, p.askHandOver, false},
		"GET /messages/{id}/cancel":   {"confirm", adminapi.Operator, p.askCancel, false},
	} {
		mux.HandleFunc(pattern, p.show(v))
	}
	for pattern, a := range map[string]acted{
		"POST /sessions/{id}/unbind":     {adminapi.Operator, p.unbind},
		"POST /clients/{id}/unbind":      {adminapi.Operator, p.unbindAll},
		"POST /clients/{id}/pause":       {adminapi.Operator, p.pause},
		"POST /clients/{id}/resume":      {adminapi.Operator, p.resume},
		"POST /clients/{id}/hand-over":   {adminapi.Operator, p.handOver},
		"POST /clients/{id}/trace":       {adminapi.Operator, p.trace},
		"POST /messages/{id}/retry":      {adminapi.Operator, p.retry},
		"POST /messages/{id}/cancel":     {adminapi.Operator, p.cancel},
		"POST /messages/{id}/send-again": {adminapi.Operator, p.sendAgain},
		"POST /try/client":               {adminapi.Operator, p.tryAsClient},
		"POST /try/hermes":               {adminapi.Operator, p.tryAsHermes},
		"POST /alerts/test":              {adminapi.Operator, p.testAlerts},
		"POST /erase":                    {adminapi.Admin, p.erase},
	} {
		mux.HandleFunc(pattern, p.act(a))
	}
	mux.HandleFunc("POST /messages/{id}/text", p.text)
	mux.HandleFunc("GET /messages.csv", p.messagesCSV)
	mux.HandleFunc("GET /reports.csv", p.reportCSV)
	mux.HandleFunc("GET /clients/{id}/trace.pcapng", p.tracePCAP)
	mux.HandleFunc("GET /find", p.find)
	mux.HandleFunc("GET /login", p.login)
	mux.HandleFunc("GET /prefer", p.prefer)
	mux.HandleFunc("GET /assets/{version}/{name}", asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, p.view(r), errNoPage)
	})
	return withPolicy(mux)
}

// policy lets the page have its own files, and nothing of elsewhere, whatever a peer put into its texts and names.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func withPolicy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

var (
	errNoPage = errors.New("there is no such page")
	errRole   = errors.New("not for this user")
)

// shown is a view: its template, whom it is for, and what fills it.
type shown struct {
	template string
	role     adminapi.Role
	data     func(ctx context.Context, v *view) (any, error)
	known    bool // for who has shown who they are, also where there are no users
}

func (p *page) show(s shown) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := p.view(r)
		if v.Actor.Role == adminapi.Nobody {
			v.toLogin(w)
			return
		}
		if v.Actor.Role < s.role || s.known && !v.Actor.Known() {
			p.fail(w, v, errRole)
			return
		}
		ctx, cancel := context.WithTimeout(adminapi.Gathering(r.Context()), viewTime)
		defer cancel()
		data, err := s.data(ctx, v)
		if err != nil {
			p.fail(w, v, err)
			return
		}
		v.Data = data
		if !v.Part {
			p.around(ctx, v)
		}
		v.Lacks = adminapi.Lacks(ctx)
		p.write(w, v, s.template, http.StatusOK)
	}
}

// around fills what stands on every page.
func (p *page) around(ctx context.Context, v *view) {
	status, err := p.o.Operators.Status(ctx)
	if err != nil {
		v.StatusFault = err.Error()
	}
	v.Status = status
	if nodes, err := p.o.Operators.Nodes(ctx); err == nil {
		v.Several = len(nodes) > 1
	}
}

// acted is an action: whom it is for, and what does it. It tells what was done, and where that is seen.
type acted struct {
	role adminapi.Role
	do   func(ctx context.Context, v *view) (said, to string, err error)
}

func (p *page) act(a acted) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := p.view(r)
		if v.Actor.Role == adminapi.Nobody {
			v.toLogin(w)
			return
		}
		if v.Actor.Role < a.role {
			p.fail(w, v, errRole)
			return
		}
		ctx, cancel := context.WithTimeout(adminapi.Gathering(r.Context()), viewTime)
		defer cancel()
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			p.fail(w, v, errors.Join(adminapi.ErrBadRequest, err))
			return
		}
		said, to, err := a.do(ctx, v)
		if err != nil {
			p.fail(w, v, err)
			return
		}
		v.say(w, said)
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// maxForm bounds a posted form, in octets. A text of 255 parts fits.
const maxForm = 256 << 10
