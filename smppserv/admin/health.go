package admin

import (
	"fmt"
	"net/http"
	"strings"
)

// healthz answers as long as the process does.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeLines(w, http.StatusOK, "ok")
}

// readyz tells whether messages can be taken now, and below that, a line each, what an operator should see to.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status, lines := http.StatusOK, []string{"ok"}
	if err := s.o.Centre.Ready(); err != nil {
		status, lines[0] = http.StatusServiceUnavailable, oneLine(err.Error())
	}
	for _, p := range s.o.Centre.Problems() {
		if p.Brief != "" {
			lines = append(lines, oneLine(p.Brief))
		}
	}
	writeLines(w, status, lines...)
}

func writeLines(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
