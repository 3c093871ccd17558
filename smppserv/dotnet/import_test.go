package dotnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"hnetsmpp/pkg/config"
)

const oldSample = "../../hermes/testdata/SmppServerOpportunityService.exe.config"

// accept is the check where there is nothing besides Validate.
func accept(*config.Config) error { return nil }

func loadText(t testing.TB, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return cfg
}

// needed is what a new file must say. It comes from the old one, name and value by turns.
var needed = []string{"Authentication.Login", "relais", "Authentication.Password", "Rel&is07", "UrlHermes", "https://hermes.example.com/"}

// importSettings converts a file with these settings, name and value by turns, and with what is needed besides, which is not
// counted as taken.
func importSettings(t *testing.T, pairs ...string) (*Result, *config.Config) {
	t.Helper()
	added := 0
	for i := 0; i < len(needed); i += 2 {
		if !slices.Contains(pairs, needed[i]) {
			pairs = append(pairs, needed[i:i+2]...)
			added++
		}
	}
	result, cfg := importAlone(t, pairs...)
	result.Taken -= added
	return result, cfg
}

// importAlone converts a file with these settings and no others.
func importAlone(t *testing.T, pairs ...string) (*Result, *config.Config) {
	t.Helper()
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\n", "&#10;", "\x7f", "&#127;")
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "<add key=%q value=\"%s\"/>\n", pairs[i], escape.Replace(pairs[i+1]))
	}
	result, err := Import("old.exe.config", []byte("<configuration><appSettings>"+b.String()+"</appSettings></configuration>"), accept)
	if err != nil {
		t.Fatal(err)
	}
	return result, loadText(t, result.TOML)
}

func TestImportTakesOverTheSampleAsAWhole(t *testing.T) {
	data, err := os.ReadFile(oldSample)
	if err != nil {
		t.Fatal(err)
	}
	result, err := Import(filepath.Base(oldSample), data, accept)
	if err != nil || result.Taken != 13 || result.Left != 1 || len(result.Warnings) > 0 {
		t.Fatalf("got %+v, %v", result, err)
	}
	want := base()
	want.Server.ListenHost = "0.0.0.0"
	want.Server.ThrottleRate = 50
	want.Clients[0].SystemID, want.Clients[0].Password = "sms-relais", "Rel&is07"
	want.Hermes.URL = "https://hermes.example.com/api/sms/push/"
	got := loadText(t, result.TOML)
	got.Store.DSN = want.Store.DSN
	if g, w := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
	for _, text := range []string{
		`"600", read as seconds`, `"10000", read as milliseconds`, "connectionStrings", "log4net", "ClientSettingsProvider.ServiceUri",
		"SmppServerOpportunityService.exe.config", "smppserv hash-password", "#allow", "#numbers",
	} {
		if !strings.Contains(result.TOML, text) {
			t.Errorf("%q is not in the output:\n%s", text, result.TOML)
		}
	}
	for _, k := range oldKeys {
		if !strings.Contains(result.TOML, k.Name) {
			t.Errorf("%s is not in the output", k.Name)
		}
	}
	if strings.Contains(result.TOML, "exemple") || strings.Contains(result.TOML, "ancien") {
		t.Errorf("what is not a setting is in the output:\n%s", result.TOML)
	}
}

func TestImportReadsTimesByWhatIsPlausible(t *testing.T) {
	const alive, logout, sweep = "Server.KeepAliveInterval", "Server.DisconnectAfterLogout", "Job.StatusReport.Interval"
	tests := []struct {
		key, value string
		want       time.Duration
		how        string
	}{
		{alive, "600", 10 * time.Minute, "read as seconds"},
		{alive, "9999", 9999 * time.Second, "read as seconds"},
		{alive, "10000", 10 * time.Second, "read as milliseconds"},
		{alive, " 600000 ", 10 * time.Minute, "read as milliseconds"},
		{alive, "0", 0, ""},
		{alive, "00:10:00", 10 * time.Minute, "hours:minutes"},
		{alive, "1.02:03:04.5", 26*time.Hour + 3*time.Minute + 4500*time.Millisecond, "hours:minutes"},
		{alive, "10m", 10 * time.Minute, ""},
		{alive, "1h30m", 90 * time.Minute, ""},
		{alive, "5 Minutes", 5 * time.Minute, ""},
		{logout, "10", 10 * time.Second, "read as seconds"},
		{logout, "1,5", 1500 * time.Millisecond, "read as seconds"},
		{logout, "999", 999 * time.Second, "read as seconds"},
		{logout, "1000", time.Second, "read as milliseconds"},
		{logout, "0", 0, ""},
		{logout, "500 ms", 500 * time.Millisecond, ""},
		{sweep, "10", 10 * time.Second, "read as seconds"},
		{sweep, "60000", time.Minute, "read as milliseconds"},
	}
	for _, c := range tests {
		result, cfg := importSettings(t, c.key, c.value)
		got := map[string]time.Duration{alive: cfg.Server.KeepAliveInterval, logout: cfg.Server.DisconnectAfterLogout, sweep: cfg.Jobs.StatusReportInterval}[c.key]
		if got != c.want || result.Taken != 1 || !strings.Contains(result.TOML, c.how) {
			t.Errorf("%s = %q becomes %s, want %s, %q", c.key, c.value, got, c.want, c.how)
		}
	}
}

