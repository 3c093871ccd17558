package adminapi

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestASentenceIsFilledInAndCounts(t *testing.T) {
	for want, text := range map[string]Text{
		"1 message waits for acme: paused":           Say("%d messages wait for %s: %s", 1, "acme", Say("paused")),
		"2 messages wait for acme: paused":           Say("%d messages wait for %s: %s", int64(2), "acme", Say("paused")),
		"listening on here; 1 of 3 clients is bound": Say("listening on %s; %d of %d clients are bound", "here", 1, 3),
		"for 3 d 4 h": Say("for %s", 76*time.Hour),
		"100 %":       Verbatim("100 %"),
		"":            Verbatim(""),
	} {
		if got := text.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		data, err := json.Marshal(text)
		var read Text
		if err != nil || json.Unmarshal(data, &read) != nil || read.String() != want {
			t.Errorf("%s is read as %q", data, read)
		}
	}
}

func TestASingularFillsInWhatItsPluralDoes(t *testing.T) {
	for several, one := range Singulars() {
		if strings.Count(several, "%d") != strings.Count(one, "%d") || strings.Count(several, "%s") != strings.Count(one, "%s") || !strings.Contains(several, "%d") {
			t.Errorf("%q and %q", several, one)
		}
	}
}
