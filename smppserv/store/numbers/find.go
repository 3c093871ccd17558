package numbers

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/runs"
)

const (
	// lookTime bounds a look for an answer.
	lookTime = 5 * time.Second
	// searched is how many messages of a number are looked at when the newest one of a conversation is not what it seems.
	searched = 512
	// latest is how many of the newest messages are looked at while the index is behind.
	latest = 4096
	// step is how many messages are read together.
	leastStep, mostStep = 16, 256
)

// LastWriter finds who last wrote from number to campaign.
func (b *Book) LastWriter(ctx context.Context, number, campaign string) (sms.Conversation, bool, error) {
	q := question{runs.ConversationKey(number, campaign), number, campaign}
	if c, found, known := b.answers.get(q); known {
		return c, found, nil
	}
	return b.find(ctx, look{
		question: q, number: number,
		fits: func(m *sms.Message) bool { return m.Source.Number == number && m.Dest.Number == campaign },
		noted: func(ctx context.Context) (sms.Conversation, bool, error) {
			return b.rows.NotedWriter(ctx, number, campaign)
		},
	})
}

// LastUse finds how the client last wrote number, to whichever campaign.
func (b *Book) LastUse(ctx context.Context, client, number string) (sms.Address, bool, error) {
	q := question{runs.UseKey(client, number), client, number}
	if c, found, known := b.answers.get(q); known {
		return c.Number, found, nil
	}
	c, found, err := b.find(ctx, look{
		question: q, number: number,
		fits: func(m *sms.Message) bool { return m.Source.Number == number && m.Submitter == client },
		noted: func(ctx context.Context) (c sms.Conversation, ok bool, err error) {
			c.Number, ok, err = b.rows.NotedUse(ctx, client, number)
			return c, ok, err
		},
	})
	return c.Number, found, err
}

// look is what is looked for: the newest message of number that a client wrote and that fits, else what was noted.
type look struct {
	question
	number string
	fits   func(*sms.Message) bool
	noted  func(context.Context) (sms.Conversation, bool, error)
}

func (l *look) is(m *sms.Message) bool { return wrote(m) && l.fits(m) }

// find looks an answer up, and keeps it if it is certain.
func (b *Book) find(ctx context.Context, l look) (c sms.Conversation, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	a := b.answers.expect(l.question)
	certain := false
	defer func() { b.answers.settle(a, c, found, certain && err == nil) }()
	m, err := b.newest(ctx, &l)
	certain = err == nil
	if err != nil && ctx.Err() == nil && (errors.Is(err, runs.ErrBehind) || errors.Is(err, runs.ErrDamaged)) {
		m, err = b.among(ctx, &l)
	}
	switch {
	case err != nil:
		return c, false, err
	case m == nil:
		c, found, err = l.noted(ctx)
		return c, found, err
	}
	return sms.Conversation{Client: m.Submitter, Number: m.Source, Campaign: m.Dest}, true, nil
}

// newest asks the index. What it names first is the one unless that is purged or has the key of another by chance: then those of
// the number are looked through. nil = there is none.
func (b *Book) newest(ctx context.Context, l *look) (*sms.Message, error) {
	id, ok, err := b.index.Newest(ctx, l.key)
	if !ok || err != nil {
		return nil, err
	}
	m, err := b.row(ctx, id)
	if err != nil || m != nil && l.is(m) {
		return m, err
	}
	var found *sms.Message
	err = b.each(ctx, l.number, 1, id, searched, func(m *sms.Message) error {
		if !l.is(m) {
			return nil
		}
		found = m
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// among looks through the newest messages of all.
func (b *Book) among(ctx context.Context, l *look) (*sms.Message, error) {
	id := sms.ID(0)
	err := b.rows.Latest(ctx, latest, func(m *sms.Message) {
		if id == 0 && l.is(m) {
			id = m.ID
		}
	})
	if err != nil || id == 0 {
		return nil, err
	}
	return b.row(ctx, id)
}

func (b *Book) row(ctx context.Context, id sms.ID) (*sms.Message, error) {
	ms, err := b.rows.Bare(ctx, []sms.ID{id})
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return ms[0], nil
}

var errEnough = errors.New("enough")

// Each calls f for the messages from or to number with ids from from up to to, newest first and without their Content, and stops
// at f's first error. While the index is behind the error is runs.ErrBehind.
func (b *Book) Each(ctx context.Context, number string, from, to sms.ID, f func(*sms.Message) error) error {
	return b.each(ctx, number, from, to, math.MaxInt, f)
}

// each is Each for at most limit ids of the index.
func (b *Book) each(ctx context.Context, number string, from, to sms.ID, limit int, f func(*sms.Message) error) error {
	step := leastStep
	ids := make([]sms.ID, 0, step)
	read := func() error {
		ms, err := b.rows.Bare(ctx, ids)
		if err != nil {
			return err
		}
		for _, m := range slices.Backward(ms) {
			if m.Source.Number != number && m.Dest.Number != number {
				continue
			}
			if err := f(m); err != nil {
				return err
			}
		}
		ids, step = ids[:0], min(2*step, mostStep)
		return nil
	}
	for id, err := range b.index.Find(ctx, runs.NumberKey(number), from, to) {
		if err != nil {
			return err
		}
		if ids = append(ids, id); len(ids) == step {
			if err := read(); err != nil {
				return err
			}
		}
		if limit--; limit == 0 {
			break
		}
	}
	return read()
}