func TestImportKeepsAsACommentWhatIsNotValid(t *testing.T) {
	tests := []struct{ key, value, why string }{
		{"Mode", "Hermes", "vocalcom"},
		{"Server.ListenPort", "99999", "65535"},
		{"Server.ListenPort", "-1", "65535"},
		{"Server.ListenPort", "0", "any free port"},
		{"Server.ListenPort", "2346;2347", "not a whole number"},
		{"Server.ListenPort", "18182", "tcp.listen_port"},
		{"Server.ListenHost", "0.0.0.0:2346", "the port has its own key"},
		{"Server.ListenHost", strings.Repeat("a", 3000), "too long"},
		{"Server.SMSCIdentifier", "seventeen-letters", "1 to 16"},
		{"Server.KeepAliveInterval", "-1", "at least 0s"},
		{"Server.KeepAliveInterval", "99999999999999999999", "not a number of seconds"},
		{"Server.KeepAliveInterval", "00:99:00", "not a number of seconds"},
		{"Server.KeepAliveInterval", "Infinity", "not a number of seconds"},
		{"Server.DisconnectAfterLogout", "true", "not a number of seconds"},
		{"Server.ThrottleRate", "-5", "from 0"},
		{"Job.StatusReport.Interval", "0", "more than 0s"},
		{"Purge.Messages.Hour", "25", "from -1 to 23"},
		{"TcpServer.ListenPort", "2346", "server.listen_port"},
		{"Server.ListenParams", "BacklogSize 10", "form of the old value is not known"},
	}
	for _, c := range tests {
		result, cfg := importSettings(t, c.key, c.value)
		if result.Taken != 0 || result.Left != 1 || len(result.Warnings) != 1 || !strings.HasPrefix(result.Warnings[0], c.key) {
			t.Errorf("%s = %q: %d taken, %d left, warnings %q", c.key, c.value, result.Taken, result.Left, result.Warnings)
		}
		if !strings.Contains(result.TOML, "# NOT TAKEN OVER: "+c.key) || !strings.Contains(result.TOML, c.why) {
			t.Errorf("%s = %q is not kept with %q:\n%s", c.key, c.value, c.why, result.TOML)
		}
		_, def := importSettings(t)
		cfg.Mode, def.Mode = config.ModeVocalcom, config.ModeVocalcom
		cfg.Store.DSN = def.Store.DSN
		if got, want := fmt.Sprintf("%+v", *cfg), fmt.Sprintf("%+v", *def); got != want {
			t.Errorf("%s = %q changes the configuration:\ngot  %s\nwant %s", c.key, c.value, got, want)
		}
	}
}

func TestImportFindsModeInAnyCaseAndKnowsTheOldDefault(t *testing.T) {
	for value, want := range map[string]string{
		"VOCALCOM": config.ModeVocalcom, "Opportunity": config.ModeOpportunity, " vocalcom ": config.ModeVocalcom, "": config.ModeOpportunity,
	} {
		if _, cfg := importSettings(t, "mode", value); cfg.Mode != want {
			t.Errorf("Mode %q becomes %s", value, cfg.Mode)
		}
	}
	if result, cfg := importSettings(t, "Server.ListenPort", "2346"); cfg.Mode != config.ModeOpportunity || !strings.Contains(result.TOML, "which meant opportunity") {
		t.Errorf("without Mode:\n%s", result.TOML)
	}
}

