package faults

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// patient makes the plugin wait as long as a loaded machine may need, and try again at once.
var patient = map[string]string{"TimeoutMs": "20000", "RetryPauseMs": "0"}

// with is patient and other values.
func with(more map[string]string) map[string]string {
	all := map[string]string{}
	for _, values := range []map[string]string{patient, more} {
		for name, value := range values {
			all[name] = value
		}
	}
	return all
}

// Notepad of older Windows knows neither UTF-8 without a mark nor lines that end in LF alone.
func TestThePluginIsAFileThatEveryEditorKeepsWhole(t *testing.T) {
	file := readPlugin(t)
	for i, c := range file {
		if c > '~' || c < ' ' && c != '\r' && c != '\n' || (c == '\n') != (i > 0 && file[i-1] == '\r') {
			t.Fatalf("line %d: octet %#02x is not ASCII, or not the end of a line", 1+bytes.Count(file[:i], []byte("\n")), c)
		}
	}
}

func TestAnAgentsTextReachesTheClientAsItWasWritten(t *testing.T) {
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir()))
	c := bindReceiver(t, smppserv.SMPP)
	p := startPlugin(t, smppserv.TCP, patient)
	control := ""
	for r := rune(0); r <= ' '; r++ {
		control += string(r)
	}
	for _, text := range []string{
		"Bonjour",
		"Où êtes-vous ? Ça coûte 12 € à Noël : œuvre, ÀÉÎÕÜ, ñ, ß",
		`Il a dit "oui" \ "non" \\ C:\temp\new\u0041 'ok' /`,
		`x","status":"accepted","text":"y`,
		"ligne 1\nligne 2\r\n\tfin\n",
		"pouce 👍🏽, famille 👨‍👩‍👧, drapeau 🇫🇷",
		"  blancs autour  ",
		"<b>&amp;</b> ]]> %41 {0}",
		"\u2028séparateurs\u2029 \ufeff \u007f \u0085",
		"controls" + control + "|",
		strings.Repeat("Un long texte, découpé en parties. ", 15),
		strings.Repeat("Un long texte 👍 ", 20),
		"",
	} {
		accepts(t, p.send(t, campaign, "+"+customer, text))
		if got := takeText(t, c); got != text {
			t.Errorf("%q came as %q", text, got)
		}
	}
	const high, low = 0xD83D, 0xDC4D
	p.begin(t, "send", word(campaign), word(customer), unitsWord([]uint16{high, 'a', low, 'b', low, high, low, high}))
	accepts(t, p.outcome(t))
	if got := takeText(t, c); got != "\ufffda\ufffdb\ufffd👍\ufffd" {
		t.Errorf("halves of surrogate pairs came as %q", got)
	}
}

func TestMessagesHandedInAtTheSameTimeAllArriveOnce(t *testing.T) {
	const threads = 30
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir()))
	c := bindReceiver(t, smppserv.SMPP)
	p := startPlugin(t, smppserv.TCP, patient)
	p.begin(t, "together", fmt.Sprint(threads), word(campaign), word(customer), word("no. "))
	accepts(t, p.outcome(t))
	accepts(t, p.send(t, campaign, customer, "the last"))
	var want, got []string
	for i := range threads {
		want, got = append(want, fmt.Sprint("no. ", i)), append(got, takeText(t, c))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || takeText(t, c) != "the last" {
		t.Errorf("came: %q", got)
	}
}

func TestAConnectionCutBeforeTheAnswerSendsOnce(t *testing.T) {
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir()))
	c := bindReceiver(t, smppserv.SMPP)
	relay := startRelay(t, smppserv.TCP)
	p := startPlugin(t, relay.addr, patient)

	p.begin(t, "send", word(campaign), word(customer), word("une fois"))
	first := messageID(t, relay.answer(t, "accepted"))
	relay.pass <- false
	if second := messageID(t, relay.answer(t, "accepted", "duplicate")); second != first {
		t.Errorf("the message has the ids %s and %s", first, second)
	}
	relay.pass <- true
	accepts(t, p.outcome(t))
	relay.sentTwice(t)
	p.begin(t, "send", word(campaign), word(customer), word("la suivante"))
	relay.answer(t, "accepted")
	relay.pass <- true
	accepts(t, p.outcome(t))
	if got := []string{takeText(t, c), takeText(t, c)}; !slices.Equal(got, []string{"une fois", "la suivante"}) {
		t.Errorf("came: %q", got)
	}
}

