package smsc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
)

// What waits is at the worker that holds it, whichever the client is bound to. What changes it is asked of that one: a message that has
// moved meanwhile is looked for once more, and without an answer within askTime the request is void.

// askTime is how long other workers have for what a request asks of them.
const askTime = 2 * time.Second

// The requests that one worker makes of another.
const (
	AskCancel    = "cancel"           // one message
	AskCancelAll = "cancel all alike" // those of a conversation
	AskReplace   = "replace"          // the text of one
	AskSupersede = "supersede"        // one whose place another has taken, or which was cancelled on its way
	AskProbe     = "probe"            // a session: is anybody there?
)

// Asked are the requests that Answer answers.
var Asked = []string{AskCancel, AskCancelAll, AskReplace, AskSupersede, AskProbe}

// request is what one worker asks of another.
type request struct {
	ID      sms.ID       `json:",omitempty"`
	Reason  string       `json:",omitempty"`
	By      sms.ID       `json:",omitempty"`
	Client  string       `json:",omitempty"` // system_id
	Version byte         `json:",omitempty"` // of its session
	PDU     []byte       `json:",omitempty"` // a replace_sm
	Like    *sms.Message `json:",omitempty"`
	Session uint64       `json:",omitempty"`
}

// reply is what came of it.
type reply struct {
	Status smpp.Status `json:",omitempty"` // that refuses it
	Error  string      `json:",omitempty"`
	Detail string      `json:",omitempty"` // of errorTooMany
	N      int         `json:",omitempty"` // messages
	Missed []sms.ID    `json:",omitempty"` // messages that were being tried, where N is 0
	Gone   bool
}

const (
	errorNotWaiting = "not waiting"
	errorBeingTried = "being tried"
	errorTooMany    = "too many"
)

var errTooManyElsewhere = fmt.Errorf("at another worker: %w", sms.ErrTooMany)

func replyOf(err error) reply {
	var status smpp.Status
	switch {
	case err == nil:
		return reply{}
	case errors.Is(err, sms.ErrNotWaiting):
		return reply{Error: errorNotWaiting}
	case errors.Is(err, sms.ErrBeingTried):
		return reply{Error: errorBeingTried}
	case errors.Is(err, sms.ErrTooMany):
		return reply{Error: errorTooMany, Detail: strings.TrimPrefix(err.Error(), sms.ErrTooMany.Error()+": ")}
	case errors.As(err, &status):
		return reply{Status: status}
	}
	return reply{Error: err.Error()}
}

func (r reply) err() error {
	switch r.Error {
	case "":
		if r.Status != 0 {
			return r.Status
		}
		return nil
	case errorNotWaiting:
		return sms.ErrNotWaiting
	case errorBeingTried:
		return sms.ErrBeingTried
	case errorTooMany:
		return fmt.Errorf("%w: %s", errTooManyElsewhere, r.Detail)
	}
	return errors.New(r.Error)
}

// Answer does what another worker asks for.
func (sv *Server) Answer(ctx context.Context, what string, body []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	ctx = road.WithAnswer(ctx, changed)
	var answer reply
	switch what {
	case AskCancel:
		answer = replyOf(sv.here(ctx, r.ID, func() error { return sv.o.Queue.CancelBy(ctx, r.ID, r.Reason) }))
	case AskCancelAll:
		answer = sv.cancelAllHere(ctx, r.Like)
	case AskReplace:
		answer = replyOf(sv.here(ctx, r.ID, func() error { return sv.replaceHere(ctx, r) }))
	case AskSupersede:
		answer = replyOf(sv.here(ctx, r.ID, func() error { return sv.o.Queue.Supersede(ctx, r.ID, r.By) }))
	case AskProbe:
		answer.Gone = sv.probe(r.Session)
	default:
		return nil, fmt.Errorf("%q is nothing that this version does", what)
	}
	return json.Marshal(answer)
}

// changed answers what so many messages were changed for: it is on disk with the change.
func changed(n int) []byte { return fmt.Appendf(nil, `{"N":%d}`, n) }

