package conformance

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiorix/go-smpp/smpp/pdu/pdutext"

	"hnetsmpp/smppserv/testkit"
)

const kannelInstall = "apt-get install kannel"

// kannelBinds is how Kannel binds: with a transceiver, or with a transmitter and a receiver on two connections.
type kannelBinds int

const (
	kannelTransceiver kannelBinds = iota
	kannelSplit
)

// kannel is the gateway as companies run it: bearerbox binds to the server under test, smsbox takes submits by its
// sendsms URL and brings messages and receipts to a web page, which is here.
type kannel struct {
	sendsms  string // URL
	page     *httptest.Server
	received chan received

	mu      sync.Mutex
	ref     int
	answers map[int]chan kannelReport // submits in flight, by the ref in their dlr-url
}

// A kannelReport is one call of a dlr-url.
type kannelReport struct {
	Type int    // of dlr-mask
	ID   string // %F, the SMSC's message_id
	Text string // %A, the SMSC's answer or the receipt's text
}

// Types of reports, the bits of dlr-mask.
const (
	kannelDelivered = 1
	kannelFailed    = 2
	kannelBuffered  = 4
	kannelAccepted  = 8 // submit_sm_resp was ROK
	kannelRefused   = 16
	kannelAll       = 31
)

// startKannel starts both boxes and returns once every session is bound and smsbox is connected.
func startKannel(t *testing.T, at endpoint, binds kannelBinds) *kannel {
	t.Helper()
	bearerbox, smsbox := testkit.Peer(t, "bearerbox", kannelInstall), testkit.Peer(t, "smsbox", kannelInstall)
	k := &kannel{received: make(chan received, 1000), answers: map[int]chan kannelReport{}}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /mo", k.takeMessage)
	pages.HandleFunc("GET /dlr", k.takeReport)
	k.page = httptest.NewServer(pages)
	t.Cleanup(k.page.Close)

	// Kannel takes no port 0, and somebody else may take a free port before Kannel does.
	for attempt := 1; ; attempt++ {
		err := k.startBoxes(t, bearerbox, smsbox, at, binds)
		if err == nil {
			return k
		}
		if attempt == 3 {
			t.Fatalf("Kannel did not start: %v", err)
		}
		t.Logf("Kannel did not start, once more: %v", err)
	}
}

func (k *kannel) startBoxes(t *testing.T, bearerbox, smsbox string, at endpoint, binds kannelBinds) error {
	t.Helper()
	dir := t.TempDir()
	admin, boxes, sendsms := testkit.FreePort(t), testkit.FreePort(t), testkit.FreePort(t)
	k.sendsms = fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", sendsms)
	config := filepath.Join(dir, "kannel.conf")
	text := kannelConfig(dir, k.page.URL, kannelLinks(t, at, binds), admin, boxes, sendsms)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var running []*box
	await := func(what string, cond func() bool) error {
		ended := func() bool { return slices.ContainsFunc(running, (*box).ended) }
		if testkit.Holds(ctx, func() bool { return ended() || cond() }) && !ended() {
			return nil
		}
		logs := ""
		for _, b := range slices.Backward(running) {
			b.stop()
			logs += b.tail()
		}
		return fmt.Errorf("%s\n%s", what, logs)
	}
	status := fmt.Sprintf("http://127.0.0.1:%d/status.txt?password=status", admin)
	gateway := startBox(t, bearerbox, dir, config)
	running = append(running, gateway)
	if err := await("bearerbox serves no status page", func() bool { return fetch(ctx, status) != "" }); err != nil {
		return err
	}
	// smsbox ends at once when it cannot reach bearerbox, so it comes second.
	running = append(running, startBox(t, smsbox, dir, config))
	links := 1
	if binds == kannelSplit {
		links = 2
	}
	return await("not every link is up", func() bool { return kannelOnline(fetch(ctx, status), links) })
}

// kannelOnline reads status.txt: so many links to the SMSC are up, and smsbox is connected to bearerbox.
func kannelOnline(status string, links int) bool {
	return strings.Count(status, "(online ") == links && strings.Contains(status, "smsbox:")
}

// kannelLinks are the groups smsc of a kannel.conf: that of the integrator's sheet, with its address and account, or, split,
// two made of it.
func kannelLinks(t *testing.T, at endpoint, binds kannelBinds) string {
	t.Helper()
	group := kannelSample(t, integratorsSheets[0])
	set := func(group, key, line string) string {
		at := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(key) + ` = .*\n`)
		if !at.MatchString(group) {
			t.Fatalf("the sample for Kannel in %s does not say %s", integratorsSheets[0], key)
		}
		return at.ReplaceAllLiteralString(group, line)
	}
	group = set(group, "host", "host = "+at.Host+"\n")
	group = set(group, "smsc-username", "smsc-username = "+at.SystemID+"\n")
	group = set(group, "smsc-password", "smsc-password = "+at.Password+"\n")
	if binds == kannelTransceiver {
		return set(group, "port", fmt.Sprintf("port = %d\n", at.Port))
	}
	group = set(group, "transceiver-mode", "") // two groups of one smsc-id: Kannel refuses both ports in one
	return set(group, "port", fmt.Sprintf("port = %d\n", at.Port)) + "\n" + set(group, "port", fmt.Sprintf("receive-port = %d\n", at.Port))
}

