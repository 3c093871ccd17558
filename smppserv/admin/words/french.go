package words

import (
	"strings"

	"hnetsmpp/pkg/adminapi"
)

// catalogs are the words of each language, by the English. A value with a bar in it has a singular and a plural.
var catalogs = map[Language][]map[string]string{
	English: {englishCounts, englishOfServer()},
	French:  {frenchPage, frenchNames, frenchTalk, frenchServer, frenchNodes, frenchErase},
}

// englishOfServer are the formats of the server whose English depends on a count.
func englishOfServer() map[string]string {
	all := adminapi.Singulars()
	for several, one := range all {
		all[several] = one + "|" + several
	}
	return all
}

// englishCounts are those of the page.
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
	"%d key waits for a restart": "%d key waits for a restart|%d keys wait for a restart",
	"%d worker shares the store": "%d worker shares the store|%d workers share the store",
	"after %d try in %s":         "after %d try in %s|after %d tries in %s",
}

// thin puts the spaces of French punctuation, which do not break.
var thin = strings.NewReplacer(" :", narrow+":", " ;", narrow+";", " ?", narrow+"?", " !", narrow+"!", "« ", "«"+narrow, " »", narrow+"»", "'", "’")
