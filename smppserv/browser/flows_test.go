package browser

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

var desk = look{"en", "light", 1280}

// server starts a worker with an operators' port and the clients acme and boutique.
func server(t *testing.T, sets ...testkit.Settings) (w *testkit.Worker, base string) {
	t.Helper()
	w, base, _ = serverOf(t, sets...)
	return w, base
}

// serverOf is server, with its config.toml.
func serverOf(t *testing.T, sets ...testkit.Settings) (w *testkit.Worker, base, config string) {
	t.Helper()
	port := testkit.FreePort(t)
	clients := []map[string]any{
		{"system_id": "acme", "password": testkit.Password, "numbers": []string{"3600", "3601"}, "bind_policy": "pair"},
		{"system_id": "boutique", "password": testkit.Password, "numbers": []string{"36200"}, "bind_policy": "pair"},
	}
	config = testkit.WriteConfig(t, t.TempDir(), append([]testkit.Settings{{"admin.listen": testkit.Loopback(port), "clients": clients}}, sets...)...)
	return testkit.StartWorker(t, config), "http://" + testkit.Loopback(port), config
}

func users(role string) testkit.Settings {
	return testkit.Settings{"admin.users": []map[string]any{{"name": "claire", "password": "motdepasse", "role": role, "texts": true}}}
}

// fill types into a field, in place of what it has.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.see(selector)
	eval[bool](b, fmt.Sprintf("document.querySelector(%q).value = '', true", selector))
	b.do("fill "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (b *tab) press(keys string) {
	b.t.Helper()
	b.do("press "+keys, chromedp.KeyEvent(keys))
}

// shows waits until the page says something.
func (b *tab) shows(selector, words string) {
	b.t.Helper()
	b.await(fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.innerText.replace(/[\\s\\u202f]+/g, ' ').includes(%q))", selector, words))
}

func TestANewcomerSendsAMessageAndAnswersItAsAnAgent(t *testing.T) {
	for _, c := range []struct{ language, try, delivered string }{{"en", "Try it", "delivered"}, {"fr", "Essayer", "remis"}} {
		t.Run(c.language, func(t *testing.T) {
			_, base := server(t)
			b := open(t, base, look{c.language, "light", 1280})
			b.visit("/")
			b.see("figure.chart")
			b.click(`nav a[href="/try"]`)
			b.shows("h1", c.try)
			b.fill("#left-text", "Bonjour, c'est moi")
			b.press(kb.Enter)
			b.shows("#talk-right", "Bonjour, c'est moi")
			b.shows("#talk-left .bubble", c.delivered)
			b.fill("#right-text", "<b>Oui</b> ?")
			b.click(".agent .compose button")
			b.shows("#talk-left", "<b>Oui</b> ?") // it waits: acme is not bound
			b.see(".note.warning")
			b.picture("flow-try")
			b.axe()
		})
	}
}

func TestAPageFollowsClientsAndAnOperatorUnbindsOne(t *testing.T) {
	w, base := server(t)
	b := open(t, base, desk)
	b.visit("/clients")
	b.shows("#client-acme", "not bound")
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, "acme", testkit.Password)
	b.shows("#client-acme", "bound to send and receive") // by itself
	b.click("#client-acme .rowlink")
	b.shows("#sessions", c.Conn().LocalAddr().String())
	b.click("#sessions .button.danger")
	b.shows("#dialog[open]", "1 session of acme is unbound")
	b.press(kb.Escape)
	b.await("!document.querySelector('#dialog').open")
	b.click("#sessions .button.danger")
	b.see("#dialog[open] .button.danger")
	b.picture("flow-unbind")
	b.click("#dialog .button.danger")
	c.Expect(smpp.CmdUnbind)
	b.shows(".said", "is being unbound")
	b.audited("unbound a session")
}

