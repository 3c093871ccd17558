package operators

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

func TestWhatCouldNotBeWrittenIsToldApartFromAFaultOfTheServer(t *testing.T) {
	for err, want := range map[error]error{sms.ErrUnavailable: adminapi.ErrUnavailable, sms.ErrStopping: adminapi.ErrUnavailable, sms.ErrQueueFull: adminapi.ErrConflict,
		sms.ErrUnknown: adminapi.ErrNotFound, context.DeadlineExceeded: adminapi.ErrTooSlow} {
		if got := failed(fmt.Errorf("store: pause: %w", err)); !errors.Is(got, want) {
			t.Errorf("%v is %v, want %v", err, got, want)
		}
	}
}

func TestAPauseThatCannotBeWrittenIsNone(t *testing.T) {
	r := newRig(t)
	if err := r.store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ops.waiting.forget()
	if _, err := r.ops.Pause(t.Context(), boss, "acme"); !errors.Is(err, adminapi.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if _, paused := r.ops.paused("acme"); paused || r.queue.Backlog("acme").Held {
		t.Error("it is paused")
	}
}
