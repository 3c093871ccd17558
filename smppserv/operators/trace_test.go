package operators

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"hnetsmpp/pkg/adminapi"
)

func TestATraceIsSwitchedAndDownloadedByWhoMay(t *testing.T) {
	r := newRig(t)
	if err := r.ops.WriteTrace(t.Context(), boss, "acme", false, io.Discard); !errors.Is(err, adminapi.ErrNotFound) {
		t.Errorf("nothing was recorded: %v", err)
	}
	if _, err := r.ops.Trace(t.Context(), boss, "stranger", true); !errors.Is(err, adminapi.ErrNotFound) {
		t.Errorf("of a stranger: %v", err)
	}
	if _, err := r.ops.Trace(t.Context(), boss, "acme", true); err != nil {
		t.Fatal(err)
	}
	r.audited("trace", "acme")
	if c, err := r.ops.Client(t.Context(), "acme"); err != nil || !c.Traced {
		t.Errorf("%+v, %v", c, err)
	}
	c := r.bind("acme")
	c.Submit("33612345678", "3600", "tell nobody")
	for texts, want := range map[bool]bool{false: false, true: true} {
		var b bytes.Buffer
		if err := r.ops.WriteTrace(t.Context(), boss, "acme", texts, &b); err != nil {
			t.Fatal(err)
		}
		if b.Len() == 0 || bytes.Contains(b.Bytes(), []byte("tell nobody")) != want {
			t.Errorf("with texts %t: %d octets", texts, b.Len())
		}
	}
	r.audited("trace download", "acme")
	if err := r.ops.WriteTrace(t.Context(), nobody, "acme", true, io.Discard); !errors.Is(err, adminapi.ErrForbidden) {
		t.Errorf("whoever comes: %v", err)
	}
	if _, err := r.ops.TestAlerts(t.Context(), boss); !errors.Is(err, adminapi.ErrConflict) {
		t.Errorf("a test of alerts that there are not: %v", err)
	}
}