// kannelConfig is a whole kannel.conf. Kannel speaks GSM 03.38 under data_coding 0 as long as alt-charset is not set.
func kannelConfig(dir, page, smsc string, admin, boxes, sendsms int) string {
	mo := page + "/mo?from=%p&to=%P&coding=%c&charset=%C&text=%b"
	return fmt.Sprintf(`group = core
admin-port = %d
admin-interface = 127.0.0.1
admin-password = admin
status-password = status
smsbox-port = %d
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
log-file = "%s/bearerbox.log"
log-level = 0
sms-resend-freq = 1
sms-combine-concatenated-mo = true
dlr-storage = internal

%s
group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %d
sendsms-interface = 127.0.0.1
log-file = "%s/smsbox.log"
log-level = 0

group = sendsms-user
username = esme
password = esme
concatenation = true
max-messages = 10

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "%s"
`, admin, boxes, dir, smsc, sendsms, dir, mo)
}

// Submit implements peer. Kannel cuts long texts itself and asks for the receipt of the first part only, so there is
// one id. It tells the id of submit_sm_resp in a report of its own.
func (k *kannel) Submit(ctx context.Context, m outgoing) ([]string, error) {
	answer := make(chan kannelReport, 1)
	k.mu.Lock()
	k.ref++
	ref := k.ref
	k.answers[ref] = answer
	k.mu.Unlock()
	q := url.Values{}
	q.Set("username", "esme")
	q.Set("password", "esme")
	q.Set("from", m.From)
	q.Set("to", m.To)
	q.Set("text", m.Text)
	q.Set("charset", "UTF-8") // of text; under coding 2 Kannel expects UTF-16BE else
	switch m.Kind {
	case gsm7, gsm7Parts, ownDefault:
		q.Set("coding", "0")
	case ucs2, ucs2Parts:
		q.Set("coding", "2")
	default:
		return nil, fmt.Errorf("no way to have Kannel send %v", m.Kind)
	}
	q.Set("dlr-mask", strconv.Itoa(kannelAll))
	q.Set("dlr-url", fmt.Sprintf("%s/dlr?ref=%d&type=%%d&id=%%F&text=%%A", k.page.URL, ref))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.sendsms+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking Kannel to submit: %w", err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusAccepted {
		return nil, fmt.Errorf("asking Kannel to submit: %s %s", resp.Status, body)
	}
	select {
	case r := <-answer:
		if r.Type == kannelRefused {
			return nil, fmt.Errorf("submit_sm from Kannel was refused: %s", r.Text)
		}
		return []string{r.ID}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("submit_sm from Kannel was not answered: %w", ctx.Err())
	}
}

// Received implements peer.
func (k *kannel) Received() <-chan received { return k.received }

// takeReport is the page behind dlr-url.
func (k *kannel) takeReport(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ref, _ := strconv.Atoi(q.Get("ref"))
	report := kannelReport{ID: q.Get("id"), Text: q.Get("text")}
	report.Type, _ = strconv.Atoi(q.Get("type"))
	switch report.Type {
	case kannelAccepted, kannelRefused:
		k.mu.Lock()
		answer := k.answers[ref]
		delete(k.answers, ref)
		k.mu.Unlock()
		if answer != nil {
			answer <- report
		}
	case kannelDelivered, kannelFailed, kannelBuffered:
		r := readReceipt(report.Text)
		r.ID = report.ID // by which Kannel found the message; it prefers receipted_message_id to the text
		k.received <- received{Text: report.Text, Receipt: r}
	}
}

// takeMessage is the page behind get-url; a long message comes once, joined by bearerbox.
func (k *kannel) takeMessage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	text := q.Get("text")
	if q.Get("charset") == "UTF-16BE" {
		text = string(pdutext.UCS2(text).Decode())
	} else if q.Get("coding") == "1" {
		text = hex.EncodeToString([]byte(text))
	}
	// Kannel writes a + before an address of international type.
	k.received <- received{From: strings.TrimPrefix(q.Get("from"), "+"), To: strings.TrimPrefix(q.Get("to"), "+"), Text: text}
}

// fetch returns a page's body, empty when it cannot be had.
func fetch(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}
