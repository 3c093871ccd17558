package page

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"hnetsmpp/pkg/adminapi"
)

// maxTried bounds the texts that are kept of what was typed on Try it.
const maxTried = 500

// maxBubbles bounds the conversation that is shown.
const maxBubbles = 20

// tried keeps the texts that operators typed themselves, so that these see them again without the right to read others'.
type tried struct {
	mu    sync.Mutex
	max   int
	texts map[string]typed // by message_id
	order []string         // the oldest first
}

type typed struct{ text, by string }

func newTried(n int) *tried { return &tried{max: n, texts: map[string]typed{}} }

func (t *tried) keep(v *view, id, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == t.max {
		delete(t.texts, t.order[0])
		t.order = t.order[1:]
	}
	t.texts[id] = typed{text, v.Actor.Name + " " + v.Actor.From}
	t.order = append(t.order, id)
}

// text is what the same reader typed.
func (t *tried) text(v *view, id string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, ok := t.texts[id]
	return kept.text, ok && kept.by == v.Actor.Name+" "+v.Actor.From
}

type tryData struct {
	Client, Customer, Number string
	At                       string // whose text was typed last: client, hermes
	Clients                  []adminapi.Client
	StandIn                  bool
	Bound                    bool
	Talk                     []bubble // the oldest first
	More                     string
}

// bubble is a message of the conversation.
type bubble struct {
	adminapi.Detail
	Mine      bool // from the customer
	Text      string
	TextShown bool
}

func (p *page) try(ctx context.Context, v *view) (any, error) {
	v.Section, v.Title, v.Topics = "try", v.T("Try it"), "messages status"
	q := v.r.URL.Query()
	d := tryData{Client: q.Get("client"), Customer: q.Get("customer"), Number: q.Get("number"), At: q.Get("at")}
	all, err := p.o.Operators.Clients(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b adminapi.Client) int { // the bound ones first
		return cmp.Or(-cmp.Compare(len(a.Sessions), len(b.Sessions)), cmp.Compare(a.SystemID, b.SystemID))
	})
	for _, c := range all {
		if c.Configured && !c.Disabled {
			d.Clients = append(d.Clients, c)
		}
	}
	if d.Client == "" && len(d.Clients) > 0 {
		d.Client = d.Clients[0].SystemID
	}
	for _, c := range d.Clients {
		if c.SystemID != d.Client {
			continue
		}
		d.Bound = len(c.Sessions) > 0
		if d.Number == "" {
			d.Number = "3600"
			if len(c.Numbers) > 0 {
				d.Number = strings.ReplaceAll(c.Numbers[0], "*", "0")
			}
		}
	}
	d.Customer = cmp.Or(d.Customer, "33600000001")
	status, err := p.o.Operators.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range status.Attention {
		d.StandIn = d.StandIn || n.Code == codeStandIn
	}
	if d.Client == "" {
		return d, nil
	}
	if d.Talk, err = p.talk(ctx, v, d); err != nil {
		return nil, err
	}
	d.More = "/messages?" + url.Values{"number": {strings.TrimPrefix(d.Customer, "+")}, "client": {d.Client}}.Encode()
	return d, nil
}

// codeStandIn is the code of the notice that messages go to the stand-in.
const codeStandIn = "stand_in"

// talk is what the customer and the campaign wrote to each other.
func (p *page) talk(ctx context.Context, v *view, d tryData) (all []bubble, err error) {
	found, err := p.o.Operators.Messages(ctx, adminapi.Search{Number: d.Customer, Client: d.Client, Kind: "text", Limit: maxBubbles})
	if err != nil {
		return nil, err
	}
	for _, m := range slices.Backward(found.Messages) {
		if m.From != d.Number && m.To != d.Number {
			continue
		}
		detail, err := p.o.Operators.Message(ctx, v.Actor, m.ID, false)
		if err != nil {
			return nil, err
		}
		b := bubble{Detail: detail, Mine: m.Direction == "in"}
		b.Text, b.TextShown = p.tried.text(v, m.ID)
		all = append(all, b)
	}
	return all, nil
}

// backToTry is the conversation again, with the cursor where the last text was typed.
func (v *view) backToTry(at string) string {
	f := v.r.PostForm
	return "/try?" + url.Values{"client": {f.Get("client")}, "customer": {f.Get("customer")}, "number": {f.Get("number")}, "at": {at}}.Encode()
}

// tryAsClient has a client's customer write to the campaign.
func (p *page) tryAsClient(ctx context.Context, v *view) (said, to string, err error) {
	f := v.r.PostForm
	d, err := p.o.Operators.SubmitAs(ctx, v.Actor, f.Get("client"), f.Get("customer"), f.Get("number"), f.Get("text"))
	if err != nil {
		return "", "", err
	}
	p.tried.keep(v, d.ID, f.Get("text"))
	return "", v.backToTry("client"), nil
}

// tryAsHermes has an agent write to the customer.
func (p *page) tryAsHermes(ctx context.Context, v *view) (said, to string, err error) {
	f := v.r.PostForm
	line, err := json.Marshal(map[string]string{"from": f.Get("number"), "to": f.Get("customer"), "text": f.Get("text"), "client": f.Get("client")})
	if err != nil {
		return "", "", err
	}
	answer, err := p.o.Operators.Submit(ctx, v.Actor, line)
	if err != nil {
		return "", "", err
	}
	var got struct {
		Status    string `json:"status"`
		MessageID string `json:"message_id"`
		Code      string `json:"code"`
		Error     string `json:"error"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return "", "", fmt.Errorf("the answer to a line: %w", err)
	}
	if got.Status != "accepted" {
		return "", "", fmt.Errorf("%w: %s (%s)", adminapi.ErrBadRequest, got.Error, got.Code)
	}
	p.tried.keep(v, got.MessageID, f.Get("text"))
	return "", v.backToTry("hermes"), nil
}
