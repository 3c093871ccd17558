// Package hermes is the bridge to the contact centre Hermès.Net.
//
// Push takes what clients submitted to Hermès, by HTTP. Port takes what Hermès' agents write, as lines of JSON on TCP.
// StandIn answers in Hermès' place where there is none.
//
//	queue ── Deliver ──► Push ── POST url, Idempotency-Key ──► Hermès
//	                      │ 2xx                          done
//	                      │ 408 425 429 5xx, no answer   try again (Retry-After, else the schedule)
//	                      ▼ anything else                failed, the HTTP status is the error
//	                    breaker: three tries in a row without an answer → one probe at a time, until Hermès answers
//
//	Hermès ── {"id":…,"from":…,"to":…,"text":…} ──► Port ── Add ──► queue ── on disk ──► {"status":"accepted",…}
//
// Each try is one request: nothing here or in net/http repeats it, so that the queue alone decides.
package hermes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// PushOptions are the settings of [hermes]. All may change by Reload, but for Log and Text.
type PushOptions struct {
	URL            string            // Simulator, or http(s)://…, used exactly as written; "" = messages wait
	Timeout        time.Duration     // of one push, from dialling to the end of the answer
	Concurrency    int               // pushes at the same time
	Retry          []time.Duration   // waits after the first, second, … failed try
	Secret         string            // signs the bodies; "" = no signature
	StatusURL      string            // where final states of Hermès' own messages go; "" = nowhere
	Method         string            // "" = POST
	ContentType    string            // "" = JSON in UTF-8
	Body           string            // a template over Fields; "" = the built-in JSON
	SuccessPattern string            // a regexp that a 2xx body must match; "" = every 2xx counts
	Headers        map[string]string // added to each request
	TLS            *tls.Config       // nil = the system's authorities
	Transport      http.RoundTripper // nil = the StandIn for Simulator, else HTTP

	// Text decodes the octets of a message, or of the parts of a long one.
	Text func(ms []*sms.Message) sms.Text
	Log  zerolog.Logger
}

// Outlets opens ways out of the queue.
type Outlets interface {
	Attach(road.OutletOptions) road.Outlet
}

// Push delivers to Hermès by HTTP. It implements road.Deliverer.
type Push struct {
	log      zerolog.Logger
	text     func([]*sms.Message) sms.Text
	settings atomic.Pointer[settings]
	noURL    sync.Once // it was said that messages wait for one

	mu       sync.Mutex // held while an outlet is called, never while the queue calls
	queue    Outlets
	outlet   road.Outlet
	pushes   breaker // of the URL, and of the status URL when it is on the same host
	statuses breaker // of a status URL elsewhere
	inFlight int
	closing  bool
	idle     chan struct{} // closed when closing and nothing is in flight
}

// NewPush makes a Push. Its errors name the key of config.toml. Attach lets it work.
func NewPush(o PushOptions) (*Push, error) {
	s, err := newSettings(o)
	if err != nil {
		return nil, err
	}
	p := &Push{log: o.Log, text: o.Text, idle: make(chan struct{})}
	p.settings.Store(s)
	return p, nil
}

// Attach opens the way to Hermès. It is called once.
func (p *Push) Attach(q Outlets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = q
	p.attach(p.settings.Load())
}

func (p *Push) attach(s *settings) {
	p.outlet = p.queue.Attach(road.OutletOptions{Recipient: sms.Hermes, Window: p.window(s), Serial: true, Retry: s.retry, Deliverer: p})
}

// window is how many pushes may be in flight now.
func (p *Push) window(s *settings) int {
	if p.pushes.open {
		return 1
	}
	return s.concurrency
}

