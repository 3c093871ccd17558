package hermes

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheAnswerBearsTheIDAsItCame(t *testing.T) {
	p := openPort(t, &taking{}, nil)
	c := dial(t, p)
	rest := `,"from":"1","to":"2","text":"a"}`
	for _, k := range []struct{ line, id, want string }{
		{`{"id":7` + rest, `7`, "id: must be a string, not a number"},
		{`{"id":-7.50e3` + rest, `-7.50e3`, "id: must be a string, not a number"},
		{`{"id":12345678901234567890` + rest, `12345678901234567890`, "id: must be a string, not a number"},
		{`{"id":true` + rest, `true`, "id: must be a string, not true or false"},
		{`{"id":{"a": 1}` + rest, `{"a":1}`, "id: must be a string, not an object"},
		{`{"id":[ 1,"\u00e9"]` + rest, `[1,"\u00e9"]`, "id: must be a string, not an array"},
		{`{"ID":7` + rest, `7`, "id: must be a string, not a number"},
		{`{"from":"1","to":"2","text":"a","id":7}`, `7`, "id: must be a string, not a number"},
		{`{"id":7,"status":"yes"}`, `7`, "id: must be a string, not a number"},
		{`{"id":null}`, `null`, "from: missing"}, // as if it were not there, like every other key
		{`{"id":""}`, `""`, "from: missing"},
		{`{"id":"h-1","from":5}`, `"h-1"`, "from: must be a string, not a number"},
		{`{"id":"\u0068-\"1\""}`, `"h-\"1\""`, "from: missing"},
		{`{"id":"h-1"} {"id":"h-2"}`, `"h-1"`, "more than one JSON object on the line"},
		{`{"id":7}{"id":8}`, `7`, "more than one JSON object on the line"},
		{`{"id":"h-1"` + rest + ` {`, `"h-1"`, "more than one JSON object on the line"},
		{`{"from":"3600"} {"id":"h-2"}`, ``, "more than one JSON object on the line"},
		{`{"id":"h-1"` + rest + ` x`, `"h-1"`, "the line is not JSON: invalid character 'x' after top-level value"},
		{`{"id":"h-1","from":}`, `"h-1"`, "the line is not JSON: invalid character '}'"},
		{`{"id":"h-1","from":"36`, `"h-1"`, "the line is not JSON: unexpected end"},
		{`{"from":{"id":"no"},"id":"h-1","text":"a` + "\t" + `b"}`, `"h-1"`, "the line is not JSON"},
		{`{"id":"h-1"`, `"h-1"`, "the line is not JSON: unexpected end"},
		{`{"id":"h-1","id":"h-2",`, `"h-2"`, "the line is not JSON: unexpected end"},
		{`{"id":7,`, `7`, "the line is not JSON: unexpected end"},
		{`{"id":7`, ``, "the line is not JSON: unexpected end"}, // or 71
		{`{"id":"h-1`, ``, "the line is not JSON: unexpected end"},
		{`{"id":"h\x"}`, ``, "the line is not JSON"},
		{`{"id":tru}`, ``, "the line is not JSON"},
		{`{"from":,"id":"h-1"}`, ``, "the line is not JSON"},
		{`{"a":{"id":"h-1"},`, ``, "the line is not JSON"},
		{`["id","h-1"]`, ``, "the line is not a JSON object"},
	} {
		got := c.ask(k.line)
		id := ""
		if k.id != "" {
			id = `"id":` + k.id + `,`
		}
		if !strings.HasPrefix(got, `{`+id+`"status":"rejected","code":"bad_request","error":"`+k.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s: %s", k.line, got)
		}
		answer, err := p.Submit(t.Context(), []byte(k.line)) // an operator's
		if err != nil || string(answer) != got+"\n" {
			t.Errorf("%s: %s to the operator, %v", k.line, answer, err)
		}
	}
	if got := c.ask(`{"id":null` + rest); got != `{"id":null,"status":"accepted","message_id":"1000"}` {
		t.Error(got)
	}
}

func TestAnAnswerIsALineThatItsReaderTakes(t *testing.T) {
	c := dial(t, openPort(t, &taking{}, nil))
	for _, k := range []struct {
		id     string
		echoed bool
	}{
		{`"` + strings.Repeat("i", 300) + `"`, true},
		{`"` + strings.Repeat("\xff", 300) + `"`, true},
		{`"` + strings.Repeat("\xff", 30_000) + `"`, false}, // three octets each
		{`[` + strings.Repeat("1,", 30_000) + `1]`, true},
		{`[` + strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000) + `]`, false},
	} {
		got := c.ask(`{"id":` + k.id + `}`)
		if !json.Valid([]byte(got)) || len(got) > maxLine || strings.HasPrefix(got, `{"id":`) != k.echoed {
			t.Errorf("%.20s…: %.100s", k.id, got)
		}
	}
}

func TestWhatCanNeverBeSentIsABadRequest(t *testing.T) {
	q := &taking{}
	p := openPort(t, q, nil)
	const line = `{"id":"h-1","from":"3600","to":"33612345678","text":"unfit"}`
	want := `{"id":"h-1","status":"rejected","code":"bad_request","error":"text: does not fit in 255 parts for client admin"}`
	if got := dial(t, p).ask(line); got != want {
		t.Error(got)
	}
	if got, err := p.Submit(t.Context(), []byte(line)); err != nil || string(got) != want+"\n" {
		t.Errorf("to the operator: %s, %v", got, err)
	}
	if len(q.taken) > 0 {
		t.Error("it was taken")
	}
}
