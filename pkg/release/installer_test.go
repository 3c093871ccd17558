package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// payload is a small release: its programs are no programs.
func payload(t *testing.T) []file {
	t.Helper()
	folder := t.TempDir()
	var files []file
	for _, name := range []string{"launcher.exe", "smppserv.exe", "config.toml", "Smpp.xml", "README.md", "docs/install-guide.md", "docs/fr/guide.md"} {
		path := filepath.Join(folder, filepath.FromSlash(name))
		writeFile(t, path, "this is "+name)
		files = append(files, file{name, path})
	}
	return files
}

func TestInstallerSourceIsWellFormedAndItsUUIDsAreStable(t *testing.T) {
	files := payload(t)
	v := testSource(t, "1.4.0").version
	p := newInstallerPackage(v, "amd64", "content", files)
	text, err := p.source()
	if err != nil {
		t.Fatal(err)
	}
	ids, guids := map[string]string{}, map[string]string{}
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if element, ok := token.(xml.StartElement); ok && element.Name.Local == "Component" {
			attributes := map[string]string{}
			for _, a := range element.Attr {
				attributes[a.Name.Local] = a.Value
			}
			ids[attributes["Id"]] = attributes["Guid"]
			guids[attributes["Guid"]] = attributes["Id"]
		}
	}
	if len(ids) != len(files)+1 || len(guids) != len(ids) {
		t.Errorf("%d components with %d different UUIDs, want %d", len(ids), len(guids), len(files)+1)
	}
	// Installed versions know their files by these: they must never change.
	for id, want := range map[string]string{
		"launcher.exe": "43EE7C14-B820-5E63-BBFE-885F5768F124",
		"smppserv.exe": "141E5ACB-C897-5B0C-BCCE-F1E8FD8C6861",
		"config":       "72865C54-6098-5566-9EF6-FC0D69EDD041",
	} {
		if ids[id] != want {
			t.Errorf("component %s has the UUID %s, want %s", id, ids[id], want)
		}
	}
	if p.UpgradeCode != "8E0C6D1B-5B0C-4B57-9C39-4D1B0C3A7F52" {
		t.Errorf("the upgrade code has changed: %s", p.UpgradeCode)
	}
	if form := regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`); !form.MatchString(p.ProductCode) {
		t.Errorf("%s is no UUID of version 5", p.ProductCode)
	}
}

func TestEveryBuildOfOtherContentIsAnotherProduct(t *testing.T) {
	files := payload(t)
	older, newer := testSource(t, "1.4.0").version, testSource(t, "1.4.1").version
	codes := map[string]bool{}
	for _, p := range []installerPackage{
		newInstallerPackage(older, "amd64", "content", files),
		newInstallerPackage(newer, "amd64", "content", files),
		newInstallerPackage(older, "arm64", "content", files),
		newInstallerPackage(older, "amd64", "other content", files),
	} {
		codes[p.ProductCode], codes[p.PackageCode] = true, true
	}
	if len(codes) != 8 {
		t.Errorf("four installers share product or package codes: %v", slices.Sorted(maps.Keys(codes)))
	}
	if p := newInstallerPackage(older, "amd64", "content", files); !codes[p.ProductCode] {
		t.Error("the same build is another product")
	}
}

func TestInstallerRefusesAFileNameThatItCannotHold(t *testing.T) {
	files := append(payload(t), file{name: "docs/fr/démarrage.md"})
	p := newInstallerPackage(testSource(t, "1.0.0").version, "amd64", "", files)
	if _, err := p.source(); err == nil || !strings.Contains(err.Error(), "démarrage.md") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

// A table of the built installer: rows by their key, of values by the name of the column.
type table map[string]map[string]string

func readTable(t *testing.T, msi, name string) table {
	t.Helper()
	out, err := exec.Command("msiinfo", "export", msi, name).Output()
	if err != nil {
		t.Fatalf("msiinfo export %s: %v", name, err)
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimRight(string(out), "\r\n"), "\r", ""), "\n")
	columns := strings.Split(lines[0], "\t")
	rows := table{}
	for _, line := range lines[3:] { // names, types, keys
		row := map[string]string{}
		for i, value := range strings.Split(line, "\t") {
			row[columns[i]] = value
		}
		rows[row[columns[0]]] = row
	}
	return rows
}

// expect compares some columns of some rows.
func (rows table) expect(t *testing.T, name string, columns string, want map[string]string) {
	t.Helper()
	for key, values := range want {
		var got []string
		for _, column := range strings.Fields(columns) {
			got = append(got, rows[key][column])
		}
		if got := strings.Join(got, " | "); got != values {
			t.Errorf("%s, %s: %s are %s, want %s", name, key, columns, got, values)
		}
	}
}

func TestTheSameFilesAndDateMakeTheSameInstaller(t *testing.T) {
	tools, err := findInstallerTool(t.Context())
	if err != nil {
		missing(t, "wixl", "apt-get install wixl msitools")
	}
	var first []byte
	for i, zone := range []string{"UTC", "Asia/Tokyo"} {
		t.Setenv("TZ", zone)
		files := payload(t)
		for _, f := range files {
			then := time.Now().Add(-time.Duration(i) * 100 * time.Hour)
			if err := os.Chtimes(f.path, then, then); err != nil {
				t.Fatal(err)
			}
		}
		msi := filepath.Join(t.TempDir(), "installer.msi")
		if err := tools.build(t.Context(), msi, "amd64", testSource(t, "1.4.0"), files, "winres"); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(msi)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !bytes.Equal(first, data) {
			t.Error("two installers of the same files differ")
		}
		if first == nil {
			first = data
			second := time.Now().Unix()
			for time.Now().Unix() < second+1 { // so that another time would be seen
				time.Sleep(10 * time.Millisecond)
			}
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	msi := filepath.Join(t.TempDir(), "installer.msi")
	if err := os.WriteFile(msi, first, 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := command{env: []string{"TZ=UTC"}, args: []string{"msiinfo", "suminfo", msi}}.output(t.Context())
	if err != nil || strings.Count(said, "Tue Nov 24 10:00:00 2026") != 2 {
		t.Errorf("%v\n%s", err, said)
	}
	if err := dateSummary([]byte("no installer"), time.Now()); err == nil {
		t.Error("what is no installer was dated")
	}
}

func TestInstallerDoesWhatItsSourceSays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("WiX says so itself")
	}
	tools, err := findInstallerTool(context.Background())
	if err != nil {
		missing(t, "wixl", "apt-get install wixl msitools")
	}
	msi := filepath.Join(t.TempDir(), "installer.msi")
	v := testSource(t, "1.4.0").version
	if err := tools.build(context.Background(), msi, "amd64", source{version: v, date: time.Unix(0, 0)}, payload(t), "winres"); err != nil {
		t.Fatal(err)
	}

	properties := readTable(t, msi, "Property")
	properties.expect(t, "Property", "Value", map[string]string{
		"ProductName": "HNET SMPP Serv", "Manufacturer": "HNET", "ProductVersion": "1.4.0", "ALLUSERS": "1",
		"UpgradeCode": "{" + upgradeCode + "}", "REINSTALLMODE": "amus", "SecureCustomProperties": "OLDER_FOUND;NEWER_FOUND;SERVICE_FOUND",
	})

	files := readTable(t, msi, "File")
	files.expect(t, "File", "Component_ FileName Version", map[string]string{
		"launcher.exe":          "launcher.exe | launcher.exe | 1.4.0.0",
		"smppserv.exe":          "smppserv.exe | smppserv.exe | 1.4.0.0",
		"config.toml":           "config | config.toml | ",
		"config.default.toml":   "config.default.toml | config.default.toml | ",
		"Smpp.xml":              "Smpp.xml | Smpp.xml | ",
		"docs.install_guide.md": "docs.install_guide.md | install-guide.md | ",
		"docs.fr.guide.md":      "docs.fr.guide.md | guide.md | ",
	})
	if len(files) != 8 {
		t.Errorf("the installer has %d files, want 8", len(files))
	}
	readTable(t, msi, "Directory").expect(t, "Directory", "Directory_Parent DefaultDir", map[string]string{
		"INSTALLDIR":     "ProgramFiles64Folder | HNET SMPP Serv",
		"DataFolder":     "CommonAppDataFolder | HNET SMPP Serv",
		"folder.docs":    "INSTALLDIR | docs",
		"folder.docs.fr": "folder.docs | fr",
	})
	components := readTable(t, msi, "Component")
	components.expect(t, "Component", "Directory_ Attributes", map[string]string{
		"launcher.exe":     "INSTALLDIR | 256", // 64 bits
		"config":           "DataFolder | 400", // and permanent, never overwritten
		"docs.fr.guide.md": "folder.docs.fr | 256",
	})

	// 18 runs an installed file, + 64 failure is ignored, + 256 on rollback, + 1024 deferred, + 2048 as the system
	readTable(t, msi, "CustomAction").expect(t, "CustomAction", "Type Source Target", map[string]string{
		"RegisterService":     `3090 | launcher.exe | install --update --default-config "[DataFolder]config.toml"`,
		"UndoRegisterService": "3410 | launcher.exe | uninstall",
		"StartService":        "3154 | launcher.exe | start",
		"StopService":         "3154 | launcher.exe | stop",
		"RemoveService":       "3154 | launcher.exe | uninstall",
	})
	// Event 34: stopped before files are installed (2) and before they are removed (32).
	readTable(t, msi, "ServiceControl").expect(t, "ServiceControl", "Name Event Wait", map[string]string{"service": "HNET_SMPP_Serv | 34 | 1"})
	sequence := readTable(t, msi, "InstallExecuteSequence")
	sequence.expect(t, "InstallExecuteSequence", "Sequence Condition", map[string]string{
		"FindRelatedProducts":    "25 | ",
		"AppSearch":              "50 | ",
		"LaunchConditions":       "100 | ",
		"InstallInitialize":      "1500 | ",
		"RemoveExistingProducts": "1501 | ",
		"StopServices":           "1900 | VersionNT",
		"StopService":            `1910 | REMOVE="ALL"`,
		"RemoveService":          `1920 | REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE`,
		"RemoveFiles":            "3500 | ",
		"InstallFiles":           "4000 | ",
		"UndoRegisterService":    "4010 | NOT Installed AND NOT OLDER_FOUND AND NOT SERVICE_FOUND",
		"RegisterService":        `4020 | NOT REMOVE="ALL"`,
		"StartService":           `6500 | NOT REMOVE="ALL"`,
		"InstallFinalize":        "6600 | ",
	})
	if len(sequence) != 28 {
		t.Errorf("there are %d actions, want 28: %v", len(sequence), slices.Sorted(maps.Keys(sequence)))
	}

	readTable(t, msi, "AppSearch").expect(t, "AppSearch", "Signature_", map[string]string{"SERVICE_FOUND": "ServiceFound"})
	readTable(t, msi, "RegLocator").expect(t, "RegLocator", "Root Key Name Type", map[string]string{ // in HKLM, a value; that hive is the same for 32 and 64 bits
		"ServiceFound": `2 | SYSTEM\CurrentControlSet\Services\HNET_SMPP_Serv | ImagePath | 2`,
	})
	upgrades := readTable(t, msi, "Upgrade") // both rows have the same key; the last one is kept
	out, err := exec.Command("msiinfo", "export", msi, "Upgrade").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"\t0.0.0\t1.4.1\t\t256\t\tOLDER_FOUND", "\t1.4.0\t\t\t2\t\tNEWER_FOUND"} {
		if len(upgrades) != 1 || !strings.Contains(string(out), "{"+upgradeCode+"}"+row) {
			t.Errorf("Upgrade has no row %q:\n%s", row, out)
		}
	}
	conditions := readTable(t, msi, "LaunchCondition")
	if _, ok := conditions["Installed OR NOT NEWER_FOUND"]; !ok || len(conditions) != 2 {
		t.Errorf("LaunchCondition: %v", conditions)
	}
	if services := readTable(t, msi, "ServiceInstall"); len(services) > 0 {
		t.Errorf("the launcher registers the service, not Windows Installer: %v", services)
	}
	suminfo, err := exec.Command("msiinfo", "suminfo", msi).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Template: x64;1033", "Version: 500", "Author: HNET"} {
		if !strings.Contains(string(suminfo), line) {
			t.Errorf("the summary has no %q:\n%s", line, suminfo)
		}
	}
}

func TestMissingToolIsNamedWithWhatInstallsIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("WIX", "")
	if _, err := findInstallerTool(context.Background()); err == nil || !strings.Contains(err.Error(), "is missing; ") || !strings.Contains(err.Error(), "--no-msi") {
		t.Errorf("error %v, want one that tells what to install, and of --no-msi", err)
	}
	s := signer{pfx: "a.pfx"}
	if err := s.check(); err == nil || !strings.Contains(err.Error(), "osslsigncode is missing; apt-get install osslsigncode") {
		t.Errorf("error %v, want one that tells of osslsigncode", err)
	}
}

func TestIconOfTheInstallerHoldsEverySize(t *testing.T) {
	icon, err := makeICO("winres")
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(icon, []byte("\x89PNG\r\n")); got != len(iconSizes) {
		t.Errorf("the icon holds %d images, want %d", got, len(iconSizes))
	}
	largest, err := os.ReadFile(filepath.Join("winres", iconFile(256)))
	if err != nil {
		t.Fatal(err)
	}
	if at := 6 + 16*len(iconSizes); !bytes.Equal(icon[at:at+len(largest)], largest) {
		t.Error("the first image does not stand where the icon's first entry says")
	}
}
