package admin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// healthz answers as long as the process does.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeLines(w, http.StatusOK, "ok")
}

// problemsTime is how long probes wait for what an operator should see to: they wait two seconds in all, also while the disk hangs.
const problemsTime = 1500 * time.Millisecond

// readyz tells whether messages can be taken now, and below that, a line each, what an operator should see to.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	status, lines := http.StatusOK, []string{"ok"}
	late := time.After(problemsTime)
	problems := make(chan []Problem, 1)
	go func() { problems <- s.o.Centre.Problems() }()
	if err := s.o.Centre.Ready(); err != nil {
		status, lines[0] = http.StatusServiceUnavailable, oneLine(err.Error())
	}
	select {
	case all := <-problems:
		for _, p := range all {
			if p.Brief != "" {
				lines = append(lines, oneLine(p.Brief))
			}
		}
	case <-late:
		lines = append(lines, "what else is to be seen to is not known: the answer takes too long")
	}
	writeLines(w, status, lines...)
}

func writeLines(w http.ResponseWriter, status int, lines ...string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
