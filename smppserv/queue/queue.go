// Package queue decides which message is tried when, and what follows from what came of it.
//
// Every waiting message has a row in the store and an entry here, which knows only what deciding takes: some sixty octets without
// a pointer in them. What trying it takes is read when its turn comes, for many at a time and ahead; a small part is kept in memory
// while it may be tried soon. An entry stands in the lane of its conversation (same recipient, same two numbers). Lanes with
// a message that may be tried now are ready; they take turns, first by who handed their next message in, then among themselves,
// at the outlets of their recipient: Hermès has one, a client one for each session that may receive.
//
//	Add ── store ── Added ──► lane ──► ready ──► outlet ── Deliver ── report ──► store
//	                           ▲                                        │
//	                           └── next try at its time ◄── try again ──┘
//
// One goroutine starts the tries and minds the times, in small steps; everything else happens in the callers' goroutines, under
// one lock. Its work is in proportion to what is due, never to what waits. A message that must be tried again holds back those
// behind it in its lane. A restart begins again from the rows.
package queue

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/loglimit"
	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// Store is what the queue needs of the store.
type Store interface {
	Add(road.Addition)
	Finish(*road.Transition)
	Known(externalID string, found func(sms.ID, error))
	End(vs []*road.Transition, ask *road.Ask, ended func(error))
	Change(m *sms.Message, ask *road.Ask, changed func(error))
	Readdress(ids []sms.ID, recipient string, done func(error))
	After(through func())
	Load(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	LoadHeads(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error
	WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error)
	ByNumber(ctx context.Context, number string, from, to time.Time, below sms.ID, f func(*sms.Message) error) error
	WrittenElsewhere(ctx context.Context) (bool, error)
	EarlierID() sms.ID
	NoteClockStep(s road.ClockStep, done func(error))
	ClockSteps(ctx context.Context) ([]road.ClockStep, error)
}

// Options of a Queue.
type Options struct {
	Settings
	Store    Store
	Log      zerolog.Logger
	Observer Observer // may be nil
	Share    Share    // nil = the store is this queue's alone
	Clock    Clock    // nil means SystemClock
	// CacheOctets bounds the memory for messages; what is more stays on disk until it is tried. 0 means 8 MiB.
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
	// LongestRetry is the longest wait between two tries of Hermès, for rows of earlier versions that do not tell theirs; 0 = an hour.
	LongestRetry time.Duration
}

// Configure takes new settings for what comes from now on.
func (q *Queue) Configure(st Settings) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.o.Settings = st
}

const (
	defaultCacheOctets = 8 << 20
	// maxUnwritten bounds the outcomes that wait for the disk; while so many wait nothing new is tried.
	maxUnwritten = 4096
)

// Queue holds the waiting messages. Its methods may be called from any goroutine.
type Queue struct {
	o       Options
	log     zerolog.Logger
	limited *loglimit.Limiter // of log, for lines that messages cause
	kick    chan struct{}
	woken   atomic.Bool   // something was put into kick since the dispatcher looked
	done    chan struct{} // the dispatcher has ended
	stop    chan struct{}

	replacing  [64]sync.Mutex // by conversation: held while one looks for what to replace
	cancelling chan struct{}  // has room for one conversation that is being taken back

	mu sync.Mutex
	reckoning
	following
	complete complete
	entries  slab[entry] // also those whose end is not on disk yet
	lanes    slab[lane]
	byID     index
	byHash   index // of the conversation
	wheel    wheel
	parties  parties
	groups   groups
	lines    numbers
	flights  flights
	holding  map[string]struct{} // the recipients for whom nothing is tried, by an operator's wish
	leaving  map[string]int      // and those whose messages are being handed over, by so many calls
	went     map[string]int      // how many of those another worker has got meanwhile

	// What few entries have.
	held        map[ref]*sms.Message
	submissions map[ref]road.Submission
	abroad      map[sms.ID]telling  // the submissions that wait for what another worker makes of their messages
	apart       map[uint64]*apart   // by the hash of a conversation
	cameBack    map[sms.ID]struct{} // messages to be taken up again when they have been handed on
	partOf      map[ref]*group
	leads       map[ref]*text
	successors  map[ref]sms.ID      // that took its place while it was tried
	seniorities map[ref]*seniority  // of long lanes
	strewn      map[ref]struct{}    // lanes in whose line something may wait for a time far behind what does not
	faults      map[ref]int         // of the server, that trying it has brought about
	unsaved     map[ref]*conclusion // the last of its outcomes that are on their way to disk

	// What the dispatcher is to do.
	marked   fifo[*recipientQueue] // something may be started for them
	resumed  fifo[*recipientQueue] // waits are to be ended
	returned []*Outlet             // detached, with lanes that waited for them
	ends     fifo[ending]          // messages to conclude without a try
	endsFrom int64                 // not before
	answers  answers
	passing  fifo[*passing]
	outgoing map[sms.ID]*passing // these, and those whose hand-on is under way
	proven   fifo[proven]
	onParked func()

	placed       [1024]placed // by the lane
	cached       int          // octets of messages in memory
	changes      uint64       // replace_sm so far
	unwritten    int          // outcomes on their way to disk
	storing      atomic.Int64 // additions, changes and steps of the clock on their way to disk; it rises under mu only
	trying       int          // jobs in flight
	lastSeen     sms.ID       // the highest ID that is known here
	unreadable   sms.Unreadable
	maxCancelled int
	maxAsked     int
	unswept      bool // another program has written, and what it wrote was not looked at to the end
	started      bool
	quiesced     bool // nothing new is tried
	stopping     bool // nothing new is taken in, either
	stopped      bool
	idle         chan struct{} // closed when stopping and nothing is in flight or on its way to disk
}

