package admin

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/loglimit"
)

// listSessions answers with all SMPP connections, those that are not bound yet included.
func (s *Server) listSessions(w http.ResponseWriter, _ *http.Request) {
	sessions := s.o.Centre.Sessions()
	if sessions == nil {
		sessions = []adminapi.Session{} // [] and not null
	}
	s.writeJSON(w, http.StatusOK, sessions)
}

// unbindSession sends unbind to a client. The session is listed until the client has answered.
func (s *Server) unbindSession(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil || !s.o.Centre.Unbind(id) {
		s.writeJSON(w, http.StatusNotFound, adminapi.Problem{Type: "about:blank", Title: "no such session", Status: http.StatusNotFound})
		return
	}
	ev := s.o.Log.Info().Uint64("session", id).Str("remote", r.RemoteAddr)
	if name, _, ok := r.BasicAuth(); ok && s.o.AuthRequired {
		ev = ev.Str("user", name)
	}
	ev.Msg("an operator unbinds a session")
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.limited.Line(zerolog.DebugLevel, notTaken, loglimit.Peer{}).Err(err).Msg(notTaken.Text)
	}
}
