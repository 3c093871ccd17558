package alerts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Notice is what somebody is told: the body of a webhook, in JSON, and what a mail is made of. It holds no text of a message.
type Notice struct {
	Source string    `json:"source"` // the name of this program
	Node   string    `json:"node"`
	Kind   Kind      `json:"kind"`
	Alert  When      `json:"alert,omitempty"`
	Limit  string    `json:"limit,omitempty"`
	About  []string  `json:"about,omitempty"` // clients
	Since  time.Time `json:"since,omitzero"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"` // in English; many chats show it
}

// Kind is what a Notice says.
type Kind string

const (
	KindNotice   Kind = "notice"   // something needs attention
	KindRecovery Kind = "recovery" // it does not any more
	KindTest     Kind = "test"
)

const source = "HNET SMPP Serv"

// notice says what holds, or is over.
func (a *Alerts) notice(r *Rule, k Kind, findings []finding, now time.Time) Notice {
	slices.SortFunc(findings, func(a, b finding) int { return strings.Compare(a.about, b.about) })
	n := Notice{Source: source, Node: a.o.Node, Kind: k, Alert: r.When, Limit: r.Limit, At: now}
	var lines []string
	for i, f := range findings {
		if n.Since.IsZero() || f.since.Before(n.Since) {
			n.Since = f.since
		}
		if i >= maxNamed {
			continue
		}
		if f.about != "" {
			n.About = append(n.About, f.about)
		}
		lines = append(lines, f.text)
	}
	if k == KindRecovery {
		lines = []string{recovered(r, n.About)}
	}
	if more := len(findings) - maxNamed; more > 0 {
		lines = append(lines, fmt.Sprintf("%d more clients are in the same state.", more))
	}
	n.Text = strings.Join(lines, "\n")
	return n
}

func recovered(r *Rule, about []string) string {
	switch r.When {
	case HermesSilent:
		return "Hermès takes messages again."
	case ClientUnbound:
		return strings.Join(about, ", ") + ": bound again, or nothing waits any more."
	case OldestWaiting:
		return "No message" + forWhom(r.Client) + " waits for so long any more (" + r.Limit + ")."
	case Waiting:
		return "No more than " + r.Limit + " messages wait" + forWhom(r.Client) + " any more."
	}
	return "There is more than " + r.Limit + " free again where the database is."
}

// receiversOf names those who are told by a rule: an address each of a webhook, or of all mails of the rule.
func receiversOf(r *Rule) (all []string) {
	if r.Webhook != "" {
		all = append(all, r.Webhook)
	}
	if len(r.Email) > 0 {
		all = append(all, "mailto:"+strings.Join(r.Email, ","))
	}
	return all
}

// receiver is somebody, with what is to be told, in its order. Alerts' mu guards it but for send.
type receiver struct {
	to    string
	rule  Rule
	mail  Mail
	queue []delivery
	busy  bool
}

type delivery struct {
	notice Notice
	done   func() // under mu, when it was told or given up; may be nil
}

const (
	// maxQueue is how much may be told late; beyond, the oldest is left out.
	maxQueue = 20
	sendTime = 20 * time.Second
)

// pauses are the waits between the tries to tell something.
var pauses = [...]time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}

// tell hands a notice to everybody of a rule; done is called under mu when all were told or given up. The caller holds mu.
func (a *Alerts) tell(r *Rule, n Notice, done func()) {
	all := receiversOf(r)
	left := len(all)
	one := func() {
		if left--; left == 0 && done != nil {
			done()
		}
	}
	a.o.Log.Info().Str("alert", string(r.When)).Str("kind", string(n.Kind)).Str("text", n.Text).Msg("alert")
	for _, to := range all {
		rec := a.receivers[to]
		if rec == nil {
			rec = &receiver{to: to}
			a.receivers[to] = rec
		}
		rec.rule, rec.mail = *r, a.settings.Mail
		if len(rec.queue) >= maxQueue {
			a.o.Log.Warn().Str("receiver", rec.name()).Msg("an alert is left out: too many could not be told")
			rec.queue[0].end()
			rec.queue = slices.Delete(rec.queue, 0, 1)
		}
		rec.queue = append(rec.queue, delivery{n, one})
		if !rec.busy {
			rec.busy = true
			go a.deliver(a.stopped, rec)
		}
	}
}

func (d *delivery) end() {
	if d.done != nil {
		d.done()
	}
}

