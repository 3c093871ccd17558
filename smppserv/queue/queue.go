// Package queue decides which message is tried when, and what follows from what came of it.
//
// Every waiting message has an entry here and a row in the store; the entry knows only what deciding takes,
// and holds the message itself while there is room for it. An entry stands in the lane of its conversation
// (same recipient, same two numbers). Lanes with a message that may be tried now are ready; they take turns
// at the outlets of their recipient: Hermès has one, a client one for each session that may receive.
//
//	Add ── store ── Added ──► lane ──► ready ──► outlet ── Deliver ── report ──► store
//	                           ▲                                        │
//	                           └── next try at its time ◄── try again ──┘
//
// One goroutine starts the tries and minds the times; everything else happens in the callers' goroutines, under one lock.
// A message that must be tried again holds back those behind it in its lane. A restart begins again from the rows.
package queue

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Store is what the queue needs of the store.
type Store interface {
	Add(road.Addition)
	Finish(*road.Transition)
	Change(m *sms.Message, changed func(error))
	After(through func())
	Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error
	WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error)
	WrittenElsewhere(ctx context.Context) (bool, error)
	NoteClockStep(s road.ClockStep, done func(error))
	ClockSteps(ctx context.Context) ([]road.ClockStep, error)
}

// Options of a Queue.
type Options struct {
	Settings
	Store    Store
	Log      zerolog.Logger
	Observer Observer // may be nil
	Clock    Clock    // nil means SystemClock
	// CacheOctets bounds the memory for messages; what is more stays on disk until it is tried. 0 means 64 MiB.
	CacheOctets int
}

// Observer counts what passes. Its methods are called under the queue's lock and must return at once.
type Observer interface {
	Accepted(m *sms.Message)
	Retried(m *sms.Message)
	Concluded(m *sms.Message, state sms.State)
}

type nobody struct{}

func (nobody) Accepted(*sms.Message)             {}
func (nobody) Retried(*sms.Message)              {}
func (nobody) Concluded(*sms.Message, sms.State) {}

// Settings may change while the queue works.
type Settings struct {
	// ReceiptValidity is how long a receipt is tried.
	ReceiptValidity time.Duration
	// Reassemble joins the parts of a long text that is for Hermès, and waits this long for the missing ones; 0 leaves them single.
	Reassemble time.Duration
	// StatusToHermes makes a receipt to Hermès of the final state of each of its messages.
	StatusToHermes bool
}

// Configure takes new settings for what comes from now on.
func (q *Queue) Configure(st Settings) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.o.Settings = st
}

const (
	defaultCacheOctets = 64 << 20
	// maxUnwritten bounds the outcomes that wait for the disk; while so many wait nothing new is tried.
	maxUnwritten = 4096
	// receiptDelay is how long a receipt stays off other sessions after the submit was answered on its own:
	// clients with a connection for each direction do not know the message_id sooner.
	receiptDelay = 200 * time.Millisecond
)

// Queue holds the waiting messages. Its methods may be called from any goroutine.
type Queue struct {
	o    Options
	log  zerolog.Logger
	kick chan struct{}
	done chan struct{} // the dispatcher has ended
	stop chan struct{}

	replacing [64]sync.Mutex // by conversation: held while one looks for what to replace

	mu sync.Mutex
	reckoning
	entries    map[sms.ID]*entry // also those whose end is not on disk yet
	lanes      map[laneKey]*lane
	recipients map[string]*recipientQueue
	groups     map[groupKey]*group
	pending    map[string]int // undelivered messages by owner
	deadlines  deadlines
	jobs       []*job // messages to conclude without a try
	cached     int    // octets of text in memory
	unwritten  int    // outcomes on their way to disk
	storing    int    // additions and changes on their way to disk
	trying     int    // jobs in flight
	lastSeen   sms.ID // the highest ID that has its entry, or had
	started    bool
	quiesced   bool // nothing new is tried
	stopping   bool // nothing new is taken in, either
	stopped    bool
	idle       chan struct{} // closed when stopping and nothing is in flight or on its way to disk
}

