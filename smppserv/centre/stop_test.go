package centre

import (
	"errors"
	"os"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

func TestAStopSucceedsWhateverItsClientsDo(t *testing.T) {
	t.Parallel()
	s := startCentre(t, 2)
	mute, deaf := dialBound(t, s, "esme0"), dialBound(t, s, "esme1")
	_ = deaf.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	links := make([]byte, 0, 1<<20)
	for len(links) < cap(links) {
		links = smpp.AppendHeader(links, smpp.CmdEnquireLink, 0, 1)
	}
	for err := error(nil); !errors.Is(err, os.ErrDeadlineExceeded); { // until the server cannot take more, for it gets no answer off
		if _, err = deaf.Write(links); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	start := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.close() }()
	if h, _, err := smpp.ReadPDU(mute, smpp.MaxPDU); err != nil || h.Command != smpp.CmdUnbind {
		t.Fatalf("got %v, %v", h.Command, err)
	}
	if _, err := mute.Read(make([]byte, 1)); err == nil || time.Since(start) > unbindTime-2*time.Second {
		t.Errorf("%v after the stop began: %v, want a close that leaves time", time.Since(start), err)
	}
	if err := <-stopped; err != nil {
		t.Fatalf("the stop failed: %v", err)
	}
	if took := time.Since(start); took > unbindTime+2*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
