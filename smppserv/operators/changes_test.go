package operators

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/testkit"
)

func TestListenersAreToldWhatHasChangedAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := New(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		ops.Changed(TopicAudit) // nobody listens
		out := ops.Changes(ctx)
		began := time.Now()
		for range 100 {
			ops.Changed(TopicMessages)
		}
		if got := <-out; !slices.Equal(got, []string{"messages"}) || time.Since(began) != 0 {
			t.Fatalf("first %q after %v", got, time.Since(began))
		}
		for range 100 {
			ops.Changed(TopicMessages | TopicStatus)
		}
		if got := <-out; !slices.Equal(got, []string{"status", "messages"}) || time.Since(began) != changesEvery {
			t.Fatalf("then %q after %v", got, time.Since(began))
		}
		for _, topic := range []Topic{TopicLog, TopicWaiting} { // one who is slow misses nothing
			ops.Changed(topic)
			time.Sleep(2 * changesEvery)
		}
		if got := <-out; !slices.Equal(got, []string{"waiting", "log"}) {
			t.Fatalf("at last %q", got)
		}
		cancel()
		if got, open := <-out; open {
			t.Fatalf("after the end %q", got)
		}
		synctest.Wait() // nobody is left behind
		if n := ops.listeners.Load(); n != 0 {
			t.Errorf("%d listen", n)
		}
	})
}

