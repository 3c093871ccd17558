package store

import (
	"context"
	"time"

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
	From, To time.Time // From is rounded down to an hour of UTC, To up. To excluded; zero = now
	Client   string
	Campaign string
}

// Report is the traffic of a period, in ascending order of what its rows are of. What was accepted counts in the hour in which
// it was, what ended in that of its end, whenever it was accepted.
type Report struct {
	From, To time.Time // as they were rounded
	// Since is when counting began: what was before, under an earlier version of the program, is missing.
	Since time.Time
	Rows  []ReportRow
	Sum   ReportRow
}

// ReportRow counts texts of every kind but where it says receipts.
type ReportRow struct {
	Key string    // a campaign or a client; "" of a day or an hour, and of what is counted under no name
	At  time.Time // when a day or an hour begins
	Traffic
}

// Traffic counts messages. Those from a client to another one count as accepted from the one and, at their end, for the other.
type Traffic struct {
	Received  int64            // accepted, from clients and from Hermès
	In        int64            // of them, from clients
	Pushed    int64            // delivered to Hermès
	Delivered int64            // delivered to clients
	Failed    int64            // expired, undeliverable or rejected
	Reasons   map[string]int64 // of the failed: "expired", "undeliverable, http 404", "rejected, smpp 0x0000000B", …; nil = none failed
	Deleted   int64
	Receipts  int64           // delivered
	Parts     int64           // deliver_sm or submit_sm that Received take or took
	Times     tally.Histogram // of what was pushed or delivered, from its acceptance on
}

// Report reports from the counters, without a look at the messages.
func (s *Store) Report(ctx context.Context, q ReportQuery) (Report, error) {
	return Report{}, errNotBuilt
}

// ReportNumber is the traffic from and to a number: of the messages that were accepted from from on and before to, and are still
// kept, whenever they ended.
func (s *Store) ReportNumber(ctx context.Context, number string, from, to time.Time) (ReportRow, error) {
	return ReportRow{}, errNotBuilt
}

// Totals is the traffic since the store was opened. It is cheap.
func (s *Store) Totals() Traffic { return Traffic{} }
