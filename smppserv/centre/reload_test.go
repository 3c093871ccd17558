package centre

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/config"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
)

// The parts of a file that says more than it must: a URL, a token, a password of its own, several clients.
const (
	partServer  = "[server]\nlisten_host = \"127.0.0.1\"\nlisten_port = 0\nthrottle_rate = 50\n"
	partClients = "[[clients]]\nsystem_id = \"acme\"\npassword = \"S3cret&1\"\nnumbers = [\n  \"3600\", # été\n  \"3601\",\n]\nallow = [\"127.0.0.0/8\"]\n\n" +
		"[[clients]]\nsystem_id = \"other\"\npassword = '''S3cret&2'''\ndisabled = true\n"
	partHermes = "[hermes]\nurl = \"http://127.0.0.1:9/push/\"\nsecret = \"s\"\n[hermes.request]\nheaders = { \"X-Api-Key\" = \"k\" }\n"
	partTCP    = "[tcp]\nlisten_host = \"127.0.0.1\"\nlisten_port = 0\nallow = [\"127.0.0.1/32\"]\ntoken = \"t0ken\"\n"
	partStore  = "[store]\ndsn = \"db/messages.db\"\n"
	partAdmin  = "[admin]\nlisten = \"127.0.0.1:0\"\nusers = [\n  { name = \"ops\", password = \"S3cret&3\" },\n]\n"
	partUsers  = "[admin]\nlisten = \"127.0.0.1:0\"\n[[admin.users]]\nname = \"ops\"\npassword = \"S3cret&3\"\n[[admin.users]]\nname = \"ops2\"\npassword = \"S3cret&4\"\n"
	partToken  = "[tcp]\nlisten_host = \"127.0.0.1\"\nlisten_port = 0\ntoken = \"\"\"t0ken\"\"\"\n"
	partJobs   = "[jobs]\npurge_messages_hour = 12\nretention = \"48h\" # days: 2\n"
)

// wholeFiles are such files, with their keys in several orders and in the forms in which editors save.
func wholeFiles() map[string]string {
	first := "# Ours\nmode = \"vocalcom\"\n" + partHermes + partClients + partServer
	return map[string]string{
		"the needed first": first + partStore + partTCP + partAdmin + partJobs,
		"a number last":    first + partTCP + partStore + partAdmin + "[jobs]\nretention = \"48h\"\npurge_messages_hour = 12\n",
		"a token last":     first + partStore + partUsers + partToken,
		"users last":       partTCP + partStore + partServer + partHermes + partClients + partUsers,
		"clients last":     partServer + partTCP + partStore + partAdmin + partHermes + partClients,
		"hermes last":      partServer + partTCP + partStore + partAdmin + partClients + partHermes,
		"a password last": partServer + partTCP + partStore + partAdmin + partHermes +
			"[[clients]]\nsystem_id = \"acme\"\nnumbers = [\"3600\"]\npassword = \"\"\"S3cret&1\"\"\"",
		"the store last":                    first + partTCP + partAdmin + partStore + "\n# end\n\n",
		"dotted keys":                       "hermes.url = \"http://127.0.0.1:9/push/\"\nstore.dsn = \"db/messages.db\"\nclients = [{ system_id = \"acme\", password = \"S3cret&1\" }, { system_id = \"b\", password = \"S3cret&2\" }]\nserver = { listen_host = \"127.0.0.1\", listen_port = 0 }\nadmin.listen = \"\"\ntcp.listen_host = \"127.0.0.1\"\ntcp.listen_port = 0\ntcp.token = 't0ken'\n",
		"CRLF":                              strings.ReplaceAll(first+partStore+partAdmin+partTCP, "\n", "\r\n"),
		"a byte order mark":                 "\xef\xbb\xbf" + strings.ReplaceAll(first+partStore+partAdmin+partToken, "\n", "\r\n"),
		"UTF-16":                            wide(first + partStore + partAdmin + partTCP),
		"a number last, without a line end": first + partTCP + partStore + partAdmin + "[jobs]\nretention = \"48h\"\npurge_messages_hour = 12",
		"without a last line end":           strings.TrimSuffix(first+partStore+partAdmin+partTCP, "\n"),
	}
}

