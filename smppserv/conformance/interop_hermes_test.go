package conformance

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"hnetsmpp/smppserv/testkit"
)

// startHermes starts a stub that accepts everything, but for destinations that end in
//
//	9404   404        not to be tried again
//	9500   500        to be tried again, for ever
//	9503   503 once, then 200
//	9000   the connection is broken once, then 200
//	9001   200 after a second
func startHermes(t *testing.T) *testkit.Hermes {
	t.Helper()
	h := testkit.StartHermes(t)
	h.Script("9404", testkit.Answer{Status: http.StatusNotFound})
	h.Script("9500", testkit.Answer{Status: http.StatusInternalServerError})
	h.Script("9503", testkit.Answer{Status: http.StatusServiceUnavailable}, testkit.Answer{Status: http.StatusOK})
	h.Script("9000", testkit.Answer{}, testkit.Answer{Status: http.StatusOK})
	h.Script("9001", testkit.Answer{Status: http.StatusOK, After: time.Second})
	return h
}

// from matches the pushes of messages from a number.
func from(number string) func(push) bool {
	return func(p push) bool { return p.Message.From == number }
}

// awaitText returns the push of a text from a number, once Hermès has accepted it.
func awaitText(t *testing.T, h *testkit.Hermes, number, text string) push {
	t.Helper()
	return h.Await(t, fmt.Sprintf("%q from %s", text, number), func(p push) bool {
		return from(number)(p) && p.Message.Text == text && p.Status/100 == 2
	})
}

// assertOnce fails the test unless all that came from a number is one accepted push, whole. It is asked when nothing
// more can come: after the receipts.
func assertOnce(t *testing.T, h *testkit.Hermes, number string) {
	t.Helper()
	var accepted []push
	for _, p := range h.Pushes(from(number)) {
		if p.Repeated {
			t.Errorf("key %s was pushed again after it was accepted", p.Key)
		}
		if p.Message.Incomplete {
			t.Errorf("key %s was pushed as incomplete", p.Key)
		}
		if p.Status/100 == 2 {
			accepted = append(accepted, p)
		}
	}
	if len(accepted) != 1 {
		t.Errorf("from %s came %d accepted pushes, want one: %v", number, len(accepted), accepted)
	}
}
