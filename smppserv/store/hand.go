package store

import "hnetsmpp/smppserv/sms"

// HandOn gives messages that are not final to another holder, in one transaction, where several workers share the store. It returns at
// once; done is called when that is on disk, or with an error, and then nothing is changed.
func (s *Store) HandOn(ids []sms.ID, to sms.Epoch, done func(error)) {
	hand := func(b *Batch) error {
		b.HandedOn = append(b.HandedOn, Handed{ids, to})
		return nil
	}
	if !s.push(op{fill: hand, done: done}) {
		done(sms.ErrUnavailable)
	}
}
