package adminapi

import (
	"encoding/json"
	"fmt"
	"time"
)

// Text is a sentence for operators: a format in English, which its translations are found by, and what is filled in.
// As JSON it is the sentence in English.
type Text struct {
	Format string // with the verbs %s for times, durations and strings, %d for counts
	Args   []any  // string, int, int64, time.Time, time.Duration, Size, Text
}

// Say makes a Text.
func Say(format string, args ...any) Text { return Text{format, args} }

// Verbatim is a Text of words that are nobody's to translate: what a peer or the system said.
func Verbatim(words string) Text {
	if words == "" {
		return Text{}
	}
	return Text{"%s", []any{words}}
}

// Size is a number of octets.
type Size int64

// String is "1.5 GB", of 1000 MB each.
func (s Size) String() string {
	value, units, at := float64(s), [...]string{"B", "kB", "MB", "GB", "TB", "PB"}, 0
	for value >= 1000 && at < len(units)-1 {
		value, at = value/1000, at+1
	}
	digits := 0
	if at > 0 && value < 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, value, units[at])
}

// IsZero tells whether nothing is said.
func (t Text) IsZero() bool { return t.Format == "" }

// String is the sentence in English.
func (t Text) String() string {
	args := make([]any, len(t.Args))
	for i, arg := range t.Args {
		switch x := arg.(type) {
		case time.Time:
			args[i] = x.Local().Format("2006-01-02 15:04:05")
		case time.Duration:
			args[i] = Duration(x)
		case Text:
			args[i] = x.String()
		default:
			args[i] = arg
		}
	}
	return fmt.Sprintf(t.counted(), args...)
}

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(data []byte) error {
	var words string
	if err := json.Unmarshal(data, &words); err != nil {
		return err
	}
	*t = Verbatim(words)
	return nil
}

// Duration names the two highest units of a duration: "3 d 4 h", "12 min 5 s", "7 s", "140 ms" below a second.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	d = max(d, 0)
	switch {
	case d >= day:
		return fmt.Sprintf("%d d %d h", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d >= time.Second:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d/time.Millisecond)
}
