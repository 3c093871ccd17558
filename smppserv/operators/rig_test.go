package operators

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/pkg/smstext"
	"hnetsmpp/smppserv/admin"
	"hnetsmpp/smppserv/hermes"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/smsc/translate"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
	"hnetsmpp/smppserv/trace"
)

var _ admin.Operators = (*Operators)(nil)

// rig is an Operators over the real parts, with a stub of Hermès.
type rig struct {
	t      *testing.T
	ops    *Operators
	status atomic.Int64 // that Hermès answers with
	pushes *testkit.Hermes
	addr   string // of the SMPP port
	file   string
	lines  *Lines
	log    testkit.Log

	node   string // its name
	guest  bool   // the store is another rig's
	others Others
	seen   func() Store // the store as operators see it, nil = as it is

	mu     sync.Mutex
	config Config

	traces *trace.Traces
	store  *store.Store
	queue  *queue.Queue
	push   *hermes.Push
	smsc   *smsc.Server
	port   *hermes.Port
}

var (
	boss   = adminapi.Actor{Name: "boss", From: "192.0.2.1", Role: adminapi.Admin, Texts: true}
	nobody = adminapi.Actor{Name: adminapi.ActorLocal, Role: adminapi.Operator}
)

func newRig(t *testing.T) *rig {
	r := &rig{t: t, file: sqlitetest.Blank(t, t.TempDir()), lines: NewLines(), node: "here"}
	r.configured()
	r.open()
	t.Cleanup(r.close)
	return r
}

// configured is a rig with its stub of Hermès, before anything is opened.
func (r *rig) configured() {
	t := r.t
	r.status.Store(200)
	r.pushes = testkit.StartEndpoint(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(r.status.Load())) })
	r.config = Config{Mode: "vocalcom", HermesURL: r.pushes.URL(), Database: r.file, SMPP: "here", TCP: "there",
		Clients: []Client{{SystemID: "acme", Limit: 100, Numbers: []string{"3600"}}, {SystemID: "next"}, {SystemID: "off", Disabled: true}}}
}

func (r *rig) open() {
	r.t.Helper()
	ctx := context.Background()
	log := zerolog.New(zerolog.MultiLevelWriter(&r.log, r.lines)).With().Timestamp().Logger()
	must := func(err error) {
		r.t.Helper()
		if err != nil {
			r.t.Fatal(err)
		}
	}
	r.traces = trace.New(trace.Options{})
	var err error
	if !r.guest {
		r.store, err = sqlite.Open(ctx, sqlite.Options{File: r.file, Log: log})
		must(err)
	}
	r.ops = New(Options{Node: r.node, Version: "test", Started: time.Now(), Lines: r.lines, Log: log, Config: func() Config {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.config
	}})
	r.queue = queue.New(queue.Options{Settings: queue.Settings{ReceiptValidity: time.Hour, Reassemble: time.Minute}, Store: r.store, Log: log})
	r.push, err = hermes.NewPush(hermes.PushOptions{URL: r.pushes.URL(), Timeout: testkit.Patience, Concurrency: 8, Retry: []time.Duration{time.Hour},
		Text: translate.Decode, Log: log})
	must(err)
	client := func(id string) smsc.Client {
		return smsc.Client{SystemID: id, Profile: translate.Profile{DefaultAlphabet: smstext.GSM7}, MaxQueued: 1000, BindPolicy: smsc.Pair,
			CheckPassword: func(given string) bool { return given == "password" }, ThrottleRate: 100}
	}
	off := client("off")
	off.Disabled = true
	r.smsc = smsc.New(smsc.Options{SMSCIdentifier: "test", Timers: session.Timers{Response: testkit.Patience}, Window: 8, Queue: r.queue, History: r.store, Recorder: r.traces,
		Changed: r.ops.ClientChanged, Log: log},
		smsc.Settings{Texts: translate.Texts{MaxOctets: 65535, Validity: time.Hour}, Clients: []smsc.Client{client("acme"), client("next"), off}})
	r.port = hermes.NewPort(hermes.PortOptions{Validity: time.Hour, Queue: r.queue, Clients: r.smsc, Log: log})
	var s Store = r.store
	if r.seen != nil {
		s = r.seen()
	}
	must(r.ops.Open(ctx, Parts{Queue: r.queue, SMSC: r.smsc, Push: r.push, Port: r.port, Store: s, Others: r.others, Traces: r.traces, Text: translate.Decode}))
	must(r.queue.Start(ctx))
	r.push.Attach(r.queue)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	r.addr = l.Addr().String()
	r.smsc.Serve(l)
}

func (r *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	r.ops.Close()
	now, cut := context.WithCancel(ctx)
	cut()
	r.smsc.Close(now)
	_ = r.queue.Stop(ctx)
	_ = r.push.Close(ctx)
	if r.guest {
		return
	}
	if err := r.store.Close(ctx); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) configure(change func(*Config)) {
	r.mu.Lock()
	change(&r.config)
	r.mu.Unlock()
	r.ops.forget()
}

func (r *rig) bind(systemID string) *smpptest.Client {
	r.t.Helper()
	return testkit.Bind(r.t, r.addr, smpp.CmdBindTransceiver, systemID, "password")
}

// fromHermes sends a text to whoever last wrote, or the first who may, and returns its id.
func (r *rig) fromHermes(client, text string) string {
	r.t.Helper()
	answer, err := r.ops.Submit(r.t.Context(), boss, []byte(`{"from":"3600","to":"33612345678","client":"`+client+`","text":"`+text+`"}`))
	if err != nil {
		r.t.Fatal(err)
	}
	return idIn(r.t, answer)
}

func (r *rig) message(id string) adminapi.Detail {
	r.t.Helper()
	d, err := r.ops.Message(r.t.Context(), nobody, id, false)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

// await waits until a message has got into a state.
func (r *rig) await(id, state string) adminapi.Detail {
	r.t.Helper()
	var d adminapi.Detail
	testkit.Await(r.t, "message "+id+" is "+state, func() bool {
		d = r.message(id)
		return d.State == state
	})
	return d
}

func (r *rig) audit() []adminapi.AuditEntry {
	r.t.Helper()
	a, err := r.ops.Audit(r.t.Context(), "", 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return a.Entries
}

// audited waits until the newest entry of the audit says so.
func (r *rig) audited(what, on string) {
	r.t.Helper()
	testkit.Await(r.t, "the audit tells of "+what+" on "+on, func() bool {
		all := r.audit()
		return len(all) > 0 && all[0].What == what && all[0].On == on && all[0].Who == boss.Name && all[0].From == boss.From && !all[0].At.IsZero()
	})
}
