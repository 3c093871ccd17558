package operators

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/pkg/smpp/smpptest"
	"hnetsmpp/smppserv/testkit"
)

func idIn(t *testing.T, answer []byte) string {
	t.Helper()
	var a struct {
		Status string
		ID     string `json:"message_id"`
	}
	if err := json.Unmarshal(answer, &a); err != nil || a.Status != "accepted" {
		t.Fatalf("the answer is %s", answer)
	}
	return a.ID
}

func part(t *testing.T, s adminapi.Status, name string) adminapi.Part {
	t.Helper()
	i := slices.IndexFunc(s.Parts, func(p adminapi.Part) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("the status has no part %s", name)
	}
	return s.Parts[i]
}

func (r *rig) state() adminapi.Status {
	r.t.Helper()
	r.ops.status.forget()
	r.ops.waiting.forget()
	s, err := r.ops.Status(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func notice(s adminapi.Status, code, about string) *adminapi.Notice {
	for i := range s.Attention {
		if s.Attention[i].Code == code && s.Attention[i].About == about {
			return &s.Attention[i]
		}
	}
	return nil
}

func TestTheStatusNamesEachPartOnceWithSinceWhenAndWhy(t *testing.T) {
	r := newRig(t)
	s := r.state()
	var names []string
	for _, p := range s.Parts {
		names = append(names, p.Name)
		if p.Since.IsZero() || p.Text.IsZero() || p.Level == "" {
			t.Errorf("%+v", p)
		}
	}
	want := []string{adminapi.PartSMPP, adminapi.PartHermes, adminapi.PartTCP, adminapi.PartStore, adminapi.PartDisk, adminapi.PartConfiguration}
	if !slices.Equal(names, want) {
		t.Errorf("the parts are %q", names)
	}
	if s.Node != "here" || s.Version != "test" || !s.Ready || s.Now.IsZero() || s.Started.IsZero() {
		t.Errorf("got %+v", s)
	}
	if d := part(t, s, adminapi.PartDisk); d.Figures["disk_free"] <= 0 || d.Figures["disk_total"] < d.Figures["disk_free"] {
		t.Errorf("the disk has %v", d.Figures)
	}
	if d := part(t, s, adminapi.PartStore); d.Figures["database"] <= 0 || d.Figures["log"] <= 0 {
		t.Errorf("the store has %v", d.Figures)
	}
}

func TestASilentHermesIsInTheStatusWithWhatWaitsForIt(t *testing.T) {
	r := newRig(t)
	r.status.Store(503)
	c := r.bind("acme")
	for range 3 {
		c.Submit("33612345678", "3600", "hello")
	}
	var s adminapi.Status
	testkit.Await(t, "Hermès counts as silent", func() bool {
		s = r.state()
		return part(t, s, adminapi.PartHermes).Level == adminapi.Bad
	})
	n := notice(s, CodeHermesSilent, adminapi.PartHermes)
	if n == nil || n.Level != adminapi.Bad || n.ToDo.IsZero() || n.Since.IsZero() || !strings.Contains(n.Text.String(), "HTTP 503") || s.Attention[0].Code != CodeHermesSilent {
		t.Fatalf("attention: %+v", s.Attention)
	}
	if s.Load.Waiting != 3 || s.Load.Texts != 3 || s.Load.Receipts != 0 || s.Load.Oldest.IsZero() || s.Load.Sessions != 1 {
		t.Errorf("the load is %+v", s.Load)
	}
	all, err := r.ops.Waiting(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if w := all[0]; w.Recipient != adminapi.Hermes || w.Count != 3 || w.OldestID != "1" || w.Oldest.IsZero() || !strings.Contains(w.Why.String(), "503") {
		t.Errorf("what waits: %+v", w)
	}
	d := r.message("1")
	if !strings.Contains(d.Why.String(), "503") || !slices.Equal(d.Can, []string{"retry", "cancel", "send-again"}) {
		t.Errorf("message 1: why %q, can %q", d.Why, d.Can)
	}
	r.status.Store(200)
	if _, err := r.ops.Retry(t.Context(), boss, "1"); err != nil {
		t.Fatal(err)
	}
	r.audited("retry", "1")
	r.await("1", "DELIVERED")
	testkit.Await(t, "Hermès is good again", func() bool { return part(t, r.state(), adminapi.PartHermes).Level == adminapi.Good })
}

func TestAMessageHasItsTimeline(t *testing.T) {
	r := newRig(t)
	c := r.bind("acme")
	submit := smpptest.NewSubmit("33612345678", "3600", "where is it")
	submit.RegisteredDelivery, submit.ServiceType = 1, "CMT"
	id := c.SubmitSM(submit)
	c.ExpectDeliver()
	var d adminapi.Detail
	testkit.Await(t, "the receipt is acknowledged", func() bool {
		d = r.message(id)
		return len(d.Receipts) == 1 && d.Receipts[0].State == "DELIVERED"
	})
	var kinds []string
	for _, s := range d.Timeline {
		kinds = append(kinds, s.Kind)
		if s.At.IsZero() || s.Text.IsZero() {
			t.Errorf("%+v", s)
		}
	}
	if got := strings.Join(kinds, " "); got != "accepted try final receipt receipt" {
		t.Errorf("the timeline is %s: %+v", got, d.Timeline)
	}
	if text := d.Timeline[0].Text.String(); !strings.Contains(text, "submit_sm") || !strings.Contains(text, "127.0.0.1:") || !strings.Contains(text, "acme") {
		t.Errorf("accepted: %s", text)
	}
	if s := d.Timeline[1]; s.Through != "hermes" || s.Took < 0 {
		t.Errorf("the try: %+v", s)
	}
	if s := d.Timeline[4]; s.Through != "session 1" || s.ID != d.Receipts[0].ID {
		t.Errorf("the acknowledgement: %+v", s)
	}
	fields := map[string]adminapi.Field{}
	for _, f := range d.Fields {
		fields[f.Name] = f
	}
	if f := fields["registered_delivery"]; f.Value != "0x01" || f.Means != "receipt of every final state" {
		t.Errorf("%+v", f)
	}
	if f := fields["service_type"]; f.Value != "CMT" {
		t.Errorf("%+v", f)
	}
	if d.Text != nil || d.Data != nil || d.Octets != 11 || !slices.Equal(d.Can, []string{"send-again"}) || d.State != "DELIVERED" {
		t.Errorf("got %+v", d)
	}
	receipt := r.message(d.Receipts[0].ID)
	if receipt.Of != id || receipt.Kind != "receipt" || receipt.Recipient != "acme" || len(receipt.Can) != 0 {
		t.Errorf("the receipt is %+v", receipt)
	}
}

func TestATextIsShownToWhoMayReadItAndThatIsInTheAudit(t *testing.T) {
	r := newRig(t)
	id := r.fromHermes("acme", "tell nobody")
	if _, err := r.ops.Message(t.Context(), nobody, id, true); !errors.Is(err, adminapi.ErrForbidden) {
		t.Errorf("whoever comes: %v", err)
	}
	d, err := r.ops.Message(t.Context(), boss, id, true)
	if err != nil || d.Text == nil || *d.Text != "tell nobody" {
		t.Fatalf("%+v, %v", d, err)
	}
	r.audited("show text", id)
	for _, show := range []func() (any, error){
		func() (any, error) { return r.ops.Messages(t.Context(), adminapi.Search{}) },
		func() (any, error) { return r.ops.Message(t.Context(), boss, id, false) },
		func() (any, error) { return r.ops.Log(t.Context(), "", "", 0) },
		func() (any, error) { return r.ops.Audit(t.Context(), "", 0) },
		func() (any, error) { return r.ops.Status(t.Context()) },
		func() (any, error) { return r.ops.Clients(t.Context()) },
	} {
		answer, err := show()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(answer); err != nil || strings.Contains(string(b), "tell nobody") {
			t.Errorf("%v: %s", err, b)
		}
	}
}

func TestAPausedClientGetsNothingUntilItIsResumedAlsoOverARestart(t *testing.T) {
	r := newRig(t)
	if _, err := r.ops.Pause(t.Context(), boss, "acme"); err != nil {
		t.Fatal(err)
	}
	r.audited("pause", "acme")
	if _, err := r.ops.Pause(t.Context(), boss, "acme"); !errors.Is(err, adminapi.ErrConflict) {
		t.Errorf("once more: %v", err)
	}
	r.close()
	r.open()
	c := r.bind("acme")
	id := r.fromHermes("acme", "held back")
	other := r.bind("next")
	r.fromHermes("next", "for another one")
	other.ExpectDeliver()
	client, err := r.ops.Client(t.Context(), "acme")
	if err != nil || client.Paused == nil || client.Paused.By != "boss" || client.Paused.Since.IsZero() || client.State != "BOUND_TRX" {
		t.Fatalf("%+v, %v", client, err)
	}
	if d := r.message(id); !strings.Contains(d.Why.String(), "paused by boss") || d.State != "ENROUTE" {
		t.Errorf("it is %s: %s", d.State, d.Why)
	}
	if n := notice(r.state(), CodeClientPaused, "acme"); n == nil || n.ToDo.IsZero() {
		t.Error("nobody is told that a client is paused")
	}
	if _, err := r.ops.Resume(t.Context(), boss, "acme"); err != nil {
		t.Fatal(err)
	}
	r.audited("resume", "acme")
	c.ExpectDeliver()
	r.await(id, "DELIVERED")
	if _, err := r.ops.Resume(t.Context(), boss, "acme"); !errors.Is(err, adminapi.ErrConflict) {
		t.Errorf("resumed once more: %v", err)
	}
	if n := notice(r.state(), CodeClientPaused, "acme"); n != nil {
		t.Errorf("still: %+v", n)
	}
}

func TestEachClientOfTheConfigurationIsListedWithWhatIsKnownOfIt(t *testing.T) {
	r := newRig(t)
	refused := smpptest.Dial(t, r.addr)
	refused.ExpectResp(refused.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "acme", Password: "wrong", InterfaceVersion: smpp.V34}), smpp.RINVPASWD)
	stranger := smpptest.Dial(t, r.addr)
	stranger.ExpectResp(stranger.Send(&smpp.Bind{Type: smpp.CmdBindTransceiver, SystemID: "stranger", Password: "wrong", InterfaceVersion: smpp.V34}), smpp.RINVSYSID)
	id := r.fromHermes("acme", "waits")
	all, err := r.ops.Clients(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("%d clients: %v", len(all), err)
	}
	c := all[0]
	if c.SystemID != "acme" || c.State != "UNBOUND" || c.LastRefusal == nil || c.LastRefusal.Text.String() != "the password is wrong" || c.LastBind != nil ||
		c.Waiting.Count != 1 || c.Waiting.OldestID != id || c.Limit != 100 || c.Events != nil {
		t.Errorf("got %+v", c)
	}
	if why := c.Why.String(); !strings.Contains(why, "the password is wrong") || !strings.Contains(why, "127.0.0.1") {
		t.Errorf("it is not bound: %s", why)
	}
	if all[2].SystemID != "off" || !all[2].Disabled {
		t.Errorf("got %+v", all[2])
	}
	if n := notice(r.state(), CodeClientUnbound, "acme"); n == nil || n.Since.IsZero() || n.Link != "/clients/acme" || n.ToDo.IsZero() {
		t.Errorf("attention: %+v", r.state().Attention)
	}
	session := r.bind("acme")
	session.ExpectDeliver()
	if p := part(t, r.state(), adminapi.PartSMPP); p.Level != adminapi.Good || p.Figures["bound"] != 1 || p.Figures["configured"] != 2 {
		t.Errorf("the SMPP side is %+v", p)
	}
	session.Submit("33612345678", "3600", "hello")
	c, err = r.ops.Client(t.Context(), "acme")
	if err != nil || c.State != "BOUND_TRX" || len(c.Sessions) != 1 || c.LastBind == nil || c.Since.IsZero() || !c.Why.IsZero() {
		t.Fatalf("%+v, %v", c, err)
	}
	if s := c.Sessions[0]; s.Submits != 1 || s.Window != 8 || s.TLS || s.Heard.IsZero() || s.Version != "3.4" || !strings.HasPrefix(s.Remote, "127.0.0.1:") {
		t.Errorf("the session is %+v", s)
	}
	testkit.Await(t, "its deliver_sm is counted", func() bool {
		c, _ := r.ops.Client(t.Context(), "acme")
		return c.Sessions[0].Delivers == 1
	})
	if len(c.Events) != 2 || c.Events[0].Kind != "bound" || c.Events[1].Kind != "refused" {
		t.Errorf("its events are %+v", c.Events)
	}
	if _, err := r.ops.Client(t.Context(), "stranger"); !errors.Is(err, adminapi.ErrNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if done, err := r.ops.Unbind(t.Context(), boss, "", c.Sessions[0].ID); err != nil || done.Count != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	session.Expect(smpp.CmdUnbind)
	r.audited("unbind", "acme")
	if _, err := r.ops.Unbind(t.Context(), boss, "", 4711); !errors.Is(err, adminapi.ErrNotFound) {
		t.Errorf("a session that there is not: %v", err)
	}
}

func TestWhatIsKnownOfAClientOutlastsARestart(t *testing.T) {
	r := newRig(t)
	r.bind("acme").Close()
	testkit.Await(t, "it has gone, and the store knows", func() bool {
		notes, err := r.store.ClientNotes(t.Context())
		return err == nil && len(notes) == 1 && !notes[0].Unbound.At.IsZero()
	})
	r.close()
	r.open()
	c, err := r.ops.Client(t.Context(), "acme")
	if err != nil || c.LastBind == nil || c.LastBind.Text.String() != "bind_transceiver" || !strings.Contains(c.Why.String(), "not bound since") {
		t.Errorf("%+v, why %q, %v", c.LastBind, c.Why, err)
	}
}

func TestWhatWaitsForAClientThatIsGoneCanBeHandedOver(t *testing.T) {
	r := newRig(t)
	id := r.fromHermes("acme", "first")
	r.fromHermes("acme", "second")
	r.configure(func(c *Config) { c.Clients = c.Clients[1:] })
	if n := notice(r.state(), CodeClientUnknown, "acme"); n == nil || !strings.Contains(n.Text.String(), "2 messages") {
		t.Fatalf("attention: %+v", r.state().Attention)
	}
	for _, c := range []struct {
		from, to string
		want     error
	}{{"acme", "acme", adminapi.ErrBadRequest}, {"acme", "stranger", adminapi.ErrNotFound}, {"nobody", "next", adminapi.ErrNotFound},
		{"acme", "off", adminapi.ErrConflict}, {"acme", adminapi.Hermes, adminapi.ErrBadRequest}} {
		if _, err := r.ops.HandOver(t.Context(), boss, c.from, c.to); !errors.Is(err, c.want) {
			t.Errorf("from %s to %s: %v, want %v", c.from, c.to, err, c.want)
		}
	}
	done, err := r.ops.HandOver(t.Context(), boss, "acme", "next")
	if err != nil || done.Count != 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	r.audited("hand-over", "acme")
	c := r.bind("next")
	if first, second := c.ExpectDeliver(), c.ExpectDeliver(); string(first.ShortMessage) != "first" || string(second.ShortMessage) != "second" {
		t.Errorf("in the order %q, %q", first.ShortMessage, second.ShortMessage)
	}
	if d := r.await(id, "DELIVERED"); d.Recipient != "next" {
		t.Errorf("it is for %s", d.Recipient)
	}
}

func TestAMessageIsTakenBackWithItsReceiptAndCanBeSentAgain(t *testing.T) {
	r := newRig(t)
	r.status.Store(503)
	c := r.bind("acme")
	submit := smpptest.NewSubmit("33612345678", "3600", "once more")
	submit.RegisteredDelivery = 1
	id := c.SubmitSM(submit)
	testkit.Await(t, "its try has failed", func() bool { return slices.Contains(r.message(id).Can, "cancel") && !r.message(id).Reason.IsZero() })
	if _, err := r.ops.Cancel(t.Context(), boss, id); err != nil {
		t.Fatal(err)
	}
	r.audited("cancel", id)
	receipt := c.ExpectDeliver()
	if !strings.Contains(string(receipt.ShortMessage), "stat:DELETED") {
		t.Errorf("the receipt says %q", receipt.ShortMessage)
	}
	d := r.await(id, "DELETED")
	if d.Reason.String() != "cancelled by an operator" {
		t.Errorf("why: %s", d.Reason)
	}
	for what, act := range map[string]func() error{
		"cancel": func() error { _, err := r.ops.Cancel(t.Context(), boss, id); return err },
		"retry":  func() error { _, err := r.ops.Retry(t.Context(), boss, id); return err },
	} {
		if err := act(); !errors.Is(err, adminapi.ErrConflict) || !strings.Contains(err.Error(), "DELETED") {
			t.Errorf("%s of what is final: %v", what, err)
		}
	}
	r.status.Store(200)
	r.push.Resume()
	again, err := r.ops.SendAgain(t.Context(), boss, id)
	if err != nil || again.ID == "" || again.ID == id {
		t.Fatalf("%+v, %v", again, err)
	}
	r.audited("send-again", id)
	sent := r.await(again.ID, "DELIVERED")
	if sent.Submitter != "acme" || !strings.Contains(sent.Timeline[0].Text.String(), "sent again by an operator, as message "+id) || len(sent.Receipts) != 0 {
		t.Errorf("got %+v", sent)
	}
	text, err := r.ops.Message(t.Context(), boss, again.ID, true)
	if err != nil || *text.Text != "once more" {
		t.Errorf("it says %v, %v", text.Text, err)
	}
	if _, err := r.ops.SendAgain(t.Context(), boss, d.Receipts[0].ID); !errors.Is(err, adminapi.ErrConflict) {
		t.Errorf("a receipt: %v", err)
	}
	c.ExpectAlive()
}

func TestWhatCannotBeMeantIsToldApartFromWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	for id, want := range map[string]error{"": adminapi.ErrBadRequest, "0": adminapi.ErrBadRequest, "xyz": adminapi.ErrBadRequest, "abc": adminapi.ErrNotFound, "-1": adminapi.ErrBadRequest,
		"99999999999999999999999": adminapi.ErrBadRequest, "4711": adminapi.ErrNotFound} {
		if _, err := r.ops.Message(t.Context(), boss, id, false); !errors.Is(err, want) {
			t.Errorf("message %q: %v", id, err)
		}
		if _, err := r.ops.Retry(t.Context(), boss, id); !errors.Is(err, want) {
			t.Errorf("retry %q: %v", id, err)
		}
	}
	now := time.Now()
	for _, q := range []adminapi.Search{{State: "lost"}, {Direction: "up"}, {Kind: "letter"}, {Limit: -1}, {Limit: adminapi.MaxLimit + 1}, {Cursor: "x"}, {Cursor: "0"},
		{From: now, To: now.Add(-time.Hour)}, {Number: "33*6"}, {Number: strings.Repeat("3", 100)}, {Client: adminapi.Hermes}} {
		if _, err := r.ops.Messages(t.Context(), q); !errors.Is(err, adminapi.ErrBadRequest) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := r.ops.Audit(t.Context(), "x", 0); !errors.Is(err, adminapi.ErrBadRequest) {
		t.Errorf("a bad cursor of the audit: %v", err)
	}
	if _, err := r.ops.Log(t.Context(), "loud", "", 0); !errors.Is(err, adminapi.ErrBadRequest) {
		t.Errorf("a level that is none: %v", err)
	}
	if _, err := r.ops.Report(t.Context(), adminapi.ReportQuery{By: "weather"}); !errors.Is(err, adminapi.ErrBadRequest) {
		t.Errorf("a report by the weather: %v", err)
	}
	if _, err := r.ops.Series(t.Context(), "year"); !errors.Is(err, adminapi.ErrBadRequest) {
		t.Errorf("a year: %v", err)
	}
	if entries := r.audit(); len(entries) != 0 {
		t.Errorf("the audit tells of what was not done: %+v", entries)
	}
}

func TestASearchFindsWhatWaitsAndGoesOnFromItsCursor(t *testing.T) {
	r := newRig(t)
	for range 3 {
		r.fromHermes("acme", "waits")
	}
	var ids []string
	cursor := ""
	for pages := 0; ; pages++ {
		p, err := r.ops.Messages(t.Context(), adminapi.Search{State: "waiting", Number: "+336*", Direction: "out", Limit: 2, Cursor: cursor})
		if err != nil || pages > 2 {
			t.Fatal(pages, err)
		}
		for _, m := range p.Messages {
			ids = append(ids, m.ID)
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if !slices.Equal(ids, []string{"3", "2", "1"}) {
		t.Errorf("found %q", ids)
	}
	if p, err := r.ops.Messages(t.Context(), adminapi.Search{State: "failed"}); err != nil || p.Messages == nil || len(p.Messages) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAnOperatorTriesAMessageAsAClient(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("é€ ", 200)
	for _, text := range []string{"hello", "Ελληνικά και 漢字", long} {
		done, err := r.ops.SubmitAs(t.Context(), boss, "acme", "+33612345678", "3600", text)
		if err != nil {
			t.Fatal(err)
		}
		r.audited("send", "acme")
		push := r.pushes.Next(t)
		var body struct{ Text, Client, From string }
		if err := json.Unmarshal([]byte(push.Body), &body); err != nil || body.Text != text || body.Client != "acme" || body.From != "33612345678" {
			t.Errorf("Hermès got %+v, %v", body, err)
		}
		r.await(done.ID, "DELIVERED")
	}
	for _, c := range []struct {
		client, from, to string
		want             error
	}{{"stranger", "33612345678", "3600", adminapi.ErrNotFound}, {"acme", "33612345678", "", adminapi.ErrBadRequest}, {"acme", strings.Repeat("1", 40), "3600", adminapi.ErrBadRequest}} {
		if _, err := r.ops.SubmitAs(t.Context(), boss, c.client, c.from, c.to, "x"); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
