package tomlstrict

import (
	"reflect"
	"slices"
	"strings"
)

// schemaKeys is the path of every key and table, arrays without their index.
func schemaKeys(target reflect.Type) []string {
	var keys []string
	var walk func(path string, t reflect.Type)
	walk = func(path string, t reflect.Type) {
		for i := range t.NumField() {
			field := t.Field(i)
			name := field.Tag.Get("toml")
			if name == "" {
				continue
			}
			key := Join(path, name)
			keys = append(keys, key)
			inner := field.Type
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct {
				walk(key, inner)
			}
		}
	}
	walk("", target)
	return keys
}

// unknown reports a key that the schema does not have, with the nearest that it has.
func (b *binder) unknown(path, name string) {
	if len(b.schema) == 0 {
		b.add(Join(path, name), "unknown key")
		return
	}
	table := WithoutIndexes(path)
	best, bestScore := "", -1
	for _, key := range b.schema {
		parent := parentKey(key)
		score := unlikeness(plain(name), plain(strings.TrimPrefix(key[len(parent):], ".")))
		if parent != table {
			// A key of this very table is likelier meant; else one whose table looks like it.
			score += 35 + min(10, distance(table, parent))
		}
		if bestScore < 0 || score < bestScore {
			best, bestScore = key, score
		}
	}
	if parentKey(best) == table {
		best = strings.TrimPrefix(path+best[len(table):], ".")
	}
	b.add(Join(path, name), "unknown key; did you mean %s?", best)
}

// Nearest is the one of names, of which there is at least one, that name is likeliest meant for.
func Nearest(name string, names []string) string {
	return slices.MinFunc(names, func(a, b string) int { return unlikeness(plain(name), plain(a)) - unlikeness(plain(name), plain(b)) })
}

// unlikeness is 0 for the same name and 100 for nothing in common.
func unlikeness(a, b string) int {
	if len(a) > 2 && strings.HasPrefix(b, a) || len(b) > 2 && strings.HasPrefix(a, b) {
		return 10 * min(1, abs(len(a)-len(b)))
	}
	return 100 * distance(a, b) / max(1, len(a), len(b))
}

func abs(n int) int { return max(n, -n) }

// WithoutIndexes makes clients.password of clients[1].password.
func WithoutIndexes(path string) string {
	for {
		open := strings.LastIndexByte(path, '[')
		if open < 0 {
			return path
		}
		end := strings.IndexByte(path[open:], ']')
		if end < 0 {
			return path
		}
		path = path[:open] + path[open+end+1:]
	}
}

// plain makes ListenPort, listen-port and listen_port the same.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// distance counts the letters to insert, delete or replace between a and b.
func distance(a, b string) int {
	// A name that long is nobody's typing error.
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