func TestATextIsShownToWhoMayReadItAndThatIsNoted(t *testing.T) {
	w, base := server(t, users("operator"))
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, "acme", testkit.Password)
	id := c.Submit("33612345678", "3600", "un secret")
	b := open(t, base, desk)
	b.visit("/messages/" + id)
	b.await("location.pathname === '/login'")
	b.fill("input[name=name]", "claire")
	b.fill("input[name=password]", "wrong")
	b.click(".login button")
	b.shows(".note.bad", "The name or the password is wrong.")
	b.fill("input[name=name]", "claire")
	b.fill("input[name=password]", "motdepasse")
	b.click(".login button")
	b.shows("h1", "Message "+id)
	if html := eval[string](b, "document.documentElement.outerHTML"); strings.Contains(html, "un secret") {
		t.Error("the text is in the page before it was asked for")
	}
	b.click("#text button")
	b.shows("#text pre", "un secret")
	b.audited("read the text")
	b.picture("flow-audit")
}

func TestAMessageIsFoundExplainedTriedAndSentAgain(t *testing.T) {
	hermes := testkit.StartHermes(t)
	hermes.Script("3600", testkit.Answer{Status: 503})
	w, base := server(t, testkit.Settings{"hermes.url": hermes.URL(), "hermes.retry": []string{"1h"}})
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, "acme", testkit.Password)
	id := c.Submit("33612345678", "3600", "où ?")
	b := open(t, base, desk)
	b.visit("/")
	b.press("/")
	b.await("document.activeElement.id === 'find'")
	b.press("33612345678" + kb.Enter)
	b.shows("#messages", "waiting")
	b.do("go down to the message", chromedp.Focus(chromedp.CSS("#m-"+id+" .rowlink")))
	b.press(kb.Enter)
	b.shows("#timeline", "503")
	b.picture("flow-waiting")
	b.axe()
	hermes.Script("3600", testkit.Answer{Status: 200})
	b.click(`form[action$="/retry"] button`)
	b.shows("#message-head", "delivered")
	b.click(`form[action$="/send-again"] button`)
	b.shows(".said", "is sent again as message")
	b.shows("#message-head", "delivered")
}

func TestRowsStayWhereTheyAreAndNewOnesAreCounted(t *testing.T) {
	w, base := server(t)
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, "acme", testkit.Password)
	first := c.Submit("33600000001", "3600", "one")
	b := open(t, base, desk)
	b.visit("/messages")
	b.see("#m-" + first)
	c.Submit("33600000002", "3600", "two")
	c.Submit("33600000003", "3600", "three")
	b.shows(".fresh", "2 new")
	if rows := eval[int](b, "document.querySelectorAll('#messages tbody tr').length"); rows != 1 {
		t.Errorf("%d rows, want the 1 that was there", rows)
	}
	b.click(".fresh")
	b.await("document.querySelectorAll('#messages tbody tr').length === 3")
}

func TestAServerThatGoesAwayIsToldAndComesBack(t *testing.T) {
	w, base := server(t)
	b := open(t, base, desk)
	b.visit("/clients")
	b.shows("#live-state", "Live")
	w.Stop(t)
	b.shows("#live-state", "Not live since")
	b.await("document.body.classList.contains('stale')")
	b.picture("flow-stale")
	b.forgive()
	w.Start(t)
	b.await("!document.body.classList.contains('stale')")
	b.shows("#live-state", "Live")
	b.forgive() // what it tried meanwhile
}

func TestALanguageAndColoursAreChosenAndKept(t *testing.T) {
	_, base := server(t)
	b := open(t, base, desk)
	b.visit("/clients?x=1")
	b.click(`.languages a[lang=fr]`)
	b.shows("nav a[aria-current]", "Clients")
	b.shows("nav", "Vue d’ensemble")
	if lang := eval[string](b, "document.documentElement.lang + location.search"); lang != "fr?x=1" {
		t.Errorf("it is %s now", lang)
	}
	b.click(".theme")
	b.await("document.documentElement.dataset.theme === 'dark'")
	b.visit("/")
	if ground := eval[string](b, "getComputedStyle(document.body).backgroundColor"); ground != "rgb(15, 20, 25)" {
		t.Errorf("the ground is %s in dark colours", ground)
	}
}

