package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// healthz answers as long as the process does.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeLine(w, http.StatusOK, "ok")
}

// readyz tells whether messages can be taken now.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Centre.Ready(); err != nil {
		writeLine(w, http.StatusServiceUnavailable, oneLine(err))
		return
	}
	writeLine(w, http.StatusOK, "ok")
}

func writeLine(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, line)
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
