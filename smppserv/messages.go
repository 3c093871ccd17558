package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
	"hnetsmpp/pkg/table"
)

type messagesCommand struct {
	Asking
	Client    string `help:"Of this client: it submitted them, or is to have them."`
	Number    string `help:"Of this person's number, or of those that begin so: 336*."`
	Campaign  string `help:"Of this number of the contact centre's side."`
	State     string `enum:",SCHEDULED,ENROUTE,DELIVERED,EXPIRED,DELETED,UNDELIVERABLE,REJECTED,waiting,failed" default:"" help:"In this state of SMPP; waiting: in no final one; failed: in one that nobody wished for."`
	Direction string `enum:",in,out" default:"" help:"in: to Hermès; out: to a client."`
	Kind      string `enum:",text,receipt" default:"" help:"text or receipt."`
	From      when   `placeholder:"TIME" help:"Accepted from then on: 2026-11-23, 2026-11-23T10:05, 10:05 (today), today, yesterday, or how long ago: 90m, 3d."`
	To        when   `placeholder:"TIME" help:"Accepted before then."`
	Limit     int    `default:"100" help:"At most so many, the newest first."`
	Cursor    string `help:"Go on where an answer ended, with its \"next\"."`
}

// Run lists messages, as many pages as it takes.
func (k messagesCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	if k.Limit < 1 {
		return &commandline.Error{Code: commandline.ExitUsage, Err: errors.New("--limit is at least 1")}
	}
	s, err := k.find(ctx, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	search := adminapi.Search{Client: k.Client, Number: k.Number, Campaign: k.Campaign, State: k.State, Direction: k.Direction, Kind: k.Kind,
		From: k.From.Time, To: k.To.Time, Cursor: k.Cursor}
	found := adminapi.Page{Messages: []adminapi.Message{}}
	var progress atomic.Value
	progress.Store("searching")
	err = s.patiently(ctx, func() string { return progress.Load().(string) }, func(ctx context.Context) error {
		for {
			search.Limit = min(k.Limit-len(found.Messages), adminapi.MaxLimit)
			page, err := s.Messages(ctx, search)
			if err != nil {
				return err
			}
			found.Messages = append(found.Messages, page.Messages...)
			found.Next, found.SearchedTo = page.Next, page.SearchedTo
			if page.Next == "" || len(found.Messages) >= k.Limit || page.Next == search.Cursor {
				return nil
			}
			search.Cursor = page.Next
			looked := page.SearchedTo
			if n := len(page.Messages); looked.IsZero() && n > 0 {
				looked = page.Messages[n-1].Received
			}
			progress.Store(fmt.Sprintf("%d found, searched back to %s", len(found.Messages), clock(looked)))
		}
	})
	if err != nil {
		return err
	}
	if k.JSON {
		return s.json(found)
	}
	if err := s.messages(found.Messages, "no message is found"); err != nil {
		return err
	}
	if found.Next != "" {
		fmt.Fprintf(c.Stderr, "There are more: --limit shows them, or --cursor %s goes on here.\n", found.Next)
	}
	return nil
}

// messages writes a table of them.
func (s *server) messages(all []adminapi.Message, none string) error {
	t := table.New(table.Column{Name: "ID", Right: true}, table.Column{Name: "RECEIVED"}, table.Column{Name: "KIND"}, table.Column{Name: "FROM"}, table.Column{Name: "TO"},
		table.Column{Name: "BY"}, table.Column{Name: "FOR"}, table.Column{Name: "STATE"}, table.Column{Name: "PART"}, table.Column{Name: "TRIES", Right: true},
		table.Column{Name: "NEXT"}, table.Column{Name: "WHY", Flexible: true})
	for _, m := range all {
		t.Add(m.ID, clock(m.Received), m.Kind, m.From, m.To, m.Submitter, m.Recipient, m.State, m.Part, count(m.Tries), clock(m.Next), m.Reason.String())
	}
	return s.show(t, none)
}

type messageCommand struct {
	Asking
	ID   string `arg:"" name:"id" help:"Its message_id."`
	Text bool   `help:"Show its text too, which leaves an entry in the audit."`
}

func (k messageCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) (adminapi.Detail, error) {
		return r.Message(ctx, k.ID, k.Text)
	}, sayMessage)
}

