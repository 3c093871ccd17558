package config

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hnetsmpp/pkg/tomlstrict"
)

// Value is what one key of a configuration is, and where that comes from.
type Value struct {
	Key       string   // clients are told apart by their system_id, as in clients[acme].password
	Text      string   // as config.toml would have it, without quotes around a single text and the secrets of a URL; "" of a secret
	Secret    bool     // it is not shown
	Line      int      // of config.toml, 0 = it says nothing: the default
	Variables []string // of the environment, whose values the text has
	File      string   // that the value was read from, "" = none
	Live      bool     // a change takes effect without a restart
}

// FromDefault is the Source of what no file says.
const FromDefault = "default"

// Source is where the value comes from: "config.toml:12", "default", "${NAME}", or the file that a …_file key names.
func (v *Value) Source() string {
	switch {
	case v.File != "":
		return v.File
	case len(v.Variables) > 0:
		return "${" + strings.Join(v.Variables, "}, ${") + "}"
	case v.Line > 0:
		return FileName + ":" + strconv.Itoa(v.Line)
	}
	return FromDefault
}

// Values are all keys that a file may have once, and those of its lists and tables, in the order of the schema. f must have no fault.
func (f *File) Values() []Value {
	if f.Config == nil || f.doc == nil {
		return nil
	}
	v := valuer{file: f, lines: f.doc.KeyLines(), secrets: map[string]secret{}}
	for _, s := range f.Config.secrets() {
		v.secrets[s.key] = s
	}
	v.table("", "", reflect.ValueOf(*f.Config))
	return v.all
}

type valuer struct {
	file    *File
	lines   map[string]int
	secrets map[string]secret
	all     []Value
}

// table lists the keys of a table. shown is the path as an operator reads it, path as the file has it.
func (v *valuer) table(path, shown string, table reflect.Value) {
	for i := range table.NumField() {
		name := table.Type().Field(i).Tag.Get("toml")
		v.value(tomlstrict.Join(path, name), tomlstrict.Join(shown, name), table.Field(i))
	}
}

func (v *valuer) value(path, shown string, value reflect.Value) {
	switch {
	case value.Kind() == reflect.Struct:
		v.table(path, shown, value)
	case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
		for i := range value.Len() {
			element, name := value.Index(i), tomlstrict.Index(shown, i)
			if client, ok := element.Interface().(Client); ok {
				name = shown + "[" + client.SystemID + "]"
			}
			v.table(tomlstrict.Index(path, i), name, element)
		}
	case value.Type() == reflect.TypeFor[map[string]string]():
		texts := value.Interface().(map[string]string)
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			v.value(tomlstrict.Join(path, name), tomlstrict.Join(shown, name), reflect.ValueOf(texts[name]))
		}
	default:
		v.all = append(v.all, v.one(path, shown, value))
	}
}

func (v *valuer) one(path, shown string, value reflect.Value) Value {
	one := Value{Key: shown, Secret: isSecret(path), Line: v.lines[path], Live: isLive(shown), Variables: v.file.variables[path]}
	if s, ok := v.secrets[path]; ok && *s.file != "" {
		one.File, one.Line = *s.file, v.lines[path+"_file"]
	}
	if name, ok := strings.CutPrefix(path, "hermes.request.headers."); ok {
		for header, file := range v.file.Config.Hermes.Request.HeadersFile {
			if tomlstrict.Join("hermes.request.headers", header) == "hermes.request.headers."+name {
				one.File, one.Line = file, v.lines[tomlstrict.Join("hermes.request.headers_file", header)]
			}
		}
	}
	if path == "store.dsn" && (one.File != "" || len(one.Variables) > 0 || v.file.Config.Store.Driver != "sqlite") {
		one.Secret = true // it may hold a password
	}
	if path == "admin.users" || strings.HasPrefix(path, "admin.users[") {
		one.Live = len(v.file.Config.Admin.Users) > 0
	}
	if !one.Secret {
		one.Text = written(value)
	}
	if path == "hermes.url" || path == "hermes.status_url" {
		one.Text = withoutSecrets(one.Text)
	}
	return one
}

// withoutSecrets is a URL without its password and what stands behind its ?, where keys may be.
func withoutSecrets(text string) string {
	const hidden = "•••"
	u, err := url.Parse(text)
	if err != nil {
		return hidden
	}
	head, _, asks := strings.Cut(text, "?")
	if asks {
		text = head + "?" + hidden
	}
	if _, has := u.User.Password(); has {
		if at := strings.LastIndex(head, "@"); at >= 0 {
			text = u.Scheme + "://" + u.User.Username() + ":" + hidden + text[at:]
		}
	}
	return text
}

// written is a value as the file would have it.
func written(value reflect.Value) string {
	switch x := value.Interface().(type) {
	case time.Duration:
		return shortDuration(x)
	case string:
		return x
	}
	if value.Kind() == reflect.Slice {
		all := make([]string, value.Len())
		for i := range all {
			if all[i] = written(value.Index(i)); value.Index(i).Kind() == reflect.String || value.Type().Elem() == reflect.TypeFor[time.Duration]() {
				all[i] = strconv.Quote(all[i])
			}
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	return fmt.Sprint(value.Interface())
}

// shortDuration leaves out the units that are zero at the end: 10m, not 10m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
