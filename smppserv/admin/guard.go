package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"hnetsmpp/pkg/loglimit"
)

const (
	// maxChecks bounds the passwords being checked: a check is slow by design, and guesses must not take the machine.
	maxChecks = 2

	realm = `Basic realm="HNET SMPP Serv", charset="UTF-8"`
	// contentPolicy lets the page have its own style and nothing else, whatever a client put into its system_id.
	contentPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
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
			http.Error(w, fmt.Sprintf("Host %q is not this server; ask for http://%s/", r.Host, s.listener.Addr()), http.StatusMisdirectedRequest)
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

// checkUser asks for a user if users are configured (RFC 7617).
func (s *Server) checkUser(next http.Handler) http.Handler {
	if !s.o.AuthRequired {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, given := r.BasicAuth()
		if !given || !s.knows(r, name, password) {
			if given { // not the name: people type passwords there
				s.limited.Warn(wrongLogin, from(r)).Str("remote", r.RemoteAddr).Msg(wrongLogin.Text)
			}
			w.Header().Set("WWW-Authenticate", realm)
			http.Error(w, "a user of admin.users is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
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