// New makes a queue. Start lets it work.
func New(o Options) *Queue {
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Clock == nil {
		o.Clock = SystemClock()
	}
	if o.Share == nil {
		o.Share = alone{}
	}
	if o.CacheOctets == 0 {
		o.CacheOctets = defaultCacheOctets
	}
	q := &Queue{
		o: o, log: o.Log, limited: loglimit.New(o.Log), reckoning: newReckoning(o.Clock), parties: newParties(),
		kick: make(chan struct{}, 1), done: make(chan struct{}), stop: make(chan struct{}), idle: make(chan struct{}),
		held: map[ref]*sms.Message{}, submissions: map[ref]road.Submission{}, abroad: map[sms.ID]telling{}, apart: map[uint64]*apart{}, cameBack: map[sms.ID]struct{}{}, outgoing: map[sms.ID]*passing{}, partOf: map[ref]*group{},
		leads: map[ref]*text{}, successors: map[ref]sms.ID{}, faults: map[ref]int{}, unsaved: map[ref]*conclusion{}, seniorities: map[ref]*seniority{}, strewn: map[ref]struct{}{},
		complete:   complete{ids: map[uint64]sms.ID{}, max: defaultMaxComplete},
		groups:     groups{byKey: map[groupKey]*group{}, max: defaultMaxGroups},
		lines:      numbers{all: []*turns{nil}},
		flights:    flights{all: make([]flight, 1)},
		holding:    map[string]struct{}{},
		leaving:    map[string]int{},
		went:       map[string]int{},
		cancelling: make(chan struct{}, 1), maxCancelled: defaultMaxCancelled, maxAsked: defaultMaxAsked,
	}
	q.byID.key = func(r ref) uint64 { return uint64(q.entries.at(r).id) }
	q.byHash.key = func(r ref) uint64 { return q.lanes.at(r).hash }
	q.wheel.q, q.wheel.at = q, q.now()
	q.onParked = q.parked
	return q
}

// Start takes up what waits in the store, and begins to deliver.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.recover(ctx); err != nil {
		return err
	}
	q.mu.Lock()
	q.complete.blind = max(q.complete.blind, q.now()+q.o.Reassemble.Milliseconds())
	if _, only := q.o.Share.(alone); !only { // a text may have been completed at another worker
		q.complete.blind = math.MaxInt64
	}
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
	defer q.limited.Flush()
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
	if q.stopping && q.trying == 0 && q.unwritten == 0 && q.storing.Load() == 0 && q.noted == len(q.steps) {
		select {
		case <-q.idle:
		default:
			close(q.idle)
		}
	}
}

// Add hands a message in; from then on it is the queue's. limit is how many undelivered messages its owner may have, 0 = any number.
// It returns at once: sms.ErrQueueFull or sms.ErrStopping, or nil, and then s.Accepted tells when it is on disk. Only a part of a long
// text that may have been handed in before is looked up first: one that was is answered with its ID, and is not handed in again.
// What bears an ExternalID is refused by s.Accepted with sms.ErrQueueFull, since it may be known already.
func (q *Queue) Add(m *sms.Message, limit int, s road.Submission) error {
	return q.add(m, limit, s, nil)
}

func (q *Queue) add(m *sms.Message, limit int, s road.Submission, old *replaced) error {
	if limit > 0 && old != nil && !old.tried {
		limit++
	}
	a := &addition{q: q, m: m, keys: keysOf(m), submission: s, replaces: old}
	if old == nil {
		if first := q.resent(m, a.keys); first != nil {
			addAgain(m, first, s)
			return nil
		}
	}
	q.mu.Lock()
	owner := q.parties.get(m.Owner())
	switch {
	case q.stopping:
		q.parties.forget(owner)
		q.mu.Unlock()
		return sms.ErrStopping
	case limit > 0 && q.owned(owner) >= limit && m.ExternalID != "" && s != nil:
		q.storing.Add(1)
		q.mu.Unlock()
		q.o.Store.Known(m.ExternalID, func(id sms.ID, err error) { q.addedBefore(m, id, err, s) })
		return nil
	case limit > 0 && q.owned(owner) >= limit:
		q.parties.forget(owner)
		q.mu.Unlock()
		return sms.ErrQueueFull
	}
	owner.pending++
	q.storing.Add(1)
	a.owner, a.came = owner, q.look()
	q.mu.Unlock()
	q.o.Store.Add(a)
	return nil
}

