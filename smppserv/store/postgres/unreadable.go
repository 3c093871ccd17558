package postgres

import (
	"errors"
	"sync"

	"hnetsmpp/smppserv/sms"
)

// maxUnreadable bounds the rows of which each is said by itself.
const maxUnreadable = 1000

// unreadable are the waiting messages whose rows could not be read, and were left out.
type unreadable struct {
	mu   sync.Mutex
	said map[sms.ID]struct{}
}

// passes tells whether an error is about the row of message id alone, which is left out then: what other workers wrote holds up nothing
// that is behind it. It is said once of each. Who has the database for itself leaves out none.
func (d *Database) passes(id sms.ID, err error) bool {
	if d.alone || !errors.Is(err, sms.ErrUnreadable) {
		return false
	}
	u := &d.unreadable
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, said := u.said[id]; said || len(u.said) > maxUnreadable {
		return true
	}
	if u.said == nil {
		u.said = map[sms.ID]struct{}{}
	}
	u.said[id] = struct{}{}
	if len(u.said) > maxUnreadable {
		d.o.Log.Error().Msg("more rows of waiting messages cannot be read here, and are not said one by one: smppserv store check names all of them")
		return true
	}
	d.o.Log.Error().Stringer("message_id", id).Err(err).Msg("the row of a waiting message cannot be read here: it stays as it is and waits, and what is behind it goes on. " +
		"Install the newest version here, or give this worker the keys that the others have, or mend the row; then restart the worker (smppserv store check names all such rows)")
	return true
}