func TestImportFollowsDotNetInWhichSettingCounts(t *testing.T) {
	result, err := Import("x", []byte(`<configuration xmlns="http://schemas.microsoft.com/.NetConfiguration/v2.0"><appSettings>
		<add key="Server.ThrottleRate" value="1"/><clear/>
		<add key="SERVER.LISTENPORT" value="2500"/><add key="server.listenport" value="2600"/>
		<add key="TcpServer.ListenPort" value="1"/><remove key="tcpserver.listenport"/></appSettings></configuration>`), accept)
	if err != nil {
		t.Fatal(err)
	}
	cfg := loadText(t, result.TOML)
	if cfg.Server.ListenPort != 2600 || cfg.Server.ThrottleRate != 0 || cfg.TCP.ListenPort != 18182 || !strings.Contains(result.TOML, "the last of 2") {
		t.Errorf("got %+v\n%s", cfg.Server, result.TOML)
	}
}

func TestImportKeepsPortsThatAreSwapped(t *testing.T) {
	if _, cfg := importSettings(t, "Server.ListenPort", "18182", "TcpServer.ListenPort", "2346"); cfg.Server.ListenPort != 18182 || cfg.TCP.ListenPort != 2346 {
		t.Errorf("got %d and %d", cfg.Server.ListenPort, cfg.TCP.ListenPort)
	}
}

func TestImportFindsDefaultsForPortsThatCollide(t *testing.T) {
	ports := []string{"", "2346", "18182", "8346", "2400", "70000"}
	for _, smpp := range ports {
		for _, tcp := range ports {
			for _, host := range []string{"", "127.0.0.1", "*"} {
				importSettings(t, "Server.ListenHost", host, "Server.ListenPort", smpp, "TcpServer.ListenPort", tcp) // loads what it makes
			}
		}
	}
}

func TestImportTurnsTheAdminPageOffWhereAnOldPortIsItsOwn(t *testing.T) {
	result, cfg := importSettings(t, "Server.ListenPort", "8346")
	if cfg.Server.ListenPort != 8346 || cfg.Admin.Listen != "" || !strings.Contains(result.TOML, "operator's page is off") {
		t.Errorf("got %s", result.TOML)
	}
}

func TestImportWritesEveryTextSoThatItIsReadBackTheSame(t *testing.T) {
	for _, password := range []string{`a"b\c`, "<&>'", "é€😀", "a\nb", "\x7f", " pass ", "#", `\u0041`, "'''", `"""`, "\u0085\u200b\u202e"} {
		_, cfg := importSettings(t, "Authentication.Password", password)
		if got := cfg.Clients[0].Password; got != password {
			t.Errorf("%q becomes %q", password, got)
		}
	}
}

func TestImportShowsNoSecretBesideThePasswordItTakesOver(t *testing.T) {
	result, _ := importSettings(t, "Authentication.Password", "$2hunter", "Db.ConnectionString", "hunter", "Smtp.MotDePasse", "hunter",
		"Proxy", "http://me:hunter@proxy", "Log.Path", `C:\Logs`, "ApiKey", "hunter", "UrlHermes", "ftp://me:hunter@host/", "Server.ListenParams", "port=2347;key=a.key password=hunter")
	if strings.Contains(result.TOML+strings.Join(result.Warnings, ""), "hunter") {
		t.Errorf("a secret is shown:\n%s\n%q", result.TOML, result.Warnings)
	}
	if !strings.Contains(result.TOML, `#   Log.Path = "C:\\Logs"`) || !strings.Contains(result.TOML, "Db.ConnectionString (not shown") {
		t.Errorf("unknown settings are not listed:\n%s", result.TOML)
	}
}

func TestImportListsSoManyUnknownSettingsOnly(t *testing.T) {
	var pairs []string
	for i := range maxListed + 7 {
		pairs = append(pairs, fmt.Sprint("Other.", i), "x")
	}
	result, _ := importSettings(t, pairs...)
	if result.Left != maxListed+7 || strings.Count(result.TOML, "Other.") != maxListed || !strings.Contains(result.TOML, "and 7 more") {
		t.Errorf("%d left:\n%s", result.Left, result.TOML)
	}
	if len(result.Warnings) != 0 {
		t.Errorf("warnings %q", result.Warnings)
	}
}

