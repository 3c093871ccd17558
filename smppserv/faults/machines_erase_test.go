package faults

import (
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// What waits is at one machine, and the other one is asked to erase it.
func TestANumberIsErasedAtAllMachines(t *testing.T) {
	pg := testkit.Postgres(t)
	m := newMachines(t, pg, pg.Database(t), 2, func(_ int, s testkit.Settings) { s["admin.listen"] = "127.0.0.1:0" })
	m.start(0, 1)
	for _, config := range m.configs {
		for _, number := range []string{erasedNumber, otherNumber} {
			succeeds(t, "", "reply", "--config", config, "--from", campaignOf("m1"), "--to", number, "--text", erasedText)
			succeeds(t, "", "send", "--config", config, "--client", "m1", "--from", number, "--to", campaignOf("m1"), "--text", "a text")
		}
	}
	if out := succeeds(t, "", "messages", "--config", m.configs[0], "--number", erasedNumber); strings.Count(out, "ENROUTE") != 2 || strings.Count(out, "DELIVERED") < 2 {
		t.Fatalf("before: %s", out)
	}
	if out := succeeds(t, "", "erase", "--config", m.configs[0], "--number", erasedNumber); !strings.HasPrefix(out, "the number is erased: ") {
		t.Errorf("printed %s", out)
	}
	for i, config := range m.configs {
		if found := holders(t, filepath.Dir(config), erasedNumber, erasedText); len(found) > 0 {
			t.Errorf("machine %d: %q", i, found)
		}
		if out := succeeds(t, "", "messages", "--config", config, "--number", erasedNumber); !strings.HasPrefix(out, "no message is found") {
			t.Errorf("machine %d has %s", i, out)
		}
	}
	if out := succeeds(t, "", "messages", "--config", m.configs[1], "--number", otherNumber, "--state", "waiting"); strings.Count(out, "ENROUTE") != 2 {
		t.Errorf("of the other number is left %s", out)
	}
}
