package transfer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"hnetsmpp/smppserv/sms"
)

const (
	// A block, which is written in one transaction, has up to so many rows, and texts of so many octets.
	blockRows   = 5000
	blockOctets = 8 << 20
	// blocksAhead are read while one is written.
	blocksAhead = 2
)

// Copied is what a copy has done.
type Copied struct {
	Rows    int64
	Tables  []Amount
	LastID  sms.ID // message_ids go on above it
	Waiting int64  // messages that wait
	Resumed int64  // rows that the destination had before
	Anew    bool   // what was there of an earlier try was not of what the source is now
	Begun   bool   // the destination says that it is one
	Aside   string // what was in the destination's place, under its new name; "" = nothing
	Noted   int64  // conversations noted by earlier versions that stay behind
}

// Amount is of one table.
type Amount struct {
	Table string
	Rows  int64
}

// What a copy refuses.
var (
	ErrSame     = errors.New("this is the store itself")
	ErrNotEmpty = errors.New("the destination is not empty")
	ErrDiffers  = errors.New("the destination is not what the source is")
)

// Copy copies all of a database into another one, which is empty or has an unfinished copy of the same one. See the package's comment.
// Called again after an error, other than a refusal, it goes on. Once ctx is over, its error is the one that is told: what a connection
// that was cut off says instead is its driver's.
func Copy(ctx context.Context, from, to Database, meter *Meter) (done Copied, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	c := copying{from: from, to: to, meter: meter}
	if err := c.begin(ctx); err != nil {
		return c.done, err
	}
	sums := make([]Sum, len(Tables))
	for i, t := range Tables {
		if err := c.table(ctx, t, &sums[i]); err != nil {
			return c.done, fmt.Errorf("copy %s: %w", t.Name, err)
		}
		c.done.Rows += sums[i].Rows
		c.done.Tables = append(c.done.Tables, Amount{t.Name, sums[i].Rows})
	}
	if err := c.verify(ctx, sums); err != nil {
		return c.done, err
	}
	return c.done, c.end(ctx)
}

type copying struct {
	from, to Database
	meter    *Meter
	source   Marks
	target   Marks
	done     Copied
}

