package operators

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"sort"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

// Clients implements admin.Operators: those of config.toml in its order, then those that messages wait for.
func (ops *Operators) Clients(ctx context.Context) ([]adminapi.Client, error) {
	return ops.clients(ctx, ops.Waiting, ops.presences)
}

// clients lists them, with what waits and with what is known of their sessions.
func (ops *Operators) clients(ctx context.Context, waits func(context.Context) ([]adminapi.Waiting, error), presences func(context.Context) func(string) presence) ([]adminapi.Client, error) {
	cfg := ops.o.Config()
	waiting, err := waits(ctx)
	if err != nil {
		return nil, err
	}
	today, known := ops.trafficToday(ctx), presences(ctx)
	byRecipient := map[string]adminapi.Waiting{}
	for _, w := range waiting {
		byRecipient[w.Recipient] = w
	}
	all := []adminapi.Client{}
	for _, c := range cfg.Clients {
		all = append(all, ops.client(c, true, byRecipient[c.SystemID], today[c.SystemID], known(c.SystemID)))
		delete(byRecipient, c.SystemID)
	}
	delete(byRecipient, adminapi.Hermes)
	for _, w := range waiting {
		if _, left := byRecipient[w.Recipient]; left {
			all = append(all, ops.client(Client{SystemID: w.Recipient}, false, w, today[w.Recipient], known(w.Recipient)))
		}
	}
	for i := range all {
		all[i].Events = nil
	}
	return all, nil
}

// Client implements admin.Operators.
func (ops *Operators) Client(ctx context.Context, systemID string) (adminapi.Client, error) {
	cfg := ops.o.Config()
	waiting, err := ops.Waiting(ctx)
	if err != nil {
		return adminapi.Client{}, err
	}
	w := adminapi.Waiting{Recipient: systemID}
	if i := slices.IndexFunc(waiting, func(w adminapi.Waiting) bool { return w.Recipient == systemID }); i >= 0 && systemID != adminapi.Hermes {
		w = waiting[i]
	}
	c, configured := cfg.client(systemID)
	if _, paused := ops.paused(systemID); !configured && w.Count == 0 && !paused {
		return adminapi.Client{}, fmt.Errorf("%w: config.toml has no client %q, and nothing waits for one", adminapi.ErrNotFound, systemID)
	}
	c.SystemID = systemID
	return ops.client(c, configured, w, ops.trafficToday(ctx)[systemID], ops.presence(ctx, systemID)), nil
}

func (ops *Operators) client(c Client, configured bool, waiting adminapi.Waiting, today adminapi.Traffic, p presence) adminapi.Client {
	waiting.Recipient = c.SystemID
	a := adminapi.Client{SystemID: c.SystemID, Configured: configured, Disabled: c.Disabled, Numbers: c.Numbers, State: "UNBOUND", Sessions: p.Sessions,
		Waiting: waiting, Today: today, Rate: p.Rate, Limit: c.Limit, Traced: p.Traced, Events: p.Events, LastBind: event(p.Bound), LastRefusal: event(p.Refused)}
	if a.Numbers == nil {
		a.Numbers = []string{}
	}
	if a.Sessions == nil {
		a.Sessions = []adminapi.Session{}
	}
	if a.Events == nil {
		a.Events = []adminapi.Event{}
	}
	if pause, paused := ops.paused(c.SystemID); paused {
		a.Paused = &pause
	}
	var states []string
	for _, s := range a.Sessions {
		states = append(states, s.State)
	}
	slices.SortFunc(states, func(a, b string) int { return cmp.Compare(b, a) }) // BOUND_TX before BOUND_RX
	switch {
	case len(states) > 0:
		a.State = strings.Join(slices.Compact(states), "+")
		a.Since = p.Bound.At
		if p.Unbound.At.After(a.Since) {
			a.Since = p.Unbound.At // one of two went
		}
	case !configured:
		a.Why = adminapi.Say("config.toml has no such client")
	case c.Disabled:
		a.Why = adminapi.Say("the client is disabled in config.toml")
	default:
		a.Why, a.Since = ops.whyUnbound(p.standing), ops.unboundSince(p.standing)
	}
	return a
}

// event is what happened, nil = nothing did.
func event(e smsc.Event) *adminapi.Event {
	if e.At.IsZero() {
		return nil
	}
	var text adminapi.Text
	switch e.Kind {
	case smsc.EventBound:
		text = adminapi.Verbatim(e.Reason)
	case smsc.EventThrottled:
		text = adminapi.Say("submits were refused: there were more in a second than throttle_rate allows")
	case smsc.EventProbed:
		text = adminapi.Say("it left a deliver_sm unanswered; it was asked whether it is there")
	case smsc.EventPaused, smsc.EventResumed:
		text = adminapi.Say("by %s", e.Reason)
	default:
		text = saying(e.Reason)
	}
	if e.Times > 1 {
		text = adminapi.Say("%s (%d times)", text, e.Times)
	}
	return &adminapi.Event{At: e.At, Kind: string(e.Kind), Text: text, Remote: e.Remote}
}

