package adminapi

import "maps"

// singulars are what the server says of one thing, by what it says of several.
var singulars = map[string]string{
	"%d messages are for %s now": "%d message is for %s now",
	"%d messages are for %s now; %d more are being tried: do it again when their tries are over": "%d message is for %s now; %d more are being tried: do it again when their tries are over",
	"%d messages wait for %s, which config.toml does not have":                                   "%d message waits for %s, which config.toml does not have",
	"%d messages wait for %s, which is disabled":                                                 "%d message waits for %s, which is disabled",
	"%s is paused by %s; %d messages wait for it":                                                "%s is paused by %s; %d message waits for it",
	"%d messages wait for %s: %s":                                                                "%d message waits for %s: %s",
	"%d more clients do not take what waits for them":                                            "%d more client does not take what waits for it",
	"listening on %s; %d of %d clients are bound":                                                "listening on %s; %d of %d clients is bound",
	"listening on %s; %d connections":                                                            "listening on %s; %d connection",
	"of the node %s, %d recipients with less that waits are left out":                            "of the node %s, %d recipient with less that waits is left out",
	"%d more of the node %s are left out: ask that node for them":                                "%d more of the node %s is left out: ask that node for it",
	"a test notice went to %d receivers":                                                         "a test notice went to %d receiver",
	"they take their turns; %d are on their way":                                                 "they take their turns; %d is on its way",
	"the database refuses the final states of %d messages":                                       "the database refuses the final state of %d message",
	"listening on %s; %d connections; a line from %s at %s was refused (%s): %s":                 "listening on %s; %d connection; a line from %s at %s was refused (%s): %s",
}

// Singulars are the formats of a Text whose English depends on its first count, with what it is for one.
func Singulars() map[string]string { return maps.Clone(singulars) }

// counted is the format that fits the first count of the arguments.
func (t Text) counted() string {
	one, ok := singulars[t.Format]
	if !ok {
		return t.Format
	}
	for _, arg := range t.Args {
		switch arg {
		case 1, int64(1):
			return one
		}
		switch arg.(type) {
		case int, int64:
			return t.Format
		}
	}
	return t.Format
}
