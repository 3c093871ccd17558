package smsc

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hnetsmpp/smppserv/sms"
)

func TestThatMoreWaitsAtAnotherWorkerThanIsTakenBackThereIsToldWithTheNumbers(t *testing.T) {
	err := replyOf(fmt.Errorf("%w: 11 wait, and no more than 10", sms.ErrTooMany)).err()
	if !errors.Is(err, errTooManyElsewhere) || !strings.HasSuffix(err.Error(), sms.ErrTooMany.Error()+": 11 wait, and no more than 10") {
		t.Errorf("it is told %v", err)
	}
}
