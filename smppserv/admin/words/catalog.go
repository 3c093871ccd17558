package words

import (
	"maps"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message/catalog"
)

var tags = map[Language]language.Tag{English: language.English, French: language.French}

// built is made when somebody reads something, and never changed then.
var built = sync.OnceValue(build)

// entries is a language's catalog, by the English.
func entries(l Language) map[string]string {
	all := map[string]string{}
	for _, part := range catalogs[l] {
		maps.Copy(all, part)
	}
	return all
}

// Has tells whether a language has its words for an English format. English has them all.
func Has(l Language, format string) bool {
	if l == English || !hasLetters(format) {
		return true
	}
	for _, part := range catalogs[l] {
		if _, ok := part[format]; ok {
			return true
		}
	}
	return false
}

// Keys are the formats that a language has words for.
func Keys(l Language) (keys []string) {
	for key := range entries(l) {
		keys = append(keys, key)
	}
	return keys
}

var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0]*[\d.*]*[a-zA-Z]`)

// hasLetters tells whether a format says anything itself.
func hasLetters(format string) bool {
	return strings.ContainsFunc(verb.ReplaceAllString(format, ""), func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
}

// verbs are the letters of a format's verbs, in their order.
func verbs(format string) (all []byte) {
	for _, v := range verb.FindAllString(strings.ReplaceAll(format, "%%", ""), -1) {
		all = append(all, v[len(v)-1])
	}
	return all
}

func build() catalog.Catalog {
	b := catalog.NewBuilder(catalog.Fallback(language.English))
	for l := range catalogs {
		for key, value := range entries(l) {
			if l == French {
				value = thin.Replace(value)
			}
			one, other, counted := strings.Cut(value, "|")
			var err error
			if counted {
				err = b.Set(tags[l], key, plural.Selectf(counter(key), "%d", plural.One, one, plural.Other, other))
			} else {
				err = b.SetString(tags[l], key, value)
			}
			if err != nil {
				panic(err) // of what is written in this package
			}
		}
	}
	return b
}

// counter is the place of the argument that a format counts, from 1 on.
func counter(format string) int { return strings.IndexByte(string(verbs(format)), 'd') + 1 }
