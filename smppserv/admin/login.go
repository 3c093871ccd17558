package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

const (
	loginPath = "/login"
	// maxForm bounds what a form says.
	maxForm = 256 << 10
)

// logIn takes the form of a login: name, password, and next, where to go on.
func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	next := localPath(r.PostForm.Get("next"))
	a, ok := s.login(r, r.PostForm.Get("name"), r.PostForm.Get("password"))
	if !ok {
		s.wrong(r, a)
		http.Redirect(w, r, loginPath+"?wrong=1&next="+url.QueryEscape(next), http.StatusSeeOther)
		return
	}
	s.attempts.right(from(r).Addr)
	s.visits.end(s.cookie(r))
	s.setCookie(w, r, s.visits.begin(a), int(visitEnd.Seconds()))
	s.operators.Note(a, "login", "", "")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) logOut(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	s.visits.end(s.cookie(r))
	s.setCookie(w, r, "", -1)
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, value string, seconds int) {
	name := cookieName
	if r.TLS != nil {
		name = secureCookieName
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: seconds, Secure: r.TLS != nil, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// localPath is a path of this server; "/" for everything else.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// checkForm lets the posts of the page through that carry the token of their forms.
func (s *Server) checkForm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && !s.form(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// form reads a form and looks at its token. False = it was answered.
func (s *Server) form(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, fmt.Sprintf("a form has at most %d octets", maxForm), http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "this is no form: "+oneLine(err.Error()), http.StatusBadRequest)
	case !s.visits.marked(s.cookie(r), r.PostForm.Get(FormTokenField)):
		http.Error(w, "this form is not of this page, or of before the server was started anew: load the page again", http.StatusForbidden)
	default:
		return true
	}
	return false
}
