package hermes

import (
	"bytes"
	"testing"
	"time"
)

// FuzzBuiltInBody holds the built-in body against a template that says the same, octet by octet.
func FuzzBuiltInBody(f *testing.F) {
	const text = `{"id":{{json .ID}},"from":{{json .From}},"to":{{json .To}},`
	const rest = `"receivedAt":{{json .ReceivedAt}},"client":{{json .Client}},"encoding":{{json .Encoding}},"parts":{{.Parts}},` +
		`"incomplete":{{.Incomplete}}{{if .PartIDs}},"partIds":{{json .PartIDs}}{{end}}}`
	ofText, err := parseBody(text + `"text":{{json .Text}},` + rest)
	if err != nil {
		f.Fatal(err)
	}
	ofData, err := parseBody(text + `"data":{{json .Data}},` + rest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("33612345678", "3600", "Bonjour, \"ceci\" est un\nmessage. €😀<&>\x00\xff", "admin", int64(1795428000007), uint8(1), false, false)
	f.Add("HNET", "", "aGk=", "c\\", int64(-1), uint8(3), true, true)
	f.Fuzz(func(t *testing.T, from, to, said, client string, at int64, parts uint8, incomplete, binary bool) {
		fields := Fields{ID: "1042", From: from, To: to, Client: client, Encoding: "gsm7", ReceivedAt: Time{time.UnixMilli(at % 250e12)},
			Parts: int(parts), Incomplete: incomplete}
		template := ofText
		if fields.Text = said; binary {
			fields.Text, fields.Data, template = "", said, ofData
		}
		for range parts % 4 {
			fields.PartIDs = append(fields.PartIDs, fields.ID)
		}
		var want bytes.Buffer
		if err := template.Execute(&want, &fields); err != nil {
			t.Fatal(err)
		}
		if got := appendPush(nil, &fields, binary); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s\nthe template says\n%s", got, want.Bytes())
		}
	})
}
