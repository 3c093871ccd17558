package admin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/loglimit"
)

const (
	// maxChecks bounds the passwords being checked: a check is slow by design, and guesses must not take the machine.
	maxChecks = 2

	realm = `Basic realm="HNET SMPP Serv", charset="UTF-8"`
	// contentPolicy lets nothing be loaded, whatever a client put into its system_id. The page has its own.
	contentPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// What visitors can have the log say.
var (
	wrongLogin  = loglimit.Cause{Text: "a wrong name or password on the operator's page", PerPeer: 1}
	notTaken    = loglimit.Cause{Text: "an operator did not take the answer"}
	httpTrouble = loglimit.Cause{Text: "the operator's page", PerPeer: 10} // what net/http says
)

// from is who sends a request.
func from(r *http.Request) loglimit.Peer {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	return loglimit.Peer{Addr: a.Addr()}
}

func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses what a browser on this machine sends when a stranger's name was made to resolve to loopback:
// to the browser that is the stranger's own origin, so nothing else would stop it. A server that other machines reach
// goes by many names, and asks for a password instead.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.loopback && !s.ownHost(r.Host) {
			s.refuseVisitor(w, r, http.StatusMisdirectedRequest, fmt.Sprintf("Host %q is not this server; ask for http://%s/", r.Host, s.listener.Addr()))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownHost tells whether the Host header names loopback or the host of admin.listen. Any port will do: of a tunnel, say.
func (s *Server) ownHost(hostport string) bool {
	host := hostOf(hostport)
	if strings.EqualFold(host, "localhost") || host != "" && strings.EqualFold(host, hostOf(s.o.Listen)) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

type actorKey struct{}

// ActorOf is who asks; nobody where that is not known.
func ActorOf(r *http.Request) Actor {
	a, _ := r.Context().Value(actorKey{}).(Actor)
	return a
}

// FormToken is what each form of who asks must carry back, in FormTokenField.
func FormToken(r *http.Request) string {
	token, _ := r.Context().Value(formTokenKey{}).(string)
	return token
}

type formTokenKey struct{}

// FormTokenField is the field of FormToken.
const FormTokenField = "csrf"

// checkUser finds out who asks. Without that, programs are asked for a user (RFC 7617), and people are shown where they log in.
func (s *Server) checkUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shows := r.Header.Get("Authorization") != ""
		if wait := s.attempts.wait(from(r).Addr); wait > 0 && (shows && !s.bearsToken(r) || isLogin(r)) { // nobody guesses the token
			w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
			s.refuseVisitor(w, r, http.StatusTooManyRequests, "too many wrong passwords came from your address; try again in a minute")
			return
		}
		a, ok := s.who(r)
		needed := "a user of admin.users is needed"
		if !ok && shows {
			s.wrong(r, a)
			needed = "that is no user of admin.users with this password, nor the token of this server"
		}
		if !ok && s.o.AuthRequired && !s.forAnybody(r) {
			if isPage(r) {
				http.Redirect(w, r, loginPath+"?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
				return
			}
			if ofPage(r) { // a window of the browser's own would ask for a password; the page is loaded again, and leads to the login
				w.Header().Set("HX-Refresh", "true")
			} else {
				w.Header().Set("WWW-Authenticate", realm)
			}
			s.refuseVisitor(w, r, http.StatusUnauthorized, needed)
			return
		}
		if !ok && shows {
			w.Header().Set("WWW-Authenticate", realm)
			s.refuseVisitor(w, r, http.StatusUnauthorized, needed)
			return
		}
		if !ok {
			a = Actor{From: a.From}
		}
		ctx := context.WithValue(r.Context(), actorKey{}, a)
		ctx = context.WithValue(ctx, formTokenKey{}, s.visits.mark(s.cookie(r)))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// wrong notes a password that was not right: not the name, since people type passwords there.
func (s *Server) wrong(r *http.Request, a Actor) {
	s.attempts.wrong(from(r).Addr)
	s.limited.Warn(wrongLogin, from(r)).Str("remote", r.RemoteAddr).Msg(wrongLogin.Text)
	if enters, left := s.attempts.enters(); enters {
		more := ""
		if left > 0 {
			more = fmt.Sprint(left, " before it were not noted")
		}
		s.operators.Note(a, "login refused", "", more)
	}
}

// refuseVisitor answers programs with a problem, and people with a line.
func (s *Server) refuseVisitor(w http.ResponseWriter, r *http.Request, status int, why string) {
	if strings.HasPrefix(r.URL.Path, apiPath+"/") {
		s.problem(w, status, http.StatusText(status), why)
		return
	}
	http.Error(w, why, status)
}

// sameOrigin refuses what another site's page has a browser do.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuseVisitor(w, r, http.StatusForbidden, "a page of another site asked for this")
	}))
	return p.Handler(next)
}

// isPage tells whether a person looks at something.
func isPage(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") && r.Header.Get("Authorization") == ""
}

// ofPage tells whether the page's script asks, in a browser.
func ofPage(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "same-origin" }

// byItself tells whether a page that is open keeps itself up to date.
func byItself(r *http.Request) bool {
	return r.Header.Get("HX-Target") == "live" || r.URL.Path == apiPath+eventsPath
}

func isLogin(r *http.Request) bool { return r.URL.Path == loginPath && r.Method == http.MethodPost }

// forAnybody are the paths that who logs in needs before.
func (s *Server) forAnybody(r *http.Request) bool {
	return r.URL.Path == loginPath || r.URL.Path == "/prefer" || strings.HasPrefix(r.URL.Path, "/assets/")
}

// knows waits for its turn to check the password.
func (s *Server) knows(r *http.Request, name, password string) bool {
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
		return s.o.Centre.KnowsUser(name, password)
	case <-r.Context().Done():
		return false
	}
}
