package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

const day = 24 * time.Hour

// aged are messages in the order of their ids, by what the clock said, as days before now: negative = in the future.
type aged struct {
	received, final, expires float64
	waits                    bool
	goes                     bool // in a purge with a retention of 30 days
}

func (a aged) String() string {
	return fmt.Sprintf("received %g, final %g days ago", a.received, a.final)
}

const (
	year1970 = 365.25 * 56.8
	year2036 = -365.25 * 10
)

func TestWrongClocksNeitherStopAPurgeNorHaveItTakeWhatIsYoung(t *testing.T) {
	ctx := context.Background()
	old, young := aged{received: 40, final: 40, expires: 39, goes: true}, aged{received: 1, final: 1, expires: 0}
	for what, rows := range map[string][]aged{
		"the clock was ahead until NTP set it": {{received: year2036, final: year2036, expires: year2036 - 1, goes: true}, old, old, young},
		"it was ahead in the middle":           {old, {received: -1, final: -1, expires: -2, goes: true}, old, young, setBack(young)},
		"it was ahead since":                   {old, {received: -1, final: -1, expires: -2}, {received: year2036, final: year2036, expires: year2036 - 1}},
		"it was ahead lately":                  {old, young, {received: -1, final: -1, expires: -2}, young},
		"ahead, and it ended when it was right": {{received: -300, final: 40, expires: -301, goes: true}, {received: -300, final: 1, expires: -301},
			old, young},
		"one that waits has been there since":  {{received: 50, waits: true, expires: 49}, {received: -1, waits: true, expires: -2}, old, young},
		"1970 at the first start, not yet old": {{received: year1970, final: year1970, expires: year1970 - 1}, young, young},
		"1970 at the first start, old":         {{received: year1970, final: year1970, expires: year1970 - 1, goes: true}, old, young},
		"1970 in the middle":                   {old, young, {received: year1970, final: year1970, expires: year1970 - 1}, young},
		"1970 alone":                           {{received: year1970, final: year1970, expires: year1970 - 1}},
		"it ended while the clock was ahead":   {{received: 40, final: -300, expires: 39, goes: true}, {received: 31, final: -300, expires: 2}, old, young},
		"it ended while the clock was behind":  {{received: 40, final: year1970, expires: 39, goes: true}, {received: 31, final: 50, expires: 2}, old, young},
		"accepted with a validity beyond now":  {{received: 40, final: -300, expires: -5, goes: true}, old, young},
	} {
		t.Run(what, func(t *testing.T) {
			f := folder(t.TempDir())
			s := f.open(t, zerolog.Nop())
			defer s.Close(ctx)
			now := time.Now()
			at := func(days float64) time.Time { return now.Add(-time.Duration(days * float64(day))) }
			var ids []sms.ID
			for _, a := range rows {
				m := text()
				m.ReceivedAt, m.ExpiresAt = at(a.received), at(a.expires)
				if err := testkit.Receive(t, add(s, m), "an addition"); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, m.ID)
				if a.waits {
					continue
				}
				done := make(chan struct{})
				s.Finish(&road.Transition{IDs: []sms.ID{m.ID}, State: sms.Delivered, Done: func() { close(done) }})
				testkit.Receive(t, done, "an outcome")
				sqlite3(t, f.database(), "UPDATE messages SET final_at = ? WHERE id = ?", at(a.final).UnixMilli(), int64(m.ID))
			}
			if _, err := s.Purge(ctx, now.Add(-30*day)); err != nil {
				t.Fatal(err)
			}
			for i, a := range rows {
				if _, err := s.Get(ctx, ids[i]); (err == nil) == a.goes {
					t.Errorf("message %d, %v: went: %v, want %v", ids[i], a, err != nil, a.goes)
				}
			}
		})
	}
}

// setBack is a message that came after young, when the clock had been set back: it is young, too.
func setBack(young aged) aged {
	return aged{received: young.received + 40, final: young.final + 40, expires: 39}
}
