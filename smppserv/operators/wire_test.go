package operators

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

func TestASentenceStaysTranslatableBetweenNodes(t *testing.T) {
	at := time.Date(2026, 11, 30, 10, 5, 0, 123e6, time.UTC)
	said := adminapi.Say("%s %s %s %s %d %d", at, 3*time.Second, adminapi.Size(1<<30), adminapi.Say("about %s", "it"), 7, int64(8))
	data, err := encode(held{Why: said, Can: []string{"retry"}, Wait: sms.Wait{Due: at, Behind: 9}})
	var h held
	if err == nil {
		err = decode(data, &h)
	}
	if err != nil || h.Why.Format != said.Format || h.Why.String() != said.String() || !h.Wait.Due.Equal(at) || h.Wait.Behind != 9 {
		t.Fatalf("%+v, %v", h, err)
	}
	if inner, ok := h.Why.Args[3].(adminapi.Text); !ok || inner.Format != "about %s" {
		t.Errorf("%#v", h.Why.Args)
	}
}

func TestARefusalKeepsItsKindBetweenNodes(t *testing.T) {
	for _, kind := range refusals {
		data, err := encode(reply{Kind: kindOf(fmt.Errorf("%w: because", kind)), Words: "because"})
		if err != nil {
			t.Fatal(err)
		}
		if err := replied(data, &held{}); !errors.Is(err, kind) || err.Error() != "because" {
			t.Errorf("%v became %v", kind, err)
		}
	}
	data, _ := encode(reply{Words: "the disk is on fire"})
	if err := replied(data, &held{}); err == nil || err.Error() != "the disk is on fire" {
		t.Errorf("%v", err)
	}
	data, _ = encode(reply{Kind: 99, Words: "of a later version"})
	if err := replied(data, &held{}); err == nil {
		t.Error("a refusal of a kind that is not known here was taken for an answer")
	}
}

// What comes from another node is never taken for what it is not, and breaks nothing.
func TestWhatMakesNoSenseIsRefusedByEachHandler(t *testing.T) {
	here, _ := twoNodes(t)
	for what, h := range here.rig.ops.Handlers() {
		for _, body := range [][]byte{nil, {0}, []byte("{}"), []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff")} {
			answer, err := h(t.Context(), 11, body)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if err := replied(answer, &struct{ X int }{}); !errors.Is(err, adminapi.ErrBadRequest) {
				t.Errorf("%s of %q: %v", what, body, err)
			}
		}
	}
	closed := New(Options{})
	for what, h := range closed.Handlers() {
		answer, err := h(t.Context(), 11, nil)
		if err == nil {
			err = replied(answer, &struct{ X int }{})
		}
		if !errors.Is(err, adminapi.ErrUnavailable) {
			t.Errorf("%s before the start: %v", what, err)
		}
	}
	if f := string(closed.Facts()); f != "{}" {
		t.Errorf("facts before the start: %s", f)
	}
}