// Known implements hermes.Queue.
func (q *Queue) Known(externalID string, found func(sms.ID, error)) {
	q.mu.Lock()
	if q.stopping {
		q.mu.Unlock()
		found(0, sms.ErrStopping)
		return
	}
	q.storing.Add(1)
	q.mu.Unlock()
	q.o.Store.Known(externalID, func(id sms.ID, err error) {
		found(id, err)
		q.stored()
	})
}

// addedBefore answers what finds its owner's queue full: it takes no room if the message with its external id is here already.
func (q *Queue) addedBefore(m *sms.Message, id sms.ID, err error, s road.Submission) {
	if m.ID = id; id == 0 && err == nil {
		err = sms.ErrQueueFull
	}
	q.guarded(m, func() { s.Accepted(m, err == nil, err) })
	q.stored()
}

// addition is a message on its way to disk. It implements road.Addition.
type addition struct {
	q          *Queue
	m          *sms.Message
	keys       keys
	owner      *party
	submission road.Submission // may be nil
	replaces   *replaced       // what it takes the place of, nil = nothing
	came       int64
}

// Message implements road.Addition.
func (a *addition) Message() *sms.Message { return a.m }

// Added implements road.Addition: the message is on disk, or will never be.
// The queue knows of it before the request is answered, for the next request may be to cancel it. No receipt overtakes the answer:
// the store reports one thing after the other, and the outcome's report can come only after this one.
func (a *addition) Added(duplicate bool, err error) {
	q, m, old := a.q, a.m, a.replaces
	kept := err == nil && !duplicate
	q.mu.Lock()
	if old != nil && old.tried {
		if kept {
			q.succeed(old.id, m.ID)
		}
		old = nil
	}
	if kept {
		q.o.Observer.Accepted(m)
		now := max(a.came, q.wheel.at)
		if m.Holder != 0 {
			q.pass(m, a.owner, a.submission, now)
		} else {
			r := q.enter(m, a.keys, a.came, now, false)
			if a.submission != nil {
				q.keep(r, m, a.submission, now)
			}
			q.offer(r, m)
		}
		if old != nil {
			q.remove(old.end, old.end.all, []*sms.Message{old.m})
			q.unwritten++
		}
	} else {
		q.uncount(a.owner)
		if old != nil {
			q.unclaim(old.r)
		}
	}
	q.mu.Unlock()
	if a.submission != nil {
		q.guarded(m, func() { a.submission.Accepted(m, duplicate, err) })
	}
	if kept && old != nil {
		old.end.tell()
		old.end.written()
	}
	q.stored()
}

// guarded tells an edge something of a message; a fault in that is the message's alone.
func (q *Queue) guarded(m *sms.Message, tell func()) {
	if fault := guard.Do(tell); fault != nil {
		q.log.Error().EmbedObject(m).Err(fault).Str("stack", fault.Stack).
			Msg("telling of a message brought about a fault of the server: nobody is told; please report this line")
	}
}

// succeed notes what has taken the place of a message that is being tried, or was.
func (q *Queue) succeed(old, by sms.ID) {
	r := q.byID.find(uint64(old))
	if r == 0 { // it has ended, or another worker has it
		q.o.Share.Supersede(old, by)
		return
	}
	e := q.entries.at(r)
	if e.status == concluded {
		return
	}
	e.flags |= succeeded
	q.successors[r] = by
	if e.status == waiting || e.status == aside && e.flags&grouped == 0 { // the try, or whatever had it, has ended meanwhile
		q.end(r, superseded)
	}
}

// stored is called when an addition or a change is through with the disk.
func (q *Queue) stored() {
	if q.storing.Add(-1) == 0 {
		q.mu.Lock()
		q.checkIdle()
		q.mu.Unlock()
	}
	q.wake()
}

// Pending is how many undelivered messages the owner has.
func (q *Queue) Pending(owner string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if p := q.parties.byName[owner]; p != nil {
		return p.pending
	}
	return 0
}

// Owned counts the undelivered messages of each owner that has some.
func (q *Queue) Owned() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	owned := map[string]int{}
	for name, p := range q.parties.byName {
		if p.pending > 0 && name != sms.Hermes {
			owned[name] = p.pending
		}
	}
	return owned
}

// Waiting counts the messages and receipts that are not final by who is to get them: system_ids, and sms.Hermes.
func (q *Queue) Waiting() map[string]int {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[string]int{}
	for name, p := range q.parties.byName {
		if p.recipient != nil && p.recipient.size > 0 {
			waiting[name] = p.recipient.size
		}
	}
	return waiting
}

// Stats is a snapshot for operators.
func (q *Queue) Stats() sms.QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return sms.QueueStats{Waiting: q.entries.n, InFlight: q.trying, Unwritten: q.unwritten, Lanes: q.lanes.n}
}
