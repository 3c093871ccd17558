package tomlstrict

import (
	"fmt"
	"reflect"
	"time"
)

// binder lays a decoded TOML tree over a struct that holds the defaults. The
// TOML library can do that too, but stops at the first wrong type and gives no
// line for an unknown key.
type binder struct {
	problems []Problem
	schema   []string                               // every key there is, see schemaKeys
	text     func(key, text string) (string, error) // may be nil
}

func bind(target any, tree map[string]any, text func(key, text string) (string, error)) []Problem {
	v := reflect.ValueOf(target).Elem()
	b := &binder{schema: schemaKeys(v.Type()), text: text}
	b.value("", v, tree)
	return b.problems
}

func (b *binder) add(key, format string, args ...any) {
	b.problems = append(b.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}

// A Setter reads its value by itself: one that is text, or else a number. The pointer to the field is one.
type Setter interface{ SetValue(value any) error }

// value never quotes what it found: it may be a password.
func (b *binder) value(path string, target reflect.Value, value any) {
	if text, ok := value.(string); ok && b.text != nil {
		var err error
		if value, err = b.text(path, text); err != nil {
			b.add(path, "%s", err)
			return
		}
	}
	if s, ok := target.Addr().Interface().(Setter); ok {
		if err := s.SetValue(value); err != nil {
			b.add(path, "%s", err)
		}
		return
	}
	switch target.Type() {
	case reflect.TypeFor[time.Duration]():
		b.duration(path, target, value)
		return
	case reflect.TypeFor[map[string]string]():
		b.textMap(path, target, value)
		return
	}
	switch target.Kind() {
	case reflect.String:
		if v, ok := value.(string); ok {
			target.SetString(v)
		} else {
			b.add(path, `must be text in quotes, not %s`, kindOf(value))
		}
	case reflect.Bool:
		if v, ok := value.(bool); ok {
			target.SetBool(v)
		} else {
			b.add(path, "must be true or false without quotes, not %s", kindOf(value))
		}
	case reflect.Int:
		v, ok := value.(int64)
		switch {
		case !ok:
			b.add(path, "must be a whole number without quotes, not %s", kindOf(value))
		case int64(int(v)) != v:
			b.add(path, "is too large a number")
		default:
			target.SetInt(v)
		}
	case reflect.Struct:
		if v, ok := value.(map[string]any); ok {
			b.table(path, target, v)
		} else {
			b.add(path, "must be a table, as in [%s], not %s", path, kindOf(value))
		}
	case reflect.Slice:
		b.list(path, target, value)
	default:
		b.add(path, "is of a type that this program cannot read: %s", target.Type())
	}
}

func (b *binder) duration(path string, target reflect.Value, value any) {
	text, ok := value.(string)
	if !ok {
		b.add(path, `must be a duration in quotes with its unit, such as "30s", "10m" or "250ms", not %s`, kindOf(value))
		return
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		b.add(path, `%q is not a duration; write a number with its unit, such as "30s", "10m" or "250ms"`, text)
		return
	}
	target.SetInt(int64(d))
}

func (b *binder) table(path string, target reflect.Value, tree map[string]any) {
	fields := target.Type()
	for name, value := range tree {
		i := fieldNamed(fields, name)
		if i < 0 {
			b.unknown(path, name)
			continue
		}
		b.value(Join(path, name), target.Field(i), value)
	}
	for i := range fields.NumField() {
		field := fields.Field(i)
		name := field.Tag.Get("toml")
		if _, ok := tree[name]; !ok && field.Tag.Get("required") != "" {
			if _, ok := tree[field.Tag.Get("or")]; !ok {
				b.add(Join(path, name), "is missing")
			}
		}
	}
}

func fieldNamed(fields reflect.Type, name string) int {
	for i := range fields.NumField() {
		if tag := fields.Field(i).Tag.Get("toml"); tag == name && tag != "" {
			return i
		}
	}
	return -1
}

func (b *binder) textMap(path string, target reflect.Value, value any) {
	tree, ok := value.(map[string]any)
	if !ok {
		b.add(path, "must be a table, as in [%s], not %s", WithoutIndexes(path), kindOf(value))
		return
	}
	result := map[string]string{}
	for name, v := range tree {
		var text string
		b.value(Join(path, name), reflect.ValueOf(&text).Elem(), v)
		result[name] = text
	}
	if len(result) > 0 {
		target.Set(reflect.ValueOf(result))
	}
}

// A Defaulter is an element of a list that starts from more than zeros. The
// pointer to the element is one.
type Defaulter interface{ SetDefaults() }

// list replaces the default list; it is not appended to.
func (b *binder) list(path string, target reflect.Value, value any) {
	var elements []any
	switch v := value.(type) {
	case []any:
		elements = v
	case []map[string]any:
		for _, tree := range v {
			elements = append(elements, tree)
		}
	case map[string]any:
		b.add(path, "is a list of tables: write [[%s]] with double brackets, once per entry", path)
		return
	default:
		b.add(path, "must be a list in square brackets, not %s", kindOf(value))
		return
	}
	if len(elements) == 0 {
		target.SetZero()
		return
	}
	result := reflect.MakeSlice(target.Type(), len(elements), len(elements))
	for i, element := range elements {
		if d, ok := result.Index(i).Addr().Interface().(Defaulter); ok {
			d.SetDefaults()
		}
		b.value(Index(path, i), result.Index(i), element)
	}
	target.Set(result)
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "text in quotes"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case []any, []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return "a date or time"
	}
}
