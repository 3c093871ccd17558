package admin

import (
	"context"
	"fmt"
	"net/http"
)

// retryAfter is when to ask again while the server starts or stops, in seconds.
const retryAfter = "2"

// Here lets requests ask the Centre, and its operators' side, from now on; it is called once. The page is what people look at:
// everything but the API, metrics, health, and the posts of a login. Who asks is ActorOf, and its forms carry FormToken.
func (s *Server) Here(o Operators, page http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.operators, s.page = o, page
	s.away, s.leaving = "", make(chan struct{})
}

// Away answers 503 and why from now on, whatever is asked but for /healthz: there is no Centre to ask. It does not wait for
// those that are asking it: Quiet does.
func (s *Server) Away(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = why
	if s.leaving != nil {
		close(s.leaving)
		s.leaving = nil
	}
}

// untilAway is ctx, which ends when there is no Centre any more: for what would be asked for as long as somebody looks.
func (s *Server) untilAway(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	leaving := s.leaving
	s.mu.Unlock()
	if leaving == nil {
		cancel()
		return ctx, cancel
	}
	go func() {
		select {
		case <-leaving:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// Quiet waits, after Away, until no request asks the Centre any more, and no longer than ctx.
func (s *Server) Quiet(ctx context.Context) error {
	s.mu.Lock()
	if s.asking == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.quiet == nil {
		s.quiet = make(chan struct{})
	}
	quiet, n := s.quiet, s.asking
	s.mu.Unlock()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d requests of operators did not end: %w", n, ctx.Err())
	}
}

// gate lets requests through while there is a Centre to ask.
func (s *Server) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := s.enter(); why != "" {
			w.Header().Set("Retry-After", retryAfter)
			writeLines(w, http.StatusServiceUnavailable, why)
			return
		}
		defer s.leave()
		next.ServeHTTP(w, r)
	})
}

func (s *Server) enter() (why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == "" {
		s.asking++
	}
	return s.away
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking--; s.asking == 0 && s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
}
