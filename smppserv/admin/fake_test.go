package admin

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// fake stands for the message centre; what it was not given says nothing.
type fake struct {
	sessions func() []adminapi.Session
	unbind   func(id uint64) bool
	ready    func() error
	problems []Problem
	await    chan struct{} // before Problems answers
	knows    func(name, password string) bool
	user     func(name string) (adminapi.Role, bool, bool)
	submit   func(line string) (string, error)
	changes  chan []string
	err      error // of what is asked
	lacks    string

	mu    sync.Mutex
	notes []string // name, what, on
	last  any      // that was asked for
}

func (f *fake) Sessions() []adminapi.Session {
	if f.sessions == nil {
		return nil
	}
	return f.sessions()
}

func (f *fake) Problems() []Problem {
	if f.await != nil {
		<-f.await
	}
	return f.problems
}

func (f *fake) Ready() error {
	if f.ready == nil {
		return nil
	}
	return f.ready()
}

func (f *fake) KnowsUser(name, password string) bool {
	return f.knows != nil && f.knows(name, password)
}

func (f *fake) User(name string) (adminapi.Role, bool, bool) {
	if f.user == nil {
		return adminapi.Operator, false, true
	}
	return f.user(name)
}

// operators is the fake as it is asked by operators.
type operators struct{ *fake }

var at = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func (f operators) asked(v any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = v
}

func (f operators) act(by Actor, what, on string) (adminapi.Done, error) {
	f.Note(by, what, on, "")
	return adminapi.Done{Count: 1, Text: adminapi.Say("done")}, f.err
}

func (f operators) Note(by Actor, what, on, more string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, fmt.Sprint(by.Name, " ", what, " ", on, more))
}

func (f operators) Status(context.Context) (adminapi.Status, error) {
	return adminapi.Status{Node: "n", Started: at, Now: at, Ready: true, Parts: []adminapi.Part{{Name: adminapi.PartHermes, Level: adminapi.Bad, Since: at,
		Text: adminapi.Say("silent since %s", at), Figures: map[string]int64{"window": 1}}},
		Attention: []adminapi.Notice{{Code: "hermes_silent", Level: adminapi.Bad, Since: at, Text: adminapi.Say("a"), ToDo: adminapi.Say("b"), Link: "/"}}}, f.err
}

func (f operators) Nodes(context.Context) ([]adminapi.Node, error) {
	return []adminapi.Node{{Name: "n", Self: true, Leader: true, Epoch: 7, Address: "10.0.0.1:8346", Since: at, Version: "2", Differs: []string{"clients"},
		Parts: []adminapi.Part{{Name: adminapi.PartHermes, Level: adminapi.Good, Text: adminapi.Say("Hermès answers")}}},
		{Name: "m", Missing: adminapi.Say("it does not answer")}}, f.err
}

func (f operators) Clients(context.Context) ([]adminapi.Client, error) {
	c, err := f.Client(context.Background(), "acme")
	return []adminapi.Client{c}, err
}

func (f operators) Client(_ context.Context, id string) (adminapi.Client, error) {
	if id != "acme" {
		return adminapi.Client{}, fmt.Errorf("%w: config.toml has no client %q", adminapi.ErrNotFound, id)
	}
	event := adminapi.Event{At: at, Kind: "bound", Text: adminapi.Say("bound")}
	return adminapi.Client{SystemID: "acme", Configured: true, Numbers: []string{"3600"}, State: "UNBOUND", Why: adminapi.Say("it unbound"), Paused: &adminapi.Pause{Since: at, By: "ops"},
		Sessions: []adminapi.Session{}, Waiting: adminapi.Waiting{Recipient: "acme", Count: 1, Oldest: at}, LastBind: &event, Events: []adminapi.Event{event}}, f.err
}

func (f operators) Pause(_ context.Context, by Actor, id string) (adminapi.Done, error) {
	return f.act(by, "pause", id)
}

func (f operators) Resume(_ context.Context, by Actor, id string) (adminapi.Done, error) {
	return f.act(by, "resume", id)
}

func (f operators) HandOver(_ context.Context, by Actor, from, to string) (adminapi.Done, error) {
	return f.act(by, "hand-over", from+" to "+to)
}

func (f operators) Trace(_ context.Context, by Actor, id string, on bool) (adminapi.Done, error) {
	return f.act(by, "trace", fmt.Sprint(id, " ", on))
}

func (f operators) WriteTrace(ctx context.Context, _ Actor, id string, texts bool, to io.Writer) error {
	f.noteLack(ctx)
	fmt.Fprint(to, "trace of ", id, " ", texts)
	return f.err
}

func (f operators) Sessions(context.Context) ([]adminapi.Session, error) {
	return f.fake.Sessions(), f.err
}

func (f operators) Unbind(_ context.Context, by Actor, node string, id uint64) (adminapi.Done, error) {
	if f.unbind == nil || !f.unbind(id) {
		return adminapi.Done{}, adminapi.ErrNotFound
	}
	return f.act(by, "unbind", fmt.Sprint(id)+node)
}

