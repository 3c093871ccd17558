package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

func TestADiskThatRefusesIsTriedMoreAndMoreSlowly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "messages.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		s, disk := openFaulty(t, file, zerolog.Nop())
		m := text()
		if err := <-add(s, m); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second outage begins like the first
			disk.refuse(true)
			began := time.Now()
			written := make(chan struct{})
			s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Enroute, Attempts: 1, DueAt: began, Done: func() { close(written) }})
			// What comes between two tries is answered with the next.
			for _, want := range []time.Duration{100, 300, 700, 1500, 2500, 3500} {
				synctest.Wait()
				if err := <-add(s, text()); !errors.Is(err, sms.ErrUnavailable) {
					t.Fatalf("got %v", err)
				}
				if got := time.Since(began); got != want*time.Millisecond {
					t.Errorf("tried after %v, want %d ms", got, want)
				}
			}
			synctest.Wait()
			disk.refuse(false)
			<-written
		}
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}
