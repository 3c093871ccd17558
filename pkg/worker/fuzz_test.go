package worker

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzEvents holds that whatever a worker writes to its stdout, in whatever pieces, nothing of it is lost, no line is kept
// beyond its bound, and an event is what JSON says that it is.
func FuzzEvents(f *testing.F) {
	for _, text := range []string{"{\"event\":\"ready\",\"pid\":7}\n", "{\"event\":\"alive\"}\n{\"event\":", "panic: x\n\ngoroutine 1\n", "{\"event\":7}\n", "{\"EVENT\":\"ready\",\"pid\":\"x\"}\n", "\n\n\r\n", "\xff\x00"} {
		f.Add([]byte(text), uint16(3))
		f.Add(bytes.Repeat([]byte(text), 9000), uint16(40000))
	}
	f.Fuzz(func(t *testing.T, text []byte, piece uint16) {
		var got []byte
		l := lines{each: func(line []byte) {
			got = append(got, line...)
			if len(line) > maxLine+int(piece)+1 {
				t.Fatalf("a line of %d octets", len(line))
			}
			e, ok := ParseEvent(line)
			var said struct{ Event string }
			if is := json.Unmarshal(line, &said) == nil && said.Event != ""; ok && (!is || e.Kind != said.Event) || is && !ok && said.Event != EventReady {
				t.Fatalf("%q: %+v, %v", line, e, ok)
			}
		}}
		for part := range bytes.Lines(text) {
			for len(part) > 0 {
				n := min(len(part), int(piece)+1)
				if _, err := l.Write(part[:n]); err != nil {
					t.Fatal(err)
				}
				part = part[n:]
				if len(l.rest) > maxLine+int(piece)+1 {
					t.Fatalf("%d octets are kept", len(l.rest))
				}
			}
		}
		l.flush()
		if want := bytes.ReplaceAll(text, []byte("\n"), nil); !bytes.Equal(got, want) {
			t.Fatalf("%q came out as %q", want, got)
		}
	})
}
