package hermes

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
)

const (
	// maxAnswer is how much of an answer's body is read.
	maxAnswer = 64 << 10
	// maxRetryAfter bounds how long Hermès may put a message off.
	maxRetryAfter = time.Hour
	// maxReason bounds what goes into the row and the log.
	maxReason = 160
)

// outcome judges an answer. The body is read to its end, within bounds, so that the connection can be used again.
func (s *settings) outcome(a *http.Response, pattern *regexp.Regexp) sms.Outcome {
	defer a.Body.Close()
	code := a.StatusCode
	accepted := code/100 == 2
	if accepted && pattern != nil {
		body, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
		switch {
		case err != nil:
			o := s.noAnswer(err)
			o.Code, o.Reason = code, inWords(code)+", but its body did not come: "+o.Reason
			return o
		case !pattern.Match(body):
			return sms.Outcome{Verdict: sms.Failed, Code: code, Reason: inWords(code) + ", but its body does not match hermes.request.success_pattern"}
		}
		return sms.Outcome{Verdict: sms.Done, Code: code}
	}
	if accepted {
		if a.Body != http.NoBody {
			io.CopyN(io.Discard, a.Body, maxAnswer)
		}
		return sms.Outcome{Verdict: sms.Done, Code: code}
	}
	reason := refusedWith(a)
	switch {
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code/100 == 5:
		return sms.Outcome{Verdict: sms.TryAgain, Code: code, After: retryAfter(a.Header, time.Now()), Reason: reason}
	}
	return sms.Outcome{Verdict: sms.Failed, Code: code, Reason: reason}
}

func inWords(code int) string {
	return strings.TrimSpace("HTTP " + strconv.Itoa(code) + " " + http.StatusText(code))
}

// retryAfter reads the header's two forms, seconds and a date (RFC 9110, 10.2.3); a date is held against the answer's own, if it
// has one: the two machines' clocks need not agree. 0 leaves it to the schedule.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value, d := h.Get("Retry-After"), time.Duration(0)
	if answered, err := http.ParseTime(h.Get("Date")); err == nil {
		now = answered
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		d = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return max(0, min(d, maxRetryAfter))
}

// noAnswer says in words why there was no answer, without addresses of our side, URLs or what the peer sent.
func (s *settings) noAnswer(err error) sms.Outcome {
	reason := "the connection broke: "
	var op *net.OpError
	var timeout interface{ Timeout() bool }
	dialling := errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		reason = "no answer within " + s.timeout.String()
		if dialling {
			reason = "no connection within " + s.timeout.String()
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		reason = "the connection was closed before the answer"
	case dialling:
		reason = "no connection: " + cleaned(op.Err)
	case op != nil:
		reason += cleaned(op.Err)
	default:
		reason += cleaned(err)
	}
	return sms.Outcome{Verdict: sms.TryAgain, Reason: strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")}
}

// cleaned is the text of an error up to the first quotation, where peers' data and proxy passwords stand.
func cleaned(err error) string {
	s, _, _ := strings.Cut(err.Error(), `"`)
	return strings.TrimRight(s, " :")
}
