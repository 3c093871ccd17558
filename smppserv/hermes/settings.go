package hermes

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"text/template"
	"time"
)

// Simulator is the URL that stands for the StandIn.
const Simulator = "simulator"

const (
	defaultContentType = "application/json; charset=utf-8"
	userAgent          = "HNET-SMPP-Serv"
	// idleTimeout is less than what servers commonly allow, so that a push seldom meets a connection just being closed.
	idleTimeout = 30 * time.Second
	// An HTTP/2 connection that died without a word is found out by these; pushes would wait on it for ever else.
	pingAfter, pingTimeout = 10 * time.Second, 5 * time.Second
	// maxAnswerHeader bounds what an answer's header may cost us.
	maxAnswerHeader = 64 << 10
)

// settings are PushOptions made ready for use. They do not change.
type settings struct {
	timeout     time.Duration
	concurrency int
	shows       bool // a certificate of our own, over TLS
	retry       []time.Duration
	signers     *sync.Pool         // of hash.Hash; nil = bodies are not signed
	body        *template.Template // nil = the built-in JSON
	pattern     *success
	push        *target // nil = messages wait: hermes.url is not set
	status      *target // nil = nowhere
	sameHost    bool    // both targets are one server
}

// target is where requests go.
type target struct {
	model     *http.Request // with what all requests have in common
	transport http.RoundTripper
	poster    *poster   // with envelope, carries what it can; nil = the transport carries all
	envelope  *envelope // nil = likewise
}

func newSettings(o PushOptions) (*settings, error) {
	s := &settings{timeout: o.Timeout, concurrency: o.Concurrency, retry: slices.Clone(o.Retry), signers: newSigners(o.Secret), shows: o.TLS != nil && len(o.TLS.Certificates) > 0}
	if s.timeout <= 0 || s.concurrency < 1 {
		return nil, errors.New("hermes.timeout and hermes.concurrency must be more than 0")
	}
	var err error
	if s.pattern, err = pattern(o); err != nil {
		return nil, err
	}
	if o.Body != "" {
		if s.body, err = parseBody(o.Body); err != nil {
			return nil, err
		}
	}
	transport := o.Transport
	if transport == nil && (o.URL != "" && o.URL != Simulator || o.StatusURL != "" && o.StatusURL != Simulator) {
		transport = &lasting{make: func() *http.Transport { return newTransport(o) }, now: time.Now}
	}
	if o.URL != "" {
		if s.push, err = newTarget(o, "hermes.url", o.URL, transport); err != nil {
			return nil, err
		}
		if o.Method != "" {
			s.push.model.Method = o.Method
		}
		if o.ContentType != "" {
			s.push.model.Header["Content-Type"] = []string{o.ContentType}
		}
	}
	if o.StatusURL != "" {
		if s.status, err = newTarget(o, "hermes.status_url", o.StatusURL, transport); err != nil {
			return nil, err
		}
		s.sameHost = s.push != nil && s.status.model.URL.Scheme == s.push.model.URL.Scheme && s.status.model.URL.Host == s.push.model.URL.Host
	}
	s.addPosters(o)
	return s, nil
}

// addPosters has posters carry what they can. Targets on one server share their connections.
func (s *settings) addPosters(o PushOptions) {
	for _, t := range []*target{s.push, s.status} {
		if t == nil {
			continue
		}
		if l, ok := t.transport.(*lasting); ok && o.Transport == nil {
			t.poster, t.envelope = newPoster(t.model, l.current(), o), newEnvelope(t.model)
		}
	}
	if s.sameHost {
		s.status.poster = s.push.poster
	}
}

func pattern(o PushOptions) (*success, error) {
	if o.SuccessPattern == "" || o.URL == Simulator {
		return nil, nil // the stand-in's answer has no body to match
	}
	re, err := newSuccess(o.SuccessPattern)
	if err != nil {
		return nil, fmt.Errorf("hermes.request.success_pattern: %w", err)
	}
	return re, nil
}

func newTarget(o PushOptions, key, to string, transport http.RoundTripper) (*target, error) {
	if to == Simulator {
		to = "http://" + Simulator + "/"
		if o.Transport == nil {
			transport = &StandIn{Log: o.Log}
		}
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("%s must be http:// or https:// with a host", key) // never quoted: it may hold a password
	}
	model := &http.Request{Method: http.MethodPost, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"User-Agent": {userAgent}, "Content-Type": {defaultContentType}}}
	if u.User != nil {
		password, _ := u.User.Password()
		model.SetBasicAuth(u.User.Username(), password)
	}
	for name, value := range o.Headers {
		if name = http.CanonicalHeaderKey(name); name == "Host" {
			model.Host = value
			continue
		}
		model.Header[name] = []string{value}
	}
	return &target{model: model, transport: transport}, nil
}

func (s *settings) closeIdle() {
	if s.push != nil {
		s.push.closeIdle()
	}
	if s.status != nil {
		s.status.closeIdle()
	}
}

// pushURL is where pushes go, "" = nowhere.
func (s *settings) pushURL() string {
	if s.push == nil {
		return ""
	}
	return s.push.model.URL.String()
}

func (t *target) closeIdle() {
	if t.poster != nil {
		t.poster.closeIdle()
	}
	if c, ok := t.transport.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
