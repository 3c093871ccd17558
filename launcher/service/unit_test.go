package service

import (
	"strings"
	"testing"

	"hnetsmpp/pkg/registration"
)

func TestTheUnitKeepsPathsAndAccountWhateverIsInThem(t *testing.T) {
	for _, path := range []string{"/etc/hnet/config.toml", `/srv/HNET Serveur été/100 % "$HOME"\config.toml`} {
		unit := systemdUnit("/opt/hnet smpp/launcher", path, "hnet", []string{"/srv/été/data"})
		if !strings.Contains(unit, `ExecStart="/opt/hnet smpp/launcher" run --config "`) || strings.Contains(unit, "{{") {
			t.Errorf("got\n%s", unit)
		}
		if r := registration.InUnit(unit); r != (registration.Registration{Config: path, Account: "hnet"}) {
			t.Errorf("read back %+v", r)
		}
	}
	if strings.Contains(systemdUnit("/l", "/c", "", nil), "User=") {
		t.Error("an account is named")
	}
}

func TestTheUnitGivesTheServiceItsFoldersAndNoMoreRightsThanItNeeds(t *testing.T) {
	for _, tt := range []struct {
		config, user string
		folders      []string
		has, lacks   []string
	}{
		{"/var/lib/x/config.toml", "hnet", []string{"/var/lib/x/logs", "/mnt/my data"},
			[]string{`ReadWritePaths="-/var/lib/x/logs" "-/mnt/my data"`, "ProtectSystem=strict", "ProtectHome=yes", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
				"AmbientCapabilities=CAP_NET_BIND_SERVICE", "SystemCallFilter=~@privileged @resources", "NoNewPrivileges=yes", "MemoryDenyWriteExecute=yes"},
			[]string{"CAP_CHOWN", "/var/lib/hnet-smpp-serv", "Documentation"}},
		{"/home/ops/config.toml", "ops", []string{"/home/ops/logs"}, []string{"ProtectHome=read-only", `ReadWritePaths="-/home/ops/logs"`}, nil},
		{"/run/user/0/config.toml", "", []string{"/run/user/0/logs"},
			[]string{"ProtectHome=read-only", "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_DAC_OVERRIDE CAP_CHOWN", "SystemCallFilter=~@resources"},
			[]string{"AmbientCapabilities", "@privileged"}},
	} {
		unit := systemdUnit("/opt/x/launcher", tt.config, tt.user, tt.folders)
		for _, line := range tt.has {
			if !strings.Contains(unit, "\n"+line+"\n") {
				t.Errorf("%s: no line %s in\n%s", tt.config, line, unit)
			}
		}
		for _, word := range tt.lacks {
			if strings.Contains(unit, word) {
				t.Errorf("%s: %s is in\n%s", tt.config, word, unit)
			}
		}
	}
}
