package service

import (
	"strings"
	"testing"
)

func TestTheSystemAndTheServicesOwnAccountNeedNoPassword(t *testing.T) {
	for _, name := range []string{"LocalSystem", `nt authority\system`, `NT SERVICE\HNET_SMPP_Serv`, `NT AUTHORITY\LocalService`} {
		if needed, err := NeedsPassword(name); needed || err != nil {
			t.Errorf("%s: a password is needed: %t, %v", name, needed, err)
		}
	}
	if _, err := NeedsPassword("nobody we know"); err == nil || !strings.Contains(err.Error(), "there is no account nobody we know") {
		t.Errorf("got %v", err)
	}
	if isSystem(`NT AUTHORITY\LocalService`) || !isSystem("localsystem") {
		t.Error("the system's own account is not known")
	}
}
