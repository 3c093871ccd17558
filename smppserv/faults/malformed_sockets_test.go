package faults

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// doors are where strangers come in: those of a server that runs, and those of the programs.
type doors struct {
	worker *testkit.Worker
	site   *http.Client // who has logged in to the page
	form   string       // the token of its forms
	at     *testkit.Hermes

	oneAnswer sync.Mutex // of Hermès' is malformed at a time
	pushed    int        // messages that had one
	folder    string     // of the files of cases
	inlet     *inlet
	run       func(stdin string, name string, args ...string) (result, error)
}

// strangersID is the account of the n-th that comes at the same time; it owns the number 71 and n, and with the others those that begin with 72.
func strangersID(n int) string { return fmt.Sprint("stranger", n) }

const operatorPassword = "acts9here"

// openDoors starts the server that has them.
func openDoors(t *testing.T, hermes *testkit.Hermes) *doors {
	d := &doors{at: hermes, folder: t.TempDir(), run: runner(t)}
	writeCertificate(t, d.folder)
	clients := testkit.Clients(testkit.Password)
	clients[0]["numbers"] = []string{campaign}
	for n := range strangersAtOnce {
		clients = append(clients, map[string]any{"system_id": strangersID(n), "password": testkit.Password, "bind_policy": "pair", "numbers": []string{fmt.Sprint("71", n), "72*"}})
	}
	path := testkit.WriteConfig(t, d.folder, testkit.Settings{
		"hermes.url": hermes.URL(), "hermes.retry": []string{"100ms"}, "clients": clients, "admin.listen": "127.0.0.1:0", "admin.cert_file": "admin.pem", "admin.key_file": "admin.key",
		"server.disconnect_after_logout": "200ms", "server.session_init_timeout": "2s",
		"server.tls.listen_port": testkit.FreePort(t), "server.tls.cert_file": "admin.pem", "server.tls.key_file": "admin.key",
		"tcp.tls.listen_port": testkit.FreePort(t), "tcp.tls.cert_file": "admin.pem", "tcp.tls.key_file": "admin.key", "tcp.tls.client_ca_file": "admin.pem",
		"server.proxy_networks": []string{balancerAddr + "/32"},
		"admin.users":           []map[string]any{{"name": "ops", "password": operatorPassword, "role": "operator"}, {"name": "eve", "password": operatorPassword, "role": "viewer"}},
	})
	d.worker = testkit.StartWorker(t, path)
	d.logIn(t)
	d.inlet = openInlet(t, path)
	return d
}

// slow is how long something that comes at once may take on a machine that is busy.
const slow = testkit.Patience / 2

func dial(address string) (net.Conn, error) { return (&malformed{}).dial(address) }

// dial connects whence a case comes.
func (c *malformed) dial(address string) (net.Conn, error) {
	from := net.Dialer{Timeout: slow}
	if c.Balancer {
		from.LocalAddr = &net.TCPAddr{IP: net.ParseIP(balancerAddr)}
	}
	conn, err := from.Dial("tcp", address)
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(slow))
	}
	return conn, err
}

// trusting takes any certificate: who comes here looks for faults of another kind.
var trusting = &tls.Config{InsecureSkipVerify: true}

// ended tells what the end of a connection is called.
func ended(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "silent"
	}
	return "closed"
}

// probeSequence is the sequence_number of the enquire_link that shows that a session goes on.
const probeSequence = 0x7FFFFF00

