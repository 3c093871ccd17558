package conformance

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

// hermesStub stands in for Hermès: it takes pushes over real HTTP, answers as scripted, and remembers everything.
type hermesStub struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	pushes   []push
	accepted map[string]bool // keys that were answered with 2xx
	scripts  map[string]*hermesScript
	changed  chan struct{} // closed and replaced with every push
}

// A push is one request and what it was answered.
type push struct {
	Key      string // Idempotency-Key
	Message  pushedMessage
	Header   http.Header
	At       time.Time
	Status   int  // of the answer; 0 when the connection was broken instead
	Repeated bool // the key had been accepted before
}

// A pushedMessage is the body of a push, with every field that the contract names.
type pushedMessage struct {
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

// A hermesAnswer is what the stub does with one push.
type hermesAnswer struct {
	Status     int           // 0 breaks the connection without an answer
	After      time.Duration // how long Hermès takes
	RetryAfter string        // the header, when set
	Body       string
}

// A hermesScript is a list of answers, given in turn; the last one stays.
type hermesScript struct {
	answers []hermesAnswer
	given   map[string]int // by the Idempotency-Key, or all under "" where the keys share the script
	perKey  bool
}

const hermesPath = "/api/sms/push/"

// startHermes starts a stub that accepts everything, but for destinations that end in
//
//	9404   404        not to be tried again
//	9500   500        to be tried again, for ever
//	9503   503 once, then 200
//	9000   the connection is broken once, then 200
//	9001   200 after a second
func startHermes(t *testing.T) *hermesStub {
	t.Helper()
	h := newHermes(t)
	h.script("9404", hermesAnswer{Status: http.StatusNotFound})
	h.script("9500", hermesAnswer{Status: http.StatusInternalServerError})
	h.script("9503", hermesAnswer{Status: http.StatusServiceUnavailable}, hermesAnswer{Status: http.StatusOK})
	h.script("9000", hermesAnswer{}, hermesAnswer{Status: http.StatusOK})
	h.script("9001", hermesAnswer{Status: http.StatusOK, After: time.Second})
	return h
}

// newHermes starts a stub that accepts everything.
func newHermes(t *testing.T) *hermesStub {
	t.Helper()
	h := &hermesStub{t: t, accepted: map[string]bool{}, scripts: map[string]*hermesScript{}, changed: make(chan struct{})}
	h.server = httptest.NewServer(http.HandlerFunc(h.take))
	t.Cleanup(h.server.Close)
	return h
}

// URL is what hermes.url is set to.
func (h *hermesStub) URL() string { return h.server.URL + hermesPath }

// script sets the answers for destinations that end in suffix; the longest suffix counts.
func (h *hermesStub) script(suffix string, answers ...hermesAnswer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scripts[suffix] = &hermesScript{answers: answers, given: map[string]int{}}
}

// scriptEach is script, but every message is given the answers from the first one on.
func (h *hermesStub) scriptEach(suffix string, answers ...hermesAnswer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.scripts[suffix] = &hermesScript{answers: answers, given: map[string]int{}, perKey: true}
}

// answer picks the scripted answer for a destination. h.mu is held.
func (h *hermesStub) answer(to, key string) hermesAnswer {
	longest := ""
	for suffix := range h.scripts {
		if strings.HasSuffix(to, suffix) && len(suffix) >= len(longest) {
			longest = suffix
		}
	}
	s := h.scripts[longest]
	if s == nil {
		return hermesAnswer{Status: http.StatusOK}
	}
	if !s.perKey {
		key = ""
	}
	a := s.answers[min(s.given[key], len(s.answers)-1)]
	s.given[key]++
	return a
}

func (h *hermesStub) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server under test went away
	}
	p := push{Key: r.Header.Get("Idempotency-Key"), Header: r.Header, At: time.Now()}
	for _, fault := range p.read(r, body) {
		h.t.Errorf("the push is not as agreed: %s; body %s", fault, body)
	}
	h.mu.Lock()
	a := h.answer(p.Message.To, p.Key)
	h.mu.Unlock()
	if a.After > 0 {
		select {
		case <-time.After(a.After):
		case <-r.Context().Done():
		}
	}
	p.Status = a.Status
	h.record(p)
	if a.Status == 0 {
		panic(http.ErrAbortHandler) // net/http breaks the connection
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	w.WriteHeader(a.Status)
	io.WriteString(w, a.Body)
}

