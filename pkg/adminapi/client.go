package adminapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// What a Remote's errors wrap besides those that an answer says.
var (
	ErrUnknown = errors.New("the server does not know who asks")                          // a user, or another password, is needed
	ErrAway    = errors.New("the server starts or stops")                                 // ask again in a moment
	ErrSilent  = errors.New("the server runs, and gives no answer in time")               // it hangs, or its disk does
	ErrForeign = errors.New("what answers there is not the admin port of HNET SMPP Serv") // another program, or another path
)

const (
	// askTime is how long an answer may take. The server gives up after 25 seconds, and says so.
	askTime = 30 * time.Second
	// silentTime is how long a stream of changes may say nothing: the server says that it is there every 15 s.
	silentTime = 45 * time.Second
	// maxAnswer bounds what an answer may say.
	maxAnswer = 64 << 20
)

// Login is how whoever asks shows who it is: the token of the machine, or the name and the password of a user; or nothing.
type Login struct {
	Token          string
	User, Password string
}

// Remote is a server that is asked over its admin port. Its methods end with ctx, and all but those of a stream in a bounded time.
// Their errors wrap ErrNotFound, ErrConflict, ErrBadRequest, ErrForbidden, ErrTooSlow, ErrUnavailable, ErrNoAnswer, ErrUnknown, ErrAway, ErrSilent or ErrForeign, or are
// those of the connection.
type Remote struct {
	base  string // http://127.0.0.1:8346
	login Login
	http  *http.Client
}