func wide(text string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// configured is a centre that runs with a file, as Run has it, but that nobody watches the file.
type configured struct {
	*centre
	path string
	log  *bytes.Buffer
}

func startConfigured(t *testing.T, text string) *configured {
	t.Helper()
	c := &configured{path: filepath.Join(t.TempDir(), "config.toml"), log: &bytes.Buffer{}}
	c.write(t, text)
	f, err := Read(c.path)
	if err != nil {
		t.Fatal(err)
	}
	c.centre = opened(t, f.Config, zerolog.New(zerolog.SyncWriter(c.log)))
	t.Cleanup(func() { _ = c.close() })
	c.smsc.Serve(c.plain)
	c.file = f.File
	c.record(&c.file, f.Record())
	return c
}

func (c *configured) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(c.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// changed writes the file and reloads it.
func (c *configured) changed(t *testing.T, text string) {
	t.Helper()
	c.write(t, text)
	c.reload(config.Read(c.path))
}

// binds tells what a bind is answered.
func (c *configured) binds(t *testing.T, systemID, password string) smpp.Status {
	t.Helper()
	conn := smpptest.Dial(t, c.plain.Addr().String())
	defer conn.Close()
	conn.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: systemID, Password: password, InterfaceVersion: smpp.V34})
	h, _ := conn.Expect(smpp.CmdBindTransceiverResp)
	return h.Status
}

// stride is from one place where a file is cut to the next.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

func TestAFileThatIsCutAnywhereChangesNothingInAReloadNorAtAStart(t *testing.T) {
	for name, whole := range wholeFiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConfigured(t, whole)
			want := c.config()
			atStart := 0
			for n := 0; n < len(whole); n += stride() {
				c.changed(t, whole[:n])
				if got := c.config(); !reflect.DeepEqual(got, want) {
					t.Fatalf("a reload of the first %d octets is taken up: %q", n, whole[max(0, n-40):n])
				}
				f, err := Read(c.path)
				if err == nil && !reflect.DeepEqual(f.Config, want) {
					t.Fatalf("a start takes the first %d octets: %q", n, whole[max(0, n-40):n])
				}
				if err == nil {
					atStart++
				}
			}
			if atStart > 20 {
				t.Errorf("a start takes %d cut files", atStart)
			}
			if log := c.log.String(); strings.Contains(log, "configuration taken up") || strings.Contains(log, "S3cret") || strings.Contains(log, "t0ken") {
				t.Errorf("the log:\n%s", log[max(0, len(log)-2000):])
			}
			c.changed(t, whole)
			if got := c.config(); !reflect.DeepEqual(got, want) {
				t.Error("the whole file is another one now")
			}
			if got := c.binds(t, "acme", "S3cret&1"); got != smpp.ROK {
				t.Errorf("the client's bind is answered %v", got)
			}
			if got := c.binds(t, "admin", "vocalcom"); got == smpp.ROK {
				t.Error("a password that everybody knows is taken")
			}
		})
	}
}

// At a start without a reload before it only the names tell; so the record must be that of the whole file each time.
func TestAStartAloneTakesNoCutFile(t *testing.T) {
	for name, whole := range wholeFiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "config.toml")
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(whole)
			f, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := config.WriteRecord(config.RecordFiles(path, f.Config), f.Record()); err != nil {
				t.Fatal(err)
			}
			for n := 0; n < len(whole); n += stride() {
				write(whole[:n])
				got, err := Read(path)
				if err == nil && !reflect.DeepEqual(got.Config, f.Config) {
					t.Fatalf("the first %d octets are taken: %q", n, whole[max(0, n-40):n])
				}
				if faults, ok := errors.AsType[*config.Error](err); err != nil && (!ok || faults.Problems[0].File != path) {
					t.Fatalf("the first %d octets: %v", n, err)
				}
			}
		})
	}
}

func TestFilesWithNothingInThemChangeNothing(t *testing.T) {
	whole := wholeFiles()["the needed first"]
	c := startConfigured(t, whole)
	want := c.config()
	for _, text := range []string{"", " ", "\n", "\r\n\r\n", "# a comment\n", "# all = \"commented\"\n# out", "\xef\xbb\xbf", "\xff\xfe", "[hermes]\n", "[tcp]",
		strings.Repeat("\x00", len(whole)), whole[:200] + strings.Repeat("\x00", len(whole)-200), "# " + strings.ReplaceAll(whole, "\n", "\n# ")} {
		c.log.Reset()
		c.changed(t, text)
		if !reflect.DeepEqual(c.config(), want) || !strings.Contains(c.log.String(), "not taken up") {
			t.Errorf("%.60q is taken up: %s", text, c.log)
		}
		if _, err := Read(c.path); err == nil {
			t.Errorf("a start takes %.60q", text)
		}
	}
	if err := os.Remove(c.path); err != nil {
		t.Fatal(err)
	}
	c.log.Reset()
	c.reload(config.Read(c.path))
	if !reflect.DeepEqual(c.config(), want) || !strings.Contains(c.log.String(), c.path+": cannot be read") {
		t.Errorf("without a file: %s", c.log)
	}
}

