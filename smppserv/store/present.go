package store

import (
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// ifPresent refuses what would be acknowledged and then lost, because the database is not there any more for the next start,
// and returns the rest of the batch: what came of tries is still worth noting, for whoever finds the file again.
func (s *Store) ifPresent(batch []op) []op {
	err := s.database.Present()
	if err == nil {
		if s.gone {
			s.gone = false
			s.log.Info().Msg("the database is back in its place: messages are accepted again")
		}
		return batch
	}
	if !s.gone {
		s.gone = true
		s.log.Error().Err(err).Msg("no message is accepted any more: submits are answered RSYSERR")
	}
	err = fmt.Errorf("%w: %w", sms.ErrUnavailable, err)
	s.reports.settle()
	kept := batch[:0]
	for i := range batch {
		if o := batch[i]; o.waits() {
			kept = append(kept, o)
		} else {
			o.report(false, err)
		}
	}
	return kept
}
