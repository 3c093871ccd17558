package operators

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/testkit"
)

func TestOneNodeShowsTheSessionsAndClientsOfAll(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	a.bind("next")
	session := b.bind("acme")
	ctx, lacks := gathering(t)

	all, err := a.ops.Sessions(ctx)
	if err != nil || len(all) != 2 || all[0].Node != "here" || all[1].Node != "there" || all[1].SystemID != "acme" || lacks() != "" {
		t.Fatalf("%+v, %v, lacking %q", all, err, lacks())
	}
	var c adminapi.Client
	testkit.Await(t, "acme is bound at there", func() bool {
		c, err = a.ops.Client(ctx, "acme")
		return err == nil && c.State == "BOUND_TRX"
	})
	if len(c.Sessions) != 1 || c.Sessions[0].Node != "there" || c.LastBind == nil || len(c.Events) == 0 || c.Events[0].Node != "there" || !c.Why.IsZero() {
		t.Errorf("acme: %+v", c)
	}
	clients, err := a.ops.Clients(ctx)
	if err != nil || clients[0].SystemID != "acme" || len(clients[0].Sessions) != 1 || clients[0].Sessions[0].Node != "there" || clients[1].State != "BOUND_TRX" {
		t.Errorf("%+v, %v", clients, err)
	}
	a.ops.forget()
	s, err := a.ops.Status(ctx)
	if smpp := s.Parts[0]; err != nil || smpp.Figures["bound"] != 2 || s.Load.Sessions != 2 || smpp.Text.String() != "listening on here; 2 of 2 clients are bound" {
		t.Errorf("%+v, %v", s.Parts[0], err)
	}
	// its metrics are a node's own
	if own, _ := a.ops.Here().Sessions(ctx); len(own) != 1 || own[0].SystemID != "next" || own[0].Node != "" {
		t.Errorf("here: %+v", own)
	}
	if own, _ := a.ops.Here().Clients(ctx); len(own[0].Sessions) != 0 || len(own[1].Sessions) != 1 {
		t.Errorf("here: %+v", own)
	}

	// a session is unbound where it is
	id := all[1].ID
	if _, err := a.ops.Unbind(ctx, boss, "nowhere", id); !errors.Is(err, adminapi.ErrNotFound) {
		t.Errorf("at no node: %v", err)
	}
	if _, err := a.ops.Unbind(ctx, boss, "there", 999); !errors.Is(err, adminapi.ErrNotFound) || !strings.Contains(err.Error(), "there") {
		t.Errorf("a session that the other node does not have: %v", err)
	}
	if d, err := a.ops.Unbind(ctx, boss, "there", id); err != nil || !strings.Contains(d.Text.String(), "acme") {
		t.Fatalf("%v, %v", d, err)
	}
	session.Expect(smpp.CmdUnbind)
	testkit.Await(t, "the audit names the node", func() bool {
		e := a.audit()
		return len(e) > 0 && e[0].What == "unbind" && strings.HasSuffix(e[0].More, "at there")
	})
}

