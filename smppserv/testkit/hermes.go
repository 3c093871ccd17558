package testkit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pushPath is where Hermès takes pushes.
const pushPath = "/api/sms/push/"

// Hermes stands in for Hermès: it takes pushes over real HTTP, answers as scripted, and remembers everything. Its methods
// may be called at the same time.
type Hermes struct {
	server *httptest.Server
	path   string

	mu       sync.Mutex
	pushes   []Push
	taken    int             // by Next
	accepted map[string]bool // keys that were answered with 2xx
	ids      map[string]bool // the ids of these messages
	scripts  map[string]*script
	changed  chan struct{} // closed and replaced with every push
	arrival  func(Push)
	instead  func(Push) // nil = pushes are remembered
}

// A Push is one request and what it was answered.
type Push struct {
	*http.Request
	Body     string
	Key      string // Idempotency-Key
	Message  Message
	At       time.Time
	Status   int  // of the scripted answer; 0 when the connection was broken instead
	Repeated bool // the key had been accepted before

	BrokenOff bool // whoever sent it did not wait for the answer
}

// A Message is the body of a push, with every field that the contract names.
type Message struct {
	ID         string    `json:"id"`
	From       string    `json:"from"`
	To         string    `json:"to"`
	Text       string    `json:"text"`
	Data       []byte    `json:"data"`
	ReceivedAt time.Time `json:"receivedAt"`
	Client     string    `json:"client"`
	Encoding   string    `json:"encoding"`
	Parts      int       `json:"parts"`
	PartIDs    []string  `json:"partIds"`
	Incomplete bool      `json:"incomplete"`
}

// An Answer is what Hermès does with one push.
type Answer struct {
	Status     int           // 0 breaks the connection without an answer
	After      time.Duration // how long Hermès takes
	RetryAfter string        // the header, when set
	Body       string
	Raw        string // what is said in the place of an answer, before the connection is closed
}

// A script is a list of answers, given in turn; the last one stays.
type script struct {
	answers []Answer
	given   map[string]int // by the Idempotency-Key, or all under "" where the keys share the script
	perKey  bool
}

// StartHermes starts one that accepts everything. A push that is not as agreed fails the test.
func StartHermes(t testing.TB) *Hermes {
	t.Helper()
	return start(t, pushPath, func(h *Hermes, w http.ResponseWriter, p *Push) {
		for _, fault := range p.read() {
			t.Errorf("the push is not as agreed: %s; body %s", fault, p.Body)
		}
		h.answer(w, p)
	})
}

// StartEndpoint starts one that takes requests of any form, remembers each as it comes, and then has answer answer it.
// Message and Status of its pushes are not filled.
func StartEndpoint(t testing.TB, answer http.HandlerFunc) *Hermes {
	t.Helper()
	return start(t, pushPath+"?a=%2Fb", func(h *Hermes, w http.ResponseWriter, p *Push) {
		h.record(p)
		answer(w, p.Request)
	})
}

func start(t testing.TB, path string, take func(*Hermes, http.ResponseWriter, *Push)) *Hermes {
	h := &Hermes{path: path, accepted: map[string]bool{}, ids: map[string]bool{}, scripts: map[string]*script{}, changed: make(chan struct{})}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the program under test went away
		}
		take(h, w, &Push{Request: r, Body: string(body), Key: r.Header.Get("Idempotency-Key"), At: time.Now()})
	}))
	t.Cleanup(h.server.Close)
	return h
}

// URL is what hermes.url is set to.
func (h *Hermes) URL() string { return h.server.URL + h.path }

// Script sets the answers for destinations that end in suffix; the longest suffix counts.
func (h *Hermes) Script(suffix string, answers ...Answer) { h.script(suffix, false, answers) }

// ScriptEach is Script, but every message is given the answers from the first one on.
func (h *Hermes) ScriptEach(suffix string, answers ...Answer) { h.script(suffix, true, answers) }

func (h *Hermes) script(suffix string, perKey bool, answers []Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scripts[suffix] = &script{answers: answers, given: map[string]int{}, perKey: perKey}
}

// scripted picks the answer for a destination.
func (h *Hermes) scripted(to, key string) Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	longest := ""
	for suffix := range h.scripts {
		if strings.HasSuffix(to, suffix) && len(suffix) >= len(longest) {
			longest = suffix
		}
	}
	s := h.scripts[longest]
	if s == nil {
		return Answer{Status: http.StatusOK}
	}
	if !s.perKey {
		key = ""
	}
	a := s.answers[min(s.given[key], len(s.answers)-1)]
	s.given[key]++
	return a
}

// OnArrival has f told of every push when it has come, before Hermès thinks about the answer.
func (h *Hermes) OnArrival(f func(Push)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arrival = f
}

