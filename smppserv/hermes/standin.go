package hermes

import (
	"net/http"

	"github.com/rs/zerolog"
)

// StandIn takes Hermès' place when hermes.url is "simulator": it accepts every push, in this process.
// It implements http.RoundTripper.
type StandIn struct {
	Log zerolog.Logger // at debug level, each push without its text
}

// RoundTrip implements http.RoundTripper.
func (s *StandIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	s.Log.Debug().Str("idempotency_key", r.Header.Get("Idempotency-Key")).Int64("octets", r.ContentLength).Msg("the stand-in accepts a push")
	return &http.Response{StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r}, nil
}
