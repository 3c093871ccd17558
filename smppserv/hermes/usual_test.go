package hermes

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

// usualLine is one as Hermès writes it.
const usualLine = `{"id":"f-17-204","from":"3600","to":"33612345678","text":"Bonjour, votre conseiller vous rappelle demain matin. Bonne journée."}`

// agree tells whether a line that readUsual takes means the same to encoding/json.
func agree(t *testing.T, raw []byte) (taken bool) {
	t.Helper()
	raw = trimmed(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	if !readUsual(raw, &line{}) {
		return false
	}
	got, err := parseLine(raw, time.Hour)
	want, wantErr := parseUnusual(raw, time.Hour)
	if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Errorf("%q: %+v, %v; encoding/json reads %+v, %v", raw, got, err, want, wantErr)
	}
	return true
}

func TestAUsualLineIsReadAsEncodingJSONReadsIt(t *testing.T) {
	long := strings.Repeat("i", maxEcho)
	for raw, taken := range map[string]bool{
		usualLine:                         true,
		"\uFEFF \t" + usualLine + " \t\r": true,
		`{}`:                              true,
		`{ "from" : "3600" , "to":"+33","text":"" , "status" : true }`:                        true,
		`{"id":"","from":"a","to":"1","data":"aGk=","status":false,"client":"c","token":"t"}`: true,
		`{"from":"1","to":"2","text":"a","alphabet":"ucs2","validity":"90s"}`:                 true,
		`{"from":"1","to":"2","text":"a","alphabet":"nonsense"}`:                              true,
		`{"from":"1","to":"2","text":"a","data":"aGk="}`:                                      true,
		`{"text":"\"\\\/\b\f\n\r\t\u00e9\u20AC\ud83d\ude00"}`:                                 true,
		`{"id":"` + long[:maxEcho-2] + `"}`:                                                   true,
		`{"id":"` + long + `"}`:                                                               true,
		`{"text":"\u000g"}`:                                                                   false,
		`{"text":"\ud83d"}`:                                                                   false,
		`{"text":"\ud83d\u0041"}`:                                                             false,
		`{"text":"\ude00\ud83d"}`:                                                             false,
		`{"text":"\x"}`:                                                                       false,
		`{"text":"\`:                                                                          false,
		`{"text":"\u12`:                                                                       false,
		`{"text":"\u12"}`:                                                                     false,
		"{\"text\":\"\x1f\"}":                                                                 false,
		"{\"text\":\"\xff\"}":                                                                 false,
		`{"id":"\u0041"}`:                                                                     false,
		`{"id":7}`:                                                                            false,
		`{"id":null}`:                                                                         false,
		`{"status":"true"}`:                                                                   false,
		`{"status":tru}`:                                                                      false,
		`{"status":truefalse}`:                                                                false,
		`{"ID":"a"}`:                                                                          false,
		`{"other":"a"}`:                                                                       false,
		`{"t\u0065xt":"a"}`:                                                                   false,
		`{"to":"1","to":"2"}`:                                                                 false,
		`{"to":"1",}`:                                                                         false,
		`{"to":"1"`:                                                                           false,
		`{"to":"1"}}`:                                                                         false,
		`{"to":"1"}{"to":"2"}`:                                                                false,
		`{"to" "1"}`:                                                                          false,
		`{"to":"1" "from":"2"}`:                                                               false,
		`{`:                                                                                   false,
	} {
		if agree(t, []byte(raw)) != taken {
			t.Errorf("%.80q: taken %v", raw, !taken)
		}
	}
}

func FuzzUsualLine(f *testing.F) {
	f.Add([]byte(usualLine))
	f.Add([]byte(`{"id":"a","from":"1","to":"2","text":"\ud83d\ude00\u00e9\n","status":true,"validity":"1h"}`))
	f.Add([]byte(`{"data":"aGk=","client":"c","token":"t","alphabet":"gsm7"}`))
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, bytes.Clone(raw)) })
}

func BenchmarkParseLine(b *testing.B) {
	raw := []byte(usualLine)
	for name, parse := range map[string]func([]byte, time.Duration) (*line, error){"usual": parseLine, "unusual": parseUnusual} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parse(raw, time.Hour); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