func TestAWorkerKilledBeforeItsAnswerSendsOnce(t *testing.T) {
	port, tcpPort := testkit.FreePort(t), testkit.FreePort(t)
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"server.listen_port": port, "tcp.listen_port": tcpPort})
	smppserv := testkit.StartWorker(t, config)
	relay := startRelay(t, testkit.Loopback(tcpPort))
	p := startPlugin(t, relay.addr, patient)

	p.begin(t, "send", word(campaign), word(customer), word("une fois"))
	first := messageID(t, relay.answer(t, "accepted"))
	smppserv.Kill(t)
	smppserv.Start(t)
	relay.pass <- false
	if second := messageID(t, relay.answer(t, "accepted", "duplicate")); second != first {
		t.Errorf("the message has the ids %s and %s", first, second)
	}
	relay.pass <- true
	accepts(t, p.outcome(t))
	relay.sentTwice(t)
	accepts(t, startPlugin(t, testkit.Loopback(tcpPort), patient).send(t, campaign, customer, "la suivante"))
	c := bindReceiver(t, testkit.Loopback(port))
	if got := []string{takeText(t, c), takeText(t, c)}; !slices.Equal(got, []string{"une fois", "la suivante"}) {
		t.Errorf("came: %q", got)
	}
}

func TestThePluginSaysThatNoWorkerRunsAndSucceedsWhenOneDoes(t *testing.T) {
	tcpPort := testkit.FreePort(t)
	config := testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"tcp.listen_port": tcpPort})
	p := startPlugin(t, testkit.Loopback(tcpPort), patient)
	down := []string{"not sent: cannot connect to " + testkit.Loopback(tcpPort), "ConnectionRefused", "is smppserv running", "tried twice"}
	fails(t, p.send(t, campaign, customer, "before"), down...)
	smppserv := testkit.StartWorker(t, config)
	accepts(t, p.send(t, campaign, customer, "first"))
	smppserv.Stop(t)
	fails(t, p.send(t, campaign, customer, "between"), down...)
	smppserv.Start(t)
	accepts(t, p.send(t, campaign, customer, "second"))
	c := bindReceiver(t, smppserv.SMPP)
	if got := []string{takeText(t, c), takeText(t, c)}; !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("came: %q", got)
	}
}

func TestARefusedAddressIsToldWhatToDo(t *testing.T) {
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"tcp.allow": []string{"10.20.30.0/24"}}))
	p := startPlugin(t, smppserv.TCP, patient)
	fails(t, p.send(t, campaign, customer, "x"), "not sent: smppserv rejected it, unauthorized: 127.0.0.1 is not in tcp.allow; correct tcp.allow")
	smppserv.Log.AwaitWords(t, "refused a connection", "127.0.0.1/32")
}

func TestWhatTheWorkerRejectsIsToldWithItsReason(t *testing.T) {
	smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{
		"tcp.token": "s3 cret",
		"clients":   []map[string]any{{"system_id": testkit.Client, "password": testkit.Password, "numbers": []string{campaign}}},
	}))
	p := startPlugin(t, smppserv.TCP, patient)
	for _, token := range []string{"", "wrong"} {
		p.set(t, "Token", token)
		fails(t, p.send(t, campaign, customer, "x"), "not sent:", "unauthorized: token: missing or wrong", "or Token in Smpp.xml")
	}
	p.set(t, "Token", "s3 cret")
	fails(t, p.send(t, "3699", customer, "x"), "not sent:", "no_client: no client owns number 3699; correct the campaign's number")
	fails(t, p.send(t, campaign, "06 12", "x"), "not sent:", "bad_request: to: must be digits")
	fails(t, p.send(t, "", customer, "x"), "not sent:", "bad_request: from: missing")
	p.set(t, "Client", "nobody")
	fails(t, p.send(t, campaign, customer, "x"), "not sent:", `no_client: no client "nobody" owns number 3600`)
	p.set(t, "Client", testkit.Client)
	accepts(t, p.send(t, campaign, customer, "x"))
}

