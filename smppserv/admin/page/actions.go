package page

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/admin"
)

// question is what is asked once before something that cannot be taken back.
type question struct {
	What   string   // as a question
	Effect []string // what it will do, and to how many
	Action string   // the path of the post
	Verb   string   // on the button
	Back   string
	Fields map[string]string
}

func clientPath(id string) string  { return "/clients/" + url.PathEscape(id) }
func messagePath(id string) string { return "/messages/" + url.PathEscape(id) }

func (p *page) session(ctx context.Context, v *view) (adminapi.Session, error) {
	id, err := strconv.ParseUint(v.r.PathValue("id"), 10, 64)
	if err != nil {
		return adminapi.Session{}, fmt.Errorf("%w: %q", adminapi.ErrNotFound, v.r.PathValue("id"))
	}
	node := v.r.URL.Query().Get("node")
	if node == "" {
		nodes, err := p.o.Operators.Nodes(ctx)
		if err != nil {
			return adminapi.Session{}, err
		}
		for _, n := range nodes {
			if n.Self && len(nodes) > 1 {
				node = n.Name
			}
		}
	}
	all, err := p.o.Operators.Sessions(ctx)
	if err != nil {
		return adminapi.Session{}, err
	}
	for _, s := range all {
		if s.ID == id && (s.Node == node || s.Node == "") {
			return s, nil
		}
	}
	return adminapi.Session{}, fmt.Errorf("%w: %s", adminapi.ErrNotFound, v.T("session %s has ended", strconv.FormatUint(id, 10)))
}

func (p *page) askUnbind(ctx context.Context, v *view) (any, error) {
	s, err := p.session(ctx, v)
	if err != nil {
		return nil, err
	}
	id := strconv.FormatUint(s.ID, 10)
	v.Section, v.Title = "clients", v.T("Unbind session %s?", id)
	return question{What: v.Title, Verb: v.T("Unbind"), Action: v.SessionPath(s), Back: clientPath(s.SystemID),
		Effect: v.unbindEffect(s.SystemID, 1, s.InFlight)}, nil
}

// SessionPath is where a session is unbound.
func (v *view) SessionPath(s adminapi.Session) string {
	path := "/sessions/" + strconv.FormatUint(s.ID, 10) + "/unbind"
	if s.Node != "" {
		path += "?" + url.Values{"node": {s.Node}}.Encode()
	}
	return path
}

func (v *view) unbindEffect(client string, sessions, inFlight int) []string {
	effect := []string{v.T("%d session of %s is unbound, with a word to the client (unbind).", sessions, client)}
	if inFlight > 0 {
		effect = append(effect, v.T("%d message on it that the client has not answered yet is tried again later.", inFlight))
	}
	return append(effect, v.T("The client may bind again at once. To keep it out, set disabled = true for it in config.toml."))
}