func (f operators) Messages(_ context.Context, q adminapi.Search) (adminapi.Page, error) {
	f.asked(q)
	return adminapi.Page{Messages: []adminapi.Message{message()}, Next: "41", SearchedTo: at}, f.err
}

func message() adminapi.Message {
	return adminapi.Message{ID: "42", Kind: "text", Direction: "in", From: "33612345678", To: "3600", Submitter: "acme", Recipient: adminapi.Hermes, State: "DELIVERED",
		Reason: adminapi.Verbatim("HTTP 503"), Error: 503, Tries: 2, Received: at, Final: at, Expires: at}
}

func (f operators) Message(_ context.Context, by Actor, id string, text bool) (adminapi.Detail, error) {
	d := adminapi.Detail{Message: message(), Timeline: []adminapi.Step{{At: at, Kind: "try", Text: adminapi.Say("push 1"), Through: "hermes", Code: 503, Took: 6}},
		Fields: []adminapi.Field{{Name: "data_coding", Value: "0", Means: "GSM 7-bit"}}, Receipts: []adminapi.Message{message()}, Parts: []adminapi.Message{}, Can: []string{"retry"}}
	if text {
		said := "the text"
		d.Text = &said
	}
	return d, f.err
}

func (f operators) Submit(_ context.Context, _ Actor, line []byte) ([]byte, error) {
	if f.submit == nil {
		return []byte(`{"id":"h-1","status":"accepted","message_id":"42"}`), f.err
	}
	answer, err := f.submit(string(line))
	return []byte(answer), err
}

func (f operators) SubmitAs(_ context.Context, by Actor, id, _, _, _ string) (adminapi.Done, error) {
	return f.act(by, "send", id)
}

func (f operators) Retry(_ context.Context, by Actor, id string) (adminapi.Done, error) {
	return f.act(by, "retry", id)
}

func (f operators) Cancel(_ context.Context, by Actor, id string) (adminapi.Done, error) {
	return f.act(by, "cancel", id)
}

func (f operators) SendAgain(_ context.Context, by Actor, id string) (adminapi.Done, error) {
	return f.act(by, "send-again", id)
}

func (f operators) Erase(_ context.Context, by Actor, number string) (adminapi.Erasure, error) {
	d, err := f.act(by, "erase", number)
	return adminapi.Erasure{Done: true, Messages: 1, Text: d.Text}, err
}

func (f operators) noteLack(ctx context.Context) {
	if f.lacks != "" {
		adminapi.NoteLack(ctx, adminapi.Verbatim(f.lacks))
	}
}

func (f operators) Waiting(ctx context.Context) ([]adminapi.Waiting, error) {
	f.noteLack(ctx)
	return []adminapi.Waiting{{Recipient: adminapi.Hermes, Count: 45, Texts: 45, Oldest: at, Why: adminapi.Say("silent")}}, f.err
}

func (f operators) Report(_ context.Context, q adminapi.ReportQuery) (adminapi.Report, error) {
	f.asked(q)
	row := adminapi.ReportRow{Key: "=3600", Received: 3, Failed: 1, Reasons: map[string]int64{"expired": 1}, Median: 1.5}
	return adminapi.Report{By: "campaign", From: at, To: at, Rows: []adminapi.ReportRow{row}, Sum: row}, f.err
}

func (f operators) Series(_ context.Context, span string) (adminapi.Series, error) {
	f.asked(span)
	return adminapi.Series{Span: span, Step: time.Minute, Points: []adminapi.Point{{At: at, Submitted: 1}}, Before: []adminapi.Point{}}, f.err
}

func (f operators) Settings(context.Context) (adminapi.Settings, error) {
	return adminapi.Settings{File: "config.toml", Taken: at, Pending: []string{}, All: []adminapi.Setting{{Key: "mode", Value: "vocalcom", Source: "default"}}}, f.err
}

func (f operators) Log(_ context.Context, level, contains string, limit int) ([]adminapi.LogLine, error) {
	f.asked([]any{level, contains, limit})
	return []adminapi.LogLine{{At: at, Level: "info", Message: "ready", Fields: map[string]string{"smpp": "127.0.0.1:2346"}}}, f.err
}

func (f operators) Audit(_ context.Context, cursor string, limit int) (adminapi.Audit, error) {
	f.asked([]any{cursor, limit})
	return adminapi.Audit{Entries: []adminapi.AuditEntry{{ID: 1, At: at, Who: "ops", What: "retry", On: "42"}}}, f.err
}

func (f operators) TestAlerts(_ context.Context, by Actor) (adminapi.Done, error) {
	return f.act(by, "alerts test", "")
}

func (f operators) Changes(ctx context.Context) <-chan []string {
	if f.changes != nil {
		return f.changes
	}
	never := make(chan []string)
	return never
}
