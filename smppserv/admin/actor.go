package admin

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"hnetsmpp/pkg/adminapi"
)

// cookieName is that of the page's sessions. The prefix keeps other hosts from setting it; it takes TLS.
const (
	cookieName       = "hnetsmpp"
	secureCookieName = "__Host-hnetsmpp"
)

// who tells who asks: by the token of this machine, by name and password (RFC 7617), or by the cookie of a login. Where
// config.toml has no users it is whoever reaches the port, which is on loopback then. ok is false when nobody is shown.
func (s *Server) who(r *http.Request) (a Actor, ok bool) {
	address := from(r).Addr.String()
	if s.bearsToken(r) {
		return Actor{Name: adminapi.ActorToken, From: address, Role: adminapi.Admin, Texts: true}, true
	}
	if name, password, given := r.BasicAuth(); given {
		return s.login(r, name, password)
	}
	if r.Header.Get("Authorization") != "" { // a scheme that is not known here
		return Actor{From: address}, false
	}
	if a, ok := s.visits.of(s.cookie(r), byItself(r)); ok {
		role, texts, still := s.o.Centre.User(a.Name)
		return Actor{Name: a.Name, From: address, Role: role, Texts: texts}, still
	}
	if !s.o.AuthRequired {
		return Actor{Name: adminapi.ActorLocal, From: address, Role: adminapi.Operator}, true
	}
	return Actor{From: address}, false
}

// bearsToken tells whether a request shows the token of this machine.
func (s *Server) bearsToken(r *http.Request) bool {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer")
	return given && s.o.Token != "" && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.o.Token)) == 1
}

// login checks a name and a password.
func (s *Server) login(r *http.Request, name, password string) (Actor, bool) {
	a := Actor{Name: name, From: from(r).Addr.String()}
	if !s.knows(r, name, password) {
		return Actor{From: a.From}, false
	}
	var ok bool
	a.Role, a.Texts, ok = s.o.Centre.User(name)
	return a, ok
}

func (s *Server) cookie(r *http.Request) string {
	name := cookieName
	if r.TLS != nil {
		name = secureCookieName
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
