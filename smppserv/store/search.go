package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

// Direction is which way a message goes.
type Direction uint8

const (
	Either Direction = iota
	In               // to Hermès, or from a client to another one
	Out              // from Hermès, or the message centre, to a client
)

// Search says which messages are looked for. A zero field leaves all through.
type Search struct {
	Client    string      // submitter or recipient
	Number    string      // of either side, as in sms.Address
	Beginning bool        // Number is only how it begins
	Campaign  string      // the number of the contact centre's side; from a client to another one has none
	States    []sms.State // sms.Scheduled finds what its sender wanted later and was not tried; sms.Enroute has those, too
	Direction Direction
	Kinds     []sms.Kind
	From, To  time.Time // of FirstReceived, To excluded. What came while the clock was wrong may be left out
	Below     sms.ID    // leaves out that message and all newer ones: Found.Next of the page before; 0 = from the newest on
	Limit     int       // 1 to MaxFound
}

// MaxFound bounds the Limit of a Search.
const MaxFound = 1000

// Found is a part of what a Search finds, newest first and without their Content.
type Found struct {
	Messages []*sms.Message
	Next     sms.ID // Search.Below of what is older; 0 = that is all
	// SearchedTo is how far back was looked, when the time for one look, 300 ms, was over before Limit were found: Next goes on
	// there. Zero = it was not.
	SearchedTo time.Time
}

// Stored are the states in the rows of those messages that States may find.
func (q *Search) Stored() []sms.State {
	if !slices.Contains(q.States, sms.Scheduled) || slices.Contains(q.States, sms.Enroute) {
		return q.States
	}
	return append(slices.Clone(q.States), sms.Enroute)
}

// keeps tells whether a message is one of those looked for.
func (q *Search) keeps(m *sms.Message) bool {
	of := tally.Of(m)
	at := m.FirstReceived()
	switch {
	case q.Client != "" && m.Submitter != q.Client && m.Recipient != q.Client,
		q.Number != "" && !q.isNumber(m.Source.Number) && !q.isNumber(m.Dest.Number),
		q.Campaign != "" && (of.Campaign != q.Campaign || of.Peer != ""),
		q.Direction == In && of.Out, q.Direction == Out && !of.Out,
		len(q.Kinds) > 0 && !slices.Contains(q.Kinds, m.Kind),
		!q.From.IsZero() && at.Before(q.From), !q.To.IsZero() && !at.Before(q.To):
		return false
	}
	return len(q.States) == 0 || slices.Contains(q.States, m.State) ||
		m.State == sms.Enroute && slices.Contains(q.States, sms.Scheduled) && m.Scheduled()
}

func (q *Search) isNumber(number string) bool {
	return number == q.Number || q.Beginning && strings.HasPrefix(number, q.Number)
}

// only tells whether no state but these is looked for.
func (q *Search) only(states ...sms.State) bool {
	return len(q.States) > 0 && !slices.ContainsFunc(q.States, func(s sms.State) bool { return !slices.Contains(states, s) })
}

const (
	// searchTime is how long one look takes: nobody waits longer for a page, and no read holds its place in the log.
	searchTime = 300 * time.Millisecond
	// A step of a scan is of so many ids; the next one is of more or fewer, by how long it took. Of most there may be one where
	// few messages were left and all are again.
	firstScan, leastScan, mostScan = 10_000, 500, 100_000
	shortScan, longScan            = 10 * time.Millisecond, 40 * time.Millisecond
	// hoursStep is how many hours are asked for at once.
	hoursStep = 200
	// slack is how much later than it was received a message may come among the others: the disk may hang.
	slack = time.Minute
)

// errEnough ends a search that has all it wants, or no more time.
var errEnough = errors.New("enough")

// search is one look.
type search struct {
	*Search
	store    *Store
	until    time.Time
	from, to sms.ID // what is left to look at
	step     sms.ID
	found    Found
}

// Search finds messages, in about 300 ms at most. While the index of numbers is behind, a search by a whole number fails.
func (s *Store) Search(ctx context.Context, q Search) (Found, error) {
	l := search{Search: &q, store: s, until: time.Now().Add(s.searchTime), step: firstScan}
	q.Limit = min(max(q.Limit, 1), MaxFound)
	err := l.look(ctx)
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err == nil && l.found.Next != 0 && len(l.found.Messages) < q.Limit {
		l.found.SearchedTo, err = s.database.ReceivedAt(ctx, l.found.Next-1)
		if l.found.SearchedTo.IsZero() { // nothing is left
			l.found.Next = 0
		}
	}
	if err != nil {
		return Found{}, fmt.Errorf("store: search messages: %w", err)
	}
	return l.found, nil
}

func (l *search) look(ctx context.Context) (err error) {
	if l.from, l.to, err = l.store.received(ctx, l.From, l.To); err != nil {
		return err
	}
	last, err := l.store.database.LastID(ctx)
	if err != nil {
		return err
	}
	l.to = min(l.to, last)
	if l.Below > 0 {
		l.to = min(l.to, l.Below-1)
	}
	switch {
	case l.from > l.to:
		return nil
	case l.Number != "" && !l.Beginning:
		return l.number(ctx)
	case l.only(sms.Scheduled, sms.Enroute):
		return l.scan(ctx, AlongWaiting, l.from)
	case l.only(sms.Expired, sms.Undeliverable, sms.Rejected):
		return l.failed(ctx)
	case l.Client != "" || l.Campaign != "" || l.Direction != Either:
		return l.hours(ctx)
	}
	return l.scan(ctx, AlongAll, l.from)
}

