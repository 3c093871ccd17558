package admin

import (
	"context"
	"io"

	"hnetsmpp/pkg/adminapi"
)

// Actor is who asks.
type Actor = adminapi.Actor

// Operators is what the operator's side asks of the running server. Its methods are called from any goroutine, and each ends in
// a bounded time or with ctx. What acts leaves an entry in the audit. Where several workers share the store the answers are about all of
// them, but for Settings and Log; what one lacks, as a node does not answer, is noted (adminapi.NoteLack).
type Operators interface {
	Status(ctx context.Context) (adminapi.Status, error)
	Nodes(ctx context.Context) ([]adminapi.Node, error)

	Clients(ctx context.Context) ([]adminapi.Client, error)
	Client(ctx context.Context, systemID string) (adminapi.Client, error)
	Pause(ctx context.Context, by Actor, systemID string) (adminapi.Done, error)
	Resume(ctx context.Context, by Actor, systemID string) (adminapi.Done, error)
	// HandOver gives what waits for one client to another.
	HandOver(ctx context.Context, by Actor, from, to string) (adminapi.Done, error)
	// Trace switches the record of a client's PDUs. WriteTrace writes it as pcapng, texts masked unless texts is set.
	Trace(ctx context.Context, by Actor, systemID string, on bool) (adminapi.Done, error)
	WriteTrace(ctx context.Context, by Actor, systemID string, texts bool, to io.Writer) error

	Sessions(ctx context.Context) ([]adminapi.Session, error)
	// Unbind ends a session of a node; "" is this one.
	Unbind(ctx context.Context, by Actor, node string, session uint64) (adminapi.Done, error)

	Messages(ctx context.Context, q adminapi.Search) (adminapi.Page, error)
	// Message shows a message; its text only where text is set, which leaves an entry in the audit.
	Message(ctx context.Context, by Actor, id string, text bool) (adminapi.Detail, error)
	// Submit takes what a line on the TCP port says, and answers as that does. Whoever asks needs no token.
	Submit(ctx context.Context, by Actor, line []byte) (answer []byte, err error)
	// SubmitAs hands a message to Hermès as if a client had submitted it.
	SubmitAs(ctx context.Context, by Actor, systemID, from, to, text string) (adminapi.Done, error)
	Retry(ctx context.Context, by Actor, id string) (adminapi.Done, error)
	Cancel(ctx context.Context, by Actor, id string) (adminapi.Done, error)
	// SendAgain makes a new message of the same content, of which its submitter hears nothing.
	SendAgain(ctx context.Context, by Actor, id string) (adminapi.Done, error)

	// Erase erases a person's number: messages, whatever their state, and all that is kept elsewhere. It does as much as its time allows, and
	// the next call goes on.
	Erase(ctx context.Context, by Actor, number string) (adminapi.Erasure, error)

	// Waiting lists what waits, the recipient with most first.
	Waiting(ctx context.Context) ([]adminapi.Waiting, error)
	Report(ctx context.Context, q adminapi.ReportQuery) (adminapi.Report, error)
	// Series is the traffic of the last hour, day or month.
	Series(ctx context.Context, span string) (adminapi.Series, error)

	Settings(ctx context.Context) (adminapi.Settings, error)
	// Log lists the last lines of at least a level that contain the text given, the newest last.
	Log(ctx context.Context, level, contains string, limit int) ([]adminapi.LogLine, error)
	Audit(ctx context.Context, cursor string, limit int) (adminapi.Audit, error)
	// Note leaves an entry in the audit: a login, a login refused.
	Note(by Actor, what, on, more string)
	TestAlerts(ctx context.Context, by Actor) (adminapi.Done, error)

	// Changes tells, until ctx ends, which topics have changed: at most once a second. The topics are status, clients, messages,
	// waiting, log, settings, audit.
	Changes(ctx context.Context) <-chan []string
}
