package hermes

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/smppserv/handshake"
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

// restTime is how long the rest of a body may take, once it decides nothing any more: a connection is used again when it has ended.
const restTime = 250 * time.Millisecond

// outcome judges an answer. The body is read to its end, within bounds, so that the connection can be used again; hurry bounds
// the time for that from then on.
func (s *settings) outcome(a *http.Response, pattern *success, hurry func(time.Duration)) sms.Outcome {
	defer a.Body.Close()
	code := a.StatusCode
	accepted := code/100 == 2
	if accepted && pattern != nil {
		body, err := matching(a.Body, pattern, hurry)
		var late net.Error
		switch {
		case pattern.Match(body) && (err == nil || errors.As(err, &late) && late.Timeout()):
			// Of a body that never ends, what has come is all there is.
			return sms.Outcome{Verdict: sms.Done, Code: code}
		case err != nil:
			o := s.noAnswer(err)
			o.Code, o.Reason = code, inWords(code)+", but its body did not come: "+o.Reason
			return o
		}
		return sms.Outcome{Verdict: sms.Failed, Code: code, Reason: inWords(code) + ", but its body does not match hermes.request.success_pattern"}
	}
	if a.Body != http.NoBody {
		hurry(restTime)
	}
	if accepted {
		if a.Body != http.NoBody {
			io.CopyN(io.Discard, a.Body, maxAnswer)
		}
		return sms.Outcome{Verdict: sms.Done, Code: code}
	}
	reason := refusedWith(a)
	if passing(code) {
		return sms.Outcome{Verdict: sms.TryAgain, Code: code, After: retryAfter(a.Header, time.Now()), Reason: reason}
	}
	return sms.Outcome{Verdict: sms.Failed, Code: code, Reason: reason}
}

// maxLooks bounds how often a body that comes in pieces is looked at before its end.
const maxLooks = 256

// matching reads a body to its end, or until it is known to match: what follows cannot change that, unless the pattern speaks
// of the end.
func matching(r io.Reader, pattern *success, hurry func(time.Duration)) (body []byte, err error) {
	r = io.LimitReader(r, maxAnswer)
	for looks := 0; ; {
		body = slices.Grow(body, 512)
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if pattern.early && n > 0 && looks < maxLooks {
			if looks++; pattern.Match(body) {
				if err == nil {
					hurry(restTime)
					io.Copy(io.Discard, r)
				}
				return body, nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
}

// success is hermes.request.success_pattern.
type success struct {
	*regexp.Regexp
	early bool // what has matched goes on matching, whatever follows
}

func newSuccess(pattern string) (*success, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	return &success{re, err == nil && !speaksOfEnd(parsed)}, err
}

// speaksOfEnd tells whether a pattern has something that holds at the end of a text and need not when it goes on.
func speaksOfEnd(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEndLine, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, speaksOfEnd)
}

// passing tells whether a status may be another one next time.
func passing(code int) bool {
	switch code {
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return code/100 == 5
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
	// Of more than 64 bits the largest number comes, and an error.
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		d = time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return max(0, min(d, maxRetryAfter))
}

// noAnswer says in words why there was no answer, without addresses of our side, URLs or what the peer sent.
func (s *settings) noAnswer(err error) sms.Outcome {
	if p := failedAtProxy(err); p != nil {
		o := sms.Outcome{Verdict: sms.TryAgain, Reason: p.Error()}
		if passing(p.code) { // as if it had answered the request itself, which it does where the URL is http
			o.Code, o.After = p.code, retryAfter(p.header, time.Now())
		}
		return o
	}
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
	case tlsFault(err, s.shows) != "":
		reason = tlsFault(err, s.shows)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errStale):
		reason = "the connection was closed before the answer"
	case dialling:
		reason = "no connection: " + handshake.Words(op.Err)
	case op != nil:
		reason += handshake.Words(op.Err)
	default:
		reason += handshake.Words(err)
	}
	return sms.Outcome{Verdict: sms.TryAgain, Reason: strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")}
}