func TestWhatCannotBeSentIsNamedBeforeAnythingIsSent(t *testing.T) {
	peer := startPeer(t, accept)
	p := startPlugin(t, peer.addr, patient)
	fails(t, p.send(t, null, customer, "x"), "not sent: from: missing (null)")
	fails(t, p.send(t, campaign, null, "x"), "not sent: to: missing (null)")
	fails(t, p.send(t, campaign, customer, null), "not sent: text: missing (null)")
	accepts(t, p.send(t, campaign, customer, "x"))
	const maxLine = 65536
	line := peer.sent()[0]
	longest := strings.Repeat("y", maxLine+1-len(strings.TrimSuffix(line, "\n")))
	accepts(t, p.send(t, campaign, customer, longest))
	if n := len(peer.sent()[1]); n != maxLine+1 {
		t.Errorf("the longest line has %d octets with its end", n)
	}
	fails(t, p.send(t, campaign, customer, longest+"y"), "not sent: the text is too long: its line has 65537 octets")
	if lines := peer.sent(); len(lines) != 2 || lineID(lines[0]) == lineID(lines[1]) {
		t.Errorf("%d lines were sent, or two with one id", len(lines))
	}
}

func TestAnAddressThatCannotBeReadIsNamed(t *testing.T) {
	p := startPlugin(t, "xx.xx.xx.xx:18182", nil)
	fails(t, p.send(t, campaign, customer, "x"), `not sent: IpPortSmppServer is still "xx.xx.xx.xx:18182"; write the address`)
	for _, address := range []string{"", " ", ":", ":18182", "10.0.0.5", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:-1", "10.0.0.5:+1",
		"10.0.0.5:1e3", "10.0.0.5: 18182", "10.0.0.5:99999999999", "::1:18182", "[]:18182", "[::1]", "[10.0.0.5]:18182", "[name]:18182",
		"http://10.0.0.5:18182", "10.0.0.5:18182/", "a b:18182", null} {
		p.set(t, "IpPortSmppServer", address)
		fails(t, p.send(t, campaign, customer, "x"), `not sent: IpPortSmppServer is "`, `write it as "10.0.0.5:18182"`)
	}
}

func TestNamesAndIPv6AddressesWork(t *testing.T) {
	hosts := []string{"127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		hosts = append(hosts, "::1")
	}
	names, err := net.LookupHost("localhost")
	if err != nil {
		t.Fatal(err)
	}
	p := startPlugin(t, "127.0.0.1:1", patient)
	for _, host := range hosts {
		smppserv := testkit.StartWorker(t, testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"tcp.listen_host": host}))
		p.set(t, "IpPortSmppServer", smppserv.TCP)
		accepts(t, p.send(t, campaign, customer, "x"))
		if slices.Contains(names, host) { // the other address of the name refuses, and may come first
			_, port, _ := net.SplitHostPort(smppserv.TCP)
			p.set(t, "IpPortSmppServer", "localhost:"+port)
			accepts(t, p.send(t, campaign, customer, "x"))
		}
	}
}

func TestASilentServerIsGivenUpInTimeAfterASecondTry(t *testing.T) {
	silent := startPeer(t, func(net.Conn, int, string) bool { return false })
	p := startPlugin(t, silent.addr, map[string]string{"TimeoutMs": "2000", "RetryPauseMs": "200"})
	began := time.Now()
	fails(t, p.send(t, campaign, customer, "x"), "perhaps sent: ", silent.addr+" gave no answer within 2000 ms (tried twice)")
	if took := time.Since(began); took < 4200*time.Millisecond || took > testkit.Patience/2 {
		t.Errorf("it took %v", took)
	}
	silent.sentTwice(t)
}