// take takes a message that may be one, and fails with errEnough when no more are wanted.
func (l *search) take(m *sms.Message) error {
	if l.keeps(m) {
		l.found.Messages = append(l.found.Messages, m)
		if len(l.found.Messages) == l.Limit {
			return l.end(m.ID)
		}
	}
	return nil
}

// end is for a look that ends before all was looked at: below is left.
func (l *search) end(below sms.ID) error {
	if below > l.from {
		l.found.Next = below
	}
	return errEnough
}

func (l *search) number(ctx context.Context) error {
	return l.store.database.ByNumber(ctx, l.Number, l.from, l.to, func(m *sms.Message) error {
		if err := l.take(m); err != nil {
			return err
		}
		if time.Now().After(l.until) {
			return l.end(m.ID)
		}
		return nil
	})
}

// scan looks at what is left from the newest down to an id.
func (l *search) scan(ctx context.Context, along Along, down sms.ID) error {
	for l.to >= down {
		from := max(down, l.to-min(l.to, l.step)+1)
		began := time.Now()
		wanted := l.Limit - len(l.found.Messages)
		for { // a state or a time may be one that SQL does not tell
			n, last := 0, sms.ID(0)
			var enough error
			err := l.store.database.Scan(ctx, l.Search, along, from, l.to, wanted, func(m *sms.Message) {
				n, last = n+1, m.ID
				if enough == nil {
					enough = l.take(m)
				}
			})
			if err == nil {
				err = enough
			}
			if err != nil {
				return err
			}
			if n < wanted {
				break
			}
			if l.to = last - 1; l.to < from {
				break
			}
			if time.Now().After(l.until) {
				return l.end(last)
			}
		}
		l.to = from - 1
		now := time.Now()
		switch took := now.Sub(began); {
		case took < shortScan:
			l.step = min(4*l.step, mostScan)
		case took > longScan:
			l.step = max(l.step/2, leastScan)
		}
		if l.to >= l.from && now.After(l.until) {
			return l.end(from)
		}
	}
	return nil
}

// failed looks at what failed since there are notes of it, and through what was before.
func (l *search) failed(ctx context.Context) error {
	_, last, err := l.store.database.Counted(ctx)
	if err == nil {
		err = l.scan(ctx, AlongFailed, max(l.from, last+1))
	}
	if err == nil {
		err = l.scan(ctx, AlongAll, l.from)
	}
	return err
}

// hours looks only where, as the counters say, something was accepted that may be one.
func (l *search) hours(ctx context.Context) error {
	const hour = int64(time.Hour / time.Millisecond)
	database := l.store.database
	newest, err := database.ReceivedAt(ctx, l.to)
	if err != nil || newest.IsZero() {
		return err
	}
	uncounted, err := l.uncounted(ctx)
	if err != nil {
		return err
	}
	oldest := int64(math.MinInt64)
	if !l.From.IsZero() {
		oldest = tally.Hour(Milli(l.From))
	}
	down := max(l.from, uncounted+1)
	before := tally.Hour(Milli(newest.Add(slack))) + hour
	for l.to >= down {
		hours, err := database.Hours(ctx, l.Search, before, hoursStep)
		if err != nil {
			return err
		}
		if n := slices.IndexFunc(hours, func(h int64) bool { return h < oldest }); n >= 0 {
			hours = hours[:n]
		}
		if len(hours) == 0 {
			break
		}
		for len(hours) > 0 && l.to >= down {
			n := 1
			for n < len(hours) && hours[n-1]-hours[n] == hour {
				n++
			}
			if err := l.window(ctx, time.UnixMilli(hours[n-1]).Add(-slack), time.UnixMilli(hours[0]+hour).Add(slack), down); err != nil {
				return err
			}
			before, hours = hours[n-1], hours[n:]
			if time.Now().After(l.until) && l.to >= down {
				return l.end(l.to + 1)
			}
		}
	}
	if l.from > uncounted {
		return nil
	}
	l.to = min(l.to, uncounted)
	return l.scan(ctx, AlongAll, l.from)
}

// uncounted is the last message that counters may not tell of: it came before there were any, or those of its hour are too old to
// be kept.
func (l *search) uncounted(ctx context.Context) (sms.ID, error) {
	database := l.store.database
	_, last, err := database.Counted(ctx)
	if err != nil {
		return 0, err
	}
	oldest, err := database.Oldest(ctx)
	if err != nil || oldest.Counters == 0 {
		return l.to, err
	}
	first, err := database.Since(ctx, time.UnixMilli(oldest.Counters).Add(slack))
	if err != nil || first == 0 {
		return l.to, err
	}
	return max(last, first-1), nil
}

// window scans what was received from a time on and before another one.
func (l *search) window(ctx context.Context, from, to time.Time, down sms.ID) error {
	first, last, err := l.store.received(ctx, from, to)
	if err != nil {
		return err
	}
	if l.to = min(l.to, last); first > last {
		return nil
	}
	return l.scan(ctx, AlongAll, max(first, down))
}

// Tries lists the tries of a message, the oldest first; there may be none. Earlier versions of the program kept none.
func (s *Store) Tries(ctx context.Context, id sms.ID) ([]sms.Try, error) {
	tries, err := s.database.Tries(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("store: read the tries of message %d: %w", id, err)
	}
	return tries, nil
}
