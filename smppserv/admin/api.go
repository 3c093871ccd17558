package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

const (
	// maxBody bounds what a request may say.
	maxBody = 1 << 20
	// askTime bounds how long an answer is worked at, within the time that there is to write it.
	askTime = writeTime - 5*time.Second
)

// asked is a request of who may make it.
type asked struct {
	*http.Request
	by Actor
}

// route is what the API answers to. The role is the least that may ask.
type route struct {
	method, path string
	role         adminapi.Role
	known        bool // whoever asks must have shown who it is, also where config.toml has no users
	handle       func(s *Server, w http.ResponseWriter, r asked)
}

// apiPath is what the paths of routes stand behind.
const (
	apiPath    = "/api/v1"
	eventsPath = "/events"
)

var routes = []route{
	{"GET", "/status", adminapi.Viewer, false, read((Operators).Status)},
	{"GET", "/nodes", adminapi.Viewer, false, read((Operators).Nodes)},
	{"GET", "/clients", adminapi.Viewer, false, read((Operators).Clients)},
	{"GET", "/clients/{system_id}", adminapi.Viewer, false, (*Server).client},
	{"POST", "/clients/{system_id}/pause", adminapi.Operator, false, act("system_id", (Operators).Pause)},
	{"POST", "/clients/{system_id}/resume", adminapi.Operator, false, act("system_id", (Operators).Resume)},
	{"POST", "/clients/{system_id}/hand-over", adminapi.Operator, false, (*Server).handOver},
	{"PUT", "/clients/{system_id}/trace", adminapi.Operator, false, (*Server).switchTrace},
	{"GET", "/clients/{system_id}/trace", adminapi.Viewer, false, (*Server).trace},
	{"GET", "/sessions", adminapi.Viewer, false, read((Operators).Sessions)},
	{"DELETE", "/sessions/{id}", adminapi.Operator, false, (*Server).unbind},
	{"GET", "/messages", adminapi.Viewer, false, (*Server).search},
	{"POST", "/messages", adminapi.Operator, false, (*Server).submit},
	{"GET", "/messages/{id}", adminapi.Viewer, false, (*Server).message},
	{"POST", "/messages/{id}/retry", adminapi.Operator, false, act("id", (Operators).Retry)},
	{"POST", "/messages/{id}/cancel", adminapi.Operator, false, act("id", (Operators).Cancel)},
	{"POST", "/messages/{id}/send-again", adminapi.Operator, false, act("id", (Operators).SendAgain)},
	{"GET", "/waiting", adminapi.Viewer, false, (*Server).waiting},
	{"GET", "/reports", adminapi.Viewer, false, (*Server).report},
	{"GET", "/series", adminapi.Viewer, false, (*Server).series},
	{"GET", "/settings", adminapi.Viewer, true, read((Operators).Settings)},
	{"GET", "/log", adminapi.Viewer, false, (*Server).log},
	{"GET", "/audit", adminapi.Viewer, false, (*Server).audit},
	{"POST", "/erase", adminapi.Admin, true, (*Server).erase},
	{"POST", "/alerts/test", adminapi.Operator, false, (*Server).testAlerts},
	{"GET", eventsPath, adminapi.Viewer, false, (*Server).events},
	{"GET", "/openapi.yaml", adminapi.Viewer, false, (*Server).openAPI},
}

// mountAPI has mux answer to the routes.
func (s *Server) mountAPI(mux *http.ServeMux) {
	for _, rt := range routes {
		mux.HandleFunc(rt.method+" "+apiPath+rt.path, func(w http.ResponseWriter, r *http.Request) {
			by := ActorOf(r)
			switch {
			case rt.known && !by.Known():
				s.problem(w, http.StatusForbidden, "not allowed", "this is for a user of admin.users, or the commands of this machine run by its administrator")
			case by.Role < rt.role:
				s.problem(w, http.StatusForbidden, "not allowed", fmt.Sprintf("this takes the role %s, and %s has %s", rt.role, by.Name, by.Role))
			default:
				r.Body = http.MaxBytesReader(w, r.Body, maxBody)
				if rt.path != eventsPath { // which goes on for as long as somebody looks
					ctx, cancel := context.WithTimeout(r.Context(), askTime)
					defer cancel()
					r = r.WithContext(adminapi.Gathering(ctx))
					w = &lacking{w, r.Context(), false}
				}
				rt.handle(s, w, asked{r, by})
			}
		})
	}
	mux.HandleFunc(apiPath+"/", func(w http.ResponseWriter, r *http.Request) {
		if methods := allowed(mux, r); len(methods) > 0 {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			s.problem(w, http.StatusMethodNotAllowed, "not this way", fmt.Sprintf("%s takes %s", r.URL.Path, strings.Join(methods, ", ")))
			return
		}
		s.noSuchPath(w)
	})
}