// accept answers as smppserv does.
func accept(conn net.Conn, number int, line string) bool {
	_, _ = fmt.Fprintf(conn, `{"id":%q,"status":"accepted","message_id":"%d"}`+"\n", lineID(line), number+1)
	return false
}

func TestAnswersAreReadAsJSONAndByTheirID(t *testing.T) {
	const mine = "MINE" // stands for the id of the message
	tests := []struct {
		name    string
		answers []string // of the first connection, of the second
		failure []string // nil: accepted
	}{
		{"after lines about others", []string{`{"id":"MINE","event":"status","message_id":"1","state":"DELIVERED"}
{"id":"h-1","status":"rejected","code":"no_client","error":"x"}
{"id":"h-2","status":"accepted","message_id":"3"}` + "\r\n" + `{"id":"MINE","status":"accepted","message_id":"4"}
`}, nil},
		{"in another form", []string{` { "x" : [ 1 , -2.5e3, true, null, {"status":"rejected"}, [] , {} ] , "message_id" : 4 ,` +
			"\t" + `"y":{"id":"other"}, "st\u0061tus":"\u0061cc\u0065pted", "id":"MINE"  }` + "\r\n"}, nil},
		{"a rejection that quotes an acceptance", []string{`{"id":"MINE","error":"\",\"status\":\"accepted\",\"id\":\"MINE \u00e9 \ud83d\udc4d\ttab","code":"bad_request","status":"rejected"}` + "\n"},
			[]string{"not sent:", `bad_request: ","status":"accepted","id":"MINE é 👍 tab`}},
		{"a rejection of the connection, without an id", []string{`{"status":"rejected","code":"unauthorized","error":"10.0.0.9 is not in tcp.allow"}` + "\n"},
			[]string{"not sent:", "unauthorized: 10.0.0.9 is not in tcp.allow"}},
		{"a store that comes back", []string{`{"id":"MINE","status":"rejected","code":"store_unavailable","error":"x"}` + "\n", `{"id":"MINE","status":"accepted","message_id":"4"}` + "\n"}, nil},
		{"a store that does not", slices.Repeat([]string{`{"id":"MINE","status":"rejected","code":"store_unavailable","error":"x"}` + "\n"}, 2),
			[]string{"not sent:", "store_unavailable: x", "tried twice"}},
		{"a full queue", []string{`{"id":"MINE","status":"rejected","code":"queue_full","error":"too many"}` + "\n"}, []string{"not sent:", "queue_full: too many"}},
		{"a web server", []string{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"}, []string{"perhaps sent:", "not smppserv's: HTTP/1.1 400 Bad Request"}},
		{"an acceptance of nothing", []string{`{"status":"accepted","message_id":"4"}` + "\n"}, []string{"perhaps sent:", "not smppserv's"}},
		{"another state", []string{`{"id":"MINE","status":"pending"}` + "\n"}, []string{"perhaps sent:", "not smppserv's"}},
		{"JSON that is cut", []string{`{"id":"MINE","status":"accepted"` + "\n"}, []string{"perhaps sent:", "not smppserv's"}},
		{"JSON with more behind it", []string{`{"id":"MINE","status":"accepted"}}` + "\n"}, []string{"perhaps sent:", "not smppserv's"}},
		{"JSON deep enough to fill a stack", []string{`{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `,"id":"MINE","status":"accepted","message_id":"4"}` + "\n"},
			[]string{"perhaps sent:", "not smppserv's"}},
		{"no end of line", []string{strings.Repeat("x", 70_000)}, []string{"perhaps sent:", "not smppserv's: xxx"}},
		{"half an answer, then the end, twice", []string{`{"id":"MINE","status":"acc|`, "|"},
			[]string{"perhaps sent:", "closed the connection without an answer", "tried twice"}},
		{"the end, then an acceptance", []string{"|", `{"id":"MINE","status":"accepted","message_id":"4"}` + "\n"}, nil},
		{"the end, then a rejection", []string{"|", `{"id":"MINE","status":"rejected","code":"bad_request","error":"y"}` + "\n"},
			[]string{"perhaps sent:", "bad_request: y (second try; the first: ", "closed the connection"}},
	}
	script := make(chan []string, 1)
	var answers []string
	first := 0
	peer := startPeer(t, func(conn net.Conn, number int, line string) bool {
		select {
		case answers = <-script:
			first = number
		default:
		}
		if number-first >= len(answers) {
			return true // the test counts the lines
		}
		answer, end := strings.CutSuffix(answers[number-first], "|")
		_, _ = io.WriteString(conn, strings.ReplaceAll(answer, mine, lineID(line)))
		return end
	})
	p := startPlugin(t, peer.addr, patient)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := len(peer.sent())
			script <- test.answers
			outcome := p.send(t, campaign, customer, "x")
			lines := peer.sent()[before:]
			if len(lines) != len(test.answers) {
				t.Fatalf("the plugin sent %q, want %d lines; it returned %s", lines, len(test.answers), outcome)
			}
			outcome = strings.ReplaceAll(outcome, lineID(lines[0]), mine)
			if test.failure == nil {
				accepts(t, outcome)
			} else {
				fails(t, outcome, test.failure...)
			}
		})
	}
}

