package operators

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"
)

// erase asks once, for so long.
func (r *rig) erase(number string, within time.Duration) adminapi.Erasure {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), answerTime+within)
	defer cancel()
	e, err := r.ops.Erase(ctx, boss, number)
	if err != nil {
		r.t.Fatal(err)
	}
	return e
}

func TestAMessageThatIsBeingTriedIsErasedWhenItsTryIsOver(t *testing.T) {
	r := newRig(t)
	c := r.bind("acme")
	r.fromHermes("acme", "hush")
	h, _ := c.Expect(smpp.CmdDeliverSM)
	e := r.erase("33612345678", 300*time.Millisecond)
	if want := "0 messages are erased; 1 others are being tried at this moment: ask again"; e.Done || e.Text.String() != want {
		t.Errorf("while it is tried: %+v, want %s", e, want)
	}
	c.SendSeq(h.Sequence, &smpp.DeliverSMResp{})
	r.lines.Write([]byte(`{"level":"info","to":"+33612345678"}`))
	if answer, err := r.port.Submit(t.Context(), []byte(`{"id":"to +33612345678"}`)); err != nil || !strings.Contains(string(answer), "rejected") || len(r.port.Facts().Rejections) != 1 {
		t.Fatalf("a line without a text: %s, %v", answer, err)
	}
	for e = r.erase("+33612345678", time.Second); !e.Done; e = r.erase(" +33 6 12.34-56 78", time.Second) {
	}
	if text := e.Text.String(); text != "the number is erased: 1 messages, 0 lines of logs" {
		t.Errorf("then: %s", text)
	}
	if found, err := r.ops.Messages(t.Context(), adminapi.Search{Number: "33612345678"}); err != nil || len(found.Messages) != 0 {
		t.Errorf("found are %+v, %v", found, err)
	}
	if all, err := r.ops.Log(t.Context(), "", "33612345678", 0); err != nil || len(all) != 0 {
		t.Errorf("the log has %+v, %v", all, err)
	}
	if kept := r.port.Facts().Rejections; len(kept) > 0 {
		t.Errorf("of rejected lines there are %+v", kept)
	}
	testkit.Await(t, "the audit says what was erased", func() bool {
		entries := r.audit()
		return len(entries) > 1 && entries[0].What == "erase" && entries[0].Who == "boss" && entries[0].On == numberHash("33612345678") &&
			entries[0].More == "done: 1 messages, 0 lines of logs" && entries[1].More == "begun"
	})
}

func TestWhatIsNoPersonsNumberIsNotErased(t *testing.T) {
	r := newRig(t)
	for number, want := range map[string]error{"": adminapi.ErrBadRequest, "+336": adminapi.ErrBadRequest, "33612*": adminapi.ErrBadRequest,
		strings.Repeat("3", 65): adminapi.ErrBadRequest, "3600": adminapi.ErrConflict, "+3600": adminapi.ErrConflict} {
		if _, err := r.ops.Erase(t.Context(), boss, number); !errors.Is(err, want) {
			t.Errorf("%q: %v", number, err)
		}
	}
	if entries := r.audit(); len(entries) > 0 {
		t.Errorf("the audit has %+v", entries)
	}
}

func TestANodeThatDoesNotAnswerIsNamedUntilItErases(t *testing.T) {
	here, there := twoNodes(t)
	a, b := here.rig, there.rig
	a.fromHermes("acme", "one")
	b.fromHermes("acme", "two")
	b.lines.Write([]byte(`{"level":"info","to":"33612345678"}`))
	silence(there, true)
	e := a.erase("33612345678", 100*time.Millisecond)
	if text := e.Text.String(); e.Done || !strings.HasPrefix(text, "1 messages are erased; the node there holds others") {
		t.Errorf("while it is silent: %+v", e)
	}
	silence(there, false)
	for e = a.erase("33612345678", time.Second); !e.Done; e = a.erase("33612345678", time.Second) {
	}
	if text := e.Text.String(); text != "the number is erased: 2 messages, 0 lines of logs" {
		t.Errorf("then: %s", text)
	}
	if all, err := b.ops.Log(t.Context(), "", "33612345678", 0); err != nil || len(all) != 0 {
		t.Errorf("its log has %+v, %v", all, err)
	}

	silence(there, true)
	e = a.erase("33612345678", 400*time.Millisecond)
	if text := e.Text.String(); e.Done || !strings.Contains(text, "the node there does not answer: its logs may hold the number") {
		t.Errorf("without messages: %+v", e)
	}
}
