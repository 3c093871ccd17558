// Package pagetest is a server that operators see without there being one: a Fake with clients, messages and events of a
// working day, and what serves a page over it.
package pagetest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
)

// Fake implements admin.Operators. Its fields may be changed between calls, under Lock.
type Fake struct {
	sync.Mutex
	Now       time.Time // what it calls now
	Calm      bool      // nothing needs attention
	Empty     bool      // nothing has come yet
	Fault     error     // of each call that reads
	All       []adminapi.Client
	Stored    []adminapi.Detail // newest first
	Lines     []adminapi.LogLine
	Done      []adminapi.AuditEntry // newest first
	Several   bool                  // three nodes share the store, of which one does not answer; see Share
	Hostile   string                // a name and a text from somebody who means harm; "" = none
	next      int
	listeners map[chan []string]bool
	texts     map[string]string
}

// New makes a Fake that stands at a time.
func New(now time.Time) *Fake {
	f := &Fake{Now: now, next: 1100, listeners: map[chan []string]bool{}, texts: map[string]string{}}
	f.All = f.clients()
	f.Stored = f.messages()
	f.Lines = f.lines()
	f.Done = f.deeds()
	return f
}

// Changed tells all listeners of topics.
func (f *Fake) Changed(topics ...string) {
	f.Lock()
	defer f.Unlock()
	for c := range f.listeners {
		select {
		case c <- topics:
		default:
		}
	}
}

// Changes implements admin.Operators.
func (f *Fake) Changes(ctx context.Context) <-chan []string {
	c := make(chan []string, 16)
	f.Lock()
	f.listeners[c] = true
	f.Unlock()
	context.AfterFunc(ctx, func() {
		f.Lock()
		defer f.Unlock()
		delete(f.listeners, c)
		close(c)
	})
	return c
}

func (f *Fake) ago(d time.Duration) time.Time { return f.Now.Add(-d) }