func TestTheLogOfThePluginTellsOutcomesAndNoTexts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Smpp.log")
	peer := startPeer(t, accept)
	p := startPlugin(t, peer.addr, with(map[string]string{"LogFile": `@"` + file + `"`, "Token": `"t0ken"`}))
	accepts(t, p.send(t, campaign, customer, "a secret"))
	fails(t, p.send(t, campaign, null, "a secret"), "to: missing")
	p.begin(t, "together", "20", word(campaign), word(customer), word("a secret"))
	accepts(t, p.outcome(t))
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\r\n"), "\r\n")
	if len(lines) != 22 || strings.Contains(string(text), "secret") || strings.Contains(string(text), "t0ken") {
		t.Fatalf("%d lines:\n%s", len(lines), text)
	}
	oneLine(t, lines[0], lineID(peer.sent()[0]), campaign+" > "+customer, " accepted, message_id 1")
	oneLine(t, lines[1], campaign+" > ", " not sent: to: missing")
	p.set(t, "LogFile", filepath.Join(filepath.Dir(file), "no", "folder"))
	accepts(t, p.send(t, campaign, customer, "x"))
}

// What the administrator looks up must be what the plugin says, in both languages.
func TestTheErrorsThatTheDocumentsListAreThoseOfThePlugin(t *testing.T) {
	said := []string{"ConnectionRefused", "HostUnreachable", "NetworkUnreachable"} // names of .NET's SocketError
	sources, err := filepath.Glob("../hermes/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(sources, pluginFile) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, strings.ReplaceAll(string(text), `\"`, `"`))
	}
	var first []string
	for _, file := range []string{"../../docs/hermes.md", "../../docs/fr/hermes.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(text), "`perhaps sent`")
		_, table, _ = strings.Cut(table, "|---|---|---|\n")
		table, _, _ = strings.Cut(table, "\n\n")
		var listed []string
		for row := range strings.Lines(table) {
			listed = append(listed, regexp.MustCompile("`[^`]+`").FindAllString(strings.Split(row, " | ")[0], -1)...)
		}
		for _, quoted := range listed {
			if words := strings.Trim(quoted, "`"); !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, words) }) {
				t.Errorf("%s lists %q, which nothing says", file, words)
			}
		}
		if first == nil {
			first = listed
		}
		if len(listed) < 15 || !slices.Equal(listed, first) {
			t.Errorf("%s lists %q, the other %q", file, listed, first)
		}
	}
}
