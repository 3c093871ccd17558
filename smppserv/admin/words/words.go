// Package words is what operators read, in their language: sentences by their English, which is the key of each translation,
// with times, durations and numbers written as the language does it.
//
// A sentence with a count in it has a singular and a plural, divided by a bar: "%d message waits|%d messages wait".
package words

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"hnetsmpp/pkg/adminapi"
)

// Language is one of Languages.
type Language string

const (
	English Language = "en"
	French  Language = "fr"
)

// Languages are those that there are catalogs of, the first being the one of whoever wants none of them.
var Languages = []Language{English, French}

var matcher = language.NewMatcher([]language.Tag{language.English, language.French})

// Choose is the language that somebody chose, or else the one of Languages that suits an Accept-Language header best.
func Choose(chosen, accept string) Language {
	for _, l := range Languages {
		if chosen == string(l) {
			return l
		}
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return English
	}
	_, at, _ := matcher.Match(tags...)
	return Languages[at]
}

// Words writes for one reader. It is for one goroutine.
type Words struct {
	Lang    Language
	Zone    *time.Location
	Now     time.Time
	printer *message.Printer
}

// New makes a Words for who reads a language in a zone.
func New(l Language, zone *time.Location, now time.Time) *Words {
	return &Words{Lang: l, Zone: zone, Now: now.In(zone), printer: message.NewPrinter(tags[l], message.Catalog(built()))}
}

// T is a sentence by its English, which is a format of package fmt. An argument that is a time, a duration or a Text is written
// as the language does it, and a whole number is grouped: one that names something (a port, a session) is given as a string.
func (w *Words) T(format string, args ...any) string {
	filled := make([]any, len(args))
	for i, arg := range args {
		switch x := arg.(type) {
		case time.Time:
			filled[i] = w.Clock(x)
		case time.Duration:
			filled[i] = w.Duration(x)
		case adminapi.Size:
			filled[i] = w.Octets(int64(x))
		case adminapi.Text:
			filled[i] = w.Say(x)
		case error:
			filled[i] = x.Error()
		default:
			filled[i] = arg
		}
	}
	return w.grouped(w.printer.Sprintf(format, filled...))
}

// Say is what a Text says.
func (w *Words) Say(t adminapi.Text) string {
	if t.IsZero() {
		return ""
	}
	return w.T(t.Format, t.Args...)
}

// Sentence is what a Text says, beginning with a capital unless it begins with a name: what was filled in, or a file or key.
func (w *Words) Sentence(t adminapi.Text) string {
	said := w.Say(t)
	if first, _, _ := strings.Cut(said, " "); strings.HasPrefix(t.Format, "%") || strings.ContainsAny(first, "._") {
		return said
	}
	return capital(said)
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