func TestWithoutAScriptEachPageIsWhole(t *testing.T) {
	w, base := server(t)
	c := testkit.Bind(t, w.SMPP, smpp.CmdBindTransceiver, "acme", testkit.Password)
	c.Submit("33600000001", "3600", "one")
	for _, path := range []string{"/", "/clients", "/messages", "/try", "/reports", "/log", "/audit"} {
		answer, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

// sendBy has go-smpp send a text, as smppserv send does.
func sendBy(t *testing.T, w *testkit.Worker, config, from, text string) {
	t.Helper()
	out, err := exec.Command(testkit.Program(t, "smppserv"), "send", "--config", config, "--addr", w.SMPP, "--client", "acme", "--password", testkit.Password,
		"--from", from, "--to", "3600", "--text", text).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

const (
	nodeFolder  = "../conformance/testdata/node"
	nodeInstall = "npm ci --prefix smppserv/conformance/testdata/node"
)

// nodeBinds has node's smpp bind as boutique and send a text; it stays bound until the test ends.
func nodeBinds(t *testing.T, w *testkit.Worker) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(nodeFolder, "node_modules", "smpp")); err != nil {
		testkit.Missing(t, "node's smpp library", nodeInstall)
	}
	host, port, err := net.SplitHostPort(w.SMPP)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.Command(testkit.Peer(t, "node", "apt-get install nodejs npm"), "client.js")
	node.Dir = nodeFolder
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = node.Wait() })
	events := bufio.NewScanner(out)
	tell := func(command, answer string) {
		if _, err := io.WriteString(in, command+"\n"); err != nil {
			t.Fatal(err)
		}
		for events.Scan() {
			if strings.Contains(events.Text(), `"event":"`+answer+`"`) {
				return
			}
		}
		t.Fatalf("node's smpp does not say %s: %v", answer, events.Err())
	}
	tell(fmt.Sprintf(`{"op":"bind","host":%q,"port":%s,"system_id":"boutique","password":%q}`, host, port, testkit.Password), "bound")
	tell(`{"op":"submit","ref":1,"from":"33687654321","to":"36200","text":"Où êtes-vous ? 😀","encoding":"ucs2","long":"udh"}`, "submitted")
}

func TestTextsOfOtherLibrariesAreOnEachPageOfARunningServer(t *testing.T) {
	w, base, config := serverOf(t)
	nodeBinds(t, w)
	sendBy(t, w, config, "33612345678", "Bonjour")
	for _, l := range []look{{"fr", "dark", 1280}, {"en", "light", 390}} {
		b := open(t, base, l)
		b.visit("/messages?number=33612345678&kind=text")
		b.click("#messages .rowlink")
		b.shows("#timeline", "submit_sm")
		b.see("#message-head .tag.good")
		for _, path := range []string{"/", "/clients", "/clients/boutique", "/clients/acme", "/messages", "/try", "/reports?by=campaign", "/reports?by=client", "/reports?by=hour", "/log", "/audit"} {
			b.visit(path)
			b.shows("#live-state", map[string]string{"en": "Live", "fr": "En direct"}[l.Language])
			b.fits()
			b.axe()
			b.picture("real-" + strings.NewReplacer("/", "", "?", "-", "=", "-").Replace(path))
		}
		b.visit("/clients")
		b.see("#client-boutique .tag.good")
		b.visit("/messages?number=33687654321")
		b.shows("#messages", "36200")
		b.visit("/reports?by=campaign")
		b.shows("#report tbody", "36200")
	}
}

// audited awaits an entry in the audit, which is written behind the answer: a page that is open tells only that there is one more.
func (b *tab) audited(what string) {
	b.t.Helper()
	testkit.Await(b.t, "the entry "+what, func() bool {
		b.visit("/audit")
		return strings.Contains(eval[string](b, "document.querySelector('#audit').innerText"), what)
	})
}