func TestImportDisablesAClientWhoseNameOrPasswordIsNotThere(t *testing.T) {
	for _, c := range []struct {
		login, password string // "-" = not there
		key             string // which is to be set
	}{
		{"relais", strings.Repeat("x", 73), "clients[0].password"},
		{"relais", "-", "clients[0].password"},
		{"sixteen-letters!", "Rel&is07", "clients[0].system_id"},
		{"", "Rel&is07", "clients[0].system_id"},
		{"-", "Rel&is07", "clients[0].system_id"},
	} {
		var pairs []string
		for name, value := range map[string]string{"Authentication.Login": c.login, "Authentication.Password": c.password, "UrlHermes": "https://h/"} {
			if value != "-" {
				pairs = append(pairs, name, value)
			}
		}
		result, cfg := importAlone(t, pairs...)
		client := cfg.Clients[0]
		if !client.Disabled || client.SystemID == "admin" || client.Password == "vocalcom" {
			t.Errorf("%q %q: got %+v", c.login, c.password, client)
		}
		if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.HasSuffix(w, "the client is disabled until "+c.key+" is set") }) ||
			!strings.Contains(result.TOML, "Then take this line out:\ndisabled = true\n") {
			t.Errorf("%q %q is not told: %q\n%s", c.login, c.password, result.Warnings, result.TOML)
		}
	}
	result, cfg := importSettings(t, "Authentication.Login", "relais", "Authentication.Password", "")
	if c := cfg.Clients[0]; c.Password != "" || c.Disabled || len(result.Warnings) != 1 {
		t.Errorf("an empty password becomes %q, disabled %t, warnings %q", c.Password, c.Disabled, result.Warnings)
	}
}

func TestImportSaysWhereMessagesGoThatHaveNoURL(t *testing.T) {
	const warning = `UrlHermes: hermes.url is "simulator", a stand-in that reaches nobody; give the URL of Hermès`
	for _, url := range []string{"-", "", "hermes.local/api/sms/push/", "http://%zz/"} {
		for mode, standIn := range map[string]bool{"vocalcom": true, "opportunity": false} {
			pairs := []string{"Mode", mode, "Authentication.Login", "relais", "Authentication.Password", "Rel&is07"}
			if url != "-" {
				pairs = append(pairs, "UrlHermes", url)
			}
			result, cfg := importAlone(t, pairs...)
			if cfg.UsesStandIn() != standIn || !standIn && cfg.Hermes.URL != "" || slices.Contains(result.Warnings, warning) != standIn {
				t.Errorf("%s %q: url %q, warnings %q", mode, url, cfg.Hermes.URL, result.Warnings)
			}
			refused := strings.Contains(url, "/")
			if strings.Contains(result.TOML, "# NOT TAKEN OVER: UrlHermes") != refused || (result.Left == 1) != refused ||
				strings.Contains(result.TOML, "This is the built-in stand-in") != standIn {
				t.Errorf("%s %q:\n%s", mode, url, result.TOML)
			}
		}
	}
}

func TestImportLeavesTLSOffAndShowsItsKeys(t *testing.T) {
	result, cfg := importSettings(t, "Server.ListenParams", `SslPort=2775; Certificate="C:\certs\a.pem"; PrivateKey=C:\certs\a.key`)
	for _, line := range []string{"#listen_port = 2775", `#cert_file = "C:\\certs\\a.pem"`, `#key_file = "C:\\certs\\a.key"`} {
		if !strings.Contains(result.TOML, "\n"+line+"\n") {
			t.Errorf("%s is not in:\n%s", line, result.TOML)
		}
	}
	if cfg.Server.TLS.ListenPort != 0 {
		t.Error("TLS is on")
	}
}

