package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

func TestTheSystemAdministratorsAndTheAccountHaveRightsAndNobodyElse(t *testing.T) {
	for _, tt := range []struct {
		account string
		write   bool
		want    string
	}{
		{"", false, "D:(A;;GA;;;SY)(A;;GA;;;BA)"},
		{"", true, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)"},
		{`NT AUTHORITY\LocalService`, false, "D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;FR;;;LS)"},
		{`NT AUTHORITY\LocalService`, true, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;0x1301bf;;;LS)"},
	} {
		acl, err := access(tt.account, tt.write)
		if err != nil {
			t.Fatal(err)
		}
		sd, err := windows.NewSecurityDescriptor()
		if err != nil {
			t.Fatal(err)
		}
		if err := sd.SetDACL(acl, true, false); err != nil {
			t.Fatal(err)
		}
		if got := sd.String(); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.account, got, tt.want)
		}
	}
}

func TestTheRightsOfAnAccountThatIsNotThereAreNamedAsFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte("mode = 'vocalcom'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if faults := giveAccess(path, "nobody we know"); len(faults) != 3 || !strings.Contains(faults[0].Error(), "nobody we know") {
		t.Errorf("got %v", faults)
	}
	if faults := giveAccess(path, ""); faults != nil {
		t.Errorf("got %v", faults)
	}
}