// deliver tells what is in a receiver's queue, until that is empty.
func (a *Alerts) deliver(ctx context.Context, rec *receiver) {
	for {
		a.mu.Lock()
		if len(rec.queue) == 0 || ctx.Err() != nil {
			rec.busy = false
			if len(rec.queue) == 0 {
				delete(a.receivers, rec.to)
			}
			a.mu.Unlock()
			return
		}
		d := rec.queue[0]
		rec.queue = slices.Delete(rec.queue, 0, 1)
		a.mu.Unlock()
		if !a.insist(ctx, rec, d.notice) {
			continue // the server stops: it is told after the next start
		}
		a.mu.Lock()
		d.end()
		a.mu.Unlock()
	}
}

// insist tries again until it has told the notice, or gives up; false = ctx ended before.
func (a *Alerts) insist(ctx context.Context, rec *receiver, n Notice) bool {
	for try := 0; ; try++ {
		a.mu.Lock()
		one := receiver{to: rec.to, rule: rec.rule, mail: rec.mail}
		a.mu.Unlock()
		within, cancel := context.WithTimeout(ctx, sendTime)
		final, err := a.send(within, &one, n)
		cancel()
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case final || try >= len(pauses):
			a.o.Log.Error().Err(err).Str("receiver", one.name()).Msg("an alert could not be told, and is given up")
			return true
		case try == 0:
			a.o.Log.Warn().Err(err).Str("receiver", one.name()).Msg("an alert could not be told, and is tried again")
		}
		t := time.NewTimer(pauses[try])
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return false
		}
	}
}

// name is what the log may tell of the receiver: the path of a webhook may be a secret.
func (r *receiver) name() string {
	if mailto, ok := strings.CutPrefix(r.to, "mailto:"); ok {
		return "mail to " + strings.ReplaceAll(mailto, ",", ", ")
	}
	if u, err := url.Parse(r.to); err == nil {
		return "webhook of " + u.Host
	}
	return "webhook"
}

// send tells a notice once. final = another try would not help.
func send(ctx context.Context, r *receiver, n Notice) (final bool, err error) {
	if strings.HasPrefix(r.to, "mailto:") {
		return sendMail(ctx, &r.mail, r.rule.Email, n)
	}
	return post(ctx, r.to, n)
}

// maxAnswer is how much of a webhook's answer is read.
const maxAnswer = 64 << 10

func post(ctx context.Context, to string, n Notice) (final bool, err error) {
	body, err := json.Marshal(n)
	if err != nil {
		return true, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return true, errors.New("its address is none")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "smppserv")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req.Close = true // there is nothing more to say for a long time
	resp, err := client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // which tells the address
			err = wrapped.Err
		}
		return false, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return false, nil
	case code/100 == 5, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests:
		return false, fmt.Errorf("it answered %s", resp.Status)
	default:
		return true, fmt.Errorf("it answered %s", resp.Status)
	}
}

func sendMail(ctx context.Context, m *Mail, to []string, n Notice) (final bool, err error) {
	message := mail.NewMsg()
	if err := errors.Join(message.From(m.From), message.To(to...)); err != nil {
		return true, err
	}
	message.Subject(subject(n))
	message.SetDateWithValue(n.At)
	message.SetMessageID()
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(mail.TypeTextPlain, mailText(n))
	options := []mail.Option{mail.WithPort(m.Port), mail.WithTimeout(sendTime)}
	switch m.Security {
	case STARTTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case ImplicitTLS:
		options = append(options, mail.WithSSL())
	case NoTLS:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if m.TLS != nil {
		options = append(options, mail.WithTLSConfig(m.TLS))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.Password))
	}
	c, err := mail.NewClient(m.Server, options...)
	if err != nil {
		return true, err
	}
	if err := c.DialAndSendWithContext(ctx, message); err != nil {
		fault, ok := errors.AsType[*mail.SendError](err)
		return ok && !fault.IsTemp() && fault.ErrorCode() >= 500, err
	}
	return false, nil
}

func subject(n Notice) string {
	first, _, _ := strings.Cut(n.Text, "\n")
	return "[" + n.Node + "] " + first
}

func mailText(n Notice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nServer: %s (%s)\nTime: %s\n", n.Text, n.Node, n.Source, clock(n.At))
	if n.Alert != "" {
		fmt.Fprintf(&b, "Alert: %s, limit %s, %s\nSince: %s\n", n.Alert, n.Limit, n.Kind, clock(n.Since))
	}
	if n.Kind == KindNotice {
		fmt.Fprint(&b, "\nWhat to do: smppserv status on that machine, or its page, tells why, and what helps.\n")
	}
	return b.String()
}
