package dotnet

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hnetsmpp/pkg/config"
)

func FuzzImportConfig(f *testing.F) {
	sample, err := os.ReadFile(oldSample)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Add([]byte(`<configuration><appSettings/></configuration>`))
	f.Add([]byte(`<?xml version="1.0" encoding="windows-1252"?><appSettings file="a&#10;b"><add key="Mode" value="x"/><add key="&#x7f;" value="pwd=1"/></appSettings>`))
	f.Add([]byte("\xff\xfe<\x00a\x00/\x00>\x00"))
	for _, k := range oldKeys {
		for _, value := range []string{"", "0", "-1", "8346", "18182", "1.23:59:59.9", "99999999999", "port=1;cert=a;key=b", "$2a$10$", "http://h", "&quot;\\&#10;", "*"} {
			f.Add(fmt.Appendf(nil, `<configuration><appSettings><add key="%s" value="%s"/></appSettings><x/></configuration>`, k.Name, value))
		}
	}
	fuzzImport(f, func(data []byte) []byte { return data })
}

// FuzzImportSettings changes one value and leaves the XML around it whole.
func FuzzImportSettings(f *testing.F) {
	for i := range oldKeys {
		for _, value := range []string{"", "0", "-1", "8346", "1.23:59:59.9", "99999999999", "port=1;cert=a;key=b", "$2a$10$", "http://h", "\"\\\n\u202e", "*"} {
			f.Add(append([]byte{byte(i)}, value...))
		}
	}
	fuzzImport(f, func(data []byte) []byte {
		name, value := "Another", ""
		if len(data) > 0 {
			value = string(data[1:])
			if i := int(data[0]); i < len(oldKeys) {
				name = oldKeys[i].Name
			}
		}
		var b bytes.Buffer
		b.WriteString(`<configuration><appSettings><add key="` + name + `" value="`)
		if err := xml.EscapeText(&b, []byte(value)); err != nil {
			return nil
		}
		b.WriteString(`"/></appSettings></configuration>`)
		return b.Bytes()
	})
}

// fuzzImport holds that config.Load accepts what comes of any old file that is not refused.
func fuzzImport(f *testing.F, file func(data []byte) []byte) {
	path := filepath.Join(f.TempDir(), config.FileName)
	f.Fuzz(func(t *testing.T, data []byte) {
		old := file(data)
		result, err := Import("old\n.config", old, accept)
		if err != nil {
			if strings.Contains(err.Error(), "makes a configuration that is not valid") {
				t.Errorf("%q: %v", old, err)
			}
			return
		}
		if err := os.WriteFile(path, []byte(result.TOML), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path); err != nil {
			t.Errorf("%q: %v\n%s", old, err, result.TOML)
		}
	})
}