// Status implements admin.Operators.
func (f *Fake) Status(ctx context.Context) (adminapi.Status, error) {
	f.Lock()
	defer f.Unlock()
	if f.Fault != nil {
		return adminapi.Status{}, f.Fault
	}
	silent := f.ago(12 * time.Minute)
	s := adminapi.Status{Node: "SRV-SMS-01", Version: "2.0.0", Started: f.ago(76 * time.Hour), Now: f.Now, Mode: "vocalcom", Ready: true,
		Parts: []adminapi.Part{
			{Name: adminapi.PartSMPP, Level: adminapi.Good, Since: f.ago(76 * time.Hour), Text: adminapi.Say("listening on %s; %d of %d clients are bound", ":2346", 3, 5), Figures: map[string]int64{"bound": 3, "configured": 5}},
			{Name: adminapi.PartHermes, Level: adminapi.Bad, Since: silent, Text: adminapi.Say("Hermès does not take messages since %s: %s. It is probed again at %s", silent, adminapi.Verbatim("connection refused"), f.Now.Add(41*time.Second)), Figures: map[string]int64{"window": 32, "in_flight": 4}},
			{Name: adminapi.PartTCP, Level: adminapi.Good, Since: f.ago(76 * time.Hour), Text: adminapi.Say("listening on %s; %d connections", ":18182", 2), Figures: map[string]int64{"connections": 2}},
			{Name: adminapi.PartStore, Level: adminapi.Good, Since: f.ago(76 * time.Hour), Text: adminapi.Say("messages are written to disk"), Figures: map[string]int64{"database": 4_812_000_000, "log": 12_400_000}},
			{Name: adminapi.PartDisk, Level: adminapi.Good, Since: f.ago(76 * time.Hour), Text: adminapi.Say("%s are free; the database has %s", adminapi.Size(81_200_000_000), adminapi.Size(4_812_000_000)), Figures: map[string]int64{"disk_free": 81_200_000_000}},
			{Name: adminapi.PartConfiguration, Level: adminapi.Warning, Since: f.ago(2 * time.Hour), Text: adminapi.Say("changes wait for a restart: %s", "server.listen_port"), Figures: map[string]int64{"pending": 1}},
		},
		Attention: []adminapi.Notice{
			{Code: "hermes_silent", Level: adminapi.Bad, Since: silent, Link: "/messages?state=waiting&direction=in",
				Text: adminapi.Say("Hermès does not take messages since %s: %s. It is probed again at %s", silent, adminapi.Verbatim("connection refused"), f.Now.Add(41*time.Second)),
				ToDo: adminapi.Say("see whether Hermès runs and hermes.url leads to it; what waits goes by itself when it answers")},
			{Code: "client_unbound", About: "boutique", Level: adminapi.Warning, Since: f.ago(115 * time.Minute), Link: "/clients/boutique",
				Text: adminapi.Say("%d messages wait for %s: %s", 7, "boutique", notBound(f.ago(115*time.Minute))),
				ToDo: adminapi.Say("see why the client does not bind: its events tell what the server saw of it")},
			{Code: "shipped_password", About: "clients[1].password", Level: adminapi.Warning, Link: "/settings", Text: adminapi.Say("a client has the password that the program is shipped with, which everybody knows"), ToDo: adminapi.Say("change %s in config.toml, and in the client", "clients[1].password")},
		},
		Load:  adminapi.Load{Waiting: 52, Texts: 47, Receipts: 5, InFlight: 4, Oldest: silent, Sessions: 4},
		Today: adminapi.Counts{Submitted: 12_483, Delivered: 12_301, Failed: 41, Deleted: 3, Receipts: 9_120, Parts: 13_020},
	}
	if f.Calm || f.Empty {
		s.Attention = []adminapi.Notice{}
		s.Parts[1].Level, s.Parts[1].Text = adminapi.Good, adminapi.Say("Hermès answers")
		s.Parts[5].Level, s.Parts[5].Text = adminapi.Good, adminapi.Say("config.toml is in force as it is")
		s.Parts[5].Figures = nil
		s.Load = adminapi.Load{Sessions: 4}
	}
	if f.Empty {
		s.Today = adminapi.Counts{}
	}
	if f.Several {
		s.Nodes = f.nodes()
		s.Lacks = []adminapi.Text{missing}
		adminapi.NoteLack(ctx, missing)
		if !f.Calm && !f.Empty {
			s.Attention = append(s.Attention, adminapi.Notice{Code: "node_silent", About: "SRV-SMS-03", Level: adminapi.Warning, Since: f.ago(5 * time.Second), Link: "/nodes",
				Text: adminapi.Say("the node %s has not renewed its lease for %s", "SRV-SMS-03", 5*time.Second),
				ToDo: adminapi.Say("see whether its machine runs and reaches the database; what it holds is taken over when its lease of %s is over", 10*time.Second)})
		}
	}
	return s, nil
}

// Nodes implements admin.Operators.
func (f *Fake) Nodes(context.Context) ([]adminapi.Node, error) {
	f.Lock()
	defer f.Unlock()
	return f.nodes(), nil
}

// Clients implements admin.Operators.
func (f *Fake) Clients(context.Context) ([]adminapi.Client, error) {
	f.Lock()
	defer f.Unlock()
	if f.Empty {
		return []adminapi.Client{}, f.Fault
	}
	all := slices.Clone(f.All)
	for i := range all {
		all[i].Events = nil
	}
	return all, f.Fault
}

// Client implements admin.Operators.
func (f *Fake) Client(_ context.Context, id string) (adminapi.Client, error) {
	f.Lock()
	defer f.Unlock()
	c, err := f.named(id)
	if err != nil {
		return adminapi.Client{}, err
	}
	return *c, f.Fault
}

func (f *Fake) named(id string) (*adminapi.Client, error) {
	for i := range f.All {
		if f.All[i].SystemID == id {
			return &f.All[i], nil
		}
	}
	return nil, fmt.Errorf("client %q: %w", id, adminapi.ErrNotFound)
}

