// Package operators is what operators see of the parts that run, and have them do. It implements admin.Operators.
//
//	page, API, commands ── Operators ──┬── queue, smsc, hermes   how they stand now
//	                                   ├── store                 messages, tries, counters, the audit
//	                                   └── Config                what config.toml says, as centre tells it
//
// Where several workers share the store, what the Others know is asked of them and put together: each answer that lacks what a node
// has notes that (adminapi.NoteLack), and what is done to all that another node holds is done there (Handlers).
//
// What many pages ask for again and again is kept for a moment: the status for a second, a walk over what waits for as long as its
// cost allows. Since when something is as it is follows from looks, once a second, that cost nothing while nothing changes.
// No text of a message passes through here but in Detail.Text and Detail.Data, for who may read it.
package operators

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

// Queue is what is asked of the queue.
type Queue interface {
	Stats() sms.QueueStats
	Texts() int
	Backlogs(ctx context.Context) ([]sms.Backlog, error)
	Backlog(recipient string) sms.Backlog
	HowWait(ids []sms.ID) map[sms.ID]sms.Wait
	Hold(recipient string, on bool)
	RetryNow(id sms.ID) error
	CancelBy(ctx context.Context, id sms.ID, reason string) error
	HandOver(ctx context.Context, from, to string, progress func(n int)) (n, left int, err error)
	Add(m *sms.Message, limit int, s road.Submission) error
}

// SMSC is what is asked of the SMPP side.
type SMSC interface {
	Sessions() []*session.Session
	Unbind(s *session.Session)
	Window(s *session.Session) int
	Bound() int
	Client(systemID string) (smsc.ClientFacts, bool)
	Recall(systemID string, bound, unbound, refused smsc.Event)
	Note(systemID string, kind smsc.EventKind, reason string)
	SubmitAs(ctx context.Context, systemID, from, to, text string, s road.Submission) error
}

// Push is what is asked of the way to Hermès.
type Push interface {
	Facts() hermes.Facts
	Resume()
	// Erase takes what Hermès answered out of the facts where it matches.
	Erase(match func(text []byte) bool)
}

// Port is what is asked of the TCP port.
type Port interface {
	Facts() hermes.PortFacts
	Submit(ctx context.Context, line []byte) ([]byte, error)
	// Erase lets go of the rejections that match.
	Erase(match func(text []byte) bool)
}

// Store is what is asked of the store.
type Store interface {
	Check() error
	Trouble() error
	Parked() int
	Get(ctx context.Context, id sms.ID) (*sms.Message, error)
	Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Search(ctx context.Context, q store.Search) (store.Found, error)
	Tries(ctx context.Context, id sms.ID) ([]sms.Try, error)
	Report(ctx context.Context, q store.ReportQuery) (store.Report, error)
	ReportNumber(ctx context.Context, number string, from, to time.Time) (store.ReportRow, error)
	Totals() store.Traffic
	AddSample(store.Sample)
	Samples(ctx context.Context, from, to time.Time) ([]store.Sample, error)
	OwnSamples(ctx context.Context, from, to time.Time) ([]store.Sample, error)
	AddAudit(e store.AuditEntry, done func(error))
	Audit(ctx context.Context, below int64, limit int) ([]store.AuditEntry, error)
	NoteClient(store.ClientNote)
	PauseClient(client string, p store.Pause, done func(error))
	ClientNotes(ctx context.Context) ([]store.ClientNote, error)
	EraseMessages(ctx context.Context, ids []sms.ID) error
	EraseNumber(ctx context.Context, number string) error
	Scrub(ctx context.Context) error
}

// Traces are the records of clients' PDUs.
type Traces interface {
	// On tells whether a client's are recorded.
	On(systemID string) bool
	// Switch begins or ends a record.
	Switch(systemID string, on bool)
	// Write writes it as pcapng; false = there is none. Texts are masked unless texts is set.
	Write(to io.Writer, systemID string, texts bool) (bool, error)
	// Erase drops the PDUs that match.
	Erase(match func(pdu []byte) bool)
}

// Alerts tell somebody elsewhere what needs attention.
type Alerts interface {
	// Test sends a notice to each of them, and tells how many there are.
	Test(ctx context.Context) (n int, err error)
	// Told is what was told, as JSON, for another node to go on from.
	Told() []byte
}

// Parts are the parts that run.
type Parts struct {
	Queue  Queue
	SMSC   SMSC
	Push   Push
	Port   Port
	Store  Store
	Traces Traces // nil = none can be recorded
	Alerts Alerts // nil = there are none
	Others Others // nil = this worker has the store to itself
	Logs   Logs   // nil = there are none
	// Text reads what a message says, or the parts of a long one.
	Text func([]*sms.Message) sms.Text
}

// Options are fixed for the life of an Operators.
type Options struct {
	Node    string // the name of this worker
	Version string
	Started time.Time
	Config  func() Config // as it is in effect; it returns at once
	Lines   *Lines        // of the log
	Log     zerolog.Logger
}

