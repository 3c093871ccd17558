package words

import "strings"

// catalogs are the words of each language, by the English. A value with a bar in it has a singular and a plural.
var catalogs = map[Language][]map[string]string{
	English: {englishCounts},
	French:  {frenchPage, frenchNames, frenchTalk, frenchServer},
}

// englishCounts are the formats whose English depends on a count.
var englishCounts = map[string]string{
	"%d key waits for a restart:":                                                 "%d key waits for a restart:|%d keys wait for a restart:",
	"%d message that waits for %s goes to %s instead.":                            "%d message that waits for %s goes to %s instead.|%d messages that wait for %s go to %s instead.",
	"%d message on it that the client has not answered yet is tried again later.": "%d message on it that the client has not answered yet is tried again later.|%d messages on it that the client has not answered yet are tried again later.",
	"%d octet":                     "%d octet|%d octets",
	"%d of %d is bound":            "%d of %d is bound|%d of %d are bound",
	"%d receipt":                   "%d receipt|%d receipts",
	"%d session is being unbound.": "%d session is being unbound.|%d sessions are being unbound.",
	"%d session of %s is unbound, with a word to the client (unbind).": "%d session of %s is unbound, with a word to the client (unbind).|%d sessions of %s are unbound, with a word to the client (unbind).",
	"%d text":                    "%d text|%d texts",
	"%d messages are for %s now": "%d message is for %s now|%d messages are for %s now",
	"%d messages are for %s now; %d more are being tried: do it again when their tries are over": "%d message is for %s now; %d more are being tried: do it again when their tries are over|%d messages are for %s now; %d more are being tried: do it again when their tries are over",
	"%d messages wait for %s, which config.toml does not have":                                   "%d message waits for %s, which config.toml does not have|%d messages wait for %s, which config.toml does not have",
	"%d messages wait for %s, which is disabled":                                                 "%d message waits for %s, which is disabled|%d messages wait for %s, which is disabled",
	"%s is paused by %s; %d messages wait for it":                                                "%s is paused by %s; %d message waits for it|%s is paused by %s; %d messages wait for it",
	"%d messages wait for %s: %s":                                                                "%d message waits for %s: %s|%d messages wait for %s: %s",
	"%d more clients do not take what waits for them":                                            "%d more client does not take what waits for it|%d more clients do not take what waits for them",
	"listening on %s; %d of %d clients are bound":                                                "listening on %s; %d of %d clients is bound|listening on %s; %d of %d clients are bound",
	"listening on %s; %d connections":                                                            "listening on %s; %d connection|listening on %s; %d connections",
	"a test notice went to %d receivers":                                                         "a test notice went to %d receiver|a test notice went to %d receivers",
	"they take their turns; %d are on their way":                                                 "they take their turns; %d is on its way|they take their turns; %d are on their way",
	"the database refuses the final states of %d messages":                                       "the database refuses the final state of %d message|the database refuses the final states of %d messages",
	"listening on %s; %d connections; a line from %s at %s was refused (%s): %s":                 "listening on %s; %d connection; a line from %s at %s was refused (%s): %s|listening on %s; %d connections; a line from %s at %s was refused (%s): %s",
	"%d key waits for a restart":                                                                 "%d key waits for a restart|%d keys wait for a restart",
	"%d worker shares the store":                                                                 "%d worker shares the store|%d workers share the store",
	"after %d try in %s":                                                                         "after %d try in %s|after %d tries in %s",
}

// thin puts the spaces of French punctuation, which do not break.
var thin = strings.NewReplacer(" :", narrow+":", " ;", narrow+";", " ?", narrow+"?", " !", narrow+"!", "« ", "«"+narrow, " »", narrow+"»", "'", "’")
