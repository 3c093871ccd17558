//go:build !windows

package service

import (
	"strings"
	"testing"
)

func TestAnAccountThatIsNotThereIsRefused(t *testing.T) {
	if _, err := NeedsPassword("nobody-we-know"); err == nil || !strings.Contains(err.Error(), "there is no account nobody-we-know") {
		t.Errorf("got %v", err)
	}
	if needed, err := NeedsPassword("root"); needed || err != nil {
		t.Errorf("root needs a password: %t, %v", needed, err)
	}
}
