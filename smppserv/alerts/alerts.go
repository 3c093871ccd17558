// Package alerts tells somebody elsewhere when something needs attention: by a webhook, by mail, or both.
//
//	look, every few seconds ── holds? ──► notice ──► receiver: a queue, tries with pauses
//	                        └─ is over? ─► recovery ┘
//
// Of one thing there is one notice and one recovery. What holds only now and then is not told of again and again: a recovery
// waits until it has been over for a while, and so does another notice. What was told is kept in a file, so that a server that
// restarts again and again does not repeat it; what is not known after a start changes nothing. Without a rule nothing is done.
//
// Of several workers on one store the leader tells, and what it told the others take over from it, so that the next leader goes on
// from there: a notice that is made just before a leader ends may come twice, none is lost.
package alerts

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
)

// Source tells how things stand. Each answer comes in a bounded time or with ctx.
type Source interface {
	Status(ctx context.Context) (adminapi.Status, error)
	Clients(ctx context.Context) ([]adminapi.Client, error)
	Waiting(ctx context.Context) ([]adminapi.Waiting, error)
}

// When is what a rule is about.
type When string

const (
	HermesSilent  When = "hermes_silent"  // Hermès has not taken messages for Lasts
	ClientUnbound When = "client_unbound" // a client has not been bound to receive for Lasts, and messages wait for it
	OldestWaiting When = "oldest_waiting" // the oldest message has waited for Lasts
	Waiting       When = "waiting"        // more than Count messages wait
	DiskFree      When = "disk_free"      // less than Octets are free
)

// Rule says who is told when.
type Rule struct {
	When    When
	Lasts   time.Duration
	Count   int
	Octets  int64
	Limit   string   // one of these three as config.toml has it
	Client  string   // "" = any; of OldestWaiting and Waiting also adminapi.Hermes
	Webhook string   // "" = none
	Email   []string // addresses
}

// key is the same for a rule that is the same. It tells no address.
func (r *Rule) key() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{string(r.When), r.Limit, r.Client, r.Webhook}, r.Email...), "\x00")))
	return string(r.When) + " " + hex.EncodeToString(sum[:8])
}

// Mail is the server that mails are handed to.
type Mail struct {
	Server         string
	Port           int
	User, Password string // User "" = the server asks nobody
	From           string
	Security       Security
	TLS            *tls.Config // nil = the system's authorities
}

// Security is how a connection to the mail server is protected.
type Security uint8

const (
	STARTTLS    Security = iota // asked for, and insisted on
	ImplicitTLS                 // from the first octet on
	NoTLS
)

// Settings may change while the server runs.
type Settings struct {
	Rules []Rule
	Mail  Mail
}

// Options are fixed for the life of Alerts.
type Options struct {
	Node   string // the name of this worker, in what is told
	Source Source
	File   string // where it is kept what was told
	// Leader tells whether it is this worker that tells; nil = it is. Told is what the one has told that does, as its Alerts.Told has it,
	// given what is known of that; the error says that it cannot be known now.
	Leader func() bool
	Told   func(ctx context.Context, known []byte) ([]byte, error)
	Log    zerolog.Logger
}

const (
	lookEvery = 5 * time.Second
	lookTime  = 5 * time.Second
	// quiet is how long something must be over before that is told, and how long after a notice there is no other one of the same.
	quiet     = time.Minute
	again     = 15 * time.Minute
	maxNamed  = 20   // that a notice names
	maxStates = 1000 // that are kept: of clients, which config.toml has
)

// Alerts tell. Run lets them.
type Alerts struct {
	o       Options
	changed chan struct{}

	mu         sync.Mutex
	settings   Settings
	states     map[string]*state // by rule and what it is about
	receivers  map[string]*receiver
	stopped    context.Context // of the receivers
	send       func(ctx context.Context, to *receiver, n Notice) (final bool, err error)
	unwritable bool   // it was said
	led        []byte // what the leader has told, as it said
}

// New makes Alerts that have no rules. What was told is read from the file.
func New(o Options) *Alerts {
	a := &Alerts{o: o, changed: make(chan struct{}, 1), receivers: map[string]*receiver{}, send: send}
	a.states = a.read()
	return a
}

// Configure takes other rules, from the next look on. What was told of a rule that stays the same is not told again.
func (a *Alerts) Configure(s Settings) {
	a.mu.Lock()
	a.settings = s
	for _, r := range a.receivers {
		r.mail = s.Mail
	}
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *Alerts) rules() Settings {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settings
}

// Run looks every few seconds while there are rules, until ctx ends.
func (a *Alerts) Run(ctx context.Context) {
	a.mu.Lock()
	a.stopped = ctx
	a.mu.Unlock()
	ticker := time.NewTicker(lookEvery)
	ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.changed:
			if ticker.Stop(); len(a.rules().Rules) > 0 {
				ticker.Reset(lookEvery)
				a.look(ctx)
			}
		case <-ticker.C:
			a.look(ctx)
		}
	}
}

// state is how something that a rule is about stands.
type state struct {
	Since time.Time `json:"since"`          // it holds
	Told  time.Time `json:"told,omitzero"`  // a notice was made; zero = it does not hold for long enough yet, or its recovery was told
	Sent  bool      `json:"sent,omitempty"` // everybody has the notice, or was tried in vain
	Over  time.Time `json:"over,omitzero"`  // since when it does not hold, and that is not told yet
	Last  time.Time `json:"last,omitzero"`  // when the last notice was made
}