// note leaves an entry in the audit.
func (f *Fake) note(by admin.Actor, what, on, more string) {
	f.Done = slices.Insert(f.Done, 0, adminapi.AuditEntry{ID: int64(len(f.Done) + 1), At: f.Now, Who: by.Name, From: by.From, What: what, On: on, More: more})
}

// Note implements admin.Operators.
func (f *Fake) Note(by admin.Actor, what, on, more string) {
	f.Lock()
	defer f.Unlock()
	f.note(by, what, on, more)
}

func (f *Fake) act(by admin.Actor, what, id string, says adminapi.Text, do func(*adminapi.Client)) (adminapi.Done, error) {
	f.Lock()
	defer f.Unlock()
	c, err := f.named(id)
	if err != nil {
		return adminapi.Done{}, err
	}
	do(c)
	f.note(by, what, id, "")
	return adminapi.Done{Text: says}, nil
}

// Pause implements admin.Operators.
func (f *Fake) Pause(_ context.Context, by admin.Actor, id string) (adminapi.Done, error) {
	return f.act(by, "pause", id, adminapi.Say("nothing is sent to %s until it is resumed; its sessions and submits go on", id),
		func(c *adminapi.Client) { c.Paused = &adminapi.Pause{Since: f.Now, By: by.Name} })
}

// Resume implements admin.Operators.
func (f *Fake) Resume(_ context.Context, by admin.Actor, id string) (adminapi.Done, error) {
	return f.act(by, "resume", id, adminapi.Say("what waits for %s is sent again", id), func(c *adminapi.Client) { c.Paused = nil })
}

// HandOver implements admin.Operators.
func (f *Fake) HandOver(_ context.Context, by admin.Actor, from, to string) (adminapi.Done, error) {
	return f.act(by, "hand-over", from, adminapi.Say("%d messages are for %s now", 7, to), func(c *adminapi.Client) { c.Waiting = adminapi.Waiting{Recipient: from} })
}

// Trace implements admin.Operators.
func (f *Fake) Trace(_ context.Context, by admin.Actor, id string, on bool) (adminapi.Done, error) {
	return f.act(by, "trace", id, adminapi.Say("the PDUs of %s are recorded from now on", id), func(c *adminapi.Client) { c.Traced = on })
}

// WriteTrace implements admin.Operators.
func (f *Fake) WriteTrace(_ context.Context, _ admin.Actor, id string, _ bool, to io.Writer) error {
	_, err := fmt.Fprintf(to, "trace of %s", id)
	return err
}

// Sessions implements admin.Operators.
func (f *Fake) Sessions(context.Context) (all []adminapi.Session, err error) {
	f.Lock()
	defer f.Unlock()
	for _, c := range f.All {
		all = append(all, c.Sessions...)
	}
	return all, f.Fault
}

// Unbind implements admin.Operators.
func (f *Fake) Unbind(_ context.Context, by admin.Actor, node string, session uint64) (adminapi.Done, error) {
	f.Lock()
	defer f.Unlock()
	for i := range f.All {
		c := &f.All[i]
		n := len(c.Sessions)
		c.Sessions = slices.DeleteFunc(slices.Clone(c.Sessions), func(s adminapi.Session) bool { return s.ID == session && s.Node == node })
		if len(c.Sessions) < n {
			if len(c.Sessions) == 0 {
				c.State, c.Since, c.Why = "UNBOUND", f.Now, adminapi.Say("unbound by an operator")
			}
			f.note(by, "unbind", c.SystemID, strings.TrimSpace(fmt.Sprintf("session %d %s", session, node)))
			return adminapi.Done{Count: 1, Text: adminapi.Say("session %d of %s is being unbound", int(session), c.SystemID)}, nil
		}
	}
	return adminapi.Done{}, fmt.Errorf("session %d: %w", session, adminapi.ErrNotFound)
}