// ask has another worker do something.
func (sv *Server) ask(ctx context.Context, of sms.Epoch, what string, r request) (reply, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return reply{}, err
	}
	answer, err := sv.o.Others.Ask(ctx, of, what, body)
	if errors.Is(err, sms.ErrUnavailable) { // it may be done
		return reply{}, fmt.Errorf("%w: %w", smpp.RSYSERR, err)
	}
	if err != nil { // nothing is done, also where its time was over
		return reply{}, fmt.Errorf("%w: %v", sms.ErrHeldElsewhere, err)
	}
	var got reply
	if err := json.Unmarshal(answer, &got); err != nil {
		return reply{}, fmt.Errorf("%w: %w", sms.ErrHeldElsewhere, err)
	}
	return got, nil
}

// here does something to a message that is said to wait here. One that was handed to this worker may have to be taken up first.
func (sv *Server) here(ctx context.Context, id sms.ID, do func() error) error {
	err := do()
	if sv.o.Others == nil || !errors.Is(err, sms.ErrNotWaiting) {
		return err
	}
	switch holder, waits, failed := sv.holder(ctx, id); {
	case failed != nil:
		return failed
	case !waits || holder != 0:
		return err
	}
	sv.takeIn(ctx)
	return do()
}

// holder tells whether a message waits, and at which other worker, 0 = here. The error means that this cannot be known now.
func (sv *Server) holder(ctx context.Context, id sms.ID) (at sms.Epoch, waits bool, err error) {
	switch m, err := sv.o.History.Get(ctx, id); {
	case errors.Is(err, sms.ErrUnknown):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("%w: %w", smpp.RSYSERR, err)
	default:
		return m.Holder, !m.State.Final(), nil
	}
}

// takeIn takes up what was handed to this worker. Where it fails, a request does without.
func (sv *Server) takeIn(ctx context.Context) {
	if err := sv.o.Others.TakeIn(ctx); err != nil {
		sv.o.Log.Debug().Err(err).Msg("what other workers have handed to this one cannot be looked for now")
	}
}

// atHolder does something to a message where it waits: here, or, where another worker holds it, there.
func (sv *Server) atHolder(ctx context.Context, id sms.ID, do func() error, what string, r request) error {
	within, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for again := true; ; again = false {
		err := sv.here(ctx, id, do)
		if sv.o.Others == nil || !errors.Is(err, sms.ErrNotWaiting) {
			return err
		}
		holder, waits, failed := sv.holder(ctx, id) // it may have come here, or gone from here, since
		switch {
		case failed != nil:
			return failed
		case !waits || holder == 0 && !again:
			return err
		case holder == 0:
			continue
		}
		answer, failed := sv.ask(within, holder, what, r)
		if failed != nil {
			return failed
		}
		if err = answer.err(); !errors.Is(err, sms.ErrNotWaiting) || !again {
			return err
		}
	}
}

// cancelAt is Queue.CancelBy, wherever the message waits.
func (sv *Server) cancelAt(ctx context.Context, m *sms.Message, reason string) error {
	return sv.atHolder(ctx, m.ID, func() error { return sv.o.Queue.CancelBy(ctx, m.ID, reason) }, AskCancel, request{ID: m.ID, Reason: reason})
}

// replaceAt gives a message another text, wherever it waits.
func (sv *Server) replaceAt(ctx context.Context, m *sms.Message, e translate.ESME, c *Client, r *smpp.ReplaceSM) error {
	here := func() error {
		return sv.o.Queue.Replace(ctx, m.ID, func(m *sms.Message) error { return e.Replace(m, r, time.Now()) })
	}
	asked := request{ID: m.ID, Client: c.SystemID, Version: e.Version}
	if sv.o.Others != nil {
		asked.PDU = smpp.AppendPDU(nil, smpp.ROK, 1, r)
	}
	return sv.atHolder(ctx, m.ID, here, AskReplace, asked)
}

// maxAsked bounds the PDU of a request of another worker.
const maxAsked = 70_000

