package postgres

import (
	"errors"

	"hnetsmpp/smppserv/sms"
)

// passes tells whether an error is about the row of message id alone, which is left out then: what other workers wrote holds up nothing
// that is behind it. It is said once of each. Who has the database for itself leaves out none.
func (d *Database) passes(id sms.ID, err error) bool {
	if d.alone || !errors.Is(err, sms.ErrUnreadable) {
		return false
	}
	d.unreadable.Say(d.o.Log, id, err, "the row of a waiting message cannot be read here: it stays as it is and waits, and what is behind it goes on. "+sms.MendWaitingRow)
	return true
}
