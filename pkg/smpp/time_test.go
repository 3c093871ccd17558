package smpp_test

import (
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

// now is 31 January, so that a month more is not simply another month number.
var now = time.Date(2027, 1, 31, 10, 0, 0, 0, time.FixedZone("", 2*3600))

func TestParseTimeReadsWhatTheSpecificationAllows(t *testing.T) {
	tests := []struct {
		id, s string
		want  time.Time
	}{
		{"TME-01 UTC", "261123100000000+", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		{"TME-01 one hour ahead", "261123110000004+", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		{"TME-01 five hours behind", "261123050000020-", time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)},
		{"tenths", "261123100000700+", time.Date(2026, 11, 23, 10, 0, 0, 7e8, time.UTC)},
		{"TME-02 01 ahead", "261123100000001+", time.Date(2026, 11, 23, 9, 45, 0, 0, time.UTC)},
		{"TME-02 48 ahead", "261123100000048+", time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)},
		{"TME-02 48 behind", "261123100000048-", time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)},
		{"TME-03 29 February of a leap year", "280229000000000+", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC)},
		{"TME-06 2037", "371231235959000+", time.Date(2037, 12, 31, 23, 59, 59, 0, time.UTC)},
		{"TME-06 1938", "380101000000000+", time.Date(1938, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"TME-06 1999", "991231235959000+", time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{"TME-04 four seconds", "000000000004000R", now.Add(4 * time.Second)},
		{"TME-04 t and nn mean nothing", "000000000004599R", now.Add(4 * time.Second)},
		{"TME-04 nothing", "000000000000000R", now},
		{"TME-04 on the calendar", "020610233429000R", time.Date(2029, 8, 10, 8+23, 34, 29, 0, time.UTC)},
		{"TME-04 two days", "000002000000000R", now.Add(48 * time.Hour)},
		{"TME-04 a day in hours", "000000240000000R", now.Add(24 * time.Hour)},
		{"TME-04 fields beyond the calendar", "000035599999000R", now.Add((35*24+59)*time.Hour + 99*time.Minute + 99*time.Second)},
		{"TME-04 all that two digits say", "999999999999999R", time.Date(2027+99, 1+99, 31+99, 8+99, 99, 99, 0, time.UTC)},
		{"empty", "", time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.id, func(t *testing.T) {
			got, err := smpp.ParseTime(test.s, now)
			if err != nil || !got.Equal(test.want) {
				t.Errorf("%s is %v, %v, want %v", test.s, got, err, test.want)
			}
		})
	}
}

func TestParseTimeRefusesWhatDoesNotExist(t *testing.T) {
	for _, test := range []struct{ id, s string }{
		{"TME-02 offset 49", "261123100000049+"},
		{"TME-02 offset 49 behind", "261123100000049-"},
		{"TME-02 offset xx", "2611231000000xx+"},
		{"TME-02 sign Z", "261123100000000Z"},
		{"TME-02 sign 0", "2611231000000000"},
		{"TME-03 1 character", "2"},
		{"TME-03 12 characters", "261123100000"},
		{"TME-03 15 characters", "261123100000000"},
		{"TME-03 17 characters", "2611231000000000+"},
		{"TME-03 20 characters", "26112310000000000000"},
		{"TME-03 letters", "abcdefghijklmno+"},
		{"TME-03 a sign within", "2611231000-0000+"},
		{"TME-03 month 0", "260023100000000+"},
		{"TME-03 month 13", "261323100000000+"},
		{"TME-03 day 0", "261100100000000+"},
		{"TME-03 31 April", "260431100000000+"},
		{"TME-03 29 February", "270229100000000+"},
		{"TME-03 hour 24", "261123240000000+"},
		{"TME-03 minute 60", "261123106000000+"},
		{"TME-03 second 60", "261123100060000+"},
		{"TME-04 small r", "000000000004000r"},
	} {
		t.Run(test.id, func(t *testing.T) {
			if got, err := smpp.ParseTime(test.s, now); err == nil {
				t.Errorf("%s is %v", test.s, got)
			}
		})
	}
}

func TestFormatTimeWritesUTCWithItsTenths(t *testing.T) {
	for want, at := range map[string]time.Time{
		"270131080000000+": now,
		"261123095959900+": time.Date(2026, 11, 23, 9, 59, 59, 999999999, time.UTC),
		"":                 {},
	} {
		if got := smpp.FormatTime(at); got != want {
			t.Errorf("%v is %q, want %q", at, got, want)
		}
	}
}
