package transfer

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// MarkPrefix begins the names of jobs that are marks.
const MarkPrefix = "copy/"

// Kinds of marks.
const (
	identity = "identity"
	begun    = "begun"
	moved    = "moved"
)

// Mark is a row of jobs that is no job.
type Mark struct {
	Kind string
	Text string
	At   time.Time
}

// Name is that of the row: MarkPrefix, the kind, a space and the text.
func (m Mark) Name() string { return MarkPrefix + m.Kind + " " + m.Text }

// Begun says that a copy into a database is not finished.
type Begun struct {
	From  string    // the identity of the source
	Where string    // it is
	State string    // of it; "" = what was copied is not as it is there
	At    time.Time `json:"-"`
}

// Moved says that all of a database is elsewhere now.
type Moved struct {
	To    string    // the identity of the destination
	Where string    // it is
	At    time.Time `json:"-"`
}

// Marks are those of a database.
type Marks struct {
	Identity string // by which the other ends of copies know it, "" = it had nothing to do with copies
	Begun    *Begun
	Moved    *Moved
}

// Read reads a row of jobs whose name begins with MarkPrefix. at is in milliseconds since 1970.
func (ms *Marks) Read(name string, at int64) error {
	kind, text, _ := strings.Cut(strings.TrimPrefix(name, MarkPrefix), " ")
	var err error
	switch kind {
	case identity:
		ms.Identity = text
	case begun:
		ms.Begun = &Begun{At: time.UnixMilli(at)}
		err = json.Unmarshal([]byte(text), ms.Begun)
	case moved:
		ms.Moved = &Moved{At: time.UnixMilli(at)}
		err = json.Unmarshal([]byte(text), ms.Moved)
	}
	if err != nil {
		return fmt.Errorf("the mark %q of a copy cannot be read: %w", kind, err)
	}
	return nil
}

func newMark(kind string, v any) Mark {
	text, ok := v.(string)
	if !ok {
		octets, err := json.Marshal(v)
		if err != nil {
			panic(err) // texts alone
		}
		text = string(octets)
	}
	return Mark{kind, text, time.Now()}
}

func newIdentity() Mark { return newMark(identity, rand.Text()) }

// What a worker does not start on.
var (
	ErrMoved      = errors.New("this store was moved")
	ErrUnfinished = errors.New("a copy into this store is not finished")
)

// Command is the one that copies.
const Command = "smppserv store copy"

// Refusal is why a worker does not start on a database with these marks, and what to do; nil = it does. where is what it is.
func (ms *Marks) Refusal(where string) error {
	switch {
	case ms.Begun != nil:
		return fmt.Errorf("%w (from %s, begun on %s): go on with the same command, %s --to THIS with %[2]s as the store of config.toml; "+
			"or give it up, and leave config.toml at %[2]s", ErrUnfinished, ms.Begun.Where, day(ms.Begun.At), Command)
	case ms.Moved != nil:
		return fmt.Errorf("%w to %s on %s: name that in store.driver and store.dsn; the way back, with all that came since, is %s --to THIS "+
			"with %[2]s as the store of config.toml", ErrMoved, ms.Moved.Where, day(ms.Moved.At), Command)
	}
	return nil
}

func day(t time.Time) string { return t.Format("2006-01-02 15:04:05") }
