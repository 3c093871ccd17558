package sqlite

import (
	"errors"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

// hung opens a database on a disk that hangs until goOn is called. met has one for each that waits for it.
func hung(t *testing.T) (d *database, met chan struct{}, goOn func()) {
	d, _, _ = tended(t, zerolog.Nop())
	met, hangs := make(chan struct{}, 100), make(chan struct{})
	d.gate.hang = func() { met <- struct{}{}; <-hangs }
	return d, met, func() { close(hangs) }
}

func TestNothingTouchesTheIndexOfTheLogWhileTheDiskHangs(t *testing.T) {
	for _, step := range []struct {
		name string
		do   func(d *database) error
	}{
		{"a commit", func(d *database) error { return d.Write(&store.Batch{}) }},
		{"a look for what others wrote", func(d *database) error { _, err := d.WrittenElsewhere(); return err }},
		{"a look for duplicates", func(d *database) error { return d.ByExternalID([]string{"h-1"}, make([]sms.ID, 1)) }},
		{"a copy of the log", func(d *database) error { d.care.limit = 0; d.Tend(); return nil }},
		{"a look whether the database answers", func(d *database) error { return d.Answer(t.Context()) }},
	} {
		d, met, goOn := hung(t)
		ended := make(chan error, 1)
		go func() { ended <- step.do(d) }()
		testkit.Receive(t, met, step.name+" that waits for the disk")
		select {
		case err := <-ended:
			t.Errorf("%s went on: %v", step.name, err)
		default:
		}
		goOn()
		if err := testkit.Receive(t, ended, "the end of "+step.name); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
}

func TestReadsOfADiskThatHangsEndAtTheirTimeAndShareOneThread(t *testing.T) {
	d, met, goOn := hung(t)
	d.readers.limit = time.Millisecond
	for range 10 * readers {
		if _, err := d.LastID(t.Context()); !errors.Is(err, errReadTime) {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(met); n != 1 {
		t.Errorf("%d wait for the disk", n)
	}
	goOn()
	d.readers.limit = readTime
	if _, err := d.LastID(t.Context()); err != nil {
		t.Error(err)
	}
}