// NewRemote asks the server at base, a URL without a path. verify is for HTTPS; nil = as the system does. No proxy is used, and no
// redirect followed, since a token goes along.
func NewRemote(base string, login Login, verify *tls.Config) *Remote {
	return &Remote{base: strings.TrimSuffix(base, "/"), login: login, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: verify, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: false},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// URL is where it is asked.
func (r *Remote) URL() string { return r.base }

// Close lets its connections go.
func (r *Remote) Close() { r.http.CloseIdleConnections() }

// Status tells how the server is.
func (r *Remote) Status(ctx context.Context) (s Status, err error) {
	return s, r.ask(ctx, http.MethodGet, "/status", nil, nil, &s)
}

// Clients lists all clients.
func (r *Remote) Clients(ctx context.Context) (all []Client, err error) {
	return all, r.ask(ctx, http.MethodGet, "/clients", nil, nil, &all)
}

// Client is one of them, with its events.
func (r *Remote) Client(ctx context.Context, systemID string) (c Client, err error) {
	return c, r.ask(ctx, http.MethodGet, "/clients/"+url.PathEscape(systemID), nil, nil, &c)
}

// Sessions lists the SMPP connections.
func (r *Remote) Sessions(ctx context.Context) (all []Session, err error) {
	return all, r.ask(ctx, http.MethodGet, "/sessions", nil, nil, &all)
}

// Unbind ends a session of a node; "" is the one that is asked.
func (r *Remote) Unbind(ctx context.Context, node string, session uint64) error {
	return r.ask(ctx, http.MethodDelete, "/sessions/"+strconv.FormatUint(session, 10), values("node", node), nil, nil)
}

// Nodes lists the workers on the store.
func (r *Remote) Nodes(ctx context.Context) (all []Node, err error) {
	return all, r.ask(ctx, http.MethodGet, "/nodes", nil, nil, &all)
}

// Pause has nothing sent to a client until Resume.
func (r *Remote) Pause(ctx context.Context, systemID string) (Done, error) {
	return r.do(ctx, "/clients/"+url.PathEscape(systemID)+"/pause", nil)
}

// Resume ends a pause.
func (r *Remote) Resume(ctx context.Context, systemID string) (Done, error) {
	return r.do(ctx, "/clients/"+url.PathEscape(systemID)+"/resume", nil)
}

// HandOver gives what waits for one client to another.
func (r *Remote) HandOver(ctx context.Context, from, to string) (Done, error) {
	return r.do(ctx, "/clients/"+url.PathEscape(from)+"/hand-over", map[string]string{"to": to})
}

// Trace switches the record of a client's PDUs.
func (r *Remote) Trace(ctx context.Context, systemID string, on bool) (d Done, err error) {
	return d, r.ask(ctx, http.MethodPut, "/clients/"+url.PathEscape(systemID)+"/trace", nil, map[string]bool{"on": on}, &d)
}

// TraceFile is that record as a file for Wireshark, texts masked unless texts is set. It is closed by who asked.
func (r *Remote) TraceFile(ctx context.Context, systemID string, texts bool) (io.ReadCloser, error) {
	q := url.Values{}
	if texts {
		q.Set("texts", "true")
	}
	return r.open(ctx, "/clients/"+url.PathEscape(systemID)+"/trace", q)
}

// Messages is one page of what a search finds.
func (r *Remote) Messages(ctx context.Context, s Search) (p Page, err error) {
	q := values("client", s.Client, "number", s.Number, "campaign", s.Campaign, "state", s.State, "direction", s.Direction, "kind", s.Kind,
		"from", moment(s.From), "to", moment(s.To), "cursor", s.Cursor)
	if s.Limit > 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	return p, r.ask(ctx, http.MethodGet, "/messages", q, nil, &p)
}

// Message shows one message; its text only where text is set, which leaves an entry in the audit.
func (r *Remote) Message(ctx context.Context, id string, text bool) (d Detail, err error) {
	q := url.Values{}
	if text {
		q.Set("text", "true")
	}
	return d, r.ask(ctx, http.MethodGet, "/messages/"+url.PathEscape(id), q, nil, &d)
}

// Retry has a message that waits tried at once.
func (r *Remote) Retry(ctx context.Context, id string) (Done, error) {
	return r.do(ctx, "/messages/"+url.PathEscape(id)+"/retry", nil)
}

// Cancel ends a message that waits.
func (r *Remote) Cancel(ctx context.Context, id string) (Done, error) {
	return r.do(ctx, "/messages/"+url.PathEscape(id)+"/cancel", nil)
}

// SendAgain makes a new message of the same content.
func (r *Remote) SendAgain(ctx context.Context, id string) (Done, error) {
	return r.do(ctx, "/messages/"+url.PathEscape(id)+"/send-again", nil)
}

// Erase erases a person's number, as far as one request comes; until the answer says Done it is to be asked again.
func (r *Remote) Erase(ctx context.Context, number string) (e Erasure, err error) {
	return e, r.ask(ctx, http.MethodPost, "/erase", nil, map[string]string{"number": number}, &e)
}

// Waiting lists what waits, by recipient.
func (r *Remote) Waiting(ctx context.Context) (all []Waiting, err error) {
	return all, r.ask(ctx, http.MethodGet, "/waiting", values("by", "recipient"), nil, &all)
}

func (q ReportQuery) values() url.Values {
	return values("by", q.By, "from", moment(q.From), "to", moment(q.To), "client", q.Client, "campaign", q.Campaign, "number", q.Number)
}

// Report is the traffic of a period.
func (r *Remote) Report(ctx context.Context, q ReportQuery) (rep Report, err error) {
	return rep, r.ask(ctx, http.MethodGet, "/reports", q.values(), nil, &rep)
}

// ReportFile is a report as CSV. It is closed by who asked.
func (r *Remote) ReportFile(ctx context.Context, q ReportQuery) (io.ReadCloser, error) {
	v := q.values()
	v.Set("format", "csv")
	return r.open(ctx, "/reports", v)
}

// Log lists the last lines of the server's log of at least a level that contain the text given, the newest last.
func (r *Remote) Log(ctx context.Context, level, contains string, limit int) (all []LogLine, err error) {
	q := values("level", level, "contains", contains)
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return all, r.ask(ctx, http.MethodGet, "/log", q, nil, &all)
}

// Audit lists who did what, newest first, from the cursor of the page before on.
func (r *Remote) Audit(ctx context.Context, cursor string, limit int) (a Audit, err error) {
	q := values("cursor", cursor)
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return a, r.ask(ctx, http.MethodGet, "/audit", q, nil, &a)
}

// TestAlerts has each alert of config.toml send a test.
func (r *Remote) TestAlerts(ctx context.Context) (Done, error) { return r.do(ctx, "/alerts/test", nil) }

// values makes a query of names and values, without those that are empty.
func values(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// do acts.
func (r *Remote) do(ctx context.Context, path string, body any) (d Done, err error) {
	return d, r.ask(ctx, http.MethodPost, path, nil, body, &d)
}

// ask sends a request and reads the answer into v; nil = none is expected.
func (r *Remote) ask(ctx context.Context, method, path string, q url.Values, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	resp, err := r.send(ctx, method, path, q, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if v == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return fmt.Errorf("%s: %w", r.base, ErrForeign)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(v); err != nil {
		return fmt.Errorf("%s: the answer breaks off or makes no sense: %w", r.base, err)
	}
	return nil
}

// open sends a request whose answer is read by who asked.
func (r *Remote) open(ctx context.Context, path string, q url.Values) (io.ReadCloser, error) {
	resp, err := r.send(ctx, http.MethodGet, path, q, nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// send sends a request. Its answer is one of success.
func (r *Remote) send(ctx context.Context, method, path string, q url.Values, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	target := r.base + "/api/v1" + path
	if len(q) > 0 {
		target += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case r.login.User != "":
		req.SetBasicAuth(r.login.User, r.login.Password)
	case r.login.Token != "":
		req.Header.Set("Authorization", "Bearer "+r.login.Token)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // it repeats the URL with its query
			err = wrapped.Err
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("%s: %w", r.base, ErrSilent)
		}
		if strings.Contains(err.Error(), "HTTP response to HTTPS client") {
			return nil, fmt.Errorf("%s speaks no HTTPS: ask for http://%s", r.base, strings.TrimPrefix(r.base, "https://"))
		}
		if strings.Contains(err.Error(), "malformed HTTP") || errors.As(err, new(tls.RecordHeaderError)) { // its octets may be anything
			err = ErrForeign
		}
		return nil, fmt.Errorf("%s: %w", r.base, err)
	}
	if resp.StatusCode/100 == 2 {
		for _, what := range resp.Header.Values(LacksHeader) {
			NoteLack(ctx, Verbatim(what))
		}
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, r.refusal(resp)
}

// refusals are the kinds of error by HTTP status.
var refusals = map[int]error{
	http.StatusBadRequest: ErrBadRequest, http.StatusRequestEntityTooLarge: ErrBadRequest, http.StatusUnauthorized: ErrUnknown,
	http.StatusForbidden: ErrForbidden, http.StatusNotFound: ErrNotFound, http.StatusConflict: ErrConflict, http.StatusGatewayTimeout: ErrNoAnswer,
}

// Refusal is an error that the server answered with. It wraps the kind of its status, if that has one.
type Refusal struct {
	Problem
	kind error
}

// Error is what the server says.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return r.Title
	}
	return r.Title + ": " + r.Detail
}

// Unwrap is one of the package's errors, or nil.
func (r *Refusal) Unwrap() error { return r.kind }

// refusal makes an error of an answer.
func (r *Remote) refusal(resp *http.Response) error {
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	words := strings.TrimSpace(string(said))
	no := &Refusal{kind: refusals[resp.StatusCode]}
	switch {
	case strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(said, &no.Problem) == nil && no.Title != "":
		switch {
		case resp.StatusCode != http.StatusServiceUnavailable:
		case no.Title == "too slow":
			no.kind = ErrTooSlow
		case no.Title == "not written":
			no.kind = ErrUnavailable
		}
		return no
	case resp.StatusCode == http.StatusServiceUnavailable && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain"):
		return fmt.Errorf("%w: %s", ErrAway, words)
	case resp.StatusCode == http.StatusBadRequest && strings.Contains(words, "HTTPS server"):
		return fmt.Errorf("%s speaks HTTPS: ask for https://%s", r.base, strings.TrimPrefix(r.base, "http://"))
	}
	return fmt.Errorf("%s: %w (it says %s)", r.base, ErrForeign, resp.Status)
}
