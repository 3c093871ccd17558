package hermes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestALineIsTakenUpToItsBoundsAndNotBeyond(t *testing.T) {
	q := &taking{}
	c := dial(t, openPort(t, q, nil))
	to := func(s string) string { return fmt.Sprintf(`{"from":"1","to":%q,"text":"a"}`, s) }
	from := func(s string) string { return fmt.Sprintf(`{"from":%q,"to":"2","text":"a"}`, s) }
	for _, k := range []struct {
		what, line string
		refused    string // what the error begins with; "" = the line is taken
	}{
		{"an id of 255 octets", `{"id":"` + strings.Repeat("i", 255) + `","from":"1","to":"2","text":"a"}`, ""},
		{"an id of 256 octets", `{"id":"` + strings.Repeat("i", 256) + `","from":"1","to":"2","text":"a"}`, "id: longer than 255 octets"},
		{"a sender of 20 digits", from(strings.Repeat("9", 20)), ""},
		{"a recipient of 20 digits behind a +", `{"from":"1","to":"+` + strings.Repeat("0", 20) + `","text":"a"}`, ""},
		{"a recipient of 21 digits", `{"from":"1","to":"` + strings.Repeat("0", 21) + `","text":"a"}`, "to: more than 20 digits"},
		{"a name of 20 letters", from(strings.Repeat("n", 20)), ""},
		{"a name of 21 letters", from(strings.Repeat("n", 21)), "from: must be digits"},
		{"a recipient of 20 letters", to("Kundenberaterin Müll"), ""},
		{"a recipient of 21 letters", to("Kundenberaterin Mülle"), "to: more than the 20 octets"},
		{"a recipient of 20 octets of UTF-8", to("客户客户客户ab"), ""},
		{"a recipient of 21 octets of UTF-8", to("客户客户客户abc"), "to: more than the 20 octets"},
		{"a recipient with DEL", `{"from":"1","to":"Kunde\u007f","text":"a"}`, "to: a control character"},
		{"a recipient with NUL", `{"from":"1","to":"Kun\u0000de","text":"a"}`, "to: a control character"},
		{"a name with a space", from("HNET 1"), ""},
		{"a name with ~", from("~HNET~"), ""},
		{"a name with DEL", `{"from":"HNET\u007f","to":"2","text":"a"}`, "from: must be digits"},
		{"a name with a control character", `{"from":"HNET\u001f","to":"2","text":"a"}`, "from: must be digits"},
		{"a name with a as its letter", from("1a"), ""},
		{"a name with z as its letter", from("1z"), ""},
		{"a name with A as its letter", from("1A"), ""},
		{"a name with Z as its letter", from("1Z"), ""},
		{"a name with what stands before a", from("1`"), "from: must be digits"},
		{"a name with what stands behind z", from("1{"), "from: must be digits"},
		{"a name with what stands before 0", from("1/"), "from: must be digits"},
		{"a name with what stands behind 9", from("1:"), "from: must be digits"},
		{"a validity of nothing", `{"from":"1","to":"2","text":"a","validity":"0s"}`, "validity: must be a duration of more than 0"},
		{"a validity of a nanosecond", `{"from":"1","to":"2","text":"a","validity":"1ns"}`, ""},
	} {
		want := `"status":"accepted"`
		if k.refused != "" {
			want = `"code":"bad_request","error":"` + k.refused
		}
		if got := c.ask(k.line); !strings.Contains(got, want) {
			t.Errorf("%s: %s", k.what, got)
		}
	}
	if m := q.last(); m.ExpiresAt.Sub(m.ReceivedAt) != time.Nanosecond {
		t.Errorf("the last one is tried for %v", m.ExpiresAt.Sub(m.ReceivedAt))
	}
}

func TestAnOperatorsLineMayBeAsLongAsHermes(t *testing.T) {
	p := openPort(t, &taking{}, nil)
	for octets, want := range map[int]string{maxLine: `"status":"accepted"`, maxLine + 1: "longer than 65536 octets"} {
		line := `{"from":"1","to":"2","text":"` + strings.Repeat("x", octets-len(`{"from":"1","to":"2","text":""}`)) + `"}`
		if got, err := p.Submit(t.Context(), []byte(line)); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%d octets: %s, %v", len(line), got, err)
		}
	}
}
