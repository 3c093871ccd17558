package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/storetest"
)

// A page whose read takes too long is read in several, by whichever of those that read.
func TestWhatWaitsIsReadInItsOrderHoweverLittleTimeAReadHas(t *testing.T) {
	d, err := openFile(t.Context(), Options{File: filepath.Join(t.TempDir(), "messages.db"), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	const all = 3*waitingStep + 7
	b := &store.Batch{LastID: all, Now: time.Now()}
	for id := sms.ID(1); id <= all; id++ {
		m := storetest.Sample()
		m.ID, m.ExternalID = id, ""
		b.Added = append(b.Added, m)
	}
	if err := d.Write(b); err != nil {
		t.Fatal(err)
	}
	for limit := 200 * time.Microsecond; ; limit += limit / 4 {
		d.readers.limit = limit
		next := sms.ID(1)
		err := d.Waiting(t.Context(), 0, func(m *sms.Message) error {
			if m.ID != next {
				t.Fatalf("%d comes where %d is next", m.ID, next)
			}
			next++
			return nil
		})
		if err == nil && next == all+1 {
			break
		}
		if !errors.Is(err, errReadTime) || limit > readTime {
			t.Fatalf("%d of %d with %v for a read: %v", next-1, all, limit, err)
		}
	}
}
