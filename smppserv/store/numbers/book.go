package numbers

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

// Rows are the messages themselves. Reads end in a bounded time.
type Rows interface {
	// Bare reads messages without their Content, in ascending order of their IDs, and leaves out those that are missing.
	Bare(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	// Ends calls f for the messages above after, in ascending order and for at most limit of them, with their ID, Kind, Submitter
	// and the two numbers. The message is valid until f returns.
	Ends(ctx context.Context, after sms.ID, limit int, f func(*sms.Message)) error
	// Latest is Ends for the newest messages, the newest first.
	Latest(ctx context.Context, limit int, f func(*sms.Message)) error
	// NotedWriter and NotedUse are what versions before the index noted of a conversation and of a client's use of a number.
	NotedWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error)
	NotedUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error)
}

// Options are what a Book is opened with.
type Options struct {
	Storage     runs.Storage
	Rows        Rows
	First, Last sms.ID // of the messages that there are; 0 = none
	Log         zerolog.Logger

	TailMessages int // see runs.Options; 0 = its default
}

// Book knows the numbers. Its methods may be called from any goroutine, Add and Forget from one.
type Book struct {
	index   *runs.Index
	rows    Rows
	answers answers
	entries []runs.Entry // of Add
	told    progress
}

// Open opens the index, which then reads the messages that it does not have: see Ready.
func Open(ctx context.Context, o Options) (*Book, error) {
	b := &Book{rows: o.Rows, told: progress{log: o.Log, first: o.First, last: o.Last}}
	messages := func(ctx context.Context, after sms.ID, into []runs.Entry) ([]runs.Entry, error) {
		err := o.Rows.Ends(ctx, after, cap(into)-len(into), func(m *sms.Message) { into = append(into, entry(m)) })
		return into, err
	}
	var err error
	if b.index, err = runs.Open(ctx, runs.Options{Storage: o.Storage, Messages: messages, Progress: b.told.through, Log: o.Log, TailMessages: o.TailMessages}); err != nil {
		return nil, err
	}
	b.Forget(o.First)
	return b, nil
}

// Ready waits until the index has all messages: after an upgrade it reads each of them.
func (b *Book) Ready(ctx context.Context) error {
	if err := b.index.Ready(ctx); err != nil {
		return fmt.Errorf("the index of numbers: %w", err)
	}
	b.told.ready()
	return nil
}

// Close ends the work in the background. Nothing is lost.
func (b *Book) Close() { b.index.Close() }

// The keys of an entry.
const (
	source = iota
	destination
	conversation
	use
)

// entry is how a message is found. Conversations and uses are of what clients wrote.
func entry(m *sms.Message) runs.Entry {
	e := runs.Entry{ID: m.ID}
	e.Keys[source] = runs.NumberKey(m.Source.Number)
	if m.Dest.Number != m.Source.Number {
		e.Keys[destination] = runs.NumberKey(m.Dest.Number)
	}
	if wrote(m) {
		e.Keys[conversation] = runs.ConversationKey(m.Source.Number, m.Dest.Number)
		e.Keys[use] = runs.UseKey(m.Submitter, m.Source.Number)
	}
	return e
}

func wrote(m *sms.Message) bool { return m.Submitter != sms.Hermes && m.Kind == sms.KindText }

// Add takes messages that are on disk, in the order of their IDs, before anybody is told of it. It waits for nothing.
func (b *Book) Add(ms []*sms.Message) {
	if len(ms) == 0 {
		return
	}
	b.entries = b.entries[:0]
	for _, m := range ms {
		b.entries = append(b.entries, entry(m))
	}
	b.index.Add(b.entries)
	b.answers.renew(ms, b.entries)
}

// Forget tells that all messages below first are purged.
func (b *Book) Forget(first sms.ID) { b.index.Forget(first) }

// ForgetAnswers has what is asked for looked up again.
func (b *Book) ForgetAnswers() { b.answers.clear() }

// progress tells the log how far the index has come when it has much to read.
type progress struct {
	log         zerolog.Logger
	first, last sms.ID
	next        time.Time // when the log is told
	said        bool
}

const firstTold, nextTold = 2 * time.Second, 10 * time.Second

func (p *progress) through(id sms.ID) {
	now := time.Now()
	switch {
	case p.next.IsZero():
		p.next = now.Add(firstTold)
	case now.After(p.next) && id < p.last:
		p.next = now.Add(nextTold)
		p.said = true
		p.log.Info().Msgf("number index: %d %% of the messages; it is made once, and the server serves when that is done",
			100*(id-min(id, p.first))/(p.last-p.first+1))
	}
}

func (p *progress) ready() {
	if p.said {
		p.log.Info().Msg("number index: it has all messages")
	}
}
