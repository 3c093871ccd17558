package hermes

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/sms"
)

// sink is where a line's answer goes, once, and then its event.
type sink interface {
	from() loglimit.Peer
	remote() string // host:port, or "operator"
	answer(line []byte)
	event(line []byte)
}

// submit takes a line in. Its answer comes once, now or when the message is on disk.
func (p *Port) submit(ctx context.Context, raw []byte, tokenAsked bool, to sink) {
	var (
		l         = &line{}
		m         *sms.Message
		limit     int
		code, why string
	)
	fault := guard.Do(func() { l, m, limit, code, why = p.read(ctx, raw, tokenAsked, to.from(), to.remote()) })
	if fault != nil {
		p.limited.Line(zerolog.ErrorLevel, lineFault, to.from()).Err(fault).Str("stack", fault.Stack).Msg(lineFault.Text)
		guard.Do(func() { l.ID.echo = readID(raw) })
		code, why = codeBadRequest, "the line brought about a fault of the server, see its log"
	}
	reject := func(code, why string) {
		p.noteRejected(to, code, l.ID.text, why)
		to.answer(appendRejected(nil, l.ID.echo, code, why))
	}
	switch {
	case code != "" && l.whole && code != codeStoreUnavailable && l.ID.text != "":
		p.o.Queue.Known(l.ID.text, func(id sms.ID, err error) { // it was taken when there was a client for it
			switch s := (submission{port: p, to: to, echo: l.ID.echo}); {
			case err != nil:
				reject(codeStoreUnavailable, storeAway)
			case id == 0:
				reject(code, why)
			default:
				s.Accepted(&sms.Message{ID: id, ExternalID: l.ID.text}, true, nil)
			}
		})
		return
	case code != "":
		reject(code, why)
		return
	}
	switch err := p.o.Queue.Add(m, limit, &submission{port: p, to: to, echo: l.ID.echo, status: l.Status}); {
	case errors.Is(err, sms.ErrQueueFull):
		reject(codeQueueFull, queueFull(m))
	case err != nil:
		reject(codeStoreUnavailable, err.Error())
	}
}

const storeAway = "the store is not available, try again later"

func (p *Port) noteRejected(to sink, code, id, why string) {
	p.remember(to.from(), code, id, why)
	p.limited.Warn(lineRejected.As(code), to.from()).Str("peer", to.remote()).Str("id", excerpt([]byte(id))).Str("code", code).Str("reason", excerpt([]byte(why))).Msg(lineRejected.Text)
}

// remember keeps for operators why a line was rejected.
func (p *Port) remember(from loglimit.Peer, code, id, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.note(Rejection{At: time.Now(), From: addressOf(from), Code: code, ID: excerpt([]byte(id)), Why: excerpt([]byte(why))})
}

func addressOf(from loglimit.Peer) string {
	if !from.Addr.IsValid() {
		return ""
	}
	return from.Addr.String()
}

func queueFull(m *sms.Message) string {
	return "client " + m.Recipient + " has too many undelivered messages"
}

// read makes a message of a line, and tells how many its client may have; or the code with which the line is rejected, and why.
func (p *Port) read(ctx context.Context, raw []byte, tokenAsked bool, from loglimit.Peer, remote string) (l *line, m *sms.Message, limit int, code, why string) {
	p.mu.Lock()
	token, validity := p.token, p.validity
	now := time.Now()
	p.seen.last = now
	p.mu.Unlock()
	l, err := parseLine(raw, validity) // never nil
	switch {
	case tokenAsked && l.isObject && !fits(l.Token, token):
		return l, nil, 0, codeUnauthorized, "token: missing or wrong"
	case err != nil:
		return l, nil, 0, codeBadRequest, err.Error()
	}
	l.whole = true
	r, err := p.o.Clients.Route(ctx, l.From, l.To, l.Client)
	switch {
	case errors.Is(err, sms.ErrNoClient):
		return l, nil, 0, codeNoClient, err.Error()
	case errors.Is(err, sms.ErrAddress):
		return l, nil, 0, codeBadRequest, err.Error()
	case err != nil:
		p.limited.Line(zerolog.ErrorLevel, noRoute, from).Err(err).Msg(noRoute.Text)
		return l, nil, 0, codeStoreUnavailable, storeAway
	}
	m = &sms.Message{
		Submitter: sms.Hermes, Recipient: r.Recipient, Source: r.Source, Dest: r.Dest,
		Alphabet: l.alphabet, Content: l.content, ExternalID: l.ID.text,
		ReceivedAt: now, DueAt: now, ExpiresAt: now.Add(l.validity), Period: true, State: sms.Enroute,
	}
	m.Accepted.Remote = remote
	if l.Status {
		m.RegisteredDelivery = 1 // 5.2.17: of every final state
	}
	if err := p.o.Clients.Fits(m); err != nil {
		return l, nil, 0, codeBadRequest, err.Error()
	}
	return l, m, r.MaxQueued, "", ""
}

// fits takes as long for any wrong token. "" wants none.
func fits(token, want string) bool {
	if want == "" {
		return true
	}
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// submission implements road.Submission for one line.
type submission struct {
	port   *Port
	to     sink
	echo   []byte // of the line's id
	status bool   // an event was asked for
	id     sms.ID
}

func (s *submission) Accepted(m *sms.Message, duplicate bool, err error) {
	switch {
	case errors.Is(err, sms.ErrQueueFull):
		s.port.noteRejected(s.to, codeQueueFull, m.ExternalID, queueFull(m))
		s.to.answer(appendRejected(nil, s.echo, codeQueueFull, queueFull(m)))
		return
	case err != nil:
		s.to.answer(appendRejected(nil, s.echo, codeStoreUnavailable, storeAway))
		return
	}
	s.port.mu.Lock()
	s.port.seen.accepted++
	s.port.mu.Unlock()
	s.id = m.ID
	if c, ok := s.to.(*connection); ok {
		c.accepted(s.status && !duplicate)
	}
	s.to.answer(appendAccepted(nil, s.echo, m.ID, duplicate))
}

// Awaits implements road.Submission.
func (s *submission) Awaits() bool { return s.status }

func (s *submission) Concluded(m *sms.Message, o sms.Outcome) {
	if s.status {
		s.to.event(appendEvent(nil, s.echo, s.id, o.FinalState(), m.FinalAt))
	}
}

func (s *submission) Answered() (session uint64, since time.Time, ok bool) {
	return 0, time.Time{}, false
}

// Submit takes one line in as the port does, for an operator who was let in elsewhere: no token is asked.
// It returns the answer, a line, when the message is on disk or rejected.
func (p *Port) Submit(ctx context.Context, line []byte) ([]byte, error) {
	if len(line) > maxLine {
		return appendRejected(nil, readID(line), codeBadRequest, "a line is longer than 65536 octets"), nil
	}
	one := make(single, 1)
	p.submit(ctx, line, false, one)
	select {
	case answer := <-one:
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// single takes one answer.
type single chan []byte

func (s single) answer(line []byte) { s <- line }

func (s single) event([]byte) {}

func (s single) remote() string { return "operator" }

// from implements sink: an operator's request has no connection here.
func (s single) from() loglimit.Peer { return loglimit.Peer{} }
