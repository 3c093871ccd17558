package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxStreams bounds the pages that are live at a time.
	maxStreams = 64
	// aliveTime is between two comments on a stream on which nothing happens: so both ends notice when the other has gone.
	aliveTime = 15 * time.Second
)

// events tells, as server-sent events, which topics have changed. A page that was cut off comes back by itself.
func (s *Server) events(w http.ResponseWriter, r asked) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		w.Header().Set("Retry-After", retryAfter)
		s.problem(w, http.StatusServiceUnavailable, "too many pages are open", fmt.Sprintf("%d are live already", maxStreams))
		return
	}
	ctx, end := s.untilAway(r.Context())
	defer end()
	out := http.NewResponseController(w)
	say := func(format string, args ...any) bool {
		_ = out.SetWriteDeadline(time.Now().Add(writeTime))
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && out.Flush() == nil
	}
	changes := s.operators.Changes(ctx) // before the answer begins: who reads then has missed nothing
	w.Header().Set("Content-Type", "text/event-stream")
	if !say("retry: 2000\n: hello\n\n") {
		return
	}
	alive := time.NewTicker(aliveTime)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
			if !say(": alive\n\n") {
				return
			}
		case topics, more := <-changes:
			if !more {
				return
			}
			data, _ := json.Marshal(struct {
				Topics []string `json:"topics"`
			}{topics})
			if !say("event: changed\ndata: %s\n\n", data) {
				return
			}
		}
	}
}
