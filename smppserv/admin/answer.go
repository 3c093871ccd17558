package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/loglimit"
)

// answerJSON answers with v, or with what is wrong.
func (s *Server) answerJSON(w http.ResponseWriter, v any, err error) {
	if err != nil {
		s.answerError(w, err)
		return
	}
	s.writeJSON(w, http.StatusOK, "application/json", v)
}

func (s *Server) writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.limited.Line(zerolog.DebugLevel, notTaken, loglimit.Peer{}).Err(err).Msg(notTaken.Text)
	}
}

// problem answers that a request was refused (RFC 9457).
func (s *Server) problem(w http.ResponseWriter, status int, title, detail string) {
	s.writeJSON(w, status, "application/problem+json", adminapi.Problem{Type: "about:blank", Title: title, Status: status, Detail: detail})
}

// answerError answers with an error of Operators. The words of one that is not expected are for the log.
func (s *Server) answerError(w http.ResponseWriter, err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		err = adminapi.ErrTooSlow
	}
	for _, known := range [...]struct {
		err    error
		status int
		title  string
	}{
		{adminapi.ErrNotFound, http.StatusNotFound, "not found"},
		{adminapi.ErrConflict, http.StatusConflict, "not possible as things are"},
		{adminapi.ErrBadRequest, http.StatusBadRequest, "not understood"},
		{adminapi.ErrForbidden, http.StatusForbidden, "not allowed"},
		{adminapi.ErrUnavailable, http.StatusServiceUnavailable, "the store is unavailable"},
		{adminapi.ErrNoAnswer, http.StatusGatewayTimeout, "no answer from another node"},
		{adminapi.ErrTooSlow, http.StatusServiceUnavailable, "too slow"},
	} {
		if errors.Is(err, known.err) {
			if known.status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", retryAfter)
			}
			s.problem(w, known.status, known.title, detailOf(err, known.err))
			return
		}
	}
	if errors.Is(err, context.Canceled) { // who asked has gone
		return
	}
	s.o.Log.Error().Err(err).Msg("an operator's request failed")
	s.problem(w, http.StatusInternalServerError, "the server failed", "its log says why")
}

// detailOf is what an error says beyond its kind.
func detailOf(err, kind error) string {
	words := strings.TrimSuffix(strings.TrimPrefix(err.Error(), kind.Error()+": "), ": "+kind.Error())
	return oneLine(words)
}
