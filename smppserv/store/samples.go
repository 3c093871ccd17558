package store

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/smppserv/store/tally"
)

// Sample is what a minute brought, and how things stood at its end. Samples are kept for SamplesKept.
type Sample struct {
	At        time.Time // the beginning of the minute
	Submitted int64     // accepted texts
	Pushed    int64
	Delivered int64
	Failed    int64
	Receipts  int64
	Waiting   int64           // at its end
	Oldest    time.Duration   // age of the oldest that waits, at its end
	Push      tally.Histogram // of the pushes to Hermès
}

// AddSample keeps a sample; that of a minute which has one is replaced. It returns at once. What cannot be written is dropped.
func (s *Store) AddSample(sample Sample) {
	sample.At = sample.At.Truncate(time.Minute)
	s.push(op{fill: func(b *Batch) error { b.Samples = append(b.Samples, sample); return nil }})
}

// Samples lists the samples from from on and before to, the oldest first. Minutes in which nothing happened have none.
func (s *Store) Samples(ctx context.Context, from, to time.Time) ([]Sample, error) {
	return s.samples(ctx, from, to, false)
}

// OwnSamples are the Samples of this worker alone, as it had this name in earlier lives.
func (s *Store) OwnSamples(ctx context.Context, from, to time.Time) ([]Sample, error) {
	return s.samples(ctx, from, to, true)
}

func (s *Store) samples(ctx context.Context, from, to time.Time, own bool) ([]Sample, error) {
	samples, err := s.database.Samples(ctx, Milli(from), Milli(to), own)
	if err != nil {
		return nil, fmt.Errorf("store: read the samples of the minutes: %w", err)
	}
	return samples, nil
}