// read fills the push from its request and returns what is not as agreed.
func (p *push) read(r *http.Request, body []byte) (faults []string) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p.Message); err != nil {
		faults = append(faults, err.Error())
	}
	if r.Method != http.MethodPost || r.RequestURI != hermesPath {
		faults = append(faults, fmt.Sprintf("%s %s, not POST %s", r.Method, r.RequestURI, hermesPath))
	}
	if got := r.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		faults = append(faults, "Content-Type "+got)
	}
	if !p.hasKey() {
		faults = append(faults, fmt.Sprintf("Idempotency-Key %q with id %q", p.Key, p.Message.ID))
	}
	return faults
}

// hasKey tells whether the key is the id and the time of the first storing in milliseconds, base 36. That is receivedAt,
// but for parts in another order and for what was replaced.
func (p *push) hasKey() bool {
	id, stored, ok := strings.Cut(p.Key, "-")
	ms, err := strconv.ParseInt(stored, 36, 64)
	return ok && err == nil && id == p.Message.ID && strconv.FormatInt(ms, 36) == stored &&
		(len(p.Message.PartIDs) > 0 || ms <= p.Message.ReceivedAt.UnixMilli())
}

func (h *hermesStub) record(p push) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.Repeated = h.accepted[p.Key]
	if p.Status/100 == 2 {
		h.accepted[p.Key] = true
	}
	h.pushes = append(h.pushes, p)
	close(h.changed)
	h.changed = make(chan struct{})
}

// all returns the pushes so far, in the order of their answers, and a channel that is closed when there are more.
func (h *hermesStub) all() ([]push, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.pushes), h.changed
}

// since returns the pushes from the n-th on, and a channel that is closed when there are more.
func (h *hermesStub) since(n int) ([]push, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.pushes)[n:], h.changed
}

// from returns the pushes so far of messages from a number.
func (h *hermesStub) from(number string) []push {
	pushes, _ := h.all()
	return slices.DeleteFunc(pushes, func(p push) bool { return p.Message.From != number })
}

// await returns the first push that matches, waiting for it.
func (h *hermesStub) await(t *testing.T, what string, match func(push) bool) push {
	t.Helper()
	deadline := time.After(patience)
	for {
		pushes, changed := h.all()
		for _, p := range pushes {
			if match(p) {
				return p
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no push of %s within %v; there were %s", what, patience, describePushes(pushes))
		}
	}
}

// awaitText returns the push of a text from a number, once Hermès has accepted it.
func (h *hermesStub) awaitText(t *testing.T, from, text string) push {
	t.Helper()
	return h.await(t, fmt.Sprintf("%q from %s", text, from), func(p push) bool {
		return p.Message.From == from && p.Message.Text == text && p.Status/100 == 2
	})
}

// assertOnce fails the test unless all that came from a number is one accepted push, whole. It is asked when nothing
// more can come: after the receipts.
func (h *hermesStub) assertOnce(t *testing.T, from string) {
	t.Helper()
	var accepted []push
	for _, p := range h.from(from) {
		if p.Repeated {
			t.Errorf("key %s was pushed again after it was accepted", p.Key)
		}
		if p.Message.Incomplete {
			t.Errorf("key %s was pushed as incomplete", p.Key)
		}
		if p.Status/100 == 2 {
			accepted = append(accepted, p)
		}
	}
	if len(accepted) != 1 {
		t.Errorf("from %s came %d accepted pushes, want one: %s", from, len(accepted), describePushes(accepted))
	}
}

func describePushes(pushes []push) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", len(pushes))
	for _, p := range pushes {
		fmt.Fprintf(&b, "; key %s, %s → %s, %d parts, answered %d, %q", p.Key, p.Message.From, p.Message.To, p.Message.Parts, p.Status, p.Message.Text)
	}
	return b.String()
}