func TestWhatWaitsIsSummedOverTheNodesAndSaysWhyBothTimes(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	for range 2 {
		a.fromHermes("acme", "one")
	}
	id := b.fromHermes("acme", "two")
	ctx, lacks := gathering(t)
	all, err := a.ops.Waiting(ctx)
	if err != nil || len(all) != 1 || all[0].Count != 3 || all[0].Texts != 3 || len(all[0].Nodes) != 2 || all[0].Nodes[0].Node != "here" || all[0].Nodes[0].Count != 2 ||
		all[0].Why.String() != "not bound, and never was as far as is known" || all[0].Oldest.IsZero() {
		t.Fatalf("%+v, %v", all, err)
	}
	s, err := a.ops.Status(ctx)
	if err != nil || s.Load.Waiting != 3 || s.Load.Texts != 3 || s.Load.Oldest.IsZero() || lacks() != "" {
		t.Errorf("%+v, %v, lacking %q", s.Load, err, lacks())
	}
	notices := 0
	for _, n := range s.Attention {
		if n.Code == CodeClientUnbound {
			if notices++; !strings.HasPrefix(n.Text.String(), "3 messages wait for acme") || n.Node != "" {
				t.Errorf("%+v", n)
			}
		}
	}
	if notices != 1 {
		t.Errorf("%d notices of acme: %+v", notices, s.Attention)
	}

	// what only the holder knows, it tells, also of what it has taken over
	there.change(func() { there.estates = []sms.Epoch{5} })
	d, err := a.ops.Message(ctx, boss, id, false)
	if err != nil || d.Node != "there" || d.Why.String() != "not bound, and never was as far as is known" || !slices.Contains(d.Can, "cancel") {
		t.Errorf("%+v, %v", d, err)
	}
	page, err := a.ops.Messages(ctx, adminapi.Search{State: "waiting"})
	if err != nil || len(page.Messages) != 3 || page.Messages[0].Node != "there" || page.Messages[1].Node != "here" {
		t.Errorf("%+v, %v", page, err)
	}
	if series, err := a.ops.Series(ctx, "hour"); err != nil || series.Points[len(series.Points)-1].Waiting != 3 {
		t.Errorf("%v", err)
	}
	if _, err := a.ops.Cancel(ctx, boss, id); err != nil {
		t.Fatal(err)
	}
	if d := a.await(id, "DELETED"); d.Node != "" {
		t.Errorf("%+v", d)
	}
	testkit.Await(t, "it waits nowhere", func() bool { return b.queue.Stats().Waiting == 0 })
	testkit.Await(t, "the audit names the node", func() bool {
		e := a.audit()
		return e[0].What == "cancel" && e[0].On == id && e[0].More == "at there"
	})
	if _, err := a.ops.Cancel(ctx, boss, id); !errors.Is(err, adminapi.ErrConflict) || !strings.Contains(err.Error(), "DELETED") {
		t.Errorf("cancelled twice: %v", err)
	}
}

func TestARetryGoesToTheNodeThatHoldsTheMessage(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	b.status.Store(500) // its next try is in an hour
	if err := b.smsc.SubmitAs(t.Context(), "acme", "33612345678", "3600", "x", &handed{accepted: make(chan result, 1)}); err != nil {
		t.Fatal(err)
	}
	var id string
	testkit.Await(t, "there waits for its next try", func() bool {
		p, err := a.ops.Messages(t.Context(), adminapi.Search{State: "waiting"})
		if err != nil || len(p.Messages) != 1 {
			return false
		}
		id = p.Messages[0].ID
		return p.Messages[0].Node == "there" && p.Messages[0].Tries > 0 && time.Until(p.Messages[0].Next) > time.Minute
	})
	b.status.Store(200)
	d, err := a.ops.Retry(t.Context(), boss, id)
	if err != nil || !strings.Contains(d.Text.String(), id) {
		t.Fatalf("%v, %v", d, err)
	}
	a.await(id, "DELIVERED")
}