func TestImportReadsEveryEncodingOfWindows(t *testing.T) {
	body := `<configuration><!-- Hermès --><appSettings><add key="Authentication.Password" value="clé€"/></appSettings></configuration>`
	declared := func(name string) string { return `<?xml version="1.0" encoding="` + name + `"?>` + "\r\n" + body }
	wide := func(order binary.AppendByteOrder, text string) []byte {
		var b []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, unit)
		}
		return b
	}
	ansi, err := charmap.Windows1252.NewEncoder().String(declared("Windows-1252"))
	if err != nil {
		t.Fatal(err)
	}
	latin9, err := charmap.ISO8859_15.NewEncoder().String(declared("iso-8859-15"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"UTF-8":                            []byte(body),
		"UTF-8 with BOM":                   []byte("\ufeff" + declared("utf-8")),
		"UTF-8 that says utf-16":           []byte(declared("utf-16")),
		"UTF-8 with BOM that says ANSI":    []byte("\ufeff" + declared("windows-1252")),
		"UTF-16 LE with BOM":               wide(binary.LittleEndian, "\ufeff"+declared("utf-16")),
		"UTF-16 LE with BOM, says nothing": wide(binary.LittleEndian, "\ufeff"+body),
		"UTF-16 BE with BOM":               wide(binary.BigEndian, "\ufeff"+declared("Unicode")),
		"UTF-16 LE":                        wide(binary.LittleEndian, declared("utf-16")),
		"UTF-16 BE":                        wide(binary.BigEndian, declared("utf-16")),
		"ANSI":                             []byte(ansi),
		"ISO 8859-15":                      []byte(latin9),
	} {
		result, err := Import("x", data, accept)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := loadText(t, result.TOML).Clients[0].Password; got != "clé€" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestImportRefusesWhatIsNotAnOldFile(t *testing.T) {
	shipped, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]string{
		"":                         "is empty",
		"\ufeff \r\n":              "is empty",
		string(shipped):            "is not XML",
		"MZ\x90\x00\x03":           "is a program; give the .exe.config",
		"\x7fELF\x00\x00":          "is a binary file",
		`{"Mode":"vocalcom"}`:      "is not XML",
		"<html><body/></html>":     "its root element is <html>",
		"<configuration/>":         "has no <appSettings>",
		"<configuration>\n<appSet": "line 2: is not valid XML",
		"<configuration>\n<appSettings></configuration>":                                                                                         "line 2: is not valid XML",
		"<configuration><appSettings/></configuration><configuration/>":                                                                          "second root",
		"<configuration><appSettings><add key=\"a\" value=\"\xe9\"/></appSettings></configuration>":                                              "save it as UTF-8",
		`<?xml version="1.0" encoding="ebcdic"?><configuration/>`:                                                                                "save the file as UTF-8",
		`<!DOCTYPE c [<!ENTITY e SYSTEM "/etc/passwd">]><configuration><appSettings><add key="Mode" value="&e;"/></appSettings></configuration>`: "entity &e;",
		`<configuration><appSettings configSource="settings.config"/></configuration>`:                                                           `in another file, "settings.config"`,
		`<configuration><appSettings configProtectionProvider="X"><EncryptedData/></appSettings></configuration>`:                                "are encrypted",
	} {
		if result, err := Import("x", []byte(data), accept); err == nil || result != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60q: got %v, want %s", data, err, want)
		}
	}
}

func TestImportLeavesOutTheURLThatTheCheckRefuses(t *testing.T) {
	simulatorOnly := func(c *config.Config) error {
		if !c.UsesStandIn() {
			return errors.New("hunter")
		}
		return nil
	}
	old := []byte(`<configuration><appSettings><add key="UrlHermes" value="https://h/push/"/><add key="Mode" value="Vocalcom"/></appSettings></configuration>`)
	result, err := Import("x", old, simulatorOnly)
	if err != nil {
		t.Fatal(err)
	}
	if want := "UrlHermes is not taken over: is not a URL that can be posted to"; !slices.Contains(result.Warnings, want) || result.Taken != 1 || result.Left != 1 {
		t.Errorf("got %+v", result)
	}
	if cfg := loadText(t, result.TOML); !cfg.UsesStandIn() || cfg.Mode != config.ModeVocalcom {
		t.Errorf("got %s", result.TOML)
	}
	never := func(*config.Config) error { return errors.New("hunter") }
	if result, err := Import("x", old, never); err == nil || !strings.Contains(err.Error(), "makes a configuration that is not valid: hermes.url: ") {
		t.Errorf("where nothing is accepted: got %+v, %v", result, err)
	}
}

func TestImportReadsTheSecondFileByItselfAndSaysThatItIsMissing(t *testing.T) {
	result, err := Import("x", []byte(`<configuration><appSettings file="local.config"><add key="Mode" value="Vocalcom"/></appSettings></configuration>`), accept)
	second := func(warning string) bool { return strings.HasPrefix(warning, "the settings in the second file") }
	if err != nil || !slices.ContainsFunc(result.Warnings, second) || !strings.Contains(result.TOML, `a second file, "local.config"`) {
		t.Errorf("got %+v, %v", result, err)
	}
	result, err = Import("x", []byte(`<appSettings><add key="Mode" value="Vocalcom"/></appSettings>`), accept)
	if err != nil || loadText(t, result.TOML).Mode != config.ModeVocalcom {
		t.Errorf("the second file: %v", err)
	}
}

func TestImportAsksWhetherAFileWithoutAnySettingIsTheRightOne(t *testing.T) {
	result, cfg := importAlone(t, "Other", "x")
	if !slices.Contains(result.Warnings, "it has no setting of the service; is it the right file?") || !cfg.Clients[0].Disabled {
		t.Errorf("warnings %q, client %+v", result.Warnings, cfg.Clients[0])
	}
}
