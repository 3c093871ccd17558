package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/tally"
)

// By is what the rows of a report are of.
type By uint8

const (
	ByCampaign By = iota
	ByClient
	ByDay  // of the server's zone
	ByHour // of UTC, as the counters are
)

// ReportQuery says what is reported. A zero field leaves all through.
type ReportQuery struct {
	By       By
	From, To time.Time // From is rounded down to an hour of UTC, To up. To excluded, zero = now
	Client   string    // also as the one that another client wrote to
	Campaign string
}

// Report is the traffic of a period, in ascending order of what its rows are of. What was accepted counts in the hour in which
// it was, what ended in that of its end, whenever it was accepted.
type Report struct {
	From, To time.Time // as they were rounded
	// Since is when counting began: what was before, under an earlier version of the program, is missing.
	Since time.Time
	Rows  []ReportRow
	Sum   Traffic
}

// ReportRow is the traffic of one campaign, client, day or hour.
type ReportRow struct {
	Key string    // a campaign or a client; "" of a day or an hour, and of what is counted under no name
	At  time.Time // when a day or an hour begins
	Traffic
}

// Traffic counts messages.
type Traffic = tally.Traffic

// reportStep is the time of which the counters are read at once.
const reportStep = int64(24 * time.Hour / time.Millisecond)

// Report reports from the counters, without a look at the messages. They are kept as long as messages, and for CountersKept.
func (s *Store) Report(ctx context.Context, q ReportQuery) (r Report, err error) {
	if err = s.report(ctx, &q, &r); err != nil {
		return Report{}, fmt.Errorf("store: read the counters: %w", err)
	}
	return r, nil
}

func (s *Store) report(ctx context.Context, q *ReportQuery, r *Report) (err error) {
	if r.Since, _, err = s.database.Counted(ctx); err != nil {
		return err
	}
	oldest, err := s.database.Oldest(ctx)
	if err != nil {
		return err
	}
	from, to := tally.Hour(Milli(q.From)), tally.Hour(Milli(cmp.Or(q.To, time.Now()))+time.Hour.Milliseconds()-1)
	r.From, r.To = time.UnixMilli(from), time.UnixMilli(to)
	rows := map[rowKey]*ReportRow{}
	for from = max(from, oldest.Counters); from < to && oldest.Counters > 0; from += reportStep {
		err := s.database.Traffic(ctx, from, min(from+reportStep, to), q.Client, q.Campaign, func(c *tally.Row) error {
			if k, ok := q.rowOf(c); ok {
				if rows[k] == nil {
					rows[k] = &ReportRow{Key: k.name}
					if k.at != 0 {
						rows[k].At = time.UnixMilli(k.at)
					}
				}
				rows[k].Add(&c.Key, &c.Count)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, row := range rows {
		r.Rows = append(r.Rows, *row)
		r.Sum.Merge(&row.Traffic)
	}
	slices.SortFunc(r.Rows, func(a, b ReportRow) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Key, b.Key)) })
	return nil
}

// rowKey is the Key, and At in milliseconds since 1970, of a ReportRow.
type rowKey struct {
	name string
	at   int64
}

// rowOf is the row that a counter belongs to; ok is false where it belongs to none.
func (q *ReportQuery) rowOf(c *tally.Row) (k rowKey, ok bool) {
	client := c.Client
	if c.Peer != "" && c.State != tally.Accepted {
		client = c.Peer
	}
	if q.Client != "" && client != q.Client {
		return k, false
	}
	switch q.By {
	case ByCampaign:
		return rowKey{name: c.Campaign}, true
	case ByClient:
		return rowKey{name: client}, true
	case ByDay:
		at := time.UnixMilli(c.Hour)
		return rowKey{at: time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location()).UnixMilli()}, true
	}
	return rowKey{at: c.Hour}, true
}

// numberTime bounds a report of a number.
const numberTime = 2 * time.Second

var errReportTime = errors.New("the number has too many messages for one report: ask for a shorter period")

// ReportNumber is the traffic from and to a number: of the messages that were accepted from from on and before to, zero = any
// time, and are still kept, whenever they ended. Its parts are one of each message. It fails when it takes over 2 s.
func (s *Store) ReportNumber(ctx context.Context, number string, from, to time.Time) (ReportRow, error) {
	row := ReportRow{Key: number}
	until := time.Now().Add(numberTime)
	err := s.ByNumber(ctx, number, from, to, 0, func(m *sms.Message) error {
		of := tally.Of(m)
		row.Add(&tally.Key{Subject: of, State: tally.Accepted}, &tally.Count{N: 1, Parts: 1})
		if m.State.Final() {
			row.Add(ended(m, of))
		}
		if time.Now().After(until) {
			return errReportTime
		}
		return nil
	})
	if err != nil {
		return ReportRow{}, err
	}
	return row, nil
}

// ended is what a message with a final state counts for.
func ended(m *sms.Message, of tally.Subject) (*tally.Key, *tally.Count) {
	c := &tally.Count{N: 1}
	if m.State == sms.Delivered {
		c.Times.Add(m.FinalAt.Sub(m.FirstReceived()))
	}
	return &tally.Key{Subject: of, State: m.State, Reason: of.Reason(m.State, m.Error)}, c
}

// Totals is the traffic since the store was opened. It is cheap.
func (s *Store) Totals() Traffic { return s.writer.tally.Totals() }