// trafficToday is what each client had since midnight; nothing where the counters cannot be read.
func (ops *Operators) trafficToday(ctx context.Context) map[string]adminapi.Traffic {
	r, err := ops.reportToday(ctx)
	if err != nil {
		return nil
	}
	all := make(map[string]adminapi.Traffic, len(r.Rows))
	for i := range r.Rows {
		row := &r.Rows[i]
		all[row.Key] = adminapi.Traffic{In: row.In, Out: row.Delivered, Failed: row.Failed}
	}
	return all
}

// todayGood is how long the counters of today are good.
const todayGood = time.Second

func (ops *Operators) reportToday(ctx context.Context) (store.Report, error) {
	return ops.today.get(func() (store.Report, time.Duration, error) {
		r, err := ops.parts.Store.Report(ctx, store.ReportQuery{By: store.ByClient, From: midnight(time.Now())})
		if err != nil {
			ops.o.Log.Debug().Err(err).Msg("the counters of today cannot be read")
		}
		return r, todayGood, err
	})
}

// Sessions implements admin.Operators.
func (ops *Operators) Sessions(ctx context.Context) ([]adminapi.Session, error) {
	all := ops.sessionsHere()
	if !ops.several() {
		return all, nil
	}
	ofNode(ops.o.Node, all)
	showAll(ctx, ops, askSessions, func(s adminapi.Session) uint64 { return s.ID }, func(n *Neighbour, s adminapi.Session) {
		s.Node = n.Name
		all = append(all, s)
	})
	slices.SortStableFunc(all, func(a, b adminapi.Session) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID)) })
	return all, nil
}

// sessionsHere are those of this node.
func (ops *Operators) sessionsHere() []adminapi.Session {
	all := []adminapi.Session{}
	for _, s := range ops.parts.SMSC.Sessions() {
		all = append(all, ops.session(s))
	}
	slices.SortFunc(all, func(a, b adminapi.Session) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func ofNode(name string, all []adminapi.Session) {
	for i := range all {
		all[i].Node = name
	}
}

// maxSessions is how many sessions go to another node at once.
const maxSessions = 2000

func (ops *Operators) sessionsAsked(_ context.Context, q page[uint64]) (paged[adminapi.Session], error) {
	all := ops.sessionsHere()
	all = all[sort.Search(len(all), func(i int) bool { return all[i].ID > q.After }):]
	return cutRows(all, maxSessions), nil
}

func (ops *Operators) session(s *session.Session) adminapi.Session {
	f := s.Facts()
	return adminapi.Session{ID: s.ID(), SystemID: f.SystemID, State: f.State.String(), Remote: s.RemoteAddr().String(), Version: versionName(s.Version()),
		Since: s.Opened(), TLS: f.TLS, Heard: f.Heard, Window: ops.parts.SMSC.Window(s), InFlight: f.InFlight, Submits: f.Submits, Refused: f.Refused,
		Delivers: f.Delivers, LastError: fault(f.Fault)}
}

// versionName writes an interface_version, "3.4" for 0x34; nothing before the bind.
func versionName(v byte) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d", v>>4, v&0x0F)
}

func fault(f session.Fault) adminapi.Text {
	switch {
	case f.At.IsZero():
		return adminapi.Text{}
	case f.Silent:
		return adminapi.Say("%s at %s was not answered in time", f.Command.String(), f.At)
	}
	return adminapi.Say("%s at %s was refused: %s", f.Command.String(), f.At, f.Status.String())
}

func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}

// sentences are what the SMPP side and the queue say in words, so that they can be translated.
var sentences = func() map[string]adminapi.Text {
	all := map[string]adminapi.Text{}
	for _, t := range []adminapi.Text{
		adminapi.Say("the password is wrong"),
		adminapi.Say("its sessions are bound already"),
		adminapi.Say("the client is disabled"),
		adminapi.Say("the client's bind_types do not allow it"),
		adminapi.Say("the client must bind with its system_type"),
		adminapi.Say("unbind by the client"),
		adminapi.Say("unbound by an operator"),
		adminapi.Say("the client closed the connection"),
		adminapi.Say("enquire_link was not answered"),
		adminapi.Say("inactivity timer"),
		adminapi.Say("unbind was not answered"),
		adminapi.Say("the client does not read"),
		adminapi.Say("silent while the client bound anew"),
		adminapi.Say("neither deliver_sm nor enquire_link was answered"),
		adminapi.Say("the message centre is stopping"),
		adminapi.Say("the client was disabled, or taken out of config.toml"),
		adminapi.Say("its validity is over"),
		adminapi.Say("cancelled"),
		adminapi.Say("cancelled by an operator"),
		adminapi.Say("cancelled while it was tried"),
		adminapi.Say("a restart ended its transaction"),
		adminapi.Say("the connection was closed before the answer"),
		adminapi.Say("no answer within the response timer"),
		adminapi.Say("the session is closed"),
	} {
		all[t.Format] = t
	}
	return all
}()

// saying is a reason in words: one of ours can be translated.
func saying(reason string) adminapi.Text {
	if t, ok := sentences[reason]; ok {
		return t
	}
	return adminapi.Verbatim(reason)
}

// receives tells whether one of the sessions can be written to.
func receives(sessions []*session.Session) bool {
	return slices.ContainsFunc(sessions, func(s *session.Session) bool { return s.State().Receives() })
}
