package smsc

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/session"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc/translate"
	"hnetsmpp/smppserv/store"
	"hnetsmpp/smppserv/store/sqlite"
	"hnetsmpp/smppserv/store/sqlite/sqlitetest"
	"hnetsmpp/smppserv/testkit"
)

// patience is how long a test waits for what must come.
const patience = testkit.Patience

const (
	person   = "491701234567"
	campaign = "12345"
)

// try is what the stand-in for Hermès was given.
type try struct {
	*sms.Message
	report func(sms.Outcome)
}

// hermes takes what is for Hermès: it says Done at once if eager, else leaves it to the test.
type hermes struct {
	eager bool
	tries chan try
}

func (h *hermes) Deliver(ms []*sms.Message, _ bool, report func(sms.Outcome)) {
	h.tries <- try{ms[0], report}
	if h.eager {
		report(sms.Outcome{Verdict: sms.Done})
	}
}

// rig is a message centre with a real store and queue. Its clients are alice and bob, both with the password pw.
type rig struct {
	t      *testing.T
	file   string
	o      Options
	store  *store.Store
	q      *queue.Queue
	hermes *hermes
	st     Settings
	sv     *Server
	addr   string
}

func newRig(t *testing.T, change func(*rig, *Options)) *rig {
	t.Helper()
	r := &rig{t: t, file: sqlitetest.Blank(t, t.TempDir()), hermes: &hermes{tries: make(chan try, 1000)}}
	r.openQueue()
	o := Options{
		SMSCIdentifier: "centre", Queue: r.q, History: r.store, Log: zerolog.Nop(), Window: 10,
		Logout: 50 * time.Millisecond, Timers: session.Timers{Response: patience},
	}
	password := func(given string) bool { return given == "pw" }
	r.st = Settings{Texts: translate.Texts{Validity: time.Hour}, Clients: []Client{{SystemID: "alice", CheckPassword: password}, {SystemID: "bob", CheckPassword: password}}}
	if change != nil {
		change(r, &o)
	}
	r.o = o
	r.serve()
	t.Cleanup(r.close)
	return r
}

func (r *rig) openQueue() {
	r.t.Helper()
	ctx := context.Background()
	var err error
	r.store, err = sqlite.Open(ctx, sqlite.Options{File: r.file, Log: zerolog.Nop()})
	if err != nil {
		r.t.Fatal(err)
	}
	r.q = queue.New(queue.Options{Store: r.store, Log: zerolog.Nop(), Settings: queue.Settings{ReceiptValidity: time.Hour}})
	if err := r.q.Start(ctx); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) serve() {
	r.t.Helper()
	r.q.Attach(road.OutletOptions{Recipient: sms.Hermes, Window: 1000, Retry: []time.Duration{time.Second}, Deliverer: r.hermes})
	r.sv = New(r.o, r.st)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.sv.Serve(l)
}

func (r *rig) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	r.sv.Close(ctx)
	_ = r.q.Stop(ctx)
	patient, cancelStore := context.WithTimeout(context.Background(), patience)
	defer cancelStore()
	_ = r.store.Close(patient)
}

// restart loses what is in memory, and every session.
func (r *rig) restart() {
	r.t.Helper()
	r.close()
	r.openQueue()
	r.o.Queue, r.o.History = r.q, r.store
	r.serve()
}

// stop stops the queue's tries and the message centre, as the program does; closed is closed at its end.
func (r *rig) stop(within time.Duration) (closed chan struct{}) {
	closed = make(chan struct{})
	r.q.Quiesce()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	go func() {
		defer close(closed)
		defer cancel()
		r.sv.Close(ctx)
	}()
	return closed
}

func (r *rig) alice() *Client { return &r.st.Clients[0] }
func (r *rig) bob() *Client   { return &r.st.Clients[1] }

func (r *rig) dial() *smpptest.Client { return smpptest.Dial(r.t, r.addr) }

// bind is a bound session of a 3.4 client.
func (r *rig) bind(kind smpp.CommandID, systemID string) *smpptest.Client {
	r.t.Helper()
	c := r.dial()
	c.Bind(kind, systemID, "pw", smpp.V34)
	return c
}

func (r *rig) transceiver() *smpptest.Client {
	r.t.Helper()
	return r.bind(smpp.CmdBindTransceiver, "alice")
}

// next is the next message that Hermès is given.
func (r *rig) next() try {
	r.t.Helper()
	return testkit.Receive(r.t, r.hermes.tries, "a message for Hermès")
}

// message reads a message from disk.
func (r *rig) message(id string) *sms.Message {
	r.t.Helper()
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		r.t.Fatalf("message_id %q: %v", id, err)
	}
	m, err := r.store.Get(context.Background(), sms.ID(n))
	if err != nil {
		r.t.Fatalf("message %s: %v", id, err)
	}
	return m
}

// awaitState waits until a message is in that state on disk.
func (r *rig) awaitState(id string, s sms.State) {
	r.t.Helper()
	testkit.Await(r.t, fmt.Sprintf("message %s is %v", id, s), func() bool { return r.message(id).State == s })
}

func submit(text string) *smpp.SubmitSM { return smpptest.NewSubmit(person, campaign, text) }

// withReceipt is a submit_sm that asks for a receipt.
func withReceipt(text string) *smpp.SubmitSM {
	s := submit(text)
	s.RegisteredDelivery = smpp.RegReceiptFinal
	return s
}

// international is how smpptest writes a number.
func international(number string) smpp.Address {
	return smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: number}
}