func TestAChangeThatNobodyListensForCostsNoMemory(t *testing.T) {
	ops := New(Options{})
	if n := testing.AllocsPerRun(100, func() { ops.Changed(TopicMessages) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if ops.pending.Load() != 0 {
		t.Error("it is remembered")
	}
}

func TestTheLogIsKeptWithinItsBoundsAndCanBeFiltered(t *testing.T) {
	ops := New(Options{Lines: NewLines()})
	log := zerolog.New(ops.o.Lines).With().Timestamp().Logger()
	for i := range maxLines + 10 {
		log.Info().Int("n", i).Msg("a line")
	}
	log.Warn().Str("system_id", "acme").Msg("a bind was refused")
	log.Error().Msg("the store cannot write")
	all, err := ops.Log(t.Context(), "", "", 0)
	if err != nil || len(all) != maxLines || all[len(all)-1].Message != "the store cannot write" || all[0].Fields["n"] != "12" || all[0].At.IsZero() {
		t.Fatalf("%d lines, from %+v: %v", len(all), all[0], err)
	}
	warnings, err := ops.Log(t.Context(), "warn", "", 0)
	if err != nil || len(warnings) != 2 || warnings[0].Level != "warn" {
		t.Errorf("%+v, %v", warnings, err)
	}
	found, err := ops.Log(t.Context(), "", "ACME", 0)
	if err != nil || len(found) != 1 || found[0].Fields["system_id"] != "acme" {
		t.Errorf("%+v, %v", found, err)
	}
	if last, err := ops.Log(t.Context(), "info", "", 1); err != nil || len(last) != 1 || last[0].Level != "error" {
		t.Errorf("%+v, %v", last, err)
	}
	log.Info().Str("text", "tell nobody").Msg("submitted")
	if kept, err := ops.Log(t.Context(), "", "submitted", 0); err != nil || len(kept) != 1 || kept[0].Fields["text"] != "•••" {
		t.Errorf("a line with a text: %+v, %v", kept, err)
	}
	if kept, err := ops.Log(t.Context(), "", "tell nobody", 0); err != nil || len(kept) != 0 {
		t.Errorf("a text can be searched for: %+v, %v", kept, err)
	}
	large := strings.Repeat("x", 2*maxLine)
	for range 2 * maxLineOctets / maxLine {
		log.Info().Msg(large)
	}
	octets := 0
	for _, line := range ops.o.Lines.all() {
		octets += len(line)
	}
	if octets > maxLineOctets || octets < maxLineOctets/2 {
		t.Errorf("%d octets are kept", octets)
	}
	if cut, err := ops.Log(t.Context(), "", "", 1); err != nil || len(cut) != 1 || !strings.Contains(cut[0].Message, "xxx") {
		t.Errorf("a line that was cut: %v, %v", cut, err)
	}
}

func TestEachNoticeHasAKnownCodeWordsAndWhatToDo(t *testing.T) {
	r := newRig(t)
	certificate := filepath.Join(t.TempDir(), "server.crt")
	ended := filepath.Join(t.TempDir(), "hermes.crt")
	writeCertificate(t, certificate, time.Now().Add(48*time.Hour))
	writeCertificate(t, ended, time.Now().Add(-time.Hour))
	r.fromHermes("off", "for one that is disabled")
	r.configure(func(c *Config) {
		c.StandIn = true
		c.Warnings = []Warning{{Code: CodeShippedPassword, Key: "clients[acme].password", Text: "x"}, {Code: CodeNumberShared, Key: "clients[acme].numbers[0]", Text: "x"},
			{Code: CodeConfigWarning, Key: "tcp.allow", Text: "x"}, {Code: CodeStandIn, Key: "hermes.url", Text: "x"}}
		c.Certificates = map[string]string{"server.tls.cert_file": certificate, "server.tls.key_file": certificate, "hermes.tls.cert_file": ended}
		c.Settings = adminapi.Settings{Fault: "config.toml:3: no", Faulty: time.Now(), Taken: time.Now(), Pending: []string{"server.listen_port"}}
	})
	s := r.state()
	seen := map[string]bool{}
	for i, n := range s.Attention {
		if seen[n.Code+n.About] || !slices.Contains(Codes, n.Code) || n.Text.IsZero() || n.ToDo.IsZero() || n.Since.IsZero() || n.Level == "" || n.Link == "" {
			t.Errorf("%+v", n)
		}
		seen[n.Code+n.About] = true
		if i > 0 && n.Level == adminapi.Bad && s.Attention[i-1].Level != adminapi.Bad {
			t.Errorf("%s is worse than what stands before it", n.Code)
		}
	}
	for _, want := range []string{CodeStandIn + "hermes.url", CodeShippedPassword + "clients[acme].password", CodeNumberShared + "clients[acme].numbers[0]",
		CodeConfigWarning + "tcp.allow", CodeCertificateEnds + "server.tls.cert_file", CodeCertificateEnded + "hermes.tls.cert_file",
		CodeConfigRefused + adminapi.PartConfiguration, CodeRestartPending + adminapi.PartConfiguration, CodeClientDisabled + "off"} {
		if !seen[want] {
			t.Errorf("%s is not there: %+v", want, s.Attention)
		}
	}
	since := notice(s, CodeCertificateEnds, "server.tls.cert_file").Since
	if again := notice(r.state(), CodeCertificateEnds, "server.tls.cert_file"); !again.Since.Equal(since) {
		t.Errorf("it is so since %v, and then since %v", since, again.Since)
	}
	r.configure(func(c *Config) { c.Settings.Fault = "" })
	if n := notice(r.state(), CodeRestartPending, adminapi.PartConfiguration); n == nil || !strings.Contains(n.Text.String(), "server.listen_port") {
		t.Errorf("a restart is pending: %+v", n)
	}
}

func writeCertificate(t *testing.T, file string, ends time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: ends.Add(-1000 * time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAMinuteInWhichNothingHappenedLeavesNoSample(t *testing.T) {
	r := newRig(t)
	at := time.Now().Truncate(time.Minute).Add(time.Hour) // the server's own samples are of another one
	m := minutes{at: at, before: r.store.Totals()}
	r.ops.sample(t.Context(), &m, at.Add(time.Minute))
	r.fromHermes("acme", "waits")
	r.ops.sample(t.Context(), &m, at.Add(2*time.Minute))
	r.ops.sample(t.Context(), &m, at.Add(3*time.Minute))
	testkit.Await(t, "the sample is on disk", func() bool {
		samples, err := r.store.Samples(t.Context(), at, at.Add(time.Hour))
		if err != nil || len(samples) > 1 {
			t.Fatal(samples, err)
		}
		return len(samples) == 1 && samples[0].At.Equal(at.Add(time.Minute)) && samples[0].Submitted == 1 && samples[0].Waiting == 1
	})
}

func TestTheMinuteOfARestartKeepsWhatItBrought(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.fromHermes("acme", "waits")
		r.close()
		r.open()
	}
	from := time.Now().Add(-time.Hour)
	samples, err := r.store.Samples(t.Context(), from, from.Add(2*time.Hour))
	var submitted int64
	for _, s := range samples {
		submitted += s.Submitted
	}
	if submitted != 3 || err != nil {
		t.Errorf("%d of 3 are counted in %+v, %v", submitted, samples, err)
	}
}

func TestOfAMinuteThatGoesOnWhatItBroughtSoFarIsWritten(t *testing.T) {
	r := newRig(t)
	at := time.Now().Truncate(time.Minute).Add(time.Hour)
	m := minutes{at: at, before: r.store.Totals(), seen: at}
	counted := func(at time.Time, n int64) {
		t.Helper()
		testkit.Await(t, "the sample is on disk", func() bool {
			samples, err := r.store.Samples(t.Context(), at, at.Add(time.Minute))
			return err == nil && len(samples) == 1 && samples[0].Submitted == n
		})
	}
	r.fromHermes("acme", "waits")
	r.ops.sample(t.Context(), &m, at.Add(sampleEvery))
	counted(at, 1)
	r.fromHermes("acme", "waits")
	r.ops.sample(t.Context(), &m, at.Add(2*sampleEvery))
	counted(at, 2)
	r.fromHermes("acme", "waits")
	r.ops.sample(t.Context(), &m, at.Add(time.Minute))
	counted(at, 3)
	r.fromHermes("acme", "waits")
	r.ops.sample(t.Context(), &m, at.Add(time.Minute+sampleEvery))
	counted(at.Add(time.Minute), 1)
}

func TestACurveHasAPointForEachStepAndWhatWaitsStaysBetweenSamples(t *testing.T) {
	r := newRig(t)
	r.fromHermes("acme", "waits")
	m := minutes{at: time.Now().Truncate(time.Minute).Add(-10 * time.Minute)}
	r.ops.sample(t.Context(), &m, time.Now().Add(-9*time.Minute))
	var s adminapi.Series
	testkit.Await(t, "the sample is on disk", func() bool {
		var err error
		if s, err = r.ops.Series(t.Context(), "hour"); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(s.Points, func(p adminapi.Point) bool { return p.Submitted == 1 })
	})
	if len(s.Points) != 60 || len(s.Before) != 60 || s.Step != time.Minute {
		t.Fatalf("%d points, %d before, %v apart", len(s.Points), len(s.Before), s.Step)
	}
	for i, p := range s.Points {
		if i > 0 && p.At.Sub(s.Points[i-1].At) != time.Minute {
			t.Errorf("point %d is at %v", i, p.At)
		}
	}
	if last := s.Points[59]; last.Waiting != 1 || last.OldestMS == 0 || s.Points[0].Waiting != 0 {
		t.Errorf("it ends with %+v", last)
	}
	for span, n := range map[string]int{"day": 144, "month": 31} {
		s, err := r.ops.Series(t.Context(), span)
		if err != nil || len(s.Points) != n {
			t.Errorf("%s: %d points, %v", span, len(s.Points), err)
		}
	}
}

func TestAReportCountsByClientCampaignAndNumber(t *testing.T) {
	r := newRig(t)
	c := r.bind("acme")
	for i := range 3 {
		id := c.Submit("33612345678", "3600", fmt.Sprint("text ", i))
		r.await(id, "DELIVERED")
	}
	for by, key := range map[string]string{"client": "acme", "campaign": "3600", "number": "33612345678"} {
		rep, err := r.ops.Report(t.Context(), adminapi.ReportQuery{By: by, Number: "+33612345678"})
		if err != nil || len(rep.Rows) != 1 {
			t.Fatalf("by %s: %+v, %v", by, rep, err)
		}
		if row := rep.Rows[0]; row.Key != key || row.Received != 3 || row.Pushed != 3 || row.Parts != 3 || row.Median <= 0 || rep.Sum.Received != 3 || rep.Sum.Key != "" {
			t.Errorf("by %s: %+v", by, rep)
		}
	}
	for _, by := range []string{"day", "hour"} {
		rep, err := r.ops.Report(t.Context(), adminapi.ReportQuery{By: by})
		if err != nil || rep.Sum.Received != 3 || len(rep.Rows) == 0 || rep.Rows[0].Key == "" {
			t.Errorf("by %s: %+v, %v", by, rep, err)
		}
	}
	all, err := r.ops.Clients(t.Context())
	if err != nil || all[0].Today.In != 3 {
		t.Errorf("today %+v, %v", all[0].Today, err)
	}
	if s := r.state(); s.Today.Submitted != 3 || s.Today.Delivered != 3 {
		t.Errorf("today %+v", s.Today)
	}
}

func TestAClientIsFoundTheSameWithAnIndexOfThem(t *testing.T) {
	c := Config{Clients: []Client{{SystemID: "acme", Limit: 1}, {SystemID: "next", Limit: 2}}}
	for range 2 {
		for systemID, limit := range map[string]int{"acme": 1, "next": 2, "nobody": 0} {
			if got, known := c.client(systemID); known != (limit > 0) || got.Limit != limit {
				t.Errorf("%s: %+v, %t", systemID, got, known)
			}
		}
		c.Index()
	}
}

func TestListsAreNeverNull(t *testing.T) {
	r := newRig(t)
	r.configure(func(c *Config) { c.Clients = nil })
	for name, ask := range map[string]func() (any, error){
		"clients":  func() (any, error) { return r.ops.Clients(t.Context()) },
		"sessions": func() (any, error) { return r.ops.Sessions(t.Context()) },
		"waiting":  func() (any, error) { return r.ops.Waiting(t.Context()) },
		"messages": func() (any, error) { return r.ops.Messages(t.Context(), adminapi.Search{}) },
		"audit":    func() (any, error) { return r.ops.Audit(t.Context(), "", 0) },
		"settings": func() (any, error) { return r.ops.Settings(t.Context()) },
		"report":   func() (any, error) { return r.ops.Report(t.Context(), adminapi.ReportQuery{By: "client"}) },
		"status":   func() (any, error) { return r.ops.Status(t.Context()) },
		"series":   func() (any, error) { return r.ops.Series(t.Context(), "day") },
		"log":      func() (any, error) { return r.ops.Log(t.Context(), "error", "nothing like this", 0) },
	} {
		answer, err := ask()
		b, _ := json.Marshal(answer)
		if err != nil || strings.Contains(string(b), "null") {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}