func (p *page) askUnbindAll(ctx context.Context, v *view) (any, error) {
	c, err := p.o.Operators.Client(ctx, v.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	inFlight := 0
	for _, s := range c.Sessions {
		inFlight += s.InFlight
	}
	v.Section, v.Title = "clients", v.T("Unbind %s?", c.SystemID)
	return question{What: v.Title, Verb: v.T("Unbind"), Action: clientPath(c.SystemID) + "/unbind", Back: clientPath(c.SystemID),
		Effect: v.unbindEffect(c.SystemID, len(c.Sessions), inFlight)}, nil
}

func (p *page) askHandOver(ctx context.Context, v *view) (any, error) {
	c, err := p.o.Operators.Client(ctx, v.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	to := v.r.URL.Query().Get("to")
	v.Section, v.Title = "clients", v.T("Hand over what waits for %s to %s?", c.SystemID, to)
	return question{What: v.Title, Verb: v.T("Hand over"), Action: clientPath(c.SystemID) + "/hand-over", Back: clientPath(c.SystemID),
		Effect: []string{v.T("%d message that waits for %s goes to %s instead.", c.Waiting.Count, c.SystemID, to),
			v.T("This cannot be taken back, but it can be handed over again while it waits.")},
		Fields: map[string]string{"to": to}}, nil
}

func (p *page) askCancel(ctx context.Context, v *view) (any, error) {
	d, err := p.o.Operators.Message(ctx, v.Actor, v.r.PathValue("id"), false)
	if err != nil {
		return nil, err
	}
	v.Section, v.Title = "messages", v.T("Cancel message %s?", d.ID)
	return question{What: v.Title, Verb: v.T("Cancel the message"), Action: messagePath(d.ID) + "/cancel", Back: messagePath(d.ID),
		Effect: []string{v.T("1 message, from %s to %s, is not delivered any more.", d.From, d.To),
			v.T("If its sender asked for a receipt, it is told that the message was deleted. This cannot be taken back.")}}, nil
}

func (p *page) unbind(ctx context.Context, v *view) (said, to string, err error) {
	s, err := p.session(ctx, v)
	if err != nil {
		return "", "", err
	}
	d, err := p.o.Operators.Unbind(ctx, v.Actor, s.Node, s.ID)
	return v.Sentence(d.Text), clientPath(s.SystemID), err
}

func (p *page) unbindAll(ctx context.Context, v *view) (said, to string, err error) {
	c, err := p.o.Operators.Client(ctx, v.r.PathValue("id"))
	if err != nil {
		return "", "", err
	}
	for _, s := range c.Sessions {
		if _, err := p.o.Operators.Unbind(ctx, v.Actor, s.Node, s.ID); err != nil {
			return "", "", err
		}
	}
	return v.T("%d session is being unbound.", len(c.Sessions)), clientPath(c.SystemID), nil
}

func (p *page) pause(ctx context.Context, v *view) (said, to string, err error) {
	id := v.r.PathValue("id")
	d, err := p.o.Operators.Pause(ctx, v.Actor, id)
	return v.Sentence(d.Text), clientPath(id), err
}

func (p *page) resume(ctx context.Context, v *view) (said, to string, err error) {
	id := v.r.PathValue("id")
	d, err := p.o.Operators.Resume(ctx, v.Actor, id)
	return v.Sentence(d.Text), clientPath(id), err
}

func (p *page) handOver(ctx context.Context, v *view) (said, to string, err error) {
	from, target := v.r.PathValue("id"), v.r.PostForm.Get("to")
	d, err := p.o.Operators.HandOver(ctx, v.Actor, from, target)
	return v.Sentence(d.Text), clientPath(target), err
}

func (p *page) trace(ctx context.Context, v *view) (said, to string, err error) {
	id, on := v.r.PathValue("id"), v.r.PostForm.Get("on") != ""
	d, err := p.o.Operators.Trace(ctx, v.Actor, id, on)
	return v.Sentence(d.Text), clientPath(id), err
}

// tracePCAP is the record of a client's PDUs.
func (p *page) tracePCAP(w http.ResponseWriter, r *http.Request) {
	v := p.view(r)
	texts := r.URL.Query().Get("texts") != ""
	if v.Actor.Role < adminapi.Viewer || texts && !v.Actor.Texts {
		p.fail(w, v, errRole)
		return
	}
	id := r.PathValue("id")
	c, err := p.o.Operators.Client(r.Context(), id)
	if err != nil {
		p.fail(w, v, err)
		return
	}
	ctx := adminapi.Gathering(r.Context())
	var file bytes.Buffer
	if err := p.o.Operators.WriteTrace(ctx, v.Actor, id, texts, &file); err != nil {
		p.fail(w, v, err)
		return
	}
	attach(w, "trace-"+admin.FileName(c.SystemID)+admin.Incomplete(ctx)+".pcapng", "application/x-pcapng")
	_, _ = file.WriteTo(w)
}

func (p *page) retry(ctx context.Context, v *view) (said, to string, err error) {
	id := v.r.PathValue("id")
	d, err := p.o.Operators.Retry(ctx, v.Actor, id)
	return v.Sentence(d.Text), messagePath(id), err
}

func (p *page) cancel(ctx context.Context, v *view) (said, to string, err error) {
	id := v.r.PathValue("id")
	d, err := p.o.Operators.Cancel(ctx, v.Actor, id)
	return v.Sentence(d.Text), messagePath(id), err
}

func (p *page) sendAgain(ctx context.Context, v *view) (said, to string, err error) {
	id := v.r.PathValue("id")
	d, err := p.o.Operators.SendAgain(ctx, v.Actor, id)
	if err != nil {
		return "", "", err
	}
	return v.Sentence(d.Text), messagePath(d.ID), nil
}

// askErase has the number typed where it is confirmed: it comes into no address.
func (p *page) askErase(_ context.Context, v *view) (any, error) {
	v.Section, v.Title = "settings", v.T("Erase a person's number")
	return nil, nil
}

func (p *page) erase(ctx context.Context, v *view) (said, to string, err error) {
	e, err := p.o.Operators.Erase(ctx, v.Actor, v.r.PostForm.Get("number"))
	if err != nil || e.Done {
		return v.Sentence(e.Text), "/audit", err
	}
	return v.Sentence(e.Text), "/erase", nil
}

func (p *page) testAlerts(ctx context.Context, v *view) (said, to string, err error) {
	d, err := p.o.Operators.TestAlerts(ctx, v.Actor)
	return v.Sentence(d.Text), "/settings", err
}
