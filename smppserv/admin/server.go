// Package admin is the operator's side over HTTP: who may ask what, the JSON API, metrics and health. The page is mounted into it.
//
//	request ── /healthz ───────────────────────────────────────────► answer
//	        └─ gate ── /readyz ────────────────────────────────────► answer
//	              └─── host ── user ── origin ── API, metrics, page ─► answer
//
// Probes know no password, so health is open to all. Everything else asks who it is when there are users, and each route for a role.
// The port is open for longer than there is a message centre to ask: while that starts or stops, the gate says so.
package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/loglimit"

	"github.com/rs/zerolog"
)

const (
	headerTime     = 5 * time.Second
	readTime       = 15 * time.Second
	writeTime      = 30 * time.Second
	idleTime       = time.Minute
	maxHeaderBytes = 16 << 10
	maxConnections = 256
)

// Centre is what the operator's side asks of the message centre. Its methods are called from any goroutine.
type Centre interface {
	// Ready tells why no work can be done now, in words that anybody may read; nil means that it can.
	Ready() error
	// Problems lists what an operator should see to though work goes on.
	Problems() []Problem
	// KnowsUser tells whether this is the name and the password of an operator.
	KnowsUser(name, password string) bool
	// User is what an operator of this name may do; false = there is none any more.
	User(name string) (role adminapi.Role, texts, ok bool)
}

// Problem is something for an operator to see to.
type Problem struct {
	Text  string // what it is and what to do
	Brief string // the same in words that anybody may read; "" = another problem's say it
}

// Options are fixed for the life of a Server.
type Options struct {
	Listen  string    // host:port, port 0 = any free one; "" = off
	Version string    // of this program
	Started time.Time // when it started; zero = now

	AuthRequired bool        // everything but health asks for a user whom Centre knows
	Token        string      // shows that who bears it is an administrator of this machine; "" = nobody can
	TLS          *tls.Config // nil = plain HTTP

	Centre    Centre
	Operators Operators
	// Page is what people look at: everything but the API, metrics, health, and the posts of a login. Who asks is ActorOf, and
	// its forms carry FormToken.
	Page    http.Handler
	Metrics http.Handler // nil = there is no /metrics
	Log     zerolog.Logger
}

// Server is the operator's side.
type Server struct {
	o       Options
	http    *http.Server
	serving sync.WaitGroup

	listener net.Listener // set by Listen, before anything else may look
	loopback bool         // no other machine reaches it

	// What Here has given, when requests have passed the gate.
	operators Operators
	page      http.Handler

	visits   *visits
	attempts attempts
	streams  chan struct{}     // a place for each page that is live
	checks   chan struct{}     // a place for each password being checked
	limited  *loglimit.Limiter // of the log, for the lines that visitors can cause

	mu          sync.Mutex
	connections map[net.Conn]http.ConnState
	closing     bool
	away        string        // why there is no Centre to ask, "" = there is
	leaving     chan struct{} // closed when there is no Centre any more; nil = there is none
	asking      int           // requests that are asking it
	quiet       chan struct{} // closed when none is any more; nil = nobody waits for that
}

// New makes a server that has no Centre to ask before Here is called. Listen opens its port.
func New(o Options) *Server {
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	s := &Server{o: o, visits: newVisits(), streams: make(chan struct{}, maxStreams), checks: make(chan struct{}, maxChecks),
		limited: loglimit.New(o.Log), connections: map[net.Conn]http.ConnState{}, away: "starting"}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.connState,
		ErrorLog:          s.errorLog(),
	}
	return s
}

func (s *Server) handler() http.Handler {
	guarded := http.NewServeMux()
	if s.o.Metrics != nil {
		guarded.Handle("GET /metrics", s.o.Metrics)
	}
	s.mountAPI(guarded)
	guarded.HandleFunc("POST "+loginPath, s.logIn)
	guarded.HandleFunc("POST /logout", s.logOut)
	guarded.Handle("/", s.checkForm(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.page.ServeHTTP(w, r) })))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.Handle("GET /readyz", s.gate(http.HandlerFunc(s.readyz)))
	mux.Handle("/", s.gate(s.checkHost(s.checkUser(s.sameOrigin(guarded)))))
	return withHeaders(s.cleanAPI(mux))
}

// Listen opens the port: it accepts connections at once, which wait until Serve. Without a port it does nothing.
func (s *Server) Listen() error {
	if s.o.Listen == "" { // to net.Listen it would mean any port on every address
		return nil
	}
	l, err := net.Listen("tcp", s.o.Listen)
	if err != nil {
		return fmt.Errorf("admin.listen = %q: %w", s.o.Listen, err)
	}
	s.listener = l
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.loopback = a.IP.IsLoopback()
	}
	return nil
}

// EndVisits has who is logged in to the page under this name log in again: there is no such user any more, or the password is another.
func (s *Server) EndVisits(name string) { s.visits.endOf(name) }

// Addr is where it listens, once Listen has returned; nil if it does not.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Serve answers requests until Close. It returns at once.
func (s *Server) Serve() {
	if s.listener == nil {
		return
	}
	l := s.listener
	if s.o.TLS != nil {
		l = tls.NewListener(l, s.o.TLS)
	}
	s.serving.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.o.Log.Error().Err(err).Msg("the operator's page is not served any more")
		}
	})
}

// Close takes no more requests and waits for those under way; at the end of ctx they are cut.
func (s *Server) Close(ctx context.Context) error {
	if s.listener == nil {
		return nil
	}
	defer s.limited.Flush()
	s.closeUnused()
	err := s.http.Shutdown(ctx)
	_ = s.listener.Close() // Shutdown knows of it only since Serve
	if err != nil {
		err = fmt.Errorf("some requests of operators did not end: %w", err)
		_ = s.http.Close()
	}
	s.serving.Wait()
	return err
}

// connState keeps count of the connections and closes what is too many: what is idle first, so that probes and commands come through.
func (s *Server) connState(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateClosed || state == http.StateHijacked {
		delete(s.connections, c)
		return
	}
	s.connections[c] = state
	if state != http.StateNew {
		return
	}
	if s.closing || len(s.connections) > maxConnections && !s.closeIdle() {
		_ = c.Close()
	}
}

// closeIdle closes a connection on which nothing is asked, so that a new one has its place. False = on each one something is.
func (s *Server) closeIdle() bool {
	for c, state := range s.connections {
		if state == http.StateIdle {
			delete(s.connections, c)
			_ = c.Close()
			return true
		}
	}
	return false
}

// closeUnused closes the connections that browsers open ahead of need, and those to come:
// Shutdown would wait 5 s for their first request.
func (s *Server) closeUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for c, state := range s.connections {
		if state == http.StateNew {
			_ = c.Close()
		}
	}
}

func (s *Server) errorLog() *log.Logger { return log.New(errorLog{s.limited}, "", 0) }

// errorLog takes what net/http has to say, a panic's stack for one.
type errorLog struct{ log *loglimit.Limiter }

func (l errorLog) Write(line []byte) (int, error) {
	l.log.Warn(httpTrouble, loglimit.Peer{}).Str("error", strings.TrimSpace(string(line))).Msg(httpTrouble.Text)
	return len(line), nil
}
