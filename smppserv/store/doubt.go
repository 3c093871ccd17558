package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

const (
	// doubtTime is how long additions wait until it is known whether they are on disk; then they are refused, and are taken back
	// should they turn out to be.
	doubtTime = 30 * time.Second
	// settleTime bounds one look, settleWait is the wait before the next one.
	settleTime, settleWait = 4 * time.Second, 250 * time.Millisecond
)

// writeSurely writes a batch, and returns when it is known whether it is on disk.
func (s *Store) writeSurely(batch []op) (wrote bool, err error) {
	wrote, err = s.writer.write(batch)
	if errors.Is(err, ErrTaken) { // who has it is seen now
		wrote, err = s.writer.write(batch)
	}
	if errors.Is(err, ErrInDoubt) {
		err = s.settle(batch, err)
	}
	return wrote, err
}

// settle waits until it is known whether a batch is on disk; nil = it is. Meanwhile nothing else is written, and what is handed in
// is refused. It gives up when the store is closed and its time is over.
func (s *Store) settle(batch []op, doubt error) error {
	s.reports.settle()
	down := fmt.Errorf("%w: %w", sms.ErrUnavailable, doubt)
	if s.failing.Swap(&down) == nil {
		s.log.Error().Err(doubt).Msg("it is not known whether the database has the last messages: submits are answered RSYSERR until it is")
	}
	late := time.Now().Add(doubtTime)
	var refused []*sms.Message
	for {
		s.watch.start() // it is no commit that hangs
		ctx, cancel := context.WithTimeout(context.Background(), settleTime)
		written, err := s.database.Settle(ctx, &s.writer.batch)
		cancel()
		switch {
		case err == nil && written:
			s.writer.written()
			s.takeBack(refused)
			s.failing.Store(nil)
			s.log.Info().Msg("the transaction in doubt was committed: the store writes again")
			return nil
		case err == nil:
			s.writer.undo()
			return doubt
		}
		now := fmt.Errorf("%w: %w", sms.ErrUnavailable, err) // what an operator can see to
		s.failing.Store(&now)
		s.refuse(now, (*op).waits)
		if refused == nil && time.Now().After(late) {
			refused = refuseAdditions(batch, down)
		}
		select {
		case <-time.After(settleWait):
		case <-s.abandon:
			if refused == nil {
				refuseAdditions(batch, down)
			}
			return doubt
		}
	}
}

// refuseAdditions answers those who wait for additions, and returns the messages. What bears an external id waits on: who hands it in again
// would be told that it is here; and so does what takes another message's place, which would be gone without it.
func refuseAdditions(batch []op, down error) (refused []*sms.Message) {
	refused = []*sms.Message{}
	for i := range batch {
		if o := &batch[i]; o.add != nil && o.add.Message().ExternalID == "" && !o.replaces {
			refused = append(refused, o.add.Message())
			o.add.Added(false, down)
			*o = op{done: func(error) {}}
		}
	}
	return refused
}

// takeBack ends messages that are on disk though whoever handed them in was told that they are not. It is the next thing that is written:
// none was tried, unless another worker has taken over, which writing this then shows.
func (s *Store) takeBack(refused []*sms.Message) {
	if len(refused) == 0 {
		return
	}
	ids := make([]sms.ID, 0, len(refused))
	for _, m := range refused {
		if m.ID != 0 {
			ids = append(ids, m.ID)
		}
	}
	v := &road.Transition{IDs: ids, State: sms.Deleted, Reason: "its submit was answered RSYSERR, since it was not known for too long whether it was committed"}
	s.log.Warn().Int("messages", len(ids)).Msg("messages were committed after all when it was known; whoever handed them in was told RSYSERR: they are taken back, but for those that another worker has taken over")
	s.putBack([]op{{transition: v}})
}
