package centre

import (
	"errors"
	"testing"
)

func TestALostLeaseIsToldWithWhatKeepsTheDatabaseAway(t *testing.T) {
	lost, trouble := errors.New("the lease is not held"), errors.New("this database can only be read")
	for _, tt := range []struct {
		lost, trouble error
		want          string
	}{{lost, trouble, "the lease is not held: this database can only be read"}, {lost, nil, lost.Error()}, {nil, trouble, trouble.Error()}} {
		if err := unready(tt.lost, tt.trouble); err == nil || err.Error() != tt.want {
			t.Errorf("%v, %v: %v", tt.lost, tt.trouble, err)
		}
	}
	if err := unready(nil, nil); err != nil {
		t.Error(err)
	}
}