// look tells what is new.
func (a *Alerts) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if a.o.Leader != nil && !a.o.Leader() {
		a.follow(ctx)
		return
	}
	a.led = nil
	s := a.rules()
	seen, err := a.see(ctx)
	if err != nil {
		a.o.Log.Debug().Err(err).Msg("whether somebody is to be told cannot be seen now")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.copied()
	alive := map[string]bool{}
	for i := range s.Rules {
		a.judge(&s.Rules[i], seen, alive)
	}
	for key := range a.states {
		if !alive[key] {
			delete(a.states, key)
		}
	}
	if !equal(before, a.states) {
		a.write()
	}
}

// Told is what was told, as JSON.
func (a *Alerts) Told() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	data, _ := json.Marshal(a.states)
	return data
}

// follow takes over what the leader has told.
func (a *Alerts) follow(ctx context.Context) {
	if a.o.Told == nil {
		return
	}
	told, err := a.o.Told(ctx, a.led)
	if err != nil {
		a.o.Log.Debug().Err(err).Msg("what the leader's alerts have told is not known now")
		return
	}
	if a.led != nil && bytes.Equal(told, a.led) {
		return
	}
	states, err := parse(told)
	if err != nil {
		a.o.Log.Debug().Err(err).Msg("what the leader's alerts have told makes no sense")
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.led, a.states = told, states
	a.write()
}

// judge makes the notices of a rule. The caller holds mu.
func (a *Alerts) judge(r *Rule, seen *sight, alive map[string]bool) {
	now := seen.now
	findings, unseen := seen.of(r)
	key := r.key()
	for k := range a.states { // of what cannot be seen nothing changes
		if unseen != nil && (k == key || strings.HasPrefix(k, key+" ")) && unseen(strings.TrimPrefix(strings.TrimPrefix(k, key), " ")) {
			alive[k] = true
		}
	}
	holds := map[string]bool{}
	var begun, resent []finding
	var sent []*state
	for _, f := range findings {
		k := stateKey(key, f.about)
		st := a.states[k]
		if st == nil {
			if len(a.states) >= maxStates {
				continue
			}
			st = &state{Since: f.since}
			a.states[k] = st
		}
		holds[k], alive[k] = true, true
		if !st.Over.IsZero() || f.since.Before(st.Since) { // it began again, or before a restart
			if st.Told.IsZero() {
				st.Since = f.since
			}
			st.Over = time.Time{}
		}
		switch {
		case !st.Told.IsZero() && !st.Sent && !st.underWay(a, r):
			resent, sent = append(resent, f), append(sent, st)
		case st.Told.IsZero() && now.Sub(st.Since) >= r.Lasts && now.Sub(st.Last) >= again:
			st.Told, st.Last, st.Sent = now, now, false
			begun, sent = append(begun, f), append(sent, st)
		}
	}
	var over []finding
	for k, st := range a.states {
		if holds[k] || alive[k] || k != key && !strings.HasPrefix(k, key+" ") {
			continue
		}
		if st.Over.IsZero() {
			st.Over = now
		}
		switch {
		case st.Told.IsZero() && now.Sub(st.Last) >= again: // forgotten
			continue
		case !st.Told.IsZero() && now.Sub(st.Over) >= quiet:
			over = append(over, finding{about: strings.TrimPrefix(strings.TrimPrefix(k, key), " "), since: st.Since})
			st.Told = time.Time{}
		}
		alive[k] = true
	}
	if all := append(begun, resent...); len(all) > 0 {
		a.tell(r, a.notice(r, KindNotice, all, now), func() {
			for _, st := range sent {
				st.Sent = true
			}
			a.write()
		})
	}
	if len(over) > 0 {
		a.tell(r, a.notice(r, KindRecovery, over, now), nil)
	}
}

func stateKey(rule, about string) string {
	if about == "" {
		return rule
	}
	return rule + " " + about
}

// underWay tells whether a notice of the rule is in a queue.
func (st *state) underWay(a *Alerts, r *Rule) bool {
	for _, to := range receiversOf(r) {
		if one := a.receivers[to]; one != nil && (one.busy || len(one.queue) > 0) {
			return true
		}
	}
	return false
}

// Test sends a notice that says that it is a test to everybody, and returns to how many. The error says who could not be reached.
func (a *Alerts) Test(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	s := a.rules()
	if len(s.Rules) == 0 {
		return 0, errors.New("config.toml has no [[alerts]]")
	}
	all := map[string]*Rule{}
	for i := range s.Rules {
		for _, to := range receiversOf(&s.Rules[i]) {
			all[to] = &s.Rules[i]
		}
	}
	notice := Notice{Source: source, Node: a.o.Node, Kind: KindTest, At: time.Now(), Text: "This is a test: the alerts of " + a.o.Node + " reach you."}
	errs := make(chan error, len(all))
	places := make(chan struct{}, maxTests)
	for to, r := range all {
		one := &receiver{to: to, rule: *r, mail: s.Mail}
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			_, err := a.send(ctx, one, notice)
			errs <- one.named(err)
		}()
	}
	var faults []error
	for range all {
		if fault := <-errs; fault != nil {
			faults = append(faults, fault)
		} else {
			n++
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return n, errors.Join(faults...)
}

// maxTests is how many are sent at a time.
const maxTests = 10

func (r *receiver) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", r.name(), err)
}