func (d *doors) smpp(n int, c *malformed) reply {
	address := d.worker.SMPP
	if c.TLS {
		address = d.worker.SMPPTLS
	}
	conn, err := c.dial(address)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	if c.TLS {
		conn = tls.Client(conn, trusting)
	}
	s := stranded{conn: conn}
	if err := s.enter(d, n, c.State); err != nil {
		return reply{err: fmt.Errorf("%v: %w", c, err)}
	}
	octets, err := c.sent(s.number())
	if err != nil {
		return reply{err: err}
	}
	if _, err := conn.Write(octets); err != nil {
		return reply{err: fmt.Errorf("%v: %w", c, err)}
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && c.End {
		_ = half.CloseWrite()
	}
	answer := s.answers(len(c.Answer) - 1) // a request that takes its time is overtaken by the probe
	if c.Answer[len(c.Answer)-1] == "open" {
		_, _ = conn.Write(smpp.AppendPDU(nil, smpp.ROK, probeSequence, &smpp.EnquireLink{}))
	}
	if len(answer) == len(c.Answer)-1 {
		answer = append(answer, s.answers(-1)...)
	}
	if answer[len(answer)-1] == "open" {
		_, _ = conn.Write(smpp.AppendPDU(nil, smpp.ROK, probeSequence+1, &smpp.Unbind{}))
		s.answers(1)
	}
	return reply{answer: answer}
}

// A stranded is a session of a stranger's.
type stranded struct {
	conn      net.Conn
	delivered uint32 // the sequence_number of a deliver_sm that waits for its answer
}

// number is the sequence_number of what a case sends.
func (s *stranded) number() uint32 {
	if s.delivered != 0 {
		return s.delivered
	}
	return sequence
}

// enter leads a session into a state.
func (s *stranded) enter(d *doors, n int, state string) error {
	bind := map[string]smpp.CommandID{"": 0, "BOUND_TX": smpp.CmdBindTransmitter, "BOUND_RX": smpp.CmdBindReceiver}
	command, known := bind[state]
	if !known {
		command = smpp.CmdBindTransceiver
	}
	if command == 0 {
		return nil
	}
	if err := s.ask(&smpp.Bind{Type: command, SystemID: strangersID(n), Password: testkit.Password, InterfaceVersion: smpp.V50}); err != nil {
		return err
	}
	switch state {
	case "BOUND_TX", "BOUND_RX", "BOUND_TRX":
		return nil
	case "UNBOUND":
		return s.ask(&smpp.Unbind{})
	case "DELIVERING":
		return s.awaitDelivery(d, n)
	}
	return fmt.Errorf("there is no state %q", state)
}

// ask sends a request and requires that it is answered ROK.
func (s *stranded) ask(p smpp.PDU) error {
	if _, err := s.conn.Write(smpp.AppendPDU(nil, smpp.ROK, 1, p)); err != nil {
		return err
	}
	for {
		h, err := s.read()
		if err != nil {
			return fmt.Errorf("%v: %w", p.Command(), err)
		}
		if h.Sequence == 1 && h.Command.IsResponse() {
			if h.Status != smpp.ROK {
				return fmt.Errorf("%v: %v", p.Command(), h.Status)
			}
			return nil
		}
	}
}

// awaitDelivery has Hermès send a text, and leaves its deliver_sm without an answer.
func (s *stranded) awaitDelivery(d *doors, n int) error {
	conn, err := dial(d.worker.TCP)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, `{"from":"71%d","to":"33612345678","text":"for a stranger","validity":"1m"}`+"\n", n); err != nil {
		return err
	}
	for s.delivered == 0 {
		h, body, err := smpp.ReadPDU(s.conn, smpp.MaxPDU)
		if err != nil {
			return err
		}
		p, err := smpp.Decode(h, body)
		if err != nil {
			return err
		}
		m, is := p.(*smpp.DeliverSM)
		switch {
		case is && m.ESMClass == 0:
			s.delivered = h.Sequence
		case is: // a receipt for what an earlier case had accepted
			s.answer(h)
		}
	}
	return nil
}

// read returns the next PDU that is not the server's own request; these are answered.
func (s *stranded) read() (smpp.Header, error) {
	for {
		h, _, err := smpp.ReadPDU(s.conn, smpp.MaxPDU)
		if err != nil {
			return h, err
		}
		if h.Command != smpp.CmdDeliverSM && h.Command != smpp.CmdEnquireLink {
			return h, nil
		}
		s.answer(h)
	}
}

func (s *stranded) answer(h smpp.Header) {
	var resp smpp.PDU = &smpp.DeliverSMResp{}
	if h.Command == smpp.CmdEnquireLink {
		resp = &smpp.EnquireLinkResp{}
	}
	_, _ = s.conn.Write(smpp.AppendPDU(nil, smpp.ROK, h.Sequence, resp))
}

// answers returns so many answers; fewer where that of the probe comes, or the end. -1 = all until then.
func (s *stranded) answers(most int) (all []string) {
	for len(all) != most {
		h, err := s.read()
		switch {
		case err != nil:
			return append(all, ended(err))
		case h.Sequence == probeSequence:
			return append(all, "open")
		}
		all = append(all, fmt.Sprint(h.Command, " ", h.Status.Name()))
	}
	return all
}