// Reload puts other settings in force for the tries that begin from now on; those in flight end under the old ones.
// An error leaves everything as it was. Hermès, when it was silent, is probed at once: what was wrong may be mended.
func (p *Push) Reload(o PushOptions) error {
	s, err := newSettings(o)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.settings.Swap(s)
	old.closeIdle()
	silent := p.pushes.open
	p.pushes.forget()
	p.statuses.forget()
	switch {
	case p.outlet == nil || p.closing:
	case !slices.Equal(old.retry, s.retry):
		// An open outlet keeps its schedule.
		p.outlet.Detach()
		p.attach(s)
	default:
		p.outlet.SetWindow(p.window(s))
		if silent {
			p.outlet.Resume()
		}
	}
	if p.outlet != nil && !p.closing && old.pushURL() != s.pushURL() {
		p.outlet.Resume() // what was wrong may be mended, also for messages that wait since before a restart
	}
	return nil
}

// Deliver implements road.Deliverer.
func (p *Push) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	t := &try{push: p, settings: p.settings.Load(), messages: ms, incomplete: incomplete, report: report}
	if o, ok := p.begin(t); !ok {
		report(o)
		return
	}
	go t.run()
}

// begin counts the try in. When it is not to be made, the outcome says why.
func (p *Push) begin(t *try) (o sms.Outcome, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return sms.Outcome{Verdict: sms.Returned, Reason: "stopping"}, false
	}
	t.breaker = &p.pushes
	if t.isStatus() && !t.settings.sameHost {
		t.breaker = &p.statuses
		if !p.statuses.admits(time.Now()) {
			return sms.Outcome{Verdict: sms.TryAgain, Reason: "hermes.status_url does not answer other posts"}, false
		}
	}
	t.epoch = t.breaker.epoch
	p.inFlight++
	return o, true
}

// end counts the try out, after its report.
func (p *Push) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inFlight--; p.inFlight == 0 && p.closing {
		close(p.idle)
	}
}

// Close starts no more pushes and waits for those in flight, which end by their time-out at the latest.
// It returns ctx's error when they take longer than ctx allows; they go on then.
func (p *Push) Close(ctx context.Context) error {
	p.mu.Lock()
	if !p.closing {
		p.closing = true
		if p.outlet != nil {
			p.outlet.Detach()
		}
		if p.inFlight == 0 {
			close(p.idle)
		}
	}
	p.mu.Unlock()
	select {
	case <-p.idle:
		p.settings.Load().closeIdle()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pushes are still in flight: %w", ctx.Err())
	}
}

// try is one request for one message, or for the parts of a long one.
type try struct {
	push       *Push
	settings   *settings
	messages   []*sms.Message
	incomplete bool
	report     func(sms.Outcome)
	breaker    *breaker
	epoch      uint64
}

// isStatus tells what goes to the status URL: what became of Hermès' messages, and, if there is one, who acknowledged them.
func (t *try) isStatus() bool {
	m := t.messages[0]
	return m.Kind != sms.KindText || m.IsAck() && t.settings.status != nil
}

func (t *try) run() {
	began := time.Now()
	o, sent := t.exchange()
	t.push.log.Debug().Uint64("message_id", uint64(t.messages[0].ID)).Int("status", o.Code).Str("reason", o.Reason).
		Dur("took", time.Since(began)).Msg("push")
	if sent {
		o.Unreached = silence(o)
		// Before the report: it gives the queue room for another try.
		t.push.learn(t, o)
	}
	t.report(o)
	t.push.end()
}

// exchange makes the request and reads its answer. sent tells whether the outcome says anything about Hermès.
func (t *try) exchange() (o sms.Outcome, sent bool) {
	s := t.settings
	r, o, ok := t.request()
	if !ok {
		return o, false
	}
	if r.posted() {
		switch err := r.post(s.timeout, func(a *http.Response) { o = s.outcome(a, r.pattern) }); {
		case err == nil:
			return o, true
		case !errors.Is(err, errHTTP2):
			return s.noAnswer(err), true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	// The RoundTripper itself, not an http.Client: no redirects are followed.
	answer, err := r.to.transport.RoundTrip(r.http(ctx))
	if err != nil {
		return s.noAnswer(err), true
	}
	o = s.outcome(answer, r.pattern)
	o.Reason = t.withoutText(o.Code, o.Reason)
	return o, true
}