// Messages implements admin.Operators.
func (f *Fake) Messages(_ context.Context, q adminapi.Search) (adminapi.Page, error) {
	f.Lock()
	defer f.Unlock()
	page := adminapi.Page{Messages: []adminapi.Message{}}
	if f.Fault != nil {
		return page, f.Fault
	}
	if f.Empty {
		return page, nil
	}
	limit := cmp.Or(q.Limit, adminapi.DefaultLimit)
	before := math.MaxInt
	if q.Cursor != "" {
		n, err := strconv.Atoi(q.Cursor)
		if err != nil {
			return page, fmt.Errorf("cursor %q: %w", q.Cursor, adminapi.ErrBadRequest)
		}
		before = n
	}
	for _, d := range f.Stored {
		id, _ := strconv.Atoi(d.ID)
		if id >= before || !fits(d.Message, q) {
			continue
		}
		if len(page.Messages) == limit {
			page.Next = page.Messages[limit-1].ID
			break
		}
		page.Messages = append(page.Messages, d.Message)
	}
	return page, nil
}

func fits(m adminapi.Message, q adminapi.Search) bool {
	number := strings.TrimPrefix(q.Number, "+")
	is := func(n string) bool {
		if head, all := strings.CutSuffix(number, "*"); all {
			return strings.HasPrefix(n, head)
		}
		return n == number
	}
	state := q.State == "" || q.State == m.State || q.State == "waiting" && m.Final.IsZero() ||
		q.State == "failed" && slices.Contains([]string{"EXPIRED", "UNDELIVERABLE", "REJECTED"}, m.State)
	return state && (q.Client == "" || m.Submitter == q.Client || m.Recipient == q.Client) && (number == "" || is(m.From) || is(m.To)) &&
		(q.Campaign == "" || m.From == q.Campaign || m.To == q.Campaign) && (q.Direction == "" || m.Direction == q.Direction) && (q.Kind == "" || m.Kind == q.Kind) &&
		(q.From.IsZero() || !m.Received.Before(q.From)) && (q.To.IsZero() || m.Received.Before(q.To))
}

// Message implements admin.Operators.
func (f *Fake) Message(_ context.Context, by admin.Actor, id string, text bool) (adminapi.Detail, error) {
	f.Lock()
	defer f.Unlock()
	for _, d := range f.Stored {
		if d.ID != id {
			continue
		}
		if text {
			words := cmp.Or(f.texts[id], "Bonjour, votre rendez-vous est confirmé. Répondez STOP pour ne plus recevoir de messages.")
			if f.Hostile != "" {
				words = f.Hostile
			}
			d.Text = &words
			f.note(by, "show text", id, "")
		}
		return d, f.Fault
	}
	return adminapi.Detail{}, fmt.Errorf("message %s: %w", id, adminapi.ErrNotFound)
}

func (f *Fake) change(by admin.Actor, what, id string, says adminapi.Text, do func(*adminapi.Detail)) (adminapi.Done, error) {
	f.Lock()
	defer f.Unlock()
	for i := range f.Stored {
		if d := &f.Stored[i]; d.ID == id {
			if !slices.Contains(d.Can, what) {
				return adminapi.Done{}, fmt.Errorf("message %s is %s: %w", id, d.State, adminapi.ErrConflict)
			}
			do(d)
			f.note(by, what, id, "")
			return adminapi.Done{Count: 1, Text: says}, nil
		}
	}
	return adminapi.Done{}, fmt.Errorf("message %s: %w", id, adminapi.ErrNotFound)
}

// Retry implements admin.Operators.
func (f *Fake) Retry(_ context.Context, by admin.Actor, id string) (adminapi.Done, error) {
	return f.change(by, "retry", id, adminapi.Say("message %s is tried with its next turn", id), func(d *adminapi.Detail) { d.Next = f.Now })
}