// handshake says what is no handshake to the TLS port of SMPP, or of the page or the TCP port where the state says so.
func (d *doors) handshake(c *malformed) reply {
	address := map[string]string{"": d.worker.SMPPTLS, "page": d.worker.Admin, "tcp": d.worker.TCPTLS, "tcp without a certificate": d.worker.TCPTLS}[c.State]
	conn, err := c.dial(address)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	if c.State == "tcp without a certificate" {
		secured := tls.Client(conn, trusting)
		_, err := secured.Write([]byte(c.Text))
		if err == nil {
			_, err = secured.Read(make([]byte, 1)) // TLS 1.3 tells here that one is demanded
		}
		return reply{answer: []string{ended(err)}, said: fmt.Sprint(err)}
	}
	octets, err := c.sent(sequence)
	if err != nil {
		return reply{err: err}
	}
	if _, err := conn.Write(octets); err != nil {
		return reply{err: err}
	}
	if c.End {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	said, err := io.ReadAll(conn)
	r := reply{}
	for len(said) >= 5 && said[0] >= 20 && said[0] <= 23 { // RFC 8446, 5.1
		length := 5 + int(said[3])<<8 + int(said[4])
		if length > len(said) {
			break
		}
		if said[0] == 21 && length == 7 {
			r.answer = append(r.answer, "alert")
			r.said += fmt.Sprintln("alert", said[6])
		}
		said = said[length:]
	}
	if err == nil {
		err = io.EOF
	}
	r.answer = append(r.answer, ended(err))
	return r
}

// line says lines to the TCP port. One that nothing comes of shows that it goes on to listen.
func (d *doors) line(c *malformed) reply {
	conn, err := c.dial(d.worker.TCP)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	octets, err := c.sent(sequence)
	if err != nil {
		return reply{err: err}
	}
	go func() { // it may be answered and closed before all is sent
		_, _ = conn.Write(octets)
		if c.End {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	r := reply{}
	lines := bufio.NewScanner(conn)
	for probed := c.Answer[len(c.Answer)-1] != "open"; ; {
		if !probed && len(r.answer) == len(c.Answer)-1 {
			probed = true
			_, _ = io.WriteString(conn, `{"id":"probe"}`+"\n")
		}
		if !lines.Scan() {
			break
		}
		var said struct {
			ID           any
			Status, Code string
		}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			return reply{err: fmt.Errorf("%v: %w: %.200s", c, err, lines.Text())}
		}
		if said.ID == "probe" {
			r.answer = append(r.answer, "open")
			return r
		}
		r.said += lines.Text() + "\n"
		r.answer = append(r.answer, strings.TrimSpace(said.Status+" "+said.Code))
		slices.Sort(r.answer) // they may come in any order
	}
	if err = lines.Err(); err == nil {
		err = io.EOF
	}
	r.answer = append(r.answer, ended(err))
	return r
}

var formToken = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// logIn logs in to the page as a person does.
func (d *doors) logIn(t *testing.T) {
	t.Helper()
	d.site = browser(t)
	page := "https://" + d.worker.Admin
	d.form = d.token(t, page+"/login")
	r, err := d.site.PostForm(page+"/login", url.Values{"name": {"ops"}, "password": {operatorPassword}, "csrf": {d.form}, "next": {"/try"}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("logging in: %s", r.Status)
	}
	d.form = d.token(t, page+"/try")
}

func (d *doors) token(t *testing.T, page string) string {
	t.Helper()
	r, err := d.site.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := formToken.FindSubmatch(body)
	if m == nil {
		t.Fatalf("%s has no form with a token", page)
	}
	return string(m[1])
}

// http says a request over TLS, as a case writes it, but for what only this run knows: who asks, the host and the length.
func (d *doors) http(c *malformed) reply {
	conn, err := dial(d.worker.Admin)
	if err != nil {
		return reply{err: err}
	}
	defer conn.Close()
	secure := tls.Client(conn, trusting)
	octets, err := c.octets(c.Octets)
	if err != nil {
		return reply{err: err}
	}
	body := append(octets, strings.ReplaceAll(c.Text, "{token}", url.QueryEscape(d.form))...)
	said := strings.ToLower("\n" + strings.Join(c.Lines, "\n"))
	var head strings.Builder
	for _, line := range c.Lines {
		head.WriteString(line + "\r\n")
	}
	header := func(name, value string) {
		if len(c.Lines) > 0 && !strings.Contains(said, "\n"+strings.ToLower(name)+":") {
			fmt.Fprintf(&head, "%s: %s\r\n", name, value)
		}
	}
	header("Host", d.worker.Admin)
	switch c.State {
	case "ops", "eve":
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(c.State, operatorPassword)
		header("Authorization", r.Header.Get("Authorization"))
	case "page":
		at, _ := url.Parse("https://" + d.worker.Admin)
		for _, cookie := range d.site.Jar.Cookies(at) {
			header("Cookie", cookie.String())
		}
		header("Content-Type", "application/x-www-form-urlencoded")
	}
	if len(body) > 0 && !strings.Contains(said, "transfer-encoding:") {
		header("Content-Length", fmt.Sprint(len(body)))
	}
	if len(c.Lines) > 0 {
		head.WriteString("\r\n")
	}
	go func() { // it may be answered before all is sent
		_, _ = io.WriteString(secure, head.String())
		_, _ = secure.Write(body)
		if c.End {
			_ = secure.CloseWrite()
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(secure), nil)
	if err != nil {
		return reply{answer: []string{ended(err)}}
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	var problem struct{ Title string }
	_ = json.Unmarshal(text, &problem)
	return reply{answer: []string{strings.TrimSpace(fmt.Sprint(answer.StatusCode, " ", problem.Title))},
		said: answer.Header.Get("Location") + "\n" + string(text)}
}

// caseFile writes what a case says into a file of its own.
func (d *doors) caseFile(c *malformed, name string) (string, error) {
	content, err := c.sent(sequence)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(d.folder, "case")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, name)
	return path, os.WriteFile(path, content, 0o600)
}
