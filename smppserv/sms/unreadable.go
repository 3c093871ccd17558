package sms

import (
	"errors"
	"slices"
	"sync"

	"github.com/rs/zerolog"
)

// MendRow says what helps with a row that cannot be read.
const MendRow = "Install the newest version here, or give this worker the keys that the other ones have, or mend the row (smppserv store check names all such rows)"

// MendWaitingRow is MendRow for a row that a worker takes up at its start.
const MendWaitingRow = MendRow + "; then restart the worker"

// Readable reads those messages that can be; not is told of each other one.
func Readable(ids []ID, read func([]ID) ([]*Message, error), not func(ID, error)) (ms []*Message, err error) {
	ms, err = read(ids)
	switch {
	case !errors.Is(err, ErrUnreadable):
		return ms, err
	case len(ids) == 1:
		not(ids[0], err)
		return nil, nil
	}
	ms = nil
	for half := range slices.Chunk(ids, (len(ids)+1)/2) {
		some, err := Readable(half, read, not)
		if err != nil {
			return nil, err
		}
		ms = append(ms, some...)
	}
	return ms, nil
}

// maxUnreadable bounds the rows of which each is said by itself.
const maxUnreadable = 1000

// Unreadable says of rows that they cannot be read, once of each. Its zero value has said nothing.
type Unreadable struct {
	mu   sync.Mutex
	said map[ID]struct{}
}

// Say says what of the row of message id, and why.
func (u *Unreadable) Say(log zerolog.Logger, id ID, err error, what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, said := u.said[id]; said || len(u.said) > maxUnreadable {
		return
	}
	if u.said == nil {
		u.said = map[ID]struct{}{}
	}
	if u.said[id] = struct{}{}; len(u.said) > maxUnreadable {
		log.Error().Msg("more rows of messages cannot be read here, and are not said one by one: smppserv store check names all of them")
		return
	}
	log.Error().Stringer("message_id", id).Err(err).Msg(what)
}