// begin sees whether the two can be the ends of a copy, and marks the destination.
func (c *copying) begin(ctx context.Context) (err error) {
	if c.source, err = c.from.Marks(ctx); err != nil {
		return err
	}
	if c.target, err = c.to.Marks(ctx); err != nil {
		return err
	}
	c.done.Begun = c.target.Begun != nil
	if c.source.Identity != "" && c.source.Identity == c.target.Identity {
		return fmt.Errorf("%s: %w, or a copy of its file", c.to.Where(), ErrSame)
	}
	if c.target.Moved != nil && c.target.Moved.To == c.source.Identity && c.source.Moved == nil && c.source.Begun == nil {
		if err := c.setAside(ctx); err != nil {
			return err
		}
	}
	if err := c.refusal(); err != nil {
		return err
	}
	if err := c.identify(ctx, c.from, &c.source); err != nil {
		return err
	}
	state, err := c.from.State(ctx)
	if err != nil {
		return err
	}
	switch was := c.target.Begun; {
	case was == nil:
		err = c.empty(ctx)
	case was.State != state:
		c.done.Anew = true
		for _, t := range Tables {
			if err := c.to.Clear(ctx, t); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	if err := c.identify(ctx, c.to, &c.target); err != nil {
		return err
	}
	c.target.Begun = &Begun{From: c.source.Identity, Where: c.from.Where(), State: state}
	if err := c.to.SetMark(ctx, newMark(begun, c.target.Begun)); err != nil {
		return err
	}
	c.done.Begun = true
	c.done.Noted, err = c.from.Noted(ctx)
	return err
}

// refusal is of what the marks say.
func (c *copying) refusal() error {
	s, d := &c.source, &c.target
	switch {
	case s.Begun != nil:
		return fmt.Errorf("%s: %w", c.from.Where(), s.Refusal(c.from.Where()))
	case s.Moved != nil && (s.Moved.To != d.Identity || d.Begun == nil):
		return fmt.Errorf("%s: %w to %s on %s: there is nothing more to copy; name that in store.driver and store.dsn", c.from.Where(), ErrMoved, s.Moved.Where, day(s.Moved.At))
	case d.Begun != nil && d.Begun.From != s.Identity:
		return fmt.Errorf("%s: %w, but from another store, %s: go on with that one, or name an empty database", c.to.Where(), ErrUnfinished, d.Begun.Where)
	case d.Moved != nil:
		return fmt.Errorf("%s: %w: it is what was left there when it was moved to %s on %s: name an empty database, or delete that one first",
			c.to.Where(), ErrNotEmpty, d.Moved.Where, day(d.Moved.At))
	}
	return nil
}

// setAside makes room for the way back.
func (c *copying) setAside(ctx context.Context) (err error) {
	r, ok := c.to.(Renamed)
	if !ok {
		return nil // it is refused
	}
	if c.done.Aside, err = r.SetAside(ctx); err != nil {
		return err
	}
	c.target, err = c.to.Marks(ctx)
	return err
}

func (c *copying) identify(ctx context.Context, d Database, ms *Marks) error {
	if ms.Identity != "" {
		return nil
	}
	m := newIdentity()
	ms.Identity = m.Text
	return d.SetMark(ctx, m)
}

func (c *copying) empty(ctx context.Context) error {
	for _, t := range Tables {
		if t.Made {
			continue
		}
		has, err := c.to.HasRows(ctx, t)
		if err != nil {
			return err
		}
		if has {
			return fmt.Errorf("%s: %w: its table %s has rows; name an empty database", c.to.Where(), ErrNotEmpty, t.Name)
		}
	}
	return nil
}

// table copies one, and sums up what the source has in it.
func (c *copying) table(ctx context.Context, t *Table, sum *Sum) error {
	var last Key
	resumed := false
	if t.Keys > 0 {
		var err error
		if _, last, resumed, err = c.to.Ends(ctx, t); err != nil {
			return err
		}
	} else if err := c.to.Clear(ctx, t); err != nil {
		return err
	}
	if err := c.meter.begin(ctx, "copy", t, c.from); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	blocks, read := make(chan []Row, blocksAhead), make(chan error, 1)
	go func() {
		b := block{table: t, send: func(rows []Row) error {
			select {
			case blocks <- rows:
				return nil
			case <-reading.Done():
				return reading.Err()
			}
		}}
		err := c.from.Rows(reading, t, func(r Row) error {
			sum.Add(r)
			if t.Name == Messages && r[finalAt].Null {
				c.done.Waiting++
			}
			if resumed && !t.KeyOf(r).Above(last) {
				c.done.Resumed++
				c.meter.at(t, r)
				return nil
			}
			return b.add(r)
		})
		if err == nil {
			err = b.flush()
		}
		close(blocks)
		read <- err
	}()
	var wrote error
	for rows := range blocks {
		if wrote != nil {
			continue
		}
		if wrote = c.to.Write(ctx, t, rows); wrote != nil {
			stop()
			continue
		}
		c.meter.add(t, rows)
	}
	err := <-read
	if wrote != nil {
		return wrote
	}
	if err == nil {
		c.meter.end()
	}
	return err
}

// finalAt is the column of messages that is NULL while they wait.
const finalAt = 4

// block gathers rows. Rows of one key are in one block.
type block struct {
	table  *Table
	send   func([]Row) error
	rows   []Row
	values []Value
	octets int
}

func (b *block) add(r Row) error {
	if n := len(b.rows); n > 0 && (n >= blockRows || b.octets >= blockOctets) && (b.table.Keys == 0 || b.table.KeyOf(r).Above(b.table.KeyOf(b.rows[n-1]))) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	if cap(b.values)-len(b.values) < len(r) {
		b.values = make([]Value, 0, 256*len(r))
	}
	from := len(b.values)
	b.values = append(b.values, r...)
	b.rows = append(b.rows, b.values[from:len(b.values):len(b.values)])
	for i := range r {
		b.octets += len(r[i].Text)
	}
	return nil
}

func (b *block) flush() error {
	if len(b.rows) == 0 {
		return nil
	}
	err := b.send(b.rows)
	b.rows, b.octets = make([]Row, 0, blockRows), 0
	return err
}

// verify reads the destination back.
func (c *copying) verify(ctx context.Context, sums []Sum) error {
	var differ []string
	for i, t := range Tables {
		if err := c.meter.begin(ctx, "check", t, c.to); err != nil {
			return err
		}
		var sum Sum
		err := c.to.Rows(ctx, t, func(r Row) error {
			sum.Add(r)
			c.meter.at(t, r)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s back: %w", t.Name, err)
		}
		c.meter.end()
		switch {
		case sum.Is(&sums[i]):
		case sum.Rows != sums[i].Rows:
			differ = append(differ, fmt.Sprintf("%s has %d rows instead of %d", t.Name, sum.Rows, sums[i].Rows))
		default:
			differ = append(differ, fmt.Sprintf("of %s some of the %d rows differ", t.Name, sum.Rows))
		}
	}
	if len(differ) == 0 {
		return nil
	}
	c.target.Begun.State = "" // the next try begins anew
	err := fmt.Errorf("%s: %w: %s; it stays marked, no worker starts on it, and the source is the store as before: the same command copies all of it anew",
		c.to.Where(), ErrDiffers, strings.Join(differ, ", "))
	return errors.Join(err, c.to.SetMark(ctx, newMark(begun, c.target.Begun)))
}

// end gives the ids and the messages to the destination: the source is given up before the destination can be used.
func (c *copying) end(ctx context.Context) error {
	for _, d := range []Database{c.from, c.to} {
		last, err := d.LastID(ctx)
		if err != nil {
			return err
		}
		c.done.LastID = max(c.done.LastID, last)
	}
	if err := c.to.Finish(ctx, c.done.LastID); err != nil {
		return err
	}
	if c.source.Moved == nil {
		if err := c.from.Leave(ctx, newMark(moved, Moved{To: c.target.Identity, Where: c.to.Where()})); err != nil {
			return err
		}
	}
	return c.to.SetMark(ctx, Mark{Kind: begun})
}