// Operators answers what operators ask. It has nothing to answer before Open.
type Operators struct {
	o     Options
	parts Parts
	changes
	history
	rooms        rooms
	certificates certificates

	status   cached[adminapi.Status]    // this node's
	waiting  cached[[]adminapi.Waiting] // this node's
	whole    cached[gathered[adminapi.Status]]
	waits    cached[gathered[waitingWhole]]
	glances  cached[gathered[[]asked[glance]]]
	absent   absences
	records  records
	abroad   abroad
	erasures erasures
	today    cached[store.Report]
	checked  cached[struct{}] // whether the store can be written
	troubled atomic.Bool      // it could not when it was last looked at

	opened, closed atomic.Bool
	acts           atomic.Int64 // entries that were written to the audit

	mu     sync.Mutex
	pauses map[string]adminapi.Pause
	holds  int                  // how often that was changed
	unread time.Time            // when that could not be read
	oldest map[sms.ID]time.Time // when the oldest messages that wait were accepted
	stop   context.CancelFunc   // of what goes on by itself, nil = nothing does
}

// New makes one. Open gives it the parts.
func New(o Options) *Operators {
	if o.Lines == nil {
		o.Lines = NewLines()
	}
	ops := &Operators{o: o, pauses: map[string]adminapi.Pause{}, oldest: map[sms.ID]time.Time{}}
	ops.changes.init()
	ops.history.init()
	o.Lines.tell(func() { ops.Changed(TopicLog) })
	return ops
}

// Open takes the parts up, before anything is asked: pauses of clients are in force again when it returns.
func (ops *Operators) Open(ctx context.Context, p Parts) error {
	ops.parts = p
	notes, err := p.Store.ClientNotes(ctx)
	if err != nil {
		return fmt.Errorf("read what is known of clients: %w", err)
	}
	for _, n := range notes {
		if !n.Paused.Since.IsZero() {
			ops.pauses[n.Client] = adminapi.Pause{Since: n.Paused.Since, By: n.Paused.By}
			p.Queue.Hold(n.Client, true)
		}
		p.SMSC.Recall(n.Client, recalled(smsc.EventBound, n.Bound), recalled(smsc.EventUnbound, n.Unbound), recalled(smsc.EventRefused, n.Refused))
	}
	ops.minutes.begin(ctx, p.Store, time.Now())
	ops.opened.Store(true)
	run, stop := context.WithCancel(context.Background())
	ops.stop = stop
	go ops.watch(run)
	return nil
}

// Close ends what goes on by itself. It does not wait for that: a disk that hangs must not keep a stop from its end.
func (ops *Operators) Close() {
	if ops.stop != nil {
		ops.closed.Store(true)
		ops.stop()
		if ops.sampling.TryLock() {
			over, cut := context.WithCancel(context.Background())
			cut()
			now := time.Now()
			ops.sample(over, &ops.minutes, now)
			ops.sampleNow(over, &ops.minutes, now, false)
			ops.sampling.Unlock()
		}
	}
}

func recalled(kind smsc.EventKind, e store.ClientEvent) smsc.Event {
	return smsc.Event{At: e.At, Kind: kind, Reason: e.Why, Remote: e.Remote, Times: 1}
}

// ClientChanged is smsc.Options.Changed.
func (ops *Operators) ClientChanged(systemID string) {
	ops.Changed(TopicClients | TopicStatus)
	if ops.closed.Load() {
		go ops.noteClient(systemID) // that the stop unbinds it
		return
	}
	select {
	case ops.noted <- systemID:
	default: // it is written with the next look at all of them
		ops.allNoted.Store(true)
	}
}

// cached is an answer that is kept for a moment, and made once for all who ask meanwhile.
type cached[T any] struct {
	mu    sync.Mutex
	value T
	err   error
	until time.Time
}

// get is the answer, made anew by make when it is too old; make says how long it is good, also when it is an error: what does not
// answer is not asked by everybody.
func (c *cached[T]) get(make func() (T, time.Duration, error)) (T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return c.value, c.err
	}
	value, good, err := make()
	c.value, c.err, c.until = value, err, time.Now().Add(good)
	return value, err
}

// forget has the next one who asks get a new answer.
func (c *cached[T]) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Time{}
}

// check tells why the store cannot be written. What is shown asks it for each recipient, and it may take a second.
func (ops *Operators) check() error {
	_, err := ops.checked.get(func() (struct{}, time.Duration, error) { return struct{}{}, statusGood, ops.parts.Store.Check() })
	return err
}

// failed puts an error of the parts into the words of the admin port.
func failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sms.ErrUnknown):
		return fmt.Errorf("%w: no message has this id; it may have been purged", adminapi.ErrNotFound)
	case errors.Is(err, errMoved), errors.Is(err, adminapi.ErrNoAnswer):
		return err
	case errors.Is(err, sms.ErrQueueFull):
		return fmt.Errorf("%w: %w", adminapi.ErrConflict, err)
	case errors.Is(err, sms.ErrUnavailable), errors.Is(err, sms.ErrStopping):
		return fmt.Errorf("%w: %w", adminapi.ErrUnavailable, err)
	case errors.Is(err, context.DeadlineExceeded):
		return adminapi.ErrTooSlow
	}
	return err
}
