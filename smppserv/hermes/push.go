// Package hermes is the bridge to the contact centre Hermès.Net.
//
// Push takes what clients submitted to Hermès, by HTTP. Port takes what Hermès' agents write, as lines of JSON on TCP.
// StandIn answers in Hermès' place where there is none.
//
//	queue ── Deliver ──► Push ── POST url, Idempotency-Key ──► Hermès
//	                      │ 2xx                          done
//	                      │ 408 425 500 …                try again (Retry-After, else the schedule)
//	                      │ 407 429 502-504, no answer   try again as soon as anything is tried: it says nothing of the message
//	                      ▼ anything else                failed, the HTTP status is the error
//	                    pressure: how many at a time, pauses, and one probe at a time while nobody is there
//
//	Hermès ── {"id":…,"from":…,"to":…,"text":…} ──► Port ── Add ──► queue ── on disk ──► {"status":"accepted",…}
//
// Each try is one request, so that the queue alone decides. Only what the server cannot have seen goes out once more within
// its try: a connection was found closed before anything was written, or an HTTP/2 server says that it did not look.
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
	"golang.org/x/time/rate"

	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// PushOptions are the settings of [hermes]. All may change by Reload, but for Log, Observer and Text.
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

	Observer Observer // nil = nobody

	// Text decodes the octets of a message, or of the parts of a long one.
	Text func(ms []*sms.Message) sms.Text
	Log  zerolog.Logger
}

// Observer hears of each push that was made. It is called from any goroutine and must return at once.
type Observer interface {
	// Pushed tells the HTTP status of the answer, 0 = there was none, and how long it took to come.
	Pushed(status int, took time.Duration)
}

// Outlets opens ways out of the queue.
type Outlets interface {
	Attach(road.OutletOptions) road.Outlet
}

// Push delivers to Hermès by HTTP. It implements road.Deliverer.
type Push struct {
	log      zerolog.Logger
	observer Observer
	text     func([]*sms.Message) sms.Text
	settings atomic.Pointer[settings]
	noURL    sync.Once // it was said that messages wait for one

	mu       sync.Mutex // held while an outlet is called, never while the queue calls
	queue    Outlets
	outlet   road.Outlet
	pushes   pressure // of the URL, and of the status URL when it is on the same host
	statuses pressure // of a status URL elsewhere, which has no outlet of its own: of that only whether it is dead counts
	open     int      // the outlet's window
	suspects suspects
	regard   regard
	limited  rate.Sometimes    // says that pushes pause
	flying   map[*try]struct{} // in flight
	closing  bool
	idle     chan struct{} // closed when closing and nothing is in flight
	handed   chan *try     // to who has made one; closed with idle
}

// NewPush makes a Push. Its errors name the key of config.toml. Attach lets it work.
func NewPush(o PushOptions) (*Push, error) {
	s, err := newSettings(o)
	if err != nil {
		return nil, err
	}
	p := &Push{log: o.Log, observer: o.Observer, text: o.Text, flying: map[*try]struct{}{}, idle: make(chan struct{}), handed: make(chan *try), limited: rate.Sometimes{First: 1, Interval: time.Minute},
		pushes: newPressure(s.concurrency), statuses: newPressure(s.concurrency)}
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
	p.open = p.pushes.now()
	p.outlet = p.queue.Attach(road.OutletOptions{Recipient: sms.Hermes, Window: p.open, Serial: true, Retry: s.retry, Deliverer: p})
}

// press tells the queue how many pushes may be in flight now.
func (p *Push) press() {
	if n := p.pushes.now(); n != p.open && p.outlet != nil && !p.closing {
		p.open = n
		p.outlet.SetWindow(n)
	}
}

// Reload puts other settings in force for the tries that begin from now on; those in flight end under the old ones.
// An error leaves everything as it was. A pause ends, and Hermès, when it was silent, is probed at once: what was wrong may be
// mended. Another server is pressed as one that nothing is known of.
func (p *Push) Reload(o PushOptions) error {
	s, err := newSettings(o)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.settings.Swap(s)
	old.closeIdle()
	paused := p.pushes.pauses(time.Now())
	p.pushes.forget(s.concurrency)
	p.statuses.forget(s.concurrency)
	if old.pushURL() != s.pushURL() {
		p.pushes.another()
		p.regard = regard{}
		paused = true // also messages that wait since before a restart
	}
	switch {
	case p.outlet == nil || p.closing:
		return nil
	case !slices.Equal(old.retry, s.retry):
		// An open outlet keeps its schedule.
		p.outlet.Detach()
		p.attach(s)
		if old.pushURL() == s.pushURL() {
			return nil // what is new has no pause
		}
	default:
		p.press()
	}
	if paused {
		p.outlet.Resume()
	}
	return nil
}

// Resume ends a pause, on an operator's wish: Hermès is pushed to, or probed, at once.
func (p *Push) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pushes.forget(p.pushes.most)
	p.statuses.forget(p.statuses.most)
	if p.outlet != nil && !p.closing {
		p.press()
		p.outlet.Resume()
	}
}

// Deliver implements road.Deliverer.
func (p *Push) Deliver(ms []*sms.Message, incomplete bool, report func(sms.Outcome)) {
	t := &try{push: p, settings: p.settings.Load(), messages: ms, incomplete: incomplete, report: report}
	if o, ok := p.begin(t); !ok {
		report(o)
		return
	}
	select {
	case p.handed <- t:
	default:
		go p.makeTries(t)
	}
}