// Cancel implements admin.Operators.
func (f *Fake) Cancel(_ context.Context, by admin.Actor, id string) (adminapi.Done, error) {
	return f.change(by, "cancel", id, adminapi.Say("message %s is taken back", id), func(d *adminapi.Detail) { d.State, d.Final, d.Can = "DELETED", f.Now, []string{"send-again"} })
}

// Erase implements admin.Operators.
func (f *Fake) Erase(_ context.Context, _ admin.Actor, number string) (adminapi.Erasure, error) {
	f.Lock()
	defer f.Unlock()
	n := len(f.Stored)
	f.Stored = slices.DeleteFunc(f.Stored, func(m adminapi.Detail) bool { return m.From == number || m.To == number })
	n -= len(f.Stored)
	return adminapi.Erasure{Done: true, Messages: n, Text: adminapi.Say("the number is erased: %d messages, %d lines of logs", n, 0)}, nil
}

// SendAgain implements admin.Operators.
func (f *Fake) SendAgain(ctx context.Context, by admin.Actor, id string) (adminapi.Done, error) {
	d, err := f.Message(ctx, by, id, false)
	if err != nil {
		return adminapi.Done{}, err
	}
	f.Lock()
	defer f.Unlock()
	f.note(by, "send-again", id, "")
	made := f.add(d.Direction, d.Submitter, d.Recipient, d.From, d.To, "")
	return adminapi.Done{ID: made, Count: 1, Text: adminapi.Say("message %s is sent again as message %s", id, made)}, nil
}

// add stores a message that was delivered at once.
func (f *Fake) add(direction, submitter, recipient, from, to, text string) string {
	f.next++
	id := strconv.Itoa(f.next)
	at := time.Now()
	m := adminapi.Message{ID: id, Kind: "text", Direction: direction, From: from, To: to, Submitter: submitter, Recipient: recipient, State: "DELIVERED", Tries: 1, Received: at, Final: at.Add(9 * time.Millisecond)}
	f.texts[id] = text
	f.Stored = slices.Insert(f.Stored, 0, f.detail(m))
	return id
}

// SubmitAs implements admin.Operators.
func (f *Fake) SubmitAs(_ context.Context, by admin.Actor, client, from, to, text string) (adminapi.Done, error) {
	f.Lock()
	defer f.Unlock()
	if _, err := f.named(client); err != nil {
		return adminapi.Done{}, err
	}
	f.note(by, "send", client, "as "+client)
	return adminapi.Done{ID: f.add("in", client, adminapi.Hermes, from, to, text)}, nil
}

// Submit implements admin.Operators.
func (f *Fake) Submit(_ context.Context, by admin.Actor, line []byte) ([]byte, error) {
	return f.submit(by, line)
}

// Waiting implements admin.Operators.
func (f *Fake) Waiting(context.Context) ([]adminapi.Waiting, error) {
	f.Lock()
	defer f.Unlock()
	if f.Fault != nil || f.Calm || f.Empty {
		return []adminapi.Waiting{}, f.Fault
	}
	return []adminapi.Waiting{
		{Recipient: adminapi.Hermes, Count: 45, Texts: 45, InFlight: 4, Oldest: f.ago(12 * time.Minute), OldestID: "1042", Why: adminapi.Say("Hermès does not take messages since %s: %s. It is probed again at %s", f.ago(12*time.Minute), adminapi.Verbatim("connection refused"), f.Now.Add(41*time.Second)), Next: f.Now.Add(41 * time.Second)},
		{Recipient: "boutique", Count: 7, Texts: 2, Receipts: 5, Oldest: f.ago(115 * time.Minute), OldestID: "1007", Why: notBound(f.ago(115 * time.Minute))},
	}, nil
}

// TestAlerts implements admin.Operators.
func (f *Fake) TestAlerts(context.Context, admin.Actor) (adminapi.Done, error) {
	return adminapi.Done{Text: adminapi.Say("a test notice went to %d receivers", 1)}, nil
}

func notBound(since time.Time) adminapi.Text {
	return adminapi.Say("not bound since %s: %s", since, adminapi.Say("the client closed the connection"))
}
