package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"hnetsmpp/pkg/tomlstrict"
)

const shipped = "../../config.toml"

func TestShippedFileIsTheDefaultsAndWhatAFileMustSay(t *testing.T) {
	got, err := Load(shipped)
	if err != nil {
		t.Fatal(err)
	}
	want := valid()
	want.resolvePaths(filepath.Dir(shipped))
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("config.toml differs:\ngot  %+v\nwant %+v", *got, want)
	}
}

func TestShippedFileShowsEveryKeyWithAComment(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if _, err := toml.Decode(string(data), &tree); err != nil {
		t.Fatal(err)
	}
	doc, err := tomlstrict.Read(data, new(Config), tomlstrict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range schemaKeys("", reflect.TypeFor[Config]()) {
		if strings.HasPrefix(key, "admin.users.") || strings.HasPrefix(key, "distribution_lists") || strings.HasPrefix(key, "alerts") {
			continue // the default has none; a comment shows one
		}
		if !has(tree, strings.Split(key, ".")) {
			t.Errorf("%s is not in config.toml", key)
			continue
		}
		if rest, ok := strings.CutPrefix(key, "clients."); ok {
			key = "clients[0]." + rest
		}
		doc.Add(Problem{Key: key}) // for its line
	}
	var keys *Error
	if !errors.As(doc.Err(), &keys) {
		t.Fatal("the file has no keys")
	}
	lines := strings.Split(string(data), "\n")
	for _, key := range keys.Problems {
		// Neighbours may share a comment, but no key stands in a block without one.
		line := key.Line - 1
		for line > 0 && lines[line] != "" && !strings.HasPrefix(lines[line], "#") {
			line--
		}
		if !strings.HasPrefix(lines[line], "#") {
			t.Errorf("%s (line %d) has no comment", key.Key, key.Line)
		}
	}
}

// schemaKeys is the path of every key and table below path, arrays without their index.
func schemaKeys(path string, t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		key := tomlstrict.Join(path, t.Field(i).Tag.Get("toml"))
		keys = append(keys, key)
		inner := t.Field(i).Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			keys = append(keys, schemaKeys(key, inner)...)
		}
	}
	return keys
}

func TestExamplesInTheShippedFileWorkWithoutTheirHash(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^#([^ \r\n])`).ReplaceAllString(string(data), "$1")
	got, err := parse(shipped, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.DistributionLists) != 1 || len(got.Alerts) != 1 || len(got.CannedMessages) != 1 || len(got.ServiceTypes) != 1 {
		t.Errorf("got %+v, %v, %v", got.DistributionLists, got.CannedMessages, got.ServiceTypes)
	}
}

func has(tree map[string]any, path []string) bool {
	value, ok := tree[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	if list, ok := value.([]map[string]any); ok {
		value = list[0]
	}
	inner, ok := value.(map[string]any)
	return ok && has(inner, path[1:])
}

func TestAFileMustNameItsClientsAndItsHermes(t *testing.T) {
	const (
		client = "[[clients]]\nsystem_id = 'a'\npassword = 'b'\n"
		url    = "[hermes]\nurl = 'https://hermes.example.com/'\n"

		noClients  = "clients: is not set, and has no default: nobody could bind; add a [[clients]] table with system_id and password"
		noURL      = `hermes.url: is not set, and has no default; give the URL of Hermès, or "simulator" for a stand-in that reaches nobody`
		noSystemID = "clients[0].system_id: is missing"
		noPassword = "clients[0].password: is missing"
	)
	for text, want := range map[string][]string{
		"":                                      {noClients, noURL},
		" \r\n\t\n":                             {noClients, noURL},
		"# mode = 'vocalcom'\n":                 {noClients, noURL},
		"\xef\xbb\xbf":                          {noClients, noURL},
		"mode = 'vocalcom'":                     {noClients, noURL},
		"mode = 'opportunity'":                  {noClients},
		client:                                  {noURL},
		client + "[hermes]":                     {noURL},
		client + "[hermes]\nurl = ''":           {noURL},
		url:                                     {noClients},
		url + "[[clients]]":                     {noPassword, noSystemID},
		url + "[[clients]]\nsystem_id = 'a'":    {noPassword},
		"clients = []\n" + url:                  {noClients},
		client + url:                            nil,
		"mode = 'opportunity'\n" + client:       nil,
		client + "[hermes]\nurl='simulator'":    nil,
		"mode = 'opportunity'\n" + client + url: nil,
	} {
		f, err := parseFile("config.toml", []byte(text))
		var got []string
		if fault, ok := errors.AsType[*Error](err); ok {
			for _, p := range fault.Problems {
				got = append(got, p.Key+": "+p.Text)
			}
		}
		if !slices.Equal(got, want) || (f.Config == nil) != (want != nil) {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestNoClientAndNoStandInIsADefault(t *testing.T) {
	if cfg := Default(); cfg.Clients != nil || cfg.Hermes.URL != "" || cfg.UsesStandIn() || cfg.Validate() == nil {
		t.Errorf("got %+v", cfg)
	}
	if c := DefaultClient(); c.SystemID != "" || c.Password != "" {
		t.Errorf("got %+v", c)
	}
}

func TestAFileThatSaysWhatItMustHasTheDefaults(t *testing.T) {
	got, err := parse("/x/config.toml", []byte("[[clients]]\nsystem_id = 'admin'\npassword = 'vocalcom'\n[hermes]\nurl = 'simulator'"))
	if err != nil {
		t.Fatal(err)
	}
	want := valid()
	want.resolvePaths("/x")
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v", *got)
	}
}