// New makes a queue. Start lets it work.
func New(o Options) *Queue {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Clock == nil {
		o.Clock = SystemClock()
	}
	if o.CacheOctets == 0 {
		o.CacheOctets = defaultCacheOctets
	}
	return &Queue{
		o: o, log: o.Log, reckoning: newReckoning(o.Clock),
		kick: make(chan struct{}, 1), done: make(chan struct{}), stop: make(chan struct{}), idle: make(chan struct{}),
		entries: map[sms.ID]*entry{}, lanes: map[laneKey]*lane{}, recipients: map[string]*recipientQueue{},
		groups: map[groupKey]*group{}, pending: map[string]int{},
	}
}

// Start takes up what waits in the store, and begins to deliver.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.recover(ctx); err != nil {
		return err
	}
	q.mu.Lock()
	q.started = true
	q.mu.Unlock()
	go q.dispatch()
	return nil
}

// Quiesce starts no more tries. Messages are still taken in; they are tried after the next start.
func (q *Queue) Quiesce() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.quiesced = true
}

// Stop starts no more tries and takes nothing more, waits for the tries in flight and until everything is on disk,
// or until ctx ends.
func (q *Queue) Stop(ctx context.Context) error {
	q.mu.Lock()
	q.look()
	q.stopping = true
	q.checkIdle()
	q.mu.Unlock()
	var err error
	select {
	case <-q.idle:
	case <-ctx.Done():
		err = ctx.Err()
	}
	q.mu.Lock()
	if !q.stopped {
		q.stopped = true
		close(q.stop)
	}
	started := q.started
	q.mu.Unlock()
	if !started {
		return err
	}
	select {
	case <-q.done:
	case <-ctx.Done(): // it may be reading from a disk that hangs; it ends after that
		err = ctx.Err()
	}
	return err
}

func (q *Queue) checkIdle() {
	if q.stopping && q.trying == 0 && q.unwritten == 0 && q.storing == 0 {
		select {
		case <-q.idle:
		default:
			close(q.idle)
		}
	}
}

func (q *Queue) wake() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// Add hands a message in. limit is how many undelivered messages its owner may have, 0 = any number.
// It returns at once: sms.ErrQueueFull or sms.ErrStopping, or nil, and then s.Accepted tells when it is on disk.
func (q *Queue) Add(m *sms.Message, limit int, s road.Submission) error {
	return q.add(m, limit, s, nil)
}

func (q *Queue) add(m *sms.Message, limit int, s road.Submission, replaces *replaced) error {
	owner := m.Owner()
	if limit > 0 && replaces != nil {
		limit++
	}
	q.mu.Lock()
	switch {
	case q.stopping:
		q.mu.Unlock()
		return sms.ErrStopping
	case limit > 0 && q.pending[owner] >= limit:
		q.mu.Unlock()
		return sms.ErrQueueFull
	}
	q.pending[owner]++
	q.storing++
	came := q.look()
	q.mu.Unlock()
	q.o.Store.Add(&entry{q: q, m: m, owner: owner, submission: s, replaces: replaces, due: came, heapAt: -1})
	return nil
}

// Pending is how many undelivered messages the owner has.
func (q *Queue) Pending(owner string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pending[owner]
}

// Waiting counts the messages and receipts that are not final by who is to get them: system_ids, and sms.Hermes.
func (q *Queue) Waiting() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[string]int{}
	for name, r := range q.recipients {
		if r.size > 0 {
			waiting[name] = r.size
		}
	}
	return waiting
}

// Stats is a snapshot for operators.
func (q *Queue) Stats() sms.QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return sms.QueueStats{Waiting: len(q.entries), InFlight: q.trying, Unwritten: q.unwritten, Lanes: len(q.lanes)}
}