// Instead has f told of every push that is about to be answered, one after the other, and Hermès remember none, so that it may take pushes
// for hours.
func (h *Hermes) Instead(f func(Push)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.instead = f
}

func (h *Hermes) answer(w http.ResponseWriter, p *Push) {
	h.mu.Lock()
	arrival := h.arrival
	h.mu.Unlock()
	if arrival != nil {
		arrival(*p)
	}
	a := h.scripted(p.Message.To, p.Key)
	if a.After > 0 {
		select {
		case <-time.After(a.After):
		case <-p.Context().Done():
		}
	}
	p.Status, p.BrokenOff = a.Status, p.Context().Err() != nil
	h.record(p)
	if a.Raw != "" {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, a.Raw)
			_ = conn.Close()
		}
		return
	}
	if a.Status == 0 {
		panic(http.ErrAbortHandler) // net/http breaks the connection
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// read fills Message and returns what of the push is not as agreed.
func (p *Push) read() (faults []string) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(p.Body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p.Message); err != nil {
		faults = append(faults, err.Error())
	}
	if p.Method != http.MethodPost || p.RequestURI != pushPath {
		faults = append(faults, fmt.Sprintf("%s %s, not POST %s", p.Method, p.RequestURI, pushPath))
	}
	if got := p.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		faults = append(faults, "Content-Type "+got)
	}
	if !p.hasKey() {
		faults = append(faults, fmt.Sprintf("Idempotency-Key %q with id %q", p.Key, p.Message.ID))
	}
	return faults
}

// hasKey tells whether the key is the id and the time of the first storing in milliseconds, base 36. That is receivedAt,
// but for what was replaced. A text in parts keeps the key of its first try, of a part that may have been cancelled since.
func (p *Push) hasKey() bool {
	id, stored, ok := strings.Cut(p.Key, "-")
	ms, err := strconv.ParseInt(stored, 36, 64)
	if !ok || err != nil || strconv.FormatInt(ms, 36) != stored {
		return false
	}
	if len(p.Message.PartIDs) > 0 {
		first, err := strconv.ParseUint(id, 10, 64)
		lowest, idErr := strconv.ParseUint(p.Message.ID, 10, 64)
		return err == nil && idErr == nil && first <= lowest
	}
	return id == p.Message.ID && ms <= p.Message.ReceivedAt.UnixMilli()
}

func (h *Hermes) record(p *Push) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.instead != nil {
		h.instead(*p)
		return
	}
	p.Repeated = h.accepted[p.Key]
	if p.Status/100 == 2 {
		h.accepted[p.Key], h.ids[p.Message.ID] = true, true
	}
	h.pushes = append(h.pushes, *p)
	close(h.changed)
	h.changed = make(chan struct{})
}

// Accepted tells whether the message with that id was answered with 2xx.
func (h *Hermes) Accepted(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ids[id]
}

// Pushes returns those so far that match, all for nil, in the order of their answers.
func (h *Hermes) Pushes(match func(Push) bool) []Push {
	pushes, _ := h.since(0)
	return slices.DeleteFunc(slices.Clone(pushes), func(p Push) bool { return match != nil && !match(p) })
}

// since returns the pushes from the n-th on, and a channel that is closed when there are more.
func (h *Hermes) since(n int) ([]Push, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.pushes)[n:], h.changed
}

// Await returns the first push that matches, waiting for it.
func (h *Hermes) Await(t testing.TB, what string, match func(Push) bool) Push {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	for seen := 0; ; {
		pushes, changed := h.since(seen)
		for _, p := range pushes {
			if match(p) {
				return p
			}
		}
		seen += len(pushes)
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no push of %s within %v; the last of %d are %v", what, Patience, seen, h.last(20))
		}
	}
}

// Next returns the first push that Next has not returned yet, waiting for it.
func (h *Hermes) Next(t testing.TB) Push {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	for {
		h.mu.Lock()
		n, changed := h.taken, h.changed
		if n < len(h.pushes) {
			h.taken++
			p := h.pushes[n]
			h.mu.Unlock()
			return p
		}
		h.mu.Unlock()
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("no push came after %d", n)
		}
	}
}

func (h *Hermes) last(n int) []Push {
	pushes, _ := h.since(0)
	return pushes[max(0, len(pushes)-n):]
}

// String is for somebody who reads a failure.
func (p Push) String() string {
	if p.Message.ID == "" {
		return fmt.Sprintf("key %s, %s", p.Key, p.Body)
	}
	return fmt.Sprintf("key %s, %s → %s, %d parts, answered %d, %q", p.Key, p.Message.From, p.Message.To, p.Message.Parts, p.Status, p.Message.Text)
}
