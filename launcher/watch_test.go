package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// standing is a server with a part at a level, and a notice of that text; "" = none.
func standing(part string, level adminapi.Level, code, text string) (s adminapi.Status) {
	s.Parts = []adminapi.Part{{Name: part, Level: level}}
	if text != "" {
		s.Attention = []adminapi.Notice{{Code: code, Text: adminapi.Verbatim(text), ToDo: adminapi.Verbatim("see to it")}}
	}
	return s
}

func TestATroubleIsToldOnceAndItsEndWhenThatIsSure(t *testing.T) {
	var w watch
	now := time.Now()
	silent := standing(adminapi.PartHermes, adminapi.Bad, adminapi.CodeHermesSilent, "Hermès is silent")
	other := standing(adminapi.PartHermes, adminapi.Bad, adminapi.CodeHermesSilent, "probed again later")
	unknown := standing(adminapi.PartHermes, adminapi.Neutral, "", "")
	good := standing(adminapi.PartHermes, adminapi.Good, "", "")
	for i, step := range []struct {
		after  time.Duration
		status adminapi.Status
		want   uint32
	}{
		{0, good, 0},
		{watchEvery, silent, noticeHermesSilent},
		{watchEvery, other, 0},
		{watchEvery, good, 0}, // it comes and goes
		{watchEvery, silent, 0},
		{sureAfter, unknown, 0}, // after a restart nobody knows
		{watchEvery, good, noticeHermesBack},
		{watchEvery, good, 0},
		{watchEvery, silent, noticeHermesSilent},
	} {
		now = now.Add(step.after)
		var got uint32
		for _, n := range w.judge(step.status, now) {
			got = n.ID
		}
		if got != step.want {
			t.Errorf("step %d: notice %d, want %d", i, got, step.want)
		}
	}
}

func TestEachReasonWhyConfigTomlIsRefusedIsTold(t *testing.T) {
	var w watch
	now := time.Now()
	var got []string
	for _, text := range []string{"line 3", "line 3", "line 4"} {
		for _, n := range w.judge(standing(adminapi.PartConfiguration, adminapi.Warning, adminapi.CodeConfigRefused, text), now) {
			got = append(got, n.Text)
		}
	}
	if want := []string{"line 3. To do: see to it.", "line 4. To do: see to it."}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	pending := standing(adminapi.PartConfiguration, adminapi.Warning, "restart_pending", "a key waits") // taken up, but for a restart
	if n := w.judge(pending, now.Add(sureAfter)); len(n) != 1 || n[0].ID != noticeReloadTaken || n[0].Failure || !strings.Contains(n[0].Text, "in force again") {
		t.Errorf("told %+v", n)
	}
}
