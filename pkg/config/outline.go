package config

import (
	"fmt"
	"slices"
	"strings"

	"hnetsmpp/pkg/tomlstrict"
)

// Outline is a file without its values: enough to see that a later one has lost its end.
type Outline struct {
	Keys []string `json:"keys"` // names, in the file's order
	Open bool     `json:"open"` // the last one's value ends the file, and may be the beginning of a longer one
	// Empty tells that it is "", which is a beginning of """text""" and is as open as that.
	Empty bool `json:"empty"`
}

// Lost is what o has lost, compared with what was in force before: the keys behind its last one, or the rest of the last
// one's value. nil = it has not lost its end.
func (o Outline) Lost(before Outline) []string {
	n := len(o.Keys)
	switch {
	case n > len(before.Keys) || !slices.Equal(o.Keys, before.Keys[:n]):
		return nil
	case n < len(before.Keys):
		return before.Keys[n:]
	case n > 0 && (o.Open && !before.Open || o.Empty && !before.Empty):
		return []string{restOf(o.Keys[n-1])}
	}
	return nil
}

// LostAmid is Lost also for a file that has gained keys, as one that is still being written: it has all keys up to one, and
// misses what stood behind that. Where others are missing too it is another file. An element that came before others gives
// them other numbers, and loses nothing.
func (o Outline) LostAmid(before Outline) (lost []string) {
	if lost = o.Lost(before); lost != nil {
		return lost
	}
	at := make(map[string]int, len(before.Keys))
	for i, key := range before.Keys {
		at[key] = i
	}
	last := -1
	has := map[string]int{}
	for _, key := range o.Keys {
		if i, ok := at[key]; ok {
			last = max(last, i)
		}
		has[tomlstrict.WithoutIndexes(key)]++
	}
	if last < 0 {
		return nil
	}
	for _, key := range before.Keys[:last+1] {
		name := tomlstrict.WithoutIndexes(key)
		if has[name]--; has[name] < 0 {
			return nil
		}
	}
	for _, key := range before.Keys[last+1:] {
		switch name := tomlstrict.WithoutIndexes(key); {
		case has[name] > 0:
			has[name]--
		case !slices.Contains(o.Keys, sister(key)):
			lost = append(lost, key)
		}
	}
	if end := o.Keys[len(o.Keys)-1]; lost == nil && o.Open && !before.Open && slices.Contains(before.Keys, end) {
		lost = []string{restOf(end)}
	}
	return lost
}

// sister is the key that may stand in the place of this one: a secret itself, or the file that it is in.
func sister(key string) string {
	if of, ok := strings.CutSuffix(key, "_file"); ok {
		return of
	}
	return key + "_file"
}

func restOf(key string) string { return "the rest of " + key }

// maxNamed bounds how many lost keys an error names.
const maxNamed = 5

// LostEnd is the fault of a file that has lost these. accept is the command that takes the file as it is, "" where there is none.
func (f *File) LostEnd(lost []string, accept string) Problem {
	names := strings.Join(lost[:min(len(lost), maxNamed)], ", ")
	if more := len(lost) - maxNamed; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	text := "the file has lost its end: missing " + names + ", as last in force; put it back"
	if len(lost) == 0 {
		text = "the file has lost its end: it is the beginning of what was last in force; put the rest back"
	}
	if accept != "" {
		text += ", or take the file as it is with: " + accept
	}
	return Problem{File: f.Path, Line: max(1, f.lines), Text: text}
}