func (s *Server) noSuchPath(w http.ResponseWriter) {
	s.problem(w, http.StatusNotFound, "not found", "no such path; "+apiPath+"/openapi.yaml names them all")
}

// cleanAPI answers to a path of the API in which a name is empty, or a dot or two: http.ServeMux would send who asks, in HTML, to another one.
func (s *Server) cleanAPI(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := r.URL.EscapedPath()
		if strings.HasPrefix(p, apiPath+"/") && strings.TrimSuffix(p, "/") != path.Clean(p) {
			s.noSuchPath(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// lacking says in the header of an answer what it lacks.
type lacking struct {
	http.ResponseWriter
	ctx  context.Context
	said bool
}

func (l *lacking) WriteHeader(status int) {
	if !l.said {
		l.said = true
		for _, what := range adminapi.Lacks(l.ctx) {
			l.Header().Add(adminapi.LacksHeader, oneLine(what.String()))
		}
	}
	l.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (l *lacking) Unwrap() http.ResponseWriter { return l.ResponseWriter }

func (l *lacking) Write(data []byte) (int, error) {
	if !l.said {
		l.WriteHeader(http.StatusOK)
	}
	return l.ResponseWriter.Write(data)
}

// allowed are the methods that a path takes.
func allowed(mux *http.ServeMux, r *http.Request) (methods []string) {
	for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
		other := *r
		other.Method = m
		if _, pattern := mux.Handler(&other); pattern != "" && pattern != apiPath+"/" && pattern != "/" {
			methods = append(methods, m)
		}
	}
	return methods
}

// read answers with what ask finds.
func read[T any](ask func(Operators, context.Context) (T, error)) func(*Server, http.ResponseWriter, asked) {
	return func(s *Server, w http.ResponseWriter, r asked) {
		v, err := ask(s.operators, r.Context())
		s.answerJSON(w, v, err)
	}
}

// act does something to what the path names.
func act(name string, do func(Operators, context.Context, Actor, string) (adminapi.Done, error)) func(*Server, http.ResponseWriter, asked) {
	return func(s *Server, w http.ResponseWriter, r asked) {
		done, err := do(s.operators, r.Context(), r.by, r.PathValue(name))
		s.answerJSON(w, done, err)
	}
}

// body reads the JSON object that a request says; an empty one leaves v as it is. False = it was answered.
func (s *Server) body(w http.ResponseWriter, r asked, v any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil && atEnd(d), errors.Is(err, io.EOF):
		return true
	case errors.As(err, &tooLarge):
		s.problem(w, http.StatusRequestEntityTooLarge, "too large", fmt.Sprintf("a request has at most %d octets", maxBody))
	case err == nil:
		s.problem(w, http.StatusBadRequest, "not understood", "something follows the JSON object")
	default:
		s.problem(w, http.StatusBadRequest, "not understood", "the body is no such JSON object: "+oneLine(err.Error()))
	}
	return false
}

// atEnd tells whether nothing follows.
func atEnd(d *json.Decoder) bool {
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}

// query reads the query of a request, and remembers the first fault.
type query struct {
	url.Values
	fault error
}

// queryOf takes the names that there may be.
func queryOf(r asked, names ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{Values: values}
	if err != nil {
		q.fail("the query: %v", err)
	}
	for name, all := range values {
		switch {
		case !slices.Contains(names, name):
			q.fail("%.40q is no parameter of this; there are: %s", name, strings.Join(names, ", "))
		case len(all) > 1:
			q.fail("%s is there %d times", name, len(all))
		}
	}
	return q
}

func (q *query) fail(format string, args ...any) {
	if q.fault == nil {
		q.fault = fmt.Errorf("%w: %s", adminapi.ErrBadRequest, fmt.Sprintf(format, args...))
	}
}

// of is one of the values that there may be; "" is one.
func (q *query) of(name string, values ...string) string {
	v := q.Get(name)
	if v != "" && !slices.Contains(values, v) {
		q.fail("%s = %.40q: it is one of %s", name, v, strings.Join(values, ", "))
	}
	return v
}

// limit is a number from 1 to most, 0 where there is none.
func (q *query) limit(most int) int {
	v := q.Get("limit")
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > most {
		q.fail("limit = %.40q: it is a number from 1 to %d", v, most)
	}
	return n
}

// moment is a time (RFC 3339), or a day of the server's zone: its beginning; zero where there is none.
func (q *query) moment(name string) time.Time {
	v := q.Get(name)
	if v == "" {
		return time.Time{}
	}
	for _, layout := range [...]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, v, time.Local); err == nil {
			return t
		}
	}
	q.fail("%s = %.40q: it is a time like 2026-11-23T10:05:00Z, or a day like 2026-11-23", name, v)
	return time.Time{}
}

// yes is a switch, false where there is none.
func (q *query) yes(name string) bool {
	v := q.of(name, "1", "0", "true", "false")
	return v == "1" || v == "true"
}