func TestWhatAReloadRefusesNamesWhatIsMissingAndTheCommandThatAcceptsIt(t *testing.T) {
	whole := wholeFiles()["the needed first"]
	c := startConfigured(t, whole)
	n := strings.Index(whole, "token = ")
	c.changed(t, whole[:n])
	for _, words := range []string{"the file has lost its end: missing tcp.token, admin.listen, admin.users, jobs.purge_messages_hour, jobs.retention, as last in force", "smppserv reload --shorter"} {
		if !strings.Contains(c.log.String(), words) {
			t.Errorf("%q is not in %s", words, c.log)
		}
	}
	if _, err := Read(c.path); err == nil || !strings.Contains(err.Error(), "missing tcp.token, ") || !strings.Contains(err.Error(), "smppserv check --shorter") {
		t.Errorf("a start: %v", err)
	}
	c.changed(t, whole[:strings.Index(whole, "[[clients]]")])
	if _, err := Read(c.path); err == nil || !strings.Contains(err.Error(), "clients: is not set") || !strings.Contains(err.Error(), "missing clients[0].system_id") || strings.Contains(err.Error(), "--shorter") {
		t.Errorf("a file that no command accepts: %v", err)
	}
}

// Names do not tell that a number has lost its last digit; the octets in force do.
func TestWhatOnlyARunningServerSeesIsRefusedAtTheStartThatFollows(t *testing.T) {
	whole := strings.TrimSuffix(wholeFiles()["a number last"], "\n")
	c := startConfigured(t, whole)
	for range 2 {
		c.log.Reset()
		c.changed(t, whole[:len(whole)-1])
		if got := c.config().Jobs.PurgeMessagesHour; got != 12 || !strings.Contains(c.log.String(), "it is the beginning of what was last in force; put the rest back") {
			t.Errorf("%d is taken up: %s", got, c.log)
		}
		if _, err := Read(c.path); err == nil || !strings.Contains(err.Error(), "it is the beginning of what was last in force") {
			t.Errorf("a start: %v", err)
		}
		c.changed(t, whole)
		if _, err := Read(c.path); err != nil {
			t.Errorf("a start with the whole file: %v", err)
		}
	}
}

// The shipped file has every key: one's own that says less is another file, not a beginning.
func TestAnotherFileThatSaysLessIsTakenUp(t *testing.T) {
	shipped, err := os.ReadFile("../../config.toml")
	if err != nil {
		t.Fatal(err)
	}
	ports := strings.NewReplacer("listen_port = 2346", "listen_port = 0", "listen_port = 18182", "listen_port = 0", "127.0.0.1:8346", "127.0.0.1:0", `listen_host = ""`, `listen_host = "127.0.0.1"`)
	for _, less := range []string{
		partHermes + partClients,
		"mode = \"vocalcom\"\n" + partServer + partClients + partHermes + partTCP,
		"mode = \"vocalcom\"\n" + partHermes + partClients,
	} {
		c := startConfigured(t, ports.Replace(string(shipped)))
		c.changed(t, less)
		if got := c.config(); got.Clients[0].SystemID != "acme" {
			t.Errorf("%q is not taken up: %s", less, c.log)
		}
		if _, err := Read(c.path); err != nil {
			t.Error(err)
		}
	}
}

func TestAnEditThatTakesTheLastKeyAndGivesAnotherIsTakenUpUnlessTheLastOneGuards(t *testing.T) {
	whole := partHermes + partClients + partTCP + partAdmin + partServer + "[log]\ncontent = true\n"
	for name, edited := range map[string]string{
		"another key in its place":       strings.Replace(whole, "content = true", "level = \"debug\"", 1),
		"another key elsewhere":          strings.Replace(strings.Replace(whole, "[log]\ncontent = true\n", "", 1), "secret = ", "status_url = \"http://127.0.0.1:9/\"\nsecret = ", 1),
		"a value that follows a new key": strings.Replace(strings.Replace(whole, "[log]\ncontent = true\n", "", 1), "throttle_rate = 50", "window = 20\nthrottle_rate = 51", 1),
	} {
		c := startConfigured(t, whole)
		c.changed(t, edited)
		if log := c.log.String(); c.config().Log.Content || strings.Contains(log, "not taken up") {
			t.Errorf("%s: %s", name, log)
		}
		if _, err := Read(c.path); err != nil {
			t.Errorf("%s, at the start that follows: %v", name, err)
		}
	}
	c := startConfigured(t, partHermes+partClients+partServer+partAdmin+partTCP)
	c.changed(t, strings.Replace(partHermes, "secret", "timeout = \"9s\"\nsecret", 1)+partClients+partServer+partAdmin+partTCP[:strings.Index(partTCP, "token")])
	if c.config().TCP.Token != "t0ken" || !strings.Contains(c.log.String(), "missing tcp.token") {
		t.Errorf("without the token: %s", c.log)
	}
}