func sayMessage(s *server, m adminapi.Detail) error {
	reason := m.Reason.String()
	if m.Error != 0 {
		reason = strings.TrimSuffix(fmt.Sprintf("%d: %s", m.Error, reason), ": ")
	}
	err := s.facts("message", m.ID+", "+m.Kind+" from "+m.From+" to "+m.To, "by", m.Submitter, "for", m.Recipient, "state", strings.TrimSpace(m.State+" "+clock(m.Final)), "why", m.Why.String(),
		"last try", reason, "received", clock(m.Received), "next try", clock(m.Next), "expires", clock(m.Expires), "part", m.Part, "about", m.Of, "known as", m.KnownBy,
		"id of Hermès", m.ExternalID, "key", m.PushKey, "octets", strconv.Itoa(m.Octets), "node", m.Node, "it can be", can(m.Can))
	if err != nil {
		return err
	}
	steps := table.New(table.Column{Name: "TIME"}, table.Column{Name: "WHAT"}, table.Column{Name: "THROUGH"}, table.Column{Name: "CODE", Right: true}, table.Column{Name: "TOOK", Right: true}, table.Column{Name: "ANSWER", Flexible: true})
	for _, e := range m.Timeline {
		at, took := "", ""
		if !e.At.IsZero() {
			at = e.At.Local().Format("2006-01-02 15:04:05.000")
		}
		if e.Took > 0 {
			took = milliseconds(e.Took)
		}
		steps.Add(at, e.Kind, e.Through, count(e.Code), took, strings.TrimSpace(e.Text.String()+" "+e.ID))
	}
	fields := table.New(table.Column{Name: "FIELD"}, table.Column{Name: "VALUE"}, table.Column{Name: "MEANS", Flexible: true})
	for _, f := range m.Fields {
		fields.Add(f.Name, f.Value, f.Means)
	}
	for _, t := range []*table.Table{steps, fields} {
		if t.Len() > 0 && err == nil {
			fmt.Fprintln(s.Stdout)
			err = t.Write(s.Stdout, s.width)
		}
	}
	for _, list := range []struct {
		name string
		all  []adminapi.Message
	}{{"Receipts:", m.Receipts}, {"Other parts of its text:", m.Parts}} {
		if len(list.all) > 0 && err == nil {
			fmt.Fprintf(s.Stdout, "\n%s\n", list.name)
			err = s.messages(list.all, "")
		}
	}
	if err == nil && m.Text != nil {
		fmt.Fprintln(s.Stdout, "\nText:")
		for part := range strings.Lines(*m.Text) {
			err = cmp.Or(err, s.say("%s", strings.TrimRight(part, "\r\n")))
		}
	}
	if err == nil && len(m.Data) > 0 {
		fmt.Fprintln(s.Stdout, "\nOctets:")
		err = s.say("% x", m.Data)
	}
	return err
}

// can names what may be done with a message.
func can(actions []string) string {
	words := map[string]string{"retry": "retried (retry)", "cancel": "cancelled (cancel)", "send-again": "sent again (send-again)"}
	var all []string
	for _, a := range actions {
		all = append(all, cmp.Or(words[a], a))
	}
	return strings.Join(all, ", ")
}

// milliseconds are those of a wire, as people read them.
func milliseconds(ms float64) string {
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return adminapi.Duration(time.Duration(ms * float64(time.Millisecond)))
}

type waitingCommand struct{ Asking }

func (k waitingCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return ask(ctx, k.Asking, line, c, func(ctx context.Context, r *adminapi.Remote) ([]adminapi.Waiting, error) { return r.Waiting(ctx) }, sayWaiting)
}

func sayWaiting(s *server, all []adminapi.Waiting) error {
	t := table.New(table.Column{Name: "FOR"}, table.Column{Name: "WAITING", Right: true}, table.Column{Name: "TEXTS", Right: true}, table.Column{Name: "RECEIPTS", Right: true}, table.Column{Name: "TRIED", Right: true},
		table.Column{Name: "SCHEDULED", Right: true}, table.Column{Name: "OLDEST", Right: true}, table.Column{Name: "ITS ID", Right: true}, table.Column{Name: "NEXT"}, table.Column{Name: "WHY", Flexible: true})
	for _, w := range all {
		t.Add(w.Recipient, count(w.Count), count(w.Texts), count(w.Receipts), count(w.InFlight), count(w.Scheduled), age(w.Oldest), w.OldestID, clock(w.Next), w.Why.String()+atNodes(w.Nodes))
	}
	return s.show(t, "nothing waits")
}

// Each is the messages that an action is for.
type Each struct {
	Asking
	IDs []string `arg:"" name:"id" help:"The message_id, of one or several messages."`
}

// act does something to each message. One that is refused does not stop the others.
func (k Each) act(ctx context.Context, line *commandLine, c *commandline.Console, do func(*adminapi.Remote, context.Context, string) (adminapi.Done, error), otherwise func(id string, d adminapi.Done) string) error {
	s, err := k.find(ctx, line, c)
	if err != nil {
		return err
	}
	defer s.Close()
	failed := 0
	for i, id := range k.IDs {
		var d adminapi.Done
		err := s.patiently(ctx, func() string { return fmt.Sprintf("message %s, %d of %d", table.Plain(id), i+1, len(k.IDs)) }, func(ctx context.Context) (err error) {
			d, err = do(s.Remote, ctx, id)
			return err
		})
		_, refused := errors.AsType[*adminapi.Refusal](err)
		switch {
		case err != nil && len(k.IDs) > 1 && refused:
			failed++
			fmt.Fprintf(c.Stderr, "%s: %s\n", table.Plain(id), table.Plain(err.Error()))
			continue
		case err != nil:
			return err
		case k.JSON:
			err = s.json(d)
		default:
			err = s.done(d, otherwise(id, d))
		}
		if err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d messages were refused", failed, len(k.IDs))
	}
	return nil
}

type retryCommand struct{ Each }

func (k retryCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return k.act(ctx, line, c, (*adminapi.Remote).Retry, func(id string, _ adminapi.Done) string { return id + " is tried now" })
}

type cancelCommand struct{ Each }

func (k cancelCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return k.act(ctx, line, c, (*adminapi.Remote).Cancel, func(id string, _ adminapi.Done) string { return id + " is cancelled" })
}

type sendAgainCommand struct{ Each }

func (k sendAgainCommand) Run(ctx context.Context, line *commandLine, c *commandline.Console) error {
	return k.act(ctx, line, c, (*adminapi.Remote).SendAgain, func(id string, d adminapi.Done) string { return id + " is sent again as " + d.ID })
}
