package centre

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// issue writes a certificate of that name, and its key.
func issue(t *testing.T, name, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// shown is whose certificate a port shows.
func shown(t *testing.T, port net.Addr) string {
	t.Helper()
	conn, err := tls.Dial("tcp", port.String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// The file of the configuration stays as it is: the server sees by itself that the others have changed.
func TestAReplacedCertificateOrSecretIsTakenUp(t *testing.T) {
	dir := t.TempDir()
	cert, key, password := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "acme.txt")
	issue(t, "first", cert, key)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(password, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	port, tcpPort := testkit.FreePort(t), testkit.FreePort(t)
	text := func(window string) string {
		return "[server]\nlisten_host = '127.0.0.1'\nlisten_port = 0\n" + window + "[server.tls]\nlisten_port = " + testkit.Loopback(port)[len("127.0.0.1:"):] +
			"\ncert_file = '" + cert + "'\nkey_file = '" + key + "'\n[hermes]\nurl = 'simulator'\n[tcp]\nlisten_host = '127.0.0.1'\nlisten_port = 0\n[tcp.tls]\nlisten_port = " + strconv.Itoa(tcpPort) +
			"\ncert_file = '" + cert + "'\nkey_file = '" + key + "'\n" +
			"[admin]\nlisten = ''\n[[clients]]\nsystem_id = 'acme'\npassword_file = '" + password + "'\nbind_policy = 'pair'\n"
	}
	c := startConfigured(t, text(""))
	c.smsc.ServeTLS(c.secure, following(&c.secureConf))
	go c.port.Serve()
	hermes := func() string { return shown(t, c.port.AddrTLS()) }
	file, err := Read(c.path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.watch(ctx, file)
	}()
	defer func() { cancel(); <-ended }()
	if got := shown(t, c.secure.Addr()); got != "first" {
		t.Fatalf("shown is %s", got)
	}
	if got := hermes(); got != "first" {
		t.Fatalf("shown to Hermès is %s", got)
	}
	issue(t, "second", cert, key)
	testkit.Await(t, "the second certificate is shown to Hermès", func() bool { return hermes() == "second" })
	testkit.Await(t, "the second certificate is shown", func() bool { return shown(t, c.secure.Addr()) == "second" })
	write("two\n")
	testkit.Await(t, "the second password is the client's", func() bool { return c.binds(t, "acme", "two") == smpp.ROK })
	if got := c.binds(t, "acme", "one"); got != smpp.RINVPASWD {
		t.Errorf("a bind with the first password is answered %v", got)
	}

	// A half of a pair changes nothing.
	third := filepath.Join(dir, "third.pem")
	issue(t, "third", third, filepath.Join(dir, "third.key"))
	data, err := os.ReadFile(third)
	if err == nil {
		err = os.WriteFile(cert, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	write("three\n")
	if got := shown(t, c.secure.Addr()); got != "second" {
		t.Errorf("shown is %s", got)
	}
	if data, err = os.ReadFile(filepath.Join(dir, "third.key")); err == nil {
		err = os.WriteFile(key, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	testkit.Await(t, "the third certificate is shown", func() bool { return shown(t, c.secure.Addr()) == "third" })
}

func TestClientsNeedNoCertificateAnyMoreWhenTheirAuthorityIsTakenOut(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	issue(t, "first", cert, key)
	port := testkit.Loopback(testkit.FreePort(t))[len("127.0.0.1:"):]
	text := func(more string) string {
		return partHermes + partClients + partServer + "tls = { listen_port = " + port + ", cert_file = '" + cert + "', key_file = '" + key + "'" + more + " }\n" + partTCP + partStore + partAdmin
	}
	c := startConfigured(t, text(", client_ca_file = '"+cert+"'"))
	if got := c.secureConf.Load().ClientAuth; got != tls.RequireAndVerifyClientCert {
		t.Fatalf("it is %v", got)
	}
	c.changed(t, text(""))
	if got := c.secureConf.Load().ClientAuth; got != tls.NoClientCert || len(c.waiting()) > 0 {
		t.Errorf("it is %v, and %q waits", got, c.waiting())
	}
	c.changed(t, text(", client_ca_file = '"+cert+"'"))
	if got := c.secureConf.Load().ClientAuth; got != tls.RequireAndVerifyClientCert {
		t.Errorf("put back it is %v", got)
	}
}

func TestWhatWaitsForARestartStaysPendingUntilItIsUndone(t *testing.T) {
	c := startConfigured(t, partHermes+partClients+partServer+partTCP+partStore+partAdmin)
	window := partHermes + partClients + partServer + "window = 5\n" + partTCP + partStore + partAdmin
	c.changed(t, window)
	pending := func(want ...string) {
		t.Helper()
		if got := c.waiting(); !slices.Equal(got, want) {
			t.Errorf("%q wait, want %q", got, want)
		}
		shown := false
		for _, p := range c.Problems() {
			shown = shown || strings.HasPrefix(p.Text, "changes of config.toml wait for a restart") && strings.Contains(p.Text, strings.Join(want, ", "))
		}
		if shown != (len(want) > 0) {
			t.Errorf("the page says %v", c.Problems())
		}
	}
	pending("server.window")
	audited := func(want string) {
		t.Helper()
		testkit.Await(t, "the audit has "+want, func() bool {
			a, err := c.operators.Audit(t.Context(), "", 1)
			return err == nil && len(a.Entries) == 1 && a.Entries[0].What == "reload" && strings.HasSuffix(a.Entries[0].More, want)
		})
	}
	audited("for a restart: server.window")
	c.changed(t, strings.Replace(window, `"k"`, `"k2"`, 1)) // another one, live
	pending("server.window")
	c.changed(t, strings.Replace(window, "[server]", "[server", 1)) // a fault
	pending("server.window")
	before := c.log.Len()
	c.changed(t, partHermes+partClients+partServer+partTCP+partStore+partAdmin+"# undone\n")
	pending()
	audited("for a restart: nothing any more")
	if said := c.log.String()[before:]; strings.Contains(said, "after a restart") || !strings.Contains(said, "nothing waits for a restart any more") {
		t.Errorf("the log says %s", said)
	}
}

func TestWhoseOperatorsPasswordIsChangedOrTakenOutLogsInAgain(t *testing.T) {
	parts := partHermes + partClients + partServer + partTCP + partStore
	admin := func(users string) string {
		return parts + "[admin]\nlisten = '127.0.0.1:0'\nusers = [" + users + "]\n"
	}
	const ops, vera = "{ name = 'ops', password = 'one' }, ", "{ name = 'vera', password = 'one' }"
	c := startConfigured(t, admin(ops+vera))
	c.centre.serve()
	in := map[string]*http.Client{}
	looks := func(name string) bool {
		resp, err := in[name].Get("http://" + c.admin.Addr().String() + "/api/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	for _, name := range []string{"ops", "vera"} {
		in[name] = loggedIn(t, "http://"+c.admin.Addr().String(), name, "one")
	}
	for _, step := range []struct {
		what, users string
		ops, vera   bool
	}{
		{"roles are changed", "{ name = 'ops', password = 'one', role = 'viewer' }, " + vera, true, true},
		{"a password is changed", "{ name = 'ops', password = 'two' }, " + vera, false, true},
		{"a user is taken out", "{ name = 'ops', password = 'two' }", false, false},
		{"both are as they were", ops + vera, false, false},
	} {
		c.changed(t, admin(step.users))
		if o, v := looks("ops"), looks("vera"); o != step.ops || v != step.vera {
			t.Errorf("%s: ops is in: %v, vera: %v", step.what, o, v)
		}
	}
}

// loggedIn is a browser whose user has filled in the form.
func loggedIn(t *testing.T, site, name, password string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &http.Client{Jar: jar}
	resp, err := b.Get(site + "/login")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	form, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindSubmatch(form)
	if token == nil {
		t.Fatalf("no form: %s", form)
	}
	resp, err = b.PostForm(site+"/login", url.Values{"name": {name}, "password": {password}, "csrf": {string(token[1])}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path == "/login" {
		t.Fatalf("%s cannot log in: %s at %s", name, resp.Status, resp.Request.URL)
	}
	return b
}