func TestAFileThatIsShorterIsTakenUpOnceItIsAccepted(t *testing.T) {
	whole := wholeFiles()["the needed first"]
	c := startConfigured(t, whole)
	shorter := whole[:strings.Index(whole, "[admin]")]
	c.changed(t, shorter)
	f, err := ReadShorter(c.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Accept(); err != nil || f.Blind != nil {
		t.Fatal(err, f.Blind)
	}
	if _, err := Read(c.path); err != nil {
		t.Errorf("a start: %v", err)
	}
	c.changed(t, shorter[:len(shorter)-1]+" ") // another file than the accepted one, and with its keys
	if c.config().Admin.Users == nil {
		t.Error("another file is taken up")
	}
	c.changed(t, shorter)
	if got := c.config(); got.Admin.Users != nil || got.TCP.Token != "t0ken" {
		t.Errorf("the accepted file is not taken up: %s", c.log)
	}
	if records, err := config.ReadRecords(config.RecordFiles(c.path, c.config())); err != nil || len(records) != 2 || records[0].Accepted != "" || len(records[0].Keys) != len(f.Outline.Keys) {
		t.Errorf("the record: %+v, %v", records, err)
	}
}

// A save that pauses is what is there of a new file, with keys and clients that are new.
func TestASaveThatPausesAnywhereOpensNothing(t *testing.T) {
	for name, whole := range wholeFiles() {
		after := strings.NewReplacer("S3cret&1", "An0ther&", "throttle_rate = 50", "throttle_rate = 60\nwindow = 20",
			"[[clients]]\nsystem_id = \"other\"", "[[clients]]\nsystem_id = \"third\"\npassword = \"S3cret&5\"\n[[clients]]\nsystem_id = \"other\"").Replace(whole)
		if after == whole || strings.HasPrefix(whole, "\xff\xfe") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConfigured(t, whole)
			before := *c.config()
			for n := 0; n < len(after); n += stride() {
				c.changed(t, after[:n])
				got := c.config()
				if got.Hermes.URL != before.Hermes.URL || got.TCP.Token != before.TCP.Token || !reflect.DeepEqual(got.TCP.Allow, before.TCP.Allow) ||
					!reflect.DeepEqual(got.Admin.Users, before.Admin.Users) || len(got.Clients) < len(before.Clients) {
					t.Fatalf("the first %d octets are taken up: %q", n, after[max(0, n-40):n])
				}
				for _, client := range got.Clients {
					if client.SystemID == "acme" && (client.Numbers == nil && before.Clients[0].Numbers != nil) || client.SystemID == "other" && !client.Disabled {
						t.Fatalf("the first %d octets open a client: %q", n, after[max(0, n-40):n])
					}
				}
			}
			c.changed(t, after)
			if got := c.config().Clients[0].Password; got != "An0ther&" {
				log := c.log.String()
				t.Errorf("the whole file is not taken up: %s", log[max(0, len(log)-1000):])
			}
		})
	}
}

func TestAnEndThatIsOfNoMatterMayGo(t *testing.T) {
	whole := wholeFiles()["the store last"]
	c := startConfigured(t, whole)
	c.changed(t, strings.TrimSuffix(whole, "\n# end\n\n"))
	if log := c.log.String(); !strings.Contains(log, "the configuration is the same as before") || strings.Contains(log, "not taken up") {
		t.Errorf("got %s", log)
	}
}

func TestAChangeIsReadWhenItHasStayedTheSameForASecond(t *testing.T) {
	whole := wholeFiles()["the needed first"]
	for name, events := range map[string]bool{"the system tells": true, "the system tells nothing": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startConfigured(t, whole)
			ctx, cancel := context.WithCancel(t.Context())
			told := make(chan fsnotify.Event)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				c.watchFile(ctx, c.path, stamp(c.path), told)
			}()
			defer func() { cancel(); <-ended }()
			after := strings.Replace(whole, "S3cret&1", "An0ther&", 1) + "# "
			began := time.Now()
			var last time.Time
			for time.Since(began) < 3*settleTime { // somebody keeps writing, and each time it could be all
				after += "."
				last = time.Now()
				c.write(t, after)
				if events {
					select {
					case told <- fsnotify.Event{Name: c.path, Op: fsnotify.Write}:
					case <-time.After(settleTime):
						t.Fatal("nobody watches")
					}
				}
				time.Sleep(settleTime / 10)
			}
			for c.config().Clients[0].Password != "An0ther&" {
				if time.Since(last) > time.Minute {
					t.Fatal("it is not taken up")
				}
				time.Sleep(settleTime / 50)
			}
			if since := time.Since(last); since < settleTime {
				t.Errorf("it is taken up %v after the last change", since)
			}
		})
	}
}
