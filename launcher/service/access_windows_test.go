package service

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
		use     use
		want    string
	}{
		{"", readFile, "D:(A;;GA;;;SY)(A;;GA;;;BA)"},
		{"", writeFolder, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)"},
		{`NT AUTHORITY\LocalService`, readFile, "D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;FR;;;LS)"},
		{`NT AUTHORITY\LocalService`, readFolder, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;0x1200a9;;;LS)"},
		{`NT SERVICE\HNET_SMPP_Serv`, readFile, "D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;FR;;;S-1-5-80-1477966020-2481543675-3601613013-405569087-2681034422)"},
		{`nt service\hnet_smpp_serv`, writeFolder, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;0x1301bf;;;S-1-5-80-1477966020-2481543675-3601613013-405569087-2681034422)"},
		{`NT AUTHORITY\LocalService`, writeFolder, "D:(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;0x1301bf;;;LS)"},
	} {
		acl, err := access(tt.account, tt.use)
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

func TestTheAccountOfAServiceIsKnownByItsName(t *testing.T) {
	sid, err := sidOf(`NT SERVICE\TrustedInstaller`)
	if err != nil || sid.String() != "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464" { // as every Windows has it
		t.Errorf("%v, %v", sid, err)
	}
}

func TestTheRightsOfAnAccountThatIsNotThereAreNamedAsFaults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, []byte("mode = 'vocalcom'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := Files{Config: path, Folders: []string{filepath.Join(filepath.Dir(path), "logs"), filepath.Join(filepath.Dir(path), "data")}}
	if faults := files.Restrict("nobody we know"); len(faults) != 3 || !strings.Contains(faults[0].Error(), "nobody we know") {
		t.Errorf("got %v", faults)
	}
	if faults := files.Restrict(""); faults != nil {
		t.Errorf("got %v", faults)
	}
}

func TestWhatOrdinaryUsersMayChangeIsNoticed(t *testing.T) {
	for rights, want := range map[string]bool{
		"D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)":         false, // Program Files
		"D:(A;OICI;FA;;;SY)(A;OICI;0x1301bf;;;AU)":             true,  // below C:\
		"D:(A;;FA;;;SY)(A;CI;DCLC;;;BU)(A;OICI;0x1200a9;;;BU)": true,  // ProgramData
		"D:(A;;DC;;;BU)":                   true, // may delete what is in it
		"D:(A;;GA;;;WD)":                   true,
		"D:(D;;GA;;;WD)(A;;FA;;;BA)":       false,
		"D:(A;;FA;;;LS)(A;;0x1200a9;;;IU)": false,
	} {
		sd, err := windows.SecurityDescriptorFromString(rights)
		if err != nil {
			t.Fatal(err)
		}
		dacl, _, err := sd.DACL()
		if err != nil {
			t.Fatal(err)
		}
		if got := othersMayChange(dacl); got != want {
			t.Errorf("%s: %v, want %v", rights, got, want)
		}
	}
}
