package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/adminapi"
)

type messagesData struct {
	Search  adminapi.Search
	From    string // as the form has them
	To      string
	Page    adminapi.Page
	Clients []string
	Filters bool
	Next    string
	CSV     string
	Top     string // the newest id, which the script counts new ones from
}

// searchOf reads a search out of a query.
func searchOf(v *view) (adminapi.Search, error) {
	q := v.r.URL.Query()
	get := func(key string) string { return strings.TrimSpace(q.Get(key)) }
	s := adminapi.Search{Client: get("client"), Number: get("number"), Campaign: get("campaign"), State: get("state"), Direction: get("direction"),
		Kind: get("kind"), Cursor: get("cursor"), Limit: adminapi.DefaultLimit}
	var err error
	if s.From, err = v.when(get("from"), false); err != nil {
		return s, err
	}
	if s.To, err = v.when(get("to"), true); err != nil {
		return s, err
	}
	if !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To) {
		return s, fmt.Errorf("%w: %s", adminapi.ErrBadRequest, v.T("the time it ends is before the time it begins"))
	}
	return s, nil
}

// when reads a time of a form; of a day that something ends with, its end is meant.
func (v *view) when(s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02", "02/01/2006", "02/01/2006 15:04", "2006-01-02 15:04", time.RFC3339} {
		t, err := time.ParseInLocation(layout, s, v.Zone)
		if err != nil {
			continue
		}
		if end && !strings.Contains(layout, ":") {
			t = t.AddDate(0, 0, 1)
		}
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%w: %s", adminapi.ErrBadRequest, v.T("%s is not a time such as 2026-11-24 or 2026-11-24 10:05", s))
}

func (p *page) messages(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "messages", v.T("Messages"), "messages"
	s, err := searchOf(v)
	if err != nil {
		return nil, err
	}
	d := messagesData{Search: s, From: v.r.URL.Query().Get("from"), To: v.r.URL.Query().Get("to")}
	if d.Page, err = p.o.Operators.Messages(ctx, s); err != nil {
		return nil, err
	}
	d.Filters = s.Client+s.Number+s.Campaign+s.State+s.Direction+s.Kind+d.From+d.To != ""
	if d.Page.Next != "" {
		d.Next = v.Query("cursor", d.Page.Next)
	}
	d.CSV = "/messages.csv?" + v.r.URL.Query().Encode()
	if s.Cursor != "" {
		v.Topics = "" // an older page does not change under its reader
	}
	if !v.Live {
		if all, err := p.o.Operators.Clients(ctx); err == nil {
			for _, c := range all {
				d.Clients = append(d.Clients, c.SystemID)
			}
			slices.Sort(d.Clients)
		}
	}
	return d, nil
}

// messageData is a message, and what of it was typed on Try it.
type messageData struct {
	adminapi.Detail
	TextShown bool
	Text      string
}

func (p *page) message(ctx context.Context, v *view) (any, error) {
	id := v.r.PathValue("id")
	v.Section, v.Title = "messages", v.T("Message %s", id)
	d, err := p.o.Operators.Message(ctx, v.Actor, id, false)
	if err != nil {
		return nil, err
	}
	if d.Final.IsZero() {
		v.Topics = "messages waiting"
	}
	m := messageData{Detail: d}
	if text, ok := p.tried.text(v, d.ID); ok {
		m.TextShown, m.Text = true, text
	}
	return m, nil
}

// text shows a text, to who may read it.
func (p *page) text(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	if v.Actor.Role == adminapi.Nobody {
		v.toLogin(w)
		return
	}
	if !v.Actor.Texts {
		p.fail(w, v, errRole)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), viewTime)
	defer cancel()
	id := r.PathValue("id")
	d, err := p.o.Operators.Message(ctx, v.Actor, id, true)
	if err != nil {
		p.fail(w, v, err)
		return
	}
	m := messageData{Detail: d, TextShown: true}
	if d.Text != nil {
		m.Text = *d.Text
	}
	v.Section, v.Title, v.Data = "messages", v.T("Message %s", id), m
	name := "message"
	if v.Part {
		name = "text"
	} else {
		p.around(ctx, v)
	}
	p.write(w, v, name, http.StatusOK)
}

// Party is who writes or is written to, as a link where it is a client.
func (v *view) Party(name string) string {
	if name == adminapi.Hermes {
		return v.Name(name)
	}
	return name
}

// Pending tells whether a message is not final.
func pending(m adminapi.Message) bool { return m.Final.IsZero() }

// Outcome is the state of a message in the operators' words.
func (v *view) Outcome(m adminapi.Message) any {
	if m.Kind == "receipt" && m.State == "DELIVERED" {
		return v.tag(adminapi.Good, v.T("acknowledged"), m.State)
	}
	return v.State(m.State)
}

// NextTry is when a message that waits is tried again.
func (v *view) NextTry(m adminapi.Message) string {
	if !pending(m) || m.Next.IsZero() {
		return ""
	}
	if m.Next.Before(v.Now) {
		return v.T("the next try is due")
	}
	return v.T("next try at %s (in %s)", m.Next, m.Next.Sub(v.Now))
}

// Can tells whether an action is possible.
func (m messageData) Able(action string) bool { return slices.Contains(m.Detail.Can, action) }

// Took is from acceptance to the end.
func (m messageData) Took() time.Duration {
	if m.Final.IsZero() {
		return 0
	}
	return m.Final.Sub(m.Received)
}

var (
	isID     = regexp.MustCompile(`^[0-9]{1,19}$`)
	isNumber = regexp.MustCompile(`^\+?[0-9][0-9 .()/-]*\*?$`)
	noDigits = regexp.MustCompile(`[^0-9*]`)
)

// find goes where a search of the header leads: to a client, a message, or the messages of a number.
func (p *page) find(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	if v.Actor.Role == adminapi.Nobody {
		v.toLogin(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), viewTime)
	defer cancel()
	to, err := p.found(ctx, v, strings.TrimSpace(r.URL.Query().Get("q")))
	if err != nil {
		p.fail(w, v, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (p *page) found(ctx context.Context, v *view, q string) (to string, err error) {
	if q == "" {
		return "/messages", nil
	}
	all, err := p.o.Operators.Clients(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range all {
		if strings.EqualFold(c.SystemID, q) {
			return "/clients/" + url.PathEscape(c.SystemID), nil
		}
	}
	if isID.MatchString(q) && !ownedNumber(all, q) {
		_, err := p.o.Operators.Message(ctx, v.Actor, q, false)
		if err == nil {
			return "/messages/" + q, nil
		}
		if !errors.Is(err, adminapi.ErrNotFound) {
			return "", err
		}
	}
	if isNumber.MatchString(q) {
		return "/messages?" + url.Values{"number": {noDigits.ReplaceAllString(q, "")}}.Encode(), nil
	}
	for _, c := range all {
		if strings.HasPrefix(strings.ToLower(c.SystemID), strings.ToLower(q)) {
			return "/clients/" + url.PathEscape(c.SystemID), nil
		}
	}
	return "/messages?" + url.Values{"number": {q}}.Encode(), nil
}

// ownedNumber tells whether digits are a campaign's number: those are asked for more often than the message_id that has the same ones.
func ownedNumber(all []adminapi.Client, digits string) bool {
	for _, c := range all {
		if slices.Contains(c.Numbers, digits) {
			return true
		}
	}
	return false
}

// Through is where a try went: to Hermès, or over which session.
func (v *view) Through(s adminapi.Step) string {
	if id, ok := strings.CutPrefix(s.Through, "session "); ok {
		return v.T("session %s", id)
	}
	return v.Party(s.Through)
}
