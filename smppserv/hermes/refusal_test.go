package hermes

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

func TestTheBeginningOfARefusalIsKeptOnOneCleanLine(t *testing.T) {
	for body, want := range map[string]string{
		"campaign 3601 is closed":            "campaign 3601 is closed",
		"\r\n a\x00b\x1b[31m\tc\u200bd  e\n": "a b [31m c d e",
		"caf\xe9":                            "caf\ufffd",
		strings.Repeat("é", 300):             strings.Repeat("é", 200),
		strings.Repeat("ab ", 100):           strings.TrimSpace(strings.Repeat("ab ", 67)[:200]),
		" \n ":                               "",
	} {
		got := excerpt([]byte(body))
		if strings.TrimSpace(got) != want || utf8.RuneCountInString(got) > maxExcerpt {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
	if got := excerpt(bytes.Repeat([]byte(" \n"), 1<<20)); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestRejectedLinesAreWarnedOfOnceAMinuteForEachCode(t *testing.T) {
	var out bytes.Buffer
	log := zerolog.New(&out).Level(zerolog.WarnLevel)
	var r rejections
	now := time.Now()
	for i := range 1000 {
		r.noteAt(now.Add(time.Duration(i)*time.Millisecond), log, codeNoClient, "h-1", "no client owns number 3601")
	}
	r.noteAt(now, log, codeBadRequest, "", "not JSON")
	r.noteAt(now.Add(rejectionsEvery), log, codeNoClient, "h-2", "no client owns number 3601")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), &out)
	}
	var last struct {
		Level, Code, Reason, ID string
		Others                  int `json:"others_since_last_line"`
	}
	if err := json.Unmarshal([]byte(lines[2]), &last); err != nil || last.Level != "warn" || last.Code != codeNoClient || last.ID != "h-2" || last.Others != 999 {
		t.Errorf("got %s", lines[2])
	}
}

func TestTheReasonHoldsWhatHermesSaysAndNotTheText(t *testing.T) {
	const text = "Mon mot de passe est « été\" 1234 »"
	for _, c := range []struct {
		code       int
		body, want string
	}{
		{409, "campaign 3601 is closed\n", "HTTP 409 Conflict: campaign 3601 is closed"},
		{400, "no good: " + text + "!", "HTTP 400 Bad Request: no good: [text]!"},
		{400, `{"text":` + string(appendString(nil, text)) + `}`, `HTTP 400 Bad Request: {"text":"[text]"}`},
		{503, "maintenance", "HTTP 503 Service Unavailable: maintenance"},
		{404, "", "HTTP 404 Not Found"},
		{400, strings.Repeat("x", 180) + text, "HTTP 400 Bad Request: " + strings.Repeat("x", 180) + "[text]"},
	} {
		o := options("http://hermes/")
		o.Transport = transportOf(func() *http.Response {
			return &http.Response{StatusCode: c.code, Body: io.NopCloser(strings.NewReader(c.body))}
		})
		if got := deliver(t, newPush(t, o), message(1, text)); got.Reason != c.want {
			t.Errorf("%d %s\ngot  %s\nwant %s", c.code, c.body, got.Reason, c.want)
		}
	}
}