// makeTries makes a try, and those that are handed over afterwards: a goroutine that has made one has the stack that it takes. There are as many
// as tries were in flight at once.
func (p *Push) makeTries(t *try) {
	t.run()
	for t := range p.handed {
		t.run()
	}
}

// begin counts the try in. When it is not to be made, the outcome says why.
func (p *Push) begin(t *try) (o sms.Outcome, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return sms.Outcome{Verdict: sms.Returned, Reason: "stopping"}, false
	}
	t.pressure = &p.pushes
	if t.isStatus() && !t.settings.sameHost {
		t.pressure = &p.statuses
		if !p.statuses.admits(time.Now()) {
			return sms.Outcome{Verdict: sms.TryAgain, Reason: "hermes.status_url does not answer other posts"}, false
		}
	}
	now := time.Now()
	t.number, t.epoch = t.pressure.begin(now)
	t.fresh = p.suspects.byID[t.messages[0].ID].fresh
	if t.messages[0].Transaction() {
		t.pressure.awaited++
	}
	p.flying[t] = struct{}{}
	if rest := p.pushes.opens().Sub(now); t.pressure == &p.pushes && p.pushes.pace.gap > 0 && rest > 0 && p.outlet != nil {
		p.outlet.Rest(rest)
	}
	p.press()
	return o, true
}

// end counts the try out, after its report.
func (p *Push) end(t *try) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.flying, t)
	p.closeEmpty()
}

// closeEmpty ends it once it is closing and nothing is in flight; then nothing begins any more, either.
func (p *Push) closeEmpty() {
	if len(p.flying) == 0 && p.closing {
		close(p.idle)
		close(p.handed)
	}
}

// BreakOff ends the pushes in flight: it is not known what Hermès makes of them, and they are reported as Returned. What is handed to it
// afterwards is tried as ever.
func (p *Push) BreakOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := range p.flying {
		t.broken = true
		if t.cut != nil {
			t.cut()
		}
	}
}

// cuttable tells how a try can be ended from now on; false = it is to end now.
func (t *try) cuttable(cut func()) bool {
	t.push.mu.Lock()
	defer t.push.mu.Unlock()
	t.cut = cut
	return !t.broken
}

// isBroken tells whether the try was broken off.
func (t *try) isBroken() bool {
	t.push.mu.Lock()
	defer t.push.mu.Unlock()
	return t.broken
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
		p.closeEmpty()
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
	pressure   *pressure
	number     uint64 // of pressure
	epoch      uint64
	fresh      bool // on a connection of its own: on one that was used before it came to nothing
	posted     bool // by a poster
	unseen     bool // the server says that it did not look

	// Guarded by push.mu.
	cut    func() // ends it; nil = nothing is under way yet
	broken bool   // it was broken off
}

// isStatus tells what goes to the status URL: what became of Hermès' messages, and, if there is one, who acknowledged them.
func (t *try) isStatus() bool {
	m := t.messages[0]
	return m.Kind != sms.KindText || m.IsAck() && t.settings.status != nil
}

func (t *try) run() {
	began := time.Now()
	o, k := sms.Outcome{}, unmade
	if fault := guard.Do(func() { o, k = t.exchange() }); fault != nil {
		t.push.log.Error().EmbedObject(t.messages[0]).Err(fault).Str("stack", fault.Stack).
			Msg("a push brought about a fault of the server: the message is tried three times at most; please report this line")
		o, k = sms.Outcome{Verdict: sms.TryAgain, Fault: true, Reason: fault.Error()}, unmade
	}
	took := time.Since(began)
	t.push.log.Debug().Uint64("message_id", uint64(t.messages[0].ID)).Int("status", o.Code).Str("reason", o.Reason).
		Dur("took", took).Msg("push")
	if t.push.observer != nil && k != unmade && k != stillborn && !t.isStatus() {
		t.push.observer.Pushed(o.Code, took)
	}
	if o.Code == 0 && t.isBroken() {
		o, k = sms.Outcome{Verdict: sms.Returned, Reason: "broken off: what this worker holds may be another's"}, unmade
	}
	o.Unreached = k == silence
	// Before the report: it gives the queue room for another try.
	t.push.learn(t, &o, k)
	t.report(o)
	t.push.end(t)
}

// exchange makes the request and reads its answer. The kind is what that says of Hermès.
func (t *try) exchange() (o sms.Outcome, k kind) {
	s := t.settings
	r, o, ok := t.request()
	if !ok {
		return o, unmade
	}
	if t.posted = r.posted(); t.posted {
		switch err := r.post(s.timeout, t.fresh, t.cuttable, func(a *http.Response, hurry func(time.Duration)) {
			o = s.outcome(a, r.pattern, hurry)
		}); {
		case err == nil:
			o.Reason = t.withoutText(o.Code, o.Reason)
			return o, kindOf(o)
		case !errors.Is(err, errHTTP2):
			return s.failure(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	if !t.cuttable(cancel) {
		return o, unmade
	}
	// The RoundTripper itself, not an http.Client: no redirects are followed.
	answer, err := r.roundTrip(ctx)
	if err != nil {
		t.unseen = errors.Is(err, errUnprocessed)
		return s.failure(err)
	}
	o = s.outcome(answer, r.pattern, func(d time.Duration) { time.AfterFunc(d, cancel) })
	o.Reason = t.withoutText(o.Code, o.Reason)
	return o, kindOf(o)
}

// failure is what came of a try without an answer.
func (s *settings) failure(err error) (sms.Outcome, kind) {
	o := s.noAnswer(err)
	if errors.Is(err, errStale) || errors.Is(err, errUnprocessed) {
		return o, stillborn
	}
	return o, kindOf(o)
}
