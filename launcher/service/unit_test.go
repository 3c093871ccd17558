package service

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/registration"
)

func TestTheUnitKeepsPathsAndAccountWhateverIsInThem(t *testing.T) {
	for _, path := range []string{"/etc/hnet/config.toml", `/srv/HNET Serveur été/100 % "$HOME"\config.toml`} {
		unit := systemdUnit("/opt/hnet smpp/launcher", path, "hnet")
		if !strings.Contains(unit, `ExecStart="/opt/hnet smpp/launcher" run --config "`) || strings.Contains(unit, "{{") {
			t.Errorf("got\n%s", unit)
		}
		if r := registration.InUnit(unit); r != (registration.Registration{Config: path, Account: "hnet"}) {
			t.Errorf("read back %+v", r)
		}
	}
	if strings.Contains(systemdUnit("/l", "/c", ""), "User=") {
		t.Error("an account is named")
	}
}