func (sv *Server) replaceHere(ctx context.Context, r request) error {
	d := sv.directory.Load()
	c := d.byID[r.Client]
	if c == nil {
		return smpp.RREPLACEFAIL
	}
	h, octets, err := smpp.ReadPDU(bytes.NewReader(r.PDU), maxAsked)
	if err != nil {
		return err
	}
	pdu, err := smpp.Decode(h, octets)
	if err != nil {
		return err
	}
	replace, ok := pdu.(*smpp.ReplaceSM)
	if !ok {
		return smpp.RREPLACEFAIL
	}
	e := translate.ESME{Profile: &c.Profile, Texts: &d.Texts, Version: r.Version}
	return sv.o.Queue.Replace(ctx, r.ID, func(m *sms.Message) error { return e.Replace(m, replace, time.Now()) })
}

// cancelConversation is Queue.CancelConversation at all workers.
func (sv *Server) cancelConversation(ctx context.Context, like *sms.Message, done func(road.Cancelled, error)) {
	if sv.o.Others == nil {
		sv.o.Queue.CancelConversation(ctx, like, nil, done)
		return
	}
	sv.o.Queue.CancelConversation(ctx, like, func(ctx context.Context) (road.Cancelled, error) { return sv.cancelElsewhere(ctx, like) }, done)
}

const (
	// maxAlike is how many messages that wait elsewhere are looked through for who holds them.
	maxAlike = 10_000
	// maxMissed bounds what is told of those that were being tried.
	maxMissed = 1000
)

func (sv *Server) cancelElsewhere(ctx context.Context, like *sms.Message) (all road.Cancelled, err error) {
	within, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	asked, at := map[sms.Epoch]bool{}, map[sms.ID]sms.Epoch{}
	for {
		ms, err := sv.o.History.HeldElsewhere(within, like, maxAlike)
		if err != nil {
			return all, err
		}
		// Who was asked is asked again if it has what was at another worker when that was asked.
		who := map[sms.Epoch]bool{}
		for _, m := range ms {
			was, known := at[m.ID]
			who[m.Holder] = who[m.Holder] || !asked[m.Holder] || known && was != m.Holder
			at[m.ID] = m.Holder
		}
		maps.DeleteFunc(who, func(_ sms.Epoch, is bool) bool { return !is })
		if len(who) == 0 {
			break
		}
		maps.Copy(asked, who)
		if err := sv.cancelAllAt(within, who, like, &all); err != nil {
			return all, err
		}
	}
	// What has come here meanwhile is taken back here.
	if err := sv.o.Others.TakeIn(ctx); err != nil {
		return all, fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
	}
	return all, nil
}

// cancelAllAt has workers take back what they have of a conversation, all at the same time, and adds to all what that was.
func (sv *Server) cancelAllAt(ctx context.Context, who map[sms.Epoch]bool, like *sms.Message, all *road.Cancelled) (err error) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for e := range who {
		asking.Go(func() {
			answer, failed := sv.ask(ctx, e, AskCancelAll, request{Like: like})
			if failed == nil {
				failed = answer.err()
			}
			mu.Lock()
			defer mu.Unlock()
			if failed != nil {
				err = failed
				return
			}
			all.N, all.Missed = all.N+answer.N, append(all.Missed, answer.Missed...)
		})
	}
	asking.Wait()
	return err
}

func (sv *Server) cancelAllHere(ctx context.Context, like *sms.Message) reply {
	if like == nil {
		return reply{Status: smpp.RCANCELFAIL}
	}
	type end struct {
		road.Cancelled
		err error
	}
	ended := make(chan end, 1)
	if err := sv.o.Others.TakeIn(ctx); err != nil {
		return replyOf(fmt.Errorf("%w: %w", sms.ErrUnavailable, err))
	}
	sv.o.Queue.CancelConversation(ctx, like, nil, func(c road.Cancelled, err error) { ended <- end{c, err} })
	e := <-ended
	answer := replyOf(e.err)
	answer.N, answer.Missed = e.N, e.Missed[:min(len(e.Missed), maxMissed)]
	return answer
}

