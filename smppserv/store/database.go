package store

import (
	"context"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

// Database is what a store asks of the database that it is in: opened, ours alone, its schema up to date.
//
// The methods of the first group are called by one goroutine alone, those of the others from any.
// Each read ends in a bounded time, and none of them holds up a write.
type Database interface {
	// Write commits a batch in one transaction: all of it is on disk when it returns, and nothing of it after an error; but after
	// ErrInDoubt only Settle tells. After ErrTaken a batch that is made anew can be written.
	Write(b *Batch) error
	// Settle tells whether the batch that was in doubt is on disk, or fails for now.
	Settle(ctx context.Context, b *Batch) (written bool, err error)
	// MoreIDs reserves message_ids above one, from first to last, for this store alone.
	MoreIDs(ctx context.Context, above sms.ID) (first, last sms.ID, err error)
	// ByExternalID sets ids to the messages that have these external ids, 0 = none.
	ByExternalID(externalIDs []string, ids []sms.ID) error
	// WrittenElsewhere tells whether another program has written to the database since the last call.
	WrittenElsewhere() (bool, error)
	// Counters calls f, until it fails, for the counters of an hour, in their order, as those are on disk: before a Write, or within
	// it, from the Tally. The row is valid until f returns.
	Counters(hour int64, f func(*tally.Row) error) error
	// Tend is called between two transactions, when all of the first one have their answers, or are being told: the time for the
	// database's care.
	Tend()

	// OnDue tells how to have Tend called soon, also when nothing is written. It is called once, before anything else.
	OnDue(due func())
	// RefusesRow tells a fault of one row from one of the database, which meets them all.
	RefusesRow(err error) bool
	// MarkFile is where the high-water mark of the message_ids is kept. It is no part of the database. "" = there is none, of what is
	// never put back from a backup.
	MarkFile() string
	// Present tells whether what is written still goes to where the next start finds it: an error says what happened to
	// the database under the running server, and what to do.
	Present() error
	// Start is called once, when Write can be: what the database has to write by itself it hands to own, which calls write within a
	// transaction, as a part of a Batch or alone, and returns when that is on disk, or nothing of it is. It may call write again
	// after a failure. The database is ready to be asked when Start returns.
	Start(ctx context.Context, own func(write func() error) error) error
	// Medium names for people what a write waits for, and what to look at while that hangs.
	Medium() (name, look string)
	// Scrub returns when nothing of what was deleted before is in files of the database that it can overwrite, or with ctx and why not.
	Scrub(ctx context.Context) error
	// Close lets others open the database. Reads under way are ended, and Write is not called any more.
	Close() error

	// Answer reads something. It takes as long as the disk does.
	Answer(ctx context.Context) error
	// LastID is the highest message_id that the database knows of, also of what was purged.
	LastID(ctx context.Context) (sms.ID, error)

	// Load reads messages in ascending order of their IDs and leaves out those that are missing.
	Load(ctx context.Context, ids []sms.ID, part Part) ([]*sms.Message, error)
	// Waiting calls f for each message above after that is not final, in ascending order and without its Content, and
	// stops at f's first error. The message is valid until f returns.
	Waiting(ctx context.Context, after sms.ID, f func(*sms.Message) error) error
	// WaitingOf is Waiting for what these holders had: workers that are no more, whose rows are this one's now.
	WaitingOf(ctx context.Context, holders []sms.Epoch, f func(*sms.Message) error) error
	// WaitingIDs lists the messages above after and up to upTo that are not final, in ascending order and at most limit of them.
	WaitingIDs(ctx context.Context, after, upTo sms.ID, limit int) ([]sms.ID, error)
	// HandedOn calls f, in ascending order and without Content, for each message that waits for a client at another worker on the store, and that
	// what these epochs, which are over, had left must not overtake: one of them handed it on, were it that others did so after it. The message is
	// valid until f returns.
	HandedOn(ctx context.Context, by []sms.Epoch, f func(*sms.Message)) error
	// Holders tells of the messages that are not final at which other worker on the store they wait, 0 = at this one.
	Holders(ctx context.Context, ids []sms.ID) (map[sms.ID]sms.Epoch, error)
	// HeldElsewhere lists, in ascending order, without their Content and at most limit of them, the messages of like's submitter, recipient
	// and two numbers, and of its service_type unless that is "", that wait and have another holder.
	HeldElsewhere(ctx context.Context, like *sms.Message, limit int) ([]*sms.Message, error)
	// KnownAs lists the messages that have this ID or are known by it, in ascending order.
	KnownAs(ctx context.Context, id sms.ID) ([]sms.ID, error)
	// LastWriter finds who last wrote from number to campaign.
	LastWriter(ctx context.Context, number, campaign string) (c sms.Conversation, ok bool, err error)
	// LastUse finds how the client last wrote number, to whichever campaign.
	LastUse(ctx context.Context, client, number string) (a sms.Address, ok bool, err error)
	// ByNumber calls f for the messages from or to number with IDs from from up to to, newest first and without their Content, and
	// stops at f's first error.
	ByNumber(ctx context.Context, number string, from, to sms.ID, f func(*sms.Message) error) error
	// Since is the first message that was received at the time given or later, and is 0 where there is none. It goes by the order
	// of the messages, as if the clock had never been set back.
	Since(ctx context.Context, at time.Time) (sms.ID, error)
	// ClockSteps lists the steps of all workers on the store in the order in which they were written.
	ClockSteps(ctx context.Context) ([]road.ClockStep, error)
	// LastPurge is the last batch's PurgedAt, zero = there was none.
	LastPurge(ctx context.Context) (time.Time, error)
	// Ages calls f for the messages above after, in ascending order and for at most limit of them.
	Ages(ctx context.Context, after sms.ID, limit int, f func(Age)) error
	// Tries lists the tries of a message, the oldest first: those beside it, and the one in its row.
	Tries(ctx context.Context, id sms.ID) ([]sms.Try, error)
	// Scan calls f for the messages with ids from from up to to that q lets through, but for its times and Below, newest first, without
	// their Content, and for at most limit of them.
	Scan(ctx context.Context, q *Search, along Along, from, to sms.ID, limit int, f func(*sms.Message)) error
	// ReceivedAt is when the newest message with an id up to id was received, zero = there is none.
	ReceivedAt(ctx context.Context, id sms.ID) (time.Time, error)
	// Hours lists hours before before in which messages of q's Client, Campaign, Direction and Kinds were accepted, as the counters say,
	// the newest first and at most limit of them. They are in milliseconds since 1970.
	Hours(ctx context.Context, q *Search, before int64, limit int) ([]int64, error)
	// Counted is since when there are counters, and the last message before.
	Counted(ctx context.Context) (since time.Time, last sms.ID, err error)
	// Traffic calls f for the counters of the hours from from on and before to, in milliseconds since 1970, of the client and the
	// campaign, "" = all, in their order. The row is valid until f returns.
	Traffic(ctx context.Context, from, to int64, client, campaign string, f func(*tally.Row) error) error
	// Samples lists the samples from from on and before to, in milliseconds since 1970, the oldest first: of all workers on the store
	// together, or this one's own.
	Samples(ctx context.Context, from, to int64, own bool) ([]Sample, error)
	// Audit lists the entries below an ID, the newest first and at most limit of them.
	Audit(ctx context.Context, below int64, limit int) ([]AuditEntry, error)
	// ClientNotes lists what is kept of clients, in ascending order of their names.
	ClientNotes(ctx context.Context) ([]ClientNote, error)
	// Oldest is of when the oldest counters, samples and entries of the audit are, in milliseconds since 1970, 0 = there are none.
	Oldest(ctx context.Context) (Horizon, error)
	// Conversations calls f for what earlier versions noted of conversations, in the rows above after, in ascending order and for at
	// most limit of them. A conversation stays in its row. writtenAt is in milliseconds since 1970.
	Conversations(ctx context.Context, after int64, limit int, f func(row, writtenAt int64)) error
}

// Part is how much of a message's text is read.
type Part uint8

const (
	Whole Part = iota
	// Head is the first sms.HeadOctets of Content: enough for the receipt of what ends untried.
	Head
	// Bare is nothing of it.
	Bare
)

// Age is what a purge goes by. Times are in milliseconds since 1970.
type Age struct {
	ID                       sms.ID
	Received, Final, Expires int64
	Ended                    bool // Final is set
}

// Batch is what one transaction writes. What it adds is in no other part of it.
type Batch struct {
	Now    time.Time // when what ends ends
	LastID sms.ID    // the highest ID that was ever given out

	// Added bear their IDs, in ascending order, and are known by KnownBy where that is not 0. The ExternalID of a message is one
	// that ByExternalID does not find. Write sets the Holder of those that another worker is to have.
	Added []*sms.Message
	// HandedOn go to other holders, as far as they are not final. They are in no other part.
	HandedOn []Handed
	// Tried have a next try: their attempts, error, reason, try, due time (unless it is zero), key and progress are written, or, of
	// those that are Underway, their progress alone: in this order. What is final stays as it is. What the row has of a try before
	// goes to the tries beside it, here as in Ended, unless it is counted in the row; see sms.Message.Unjudged.
	Tried []*road.Transition
	// Changed have a new content, times and flags, whatever Tried says of them: a message is not tried before its change is on disk. What is
	// final stays as it is.
	Changed []*sms.Message
	// Ended have a final state. What has one already, also by an earlier one of the batch, keeps it.
	Ended []*road.Transition
	// Tally has counted Added. It is told of each message of Ended that takes its state, and by it; then its rows are written, after
	// all else.
	Tally *tally.Sheet
	// Asked are what changes and ends of the batch are for. They are answered; if one of them was answered already, or its time is over,
	// nothing of the batch is written, and the error is a *VoidError.
	Asked []road.Ask
	// Readdressed that are not final get another recipient.
	Readdressed []Readdressed
	// Purged go, as far as they are final, with what is kept of their external ids, of submit_multi and of their tries, and LastID
	// stays known.
	Purged []Range
	// Forgotten are conversations of earlier versions that go.
	Forgotten Forgotten
	// Erased are numbers of which what is kept beside the messages goes: conversations of earlier versions, groups of parts. What is
	// remembered of them is looked up anew.
	Erased []string
	// Renamed are campaigns whose counters, after the Tally is written, go under another name. Of counters that several workers keep it
	// is this one's, and those of workers that are no more.
	Renamed []Renamed
	// Reworded are entries of the audit whose On and More change.
	Reworded []AuditEntry
	// Steps of the clock are kept, at most MaxClockSteps of them, and those that no waiting message needs go.
	Steps []road.ClockStep
	// PurgedAt is when the purge of the day was; zero = it was not now.
	PurgedAt time.Time
	// Samples are kept, each in the place of an earlier one of its minute.
	Samples []Sample
	// Audit is kept, and gets IDs that rise.
	Audit []AuditEntry
	// Noted are events of clients that are kept, as far as they are not zero. Paused are all that is kept of pauses of these.
	Noted, Paused []ClientNote
	// Outdated are counters, samples and entries of the audit before these times, in milliseconds since 1970: of each kind at most
	// OutdatedStep of the oldest go.
	Outdated Horizon
	// Probe writes something that changes nothing.
	Probe bool
	// Own is what the database itself wants written; see Database.Start.
	Own []func() error
}

// Range is all messages from one to another one, both included.
type Range struct{ From, To sms.ID }

// Forgotten are the conversations in the rows above After and up to UpTo that were written before Before, in milliseconds
// since 1970. The zero value is none.
type Forgotten struct{ After, UpTo, Before int64 }

// Renamed are the counters of a campaign in the hours from From on and before Until, in milliseconds since 1970, and the name that
// they have from now on. No counters have that name yet.
type Renamed struct {
	Campaign, To string
	From, Until  int64
}

// Readdressed are messages and their new recipient.
type Readdressed struct {
	IDs       []sms.ID
	Recipient string
}

// Handed are messages and the epoch that holds them from now on.
type Handed struct {
	IDs []sms.ID
	To  sms.Epoch
}

// Horizon is how far back what is no message reaches.
type Horizon struct{ Counters, Samples, Audit int64 }

// OutdatedStep bounds what goes of each kind in one transaction.
const OutdatedStep = 200

// Along is what a Scan goes along.
type Along uint8

const (
	AlongAll     Along = iota
	AlongWaiting       // those that are not final
	AlongFailed        // those that failed, after the last one that Counted names
)

func (b *Batch) reset() {
	clear(b.Added)
	clear(b.Changed)
	clear(b.Tried)
	clear(b.Ended)
	clear(b.Own)
	clear(b.Asked)
	clear(b.Readdressed)
	clear(b.HandedOn)
	clear(b.Audit)
	clear(b.Noted)
	clear(b.Paused)
	clear(b.Erased)
	clear(b.Renamed)
	clear(b.Reworded)
	*b = Batch{Added: b.Added[:0], Changed: b.Changed[:0], Tried: b.Tried[:0], Ended: b.Ended[:0],
		Purged: b.Purged[:0], Steps: b.Steps[:0], Own: b.Own[:0], Tally: b.Tally,
		Asked: b.Asked[:0], Readdressed: b.Readdressed[:0], HandedOn: b.HandedOn[:0], Samples: b.Samples[:0], Audit: b.Audit[:0], Noted: b.Noted[:0], Paused: b.Paused[:0],
		Erased: b.Erased[:0], Renamed: b.Renamed[:0], Reworded: b.Reworded[:0]}
}

func (b *Batch) empty() bool {
	return len(b.Added)+len(b.Changed)+len(b.Tried)+len(b.Ended)+len(b.Purged)+len(b.Steps)+len(b.Own)+
		len(b.Readdressed)+len(b.HandedOn)+len(b.Samples)+len(b.Audit)+len(b.Noted)+len(b.Paused)+len(b.Erased)+len(b.Renamed)+len(b.Reworded) == 0 &&
		b.Forgotten == Forgotten{} && b.Outdated == Horizon{} && b.PurgedAt.IsZero() && !b.Probe
}
