package smpp_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"hnetsmpp/pkg/smpp"
)

var (
	absolute = regexp.MustCompile(`^(\d{12})(\d)(\d\d)([+-])$`)
	relative = regexp.MustCompile(`^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d{3}R$`)
)

// oracle reads a time (7.1.1) by the standard library's calendar, sharing nothing with ParseTime.
func oracle(s string, now time.Time) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	if m := absolute.FindStringSubmatch(s); m != nil {
		var quarters int
		fmt.Sscanf(m[3], "%d", &quarters)
		if quarters > 48 {
			return time.Time{}, false
		}
		if m[4] == "-" {
			quarters = -quarters
		}
		century := "20"
		if s[:2] >= "38" { // Appendix C
			century = "19"
		}
		t, err := time.ParseInLocation("20060102150405.0", century+m[1]+"."+m[2], time.FixedZone("", quarters*15*60))
		return t, err == nil
	}
	m := relative.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	var n [6]int
	for i := range n {
		fmt.Sscanf(m[1+i], "%d", &n[i])
	}
	u := now.UTC()
	return time.Date(u.Year()+n[0], u.Month()+time.Month(n[1]), u.Day()+n[2],
		u.Hour()+n[3], u.Minute()+n[4], u.Second()+n[5], u.Nanosecond(), time.UTC), true
}

func agree(t *testing.T, s string, now time.Time) {
	t.Helper()
	want, ok := oracle(s, now)
	got, err := smpp.ParseTime(s, now)
	switch {
	case ok != (err == nil):
		t.Errorf("%q at %v: %v, %v, want %v, %v", s, now, got, err, want, ok)
	case ok && !got.Equal(want):
		t.Errorf("%q at %v: %v, want %v", s, now, got, want)
	case ok && got.Location() != time.UTC:
		t.Errorf("%q is not in UTC", s)
	}
}

func TestEveryDayAndEveryOffsetReadAsTheCalendarSays(t *testing.T) {
	for year := range 100 {
		for month := range 14 {
			for day := range 33 {
				agree(t, fmt.Sprintf("%02d%02d%02d235959%d00+", year, month, day, day%10), now)
			}
		}
	}
	for quarters := range 100 {
		for _, sign := range "+-R" {
			for _, at := range []string{"000101000000", "240229120000", "371231235959", "380101000000", "991231234500"} {
				agree(t, fmt.Sprintf("%s%d%02d%c", at, quarters%10, quarters, sign), now)
			}
		}
	}
	for n := range 100 {
		for _, sign := range "+R" {
			for _, form := range []string{"000101%02d0000000%c", "00010100%02d00000%c", "0001010000%02d000%c", "0001%02d000000000%c", "00%02d01000000000%c"} {
				agree(t, fmt.Sprintf(form, n, sign), now)
			}
		}
	}
}

func TestTheOffsetsOfTheSpecificationRoundTrip(t *testing.T) {
	r := seeded(t)
	first, last := time.Date(1938, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2037, 12, 30, 0, 0, 0, 0, time.UTC)
	for range 20_000 {
		tenths := r.Int64N(int64(last.Sub(first) / (100 * time.Millisecond)))
		at := first.Add(time.Duration(tenths) * 100 * time.Millisecond)
		for _, sign := range []int{1, -1} {
			quarters := r.IntN(49)
			local := at.In(time.FixedZone("", sign*quarters*15*60))
			s := fmt.Sprintf("%s%d%02d%c", local.Format("060102150405"), local.Nanosecond()/1e8, quarters, "-?+"[1+sign])
			got, err := smpp.ParseTime(s, now)
			if err != nil || !got.Equal(at) {
				t.Fatalf("%q is %v, %v, want %v", s, got, err, at)
			}
			written := smpp.FormatTime(local)
			if len(written) != 16 || !strings.HasSuffix(written, "00+") {
				t.Fatalf("%v is written %q", at, written)
			}
			if again, err := smpp.ParseTime(written, now); err != nil || !again.Equal(at) {
				t.Fatalf("%v is written %q, and read as %v, %v", at, written, again, err)
			}
		}
	}
}

func TestRelativeTimesAreCountedOnTheCalendar(t *testing.T) {
	r := seeded(t)
	for range 20_000 {
		from := time.Unix(r.Int64N(1<<31), r.Int64N(1e9)).In(time.FixedZone("", (r.IntN(105)-48)*15*60))
		agree(t, fmt.Sprintf("%02d%02d%02d%02d%02d%02d%03dR",
			r.IntN(100), r.IntN(13), r.IntN(32), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000)), from)
	}
}

func TestOneWrongCharacterIsSeen(t *testing.T) {
	r := seeded(t)
	for _, s := range []string{"261123100000004+", "280229235959948-", "020610233429000R", "371231235959000+"} {
		for at := range len(s) {
			for c := range 256 {
				agree(t, s[:at]+string([]byte{byte(c)})+s[at+1:], now)
			}
		}
		for range 20_000 {
			b := []byte(s)
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] = "0123456789+-RrZ x\x00"[r.IntN(18)]
			}
			agree(t, string(b), now)
		}
	}
}

func TestALengthThatIsNoTimeIsRefused(t *testing.T) {
	long := strings.Repeat("0", 40)
	for n := range 40 {
		for _, end := range []string{"", "+", "-", "R"} {
			s := long[:n] + end
			if len(s) == 0 || len(s) == 16 {
				continue
			}
			if got, err := smpp.ParseTime(s, now); err == nil {
				t.Errorf("%q is %v", s, got)
			}
		}
	}
}

func TestEachClassOfWrongTimesIsRefused(t *testing.T) {
	r := seeded(t)
	for field, wrong := range map[int][2]int{2: {13, 99}, 4: {32, 99}, 6: {24, 99}, 8: {60, 99}, 10: {60, 99}, 13: {57, 99}} {
		for _, sign := range []byte("+-") {
			for n := wrong[0]; n <= wrong[1]; n++ {
				s := fmt.Sprintf("%02d0%d%02d%02d%02d%02d000%c", r.IntN(100), 1+r.IntN(9), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), sign)
				s = s[:field] + fmt.Sprintf("%02d", n) + s[field+2:]
				if got, err := smpp.ParseTime(s, now); err == nil {
					t.Errorf("%q is %v", s, got)
				}
			}
		}
	}
	for year := range 100 {
		full := 2000 + year
		if year >= 38 {
			full = 1900 + year
		}
		leap := full%4 == 0 && (full%100 != 0 || full%400 == 0)
		got, err := smpp.ParseTime(fmt.Sprintf("%02d0229120000000+", year), now)
		if leap != (err == nil) || leap && got.Year() != full {
			t.Errorf("29 February %d is %v, %v", full, got, err)
		}
	}
}

func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// FuzzTime holds that ParseTime and the oracle take the same strings for the same instants.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"", "261123100000000+", "261123050000020-", "000000000004599R", "020610233429000R", "380101000000048+",
		"371231235959956-", "000229000000000+", "270229000000000+", "261123100000049+", "2611231000000000+", "001231246060000R"} {
		f.Add(s, int64(1_800_000_000))
	}
	f.Add("000100000000000R", time.Date(2028, 1, 31, 23, 59, 59, 0, time.UTC).Unix())
	f.Fuzz(func(t *testing.T, s string, unix int64) {
		agree(t, s, time.Unix(unix%(1<<32), 0))
	})
}