// addReplacing is Queue.AddReplacing at all workers. What waits elsewhere is taken back when m is on disk.
func (sv *Server) addReplacing(ctx context.Context, m *sms.Message, limit int, s road.Submission) error {
	if sv.o.Others == nil {
		return sv.o.Queue.AddReplacing(ctx, m, limit, s, nil)
	}
	return sv.o.Queue.AddReplacing(ctx, m, limit, s, func(ctx context.Context) (sms.ID, error) {
		defer sv.takeIn(ctx) // what comes here meanwhile is replaced here
		ms, err := sv.o.History.HeldElsewhere(ctx, m, maxAlike)
		for _, old := range ms {
			if old.ServiceType == m.ServiceType && old.Part == (sms.Part{}) && old.Kind == sms.KindText && !sv.superseded.has(old.ID) {
				return old.ID, err
			}
		}
		return 0, err
	})
}

// Supersede is Queue.Supersede, wherever the message waits. It returns at once, and says in the log what comes to nothing.
func (sv *Server) Supersede(id, by sms.ID) {
	sv.superseded.note(id)
	sv.asking.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), lookupTime)
		defer cancel()
		err := sv.atHolder(ctx, id, func() error { return sv.o.Queue.Supersede(ctx, id, by) }, AskSupersede, request{ID: id, By: by})
		if err != nil && !errors.Is(err, sms.ErrNotWaiting) {
			sv.o.Log.Warn().Uint64("message_id", uint64(id)).Uint64("replaced_by", uint64(by)).Err(err).
				Msg("a message that was cancelled, or that another one takes the place of (replace_if_present_flag), waits at another worker, and is not taken back")
		}
	})
}

// Settle waits until what Supersede began has ended, which takes lookupTime at most.
func (sv *Server) Settle() { sv.asking.Wait() }

// superseded are the messages whose place has been taken, as long as they may still be found waiting at another worker: the next one that replaces takes
// the place of another.
type superseded struct {
	mu   sync.Mutex
	at   map[sms.ID]time.Time
	next time.Time // when to look for old ones
}

const (
	// supersededFor outlasts the try that may be under way.
	supersededFor = 5 * time.Minute
	// mostSuperseded bounds them: beyond it, who replaces one that is being tried elsewhere replaces it again.
	mostSuperseded = 10_000
)

func (s *superseded) note(id sms.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.at == nil {
		s.at = map[sms.ID]time.Time{}
	}
	if now.After(s.next) {
		maps.DeleteFunc(s.at, func(_ sms.ID, at time.Time) bool { return now.Sub(at) > supersededFor })
		s.next = now.Add(supersededFor / 10)
	}
	if len(s.at) < mostSuperseded {
		s.at[id] = now
	}
}

func (s *superseded) has(id sms.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, has := s.at[id]
	return has
}

// probe looks whether somebody is at the other end of a session, whose place another worker needs, and closes it where nobody answers.
func (sv *Server) probe(number uint64) (gone bool) {
	p := sv.registry.holder(number)
	return p == nil || sv.registry.dropSilent([]*peer{p})
}

// Displaced unbinds a session whose place another one has, at another worker.
func (sv *Server) Displaced(number uint64) {
	for _, s := range sv.doors.Sessions() {
		if s.ID() == number {
			s.Unbind(errPlaceLost)
		}
	}
}

// BreakOff has no more of what sessions were given sent: another worker may have it. Of a text under way no more parts are sent.
func (sv *Server) BreakOff() {
	var all []*peer
	r := &sv.registry
	r.mu.RLock()
	for _, a := range r.accounts {
		all = append(all, a.sessions...)
	}
	r.mu.RUnlock()
	for _, p := range all {
		p.sender.breakOff(sms.Outcome{Reason: "what this worker holds may be another worker's"})
	}
}

// Away unbinds all clients, whose requests cannot be served: they may find another worker.
func (sv *Server) Away() {
	for _, s := range sv.doors.Sessions() {
		s.Unbind(errAway)
	}
}

var errPlaceLost = errors.New("another session of the client has its place, at another server")

var errAway = errors.New("the store has been out of reach for too long: another server may be reached")