func TestANodeThatDoesNotAnswerIsNamed(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	b.bind("next")
	id := b.fromHermes("acme", "two")
	if n, err := a.ops.Nodes(t.Context()); err != nil || len(n) != 2 || !n[0].Self || !n[0].Leader || n[0].Epoch != 10 || n[1].Sessions != 1 || n[1].Waiting != 1 || len(n[1].Parts) == 0 || n[1].Address == "" {
		t.Fatalf("%+v, %v", n, err)
	}
	silence(there, true)
	for name, ask := range map[string]func(ctx context.Context) error{
		"status":   func(ctx context.Context) error { _, err := a.ops.Status(ctx); return err },
		"nodes":    func(ctx context.Context) error { _, err := a.ops.Nodes(ctx); return err },
		"sessions": func(ctx context.Context) error { _, err := a.ops.Sessions(ctx); return err },
		"clients":  func(ctx context.Context) error { _, err := a.ops.Clients(ctx); return err },
		"client":   func(ctx context.Context) error { _, err := a.ops.Client(ctx, "next"); return err },
		"waiting":  func(ctx context.Context) error { _, err := a.ops.Waiting(ctx); return err },
		"search": func(ctx context.Context) error {
			_, err := a.ops.Messages(ctx, adminapi.Search{State: "waiting"})
			return err
		},
		"message": func(ctx context.Context) error { _, err := a.ops.Message(ctx, boss, id, false); return err },
	} {
		for range 2 { // what is kept for a moment says it, too
			ctx, lacks := gathering(t)
			if err := ask(ctx); err != nil || !strings.Contains(lacks(), "the node there does not answer") {
				t.Errorf("%s: %v, lacking %q", name, err, lacks())
			}
		}
	}
	n, _ := a.ops.Nodes(t.Context())
	if n[1].Missing.IsZero() || n[1].Waiting != 7 || len(n[1].Parts) != 0 {
		t.Errorf("%+v", n[1])
	}
	d, err := a.ops.Message(t.Context(), boss, id, false)
	if err != nil || !strings.Contains(d.Why.String(), "the node there holds it, and does not answer") || slices.Contains(d.Can, "cancel") {
		t.Errorf("%+v, %v", d, err)
	}
	for what, err := range map[string]error{
		"cancel": second(a.ops.Cancel(t.Context(), boss, id)), "retry": second(a.ops.Retry(t.Context(), boss, id)),
		"unbind": second(a.ops.Unbind(t.Context(), boss, "there", 1)), "hand-over": second(a.ops.HandOver(t.Context(), boss, "acme", "next")),
	} {
		if !errors.Is(err, adminapi.ErrNoAnswer) || !strings.Contains(err.Error(), "there") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if entries := a.audit(); slices.ContainsFunc(entries, func(e adminapi.AuditEntry) bool { return e.What == "cancel" || e.What == "retry" }) {
		t.Errorf("the audit has what was not done: %+v", entries)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAPauseHoldsOnAllNodesAndReachesTheOneThatWasAway(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	d, err := a.ops.Pause(t.Context(), boss, "acme")
	if err != nil || strings.Contains(d.Text.String(), "not yet") {
		t.Fatalf("%v, %v", d, err)
	}
	b.bind("acme")
	id := b.fromHermes("acme", "held")
	if got, err := b.ops.Message(t.Context(), boss, id, false); err != nil || !strings.Contains(got.Why.String(), "paused by boss") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := b.ops.Pause(t.Context(), boss, "acme"); !errors.Is(err, adminapi.ErrConflict) {
		t.Errorf("paused twice: %v", err)
	}
	silence(there, true)
	d, err = a.ops.Resume(t.Context(), boss, "acme")
	if err != nil || !strings.Contains(d.Text.String(), "not yet on there") {
		t.Fatalf("%v, %v", d, err)
	}
	if _, paused := b.ops.paused("acme"); !paused {
		t.Fatal("a node that heard of nothing has resumed")
	}
	b.ops.readNotes(t.Context())
	if _, paused := b.ops.paused("acme"); paused {
		t.Fatal("the node that was away still holds the pause")
	}
}

func TestAHandOverIsDoneOnEachNode(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	first, other := a.fromHermes("acme", "one"), b.fromHermes("acme", "two")
	d, err := a.ops.HandOver(t.Context(), boss, "acme", "next")
	if err != nil || d.Count != 2 || d.Text.String() != "2 messages are for next now" {
		t.Fatalf("%v, %v", d, err)
	}
	for _, id := range []string{first, other} {
		if m := a.message(id); m.Recipient != "next" {
			t.Errorf("message %s is for %s", id, m.Recipient)
		}
	}
}

func TestTheRecordOfAClientHasEachNodesPDUs(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	if _, err := a.ops.Trace(t.Context(), boss, "acme", true); err != nil {
		t.Fatal(err)
	}
	if !b.traces.On("acme") {
		t.Fatal("the other node records nothing")
	}
	b.bind("acme")
	var own, all bytes.Buffer
	ctx, lacks := gathering(t)
	if err := a.ops.WriteTrace(ctx, boss, "acme", false, &all); err != nil || lacks() != "" {
		t.Fatalf("%v, lacking %q", err, lacks())
	}
	if _, err := b.traces.Write(&own, "acme", false); err != nil || own.Len() < 200 || !bytes.HasSuffix(all.Bytes(), own.Bytes()) || all.Len() <= own.Len() {
		t.Errorf("%d octets do not end with the %d of the other node, %v", all.Len(), own.Len(), err)
	}
	if _, err := a.ops.Trace(t.Context(), boss, "acme", false); err != nil || b.traces.On("acme") {
		t.Errorf("the other node records on, %v", err)
	}
}

func TestALongRecordComesInParts(t *testing.T) {
	ops := New(Options{})
	file := bytes.Repeat([]byte("0123456789"), 200_000)
	id := ops.records.keep(file, time.Now())
	for range maxRecords - 1 {
		ops.records.keep(nil, time.Now())
	}
	if got, ok := ops.records.of(id); !ok || !bytes.Equal(got, file) {
		t.Error("it is not kept")
	}
	ops.records.keep(nil, time.Now())
	if _, ok := ops.records.of(id); ok {
		t.Error("more are kept than may be")
	}
}

func TestNoticesOfNodesNameThem(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	notice := func(r *rig, code string) adminapi.Notice {
		t.Helper()
		r.ops.forget()
		s, err := r.ops.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range s.Attention {
			if n.Code == code {
				return n
			}
		}
		return adminapi.Notice{}
	}
	b.configure(func(c *Config) { c.Settings.Fault = "line 3" })
	if n := notice(a, CodeConfigRefused); n.Node != "there" || !strings.HasPrefix(n.Text.String(), "on there: ") {
		t.Errorf("a refused config.toml there: %+v", n)
	}
	a.configure(func(c *Config) { c.Settings.Fault = "line 3" })
	b.ops.forget()
	if n := notice(a, CodeConfigRefused); n.Node != "" || strings.Contains(n.Text.String(), "there") || n.Text.IsZero() {
		t.Errorf("a refused config.toml everywhere: %+v", n)
	}
	there.change(func() { there.Silent, there.Differs = 6*time.Second, []string{"clients"} })
	if n := notice(a, CodeNodeSilent); n.About != "there" || n.Level != adminapi.Warning {
		t.Errorf("a silent node: %+v", n)
	}
	there.change(func() { there.Lease = 20 * time.Second })
	if n := notice(a, CodeNodeSilent); n.Code != "" {
		t.Errorf("silent for less than its own lease: %+v", n)
	}
	there.change(func() { there.Lease = testLease })
	if n := notice(a, CodeNodesDiffer); !strings.Contains(n.Text.String(), "clients") {
		t.Errorf("another config.toml: %+v", n)
	}
	here.change(func() { here.lost = true })
	if n := notice(a, CodeLeaseLost); n.Level != adminapi.Bad || !n.Since.Equal(lapsedAt) || a.ops.Lease() == nil || b.ops.Lease() != nil {
		t.Errorf("a lost lease: %+v", n)
	}
	if n := notice(a, CodeNodeSilent); n.Code != "" {
		t.Errorf("who hears of nobody tells of another's silence: %+v", n)
	}
	if s, _ := a.ops.Status(t.Context()); s.Ready || !strings.Contains(s.Why, "lease is not held since 2026-11-30 01:02:03: ") {
		t.Errorf("ready without the lease: %v %s", s.Ready, s.Why)
	}
	if all := a.ops.Briefs(t.Context()); !slices.ContainsFunc(all, func(line string) bool { return strings.HasPrefix(line, "the lease is not held") }) {
		t.Errorf("%q", all)
	}

	a.ops.seeWhoIsThere(time.Now())
	nodes := here.ring.nodes
	here.change(func() { here.ring.nodes = nodes[:1] })
	a.ops.seeWhoIsThere(time.Now())
	if n := notice(a, CodeNodeGone); n.About != "there" {
		t.Errorf("a node that ended without a word: %+v", n)
	}
	here.change(func() { here.ring.nodes, there.Silent = nodes, 0 })
	a.ops.seeWhoIsThere(time.Now())
	if n := notice(a, CodeNodeGone); n.Code != "" {
		t.Errorf("it is back: %+v", n)
	}
	here.change(func() { here.ring.nodes = nodes[:1] })
	a.ops.seeWhoIsThere(time.Now())
	if n := notice(a, CodeNodeGone); n.Code != "" {
		t.Errorf("one that said that it leaves: %+v", n)
	}
	here.change(func() { here.ring.nodes = nodes })
}

func TestAPartThatStandsWorstIsShownWithItsNode(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	b.configure(func(c *Config) { c.HermesURL, c.StandIn = "http://127.0.0.1:1/", true })
	s, err := a.ops.Status(t.Context())
	if err != nil || s.Parts[1].Level != adminapi.Warning || !strings.HasPrefix(s.Parts[1].Text.String(), "on there: ") {
		t.Errorf("%+v, %v", s.Parts[1], err)
	}
	if own, _ := a.ops.Here().Status(t.Context()); own.Parts[1].Level != adminapi.Neutral {
		t.Errorf("here: %+v", own.Parts[1])
	}
}

func TestPagesAreToldWhatHasChangedAtOtherNodes(t *testing.T) {
	here, there := twoNodes(t)
	changes := here.rig.ops.Changes(t.Context())
	there.rig.fromHermes("acme", "x")
	var seen []string
	testkit.Await(t, "messages and what waits have changed", func() bool {
		select {
		case topics := <-changes:
			seen = append(seen, topics...)
		default:
		}
		return slices.Contains(seen, "messages") && slices.Contains(seen, "waiting")
	})
}

func TestWithoutOthersNobodyIsAsked(t *testing.T) {
	r := newRig(t)
	r.fromHermes("acme", "x")
	n, err := r.ops.Nodes(t.Context())
	if err != nil || len(n) != 1 || !n[0].Self || !n[0].Leader || n[0].Epoch != 0 || n[0].Waiting != 1 {
		t.Errorf("%+v, %v", n, err)
	}
	s, err := r.ops.Status(t.Context())
	if err != nil || s.Nodes != nil || s.Lacks != nil {
		t.Errorf("%+v, %v", s.Nodes, err)
	}
	if all, _ := r.ops.Waiting(t.Context()); all[0].Nodes != nil {
		t.Errorf("%+v", all)
	}
	if _, _, _, ok := r.ops.Here().Membership(); ok || !r.ops.Leader() || r.ops.Lease() != nil {
		t.Error("it has a lease of its own store")
	}
}

func TestAListThatIsTooLongIsAskedForInParts(t *testing.T) {
	here, there := twoNodes(t)
	const want = 2*maxSessions + 3
	calls := 0
	h := answering(there.rig.ops, func(_ context.Context, q page[uint64]) (paged[adminapi.Session], error) {
		calls++
		var all []adminapi.Session
		for id := q.After + 1; id <= want; id++ {
			all = append(all, adminapi.Session{ID: id, SystemID: "a-client-of-15ch", State: "BOUND_TRX", Remote: "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", Version: "3.4",
				Since: time.Now(), Heard: time.Now(), Window: 100, InFlight: 100, Submits: 1 << 40, Refused: 1 << 30, Delivers: 1 << 40,
				LastError: adminapi.Say("%s at %s was refused: %s", "deliver_sm", time.Now(), "ESME_RTHROTTLED (0x00000058)")})
		}
		return cutRows(all, maxSessions), nil
	})
	n := 0
	ctx, lacks := gathering(t)
	there.change(func() { there.answers = map[string]Handler{askSessions: h} })
	showAll(ctx, here.rig.ops, askSessions, func(s adminapi.Session) uint64 { return s.ID }, func(_ *Neighbour, s adminapi.Session) {
		if n++; s.LastError.Format == "" || len(s.LastError.Args) != 3 {
			t.Fatalf("%+v", s)
		}
	})
	if n != want || calls != 3 || lacks() != "" {
		t.Errorf("%d of %d rows in %d parts, lacking %q", n, want, calls, lacks())
	}
}

func TestADatabaseThatIsInNoFileIsSpokenOfAsPostgreSQL(t *testing.T) {
	r := newRig(t)
	r.configure(func(c *Config) { c.Database, c.Folder = "", filepath.Dir(r.file) })
	s, err := r.ops.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Parts {
		if text := p.Text.String(); p.Name == adminapi.PartDisk && (!strings.Contains(text, "PostgreSQL") || strings.Contains(text, "0 B")) {
			t.Errorf("the disk: %s", text)
		}
	}
	var a attention
	for _, file := range []string{"", r.file} {
		a.part(&adminapi.Part{Name: adminapi.PartStore, Level: adminapi.Bad}, &Config{Database: file})
	}
	if there, here := a.all[0].ToDo.String(), a.all[1].ToDo.String(); !strings.Contains(there, "PostgreSQL") || !strings.Contains(here, "disk") {
		t.Errorf("what to do: %q with PostgreSQL, %q with a file", there, here)
	}
}
