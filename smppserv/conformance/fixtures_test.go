package conformance

import "fmt"

const (
	accounts      = 500 // a0001…, one or more for each row
	owners        = 200 // b0001…, in the opportunity world
	accountSecret = "secret1"
)

// An account may bind. All have a system_id of five characters and a password of seven, like the list's vectors, and
// any two sessions.
type account struct {
	SystemID, Password string
	Number             string // that it owns; "" in the vocalcom world, where the accounts own all
}

// fixtures are accounts that are special. A row takes one with w.fixture(t, system_id), for itself until its end.
var fixtures = []map[string]any{
	{"system_id": "esme1"},
	{"system_id": "esme2"},
	{"system_id": "slow", "throttle_rate": slowRate},
	{"system_id": "small", "max_queued": 3},
	{"system_id": "hexid", "message_id_format": "hex"},
	{"system_id": "hexdl", "receipt_message_id_format": "hex"},
	{"system_id": "packd", "default_alphabet": "gsm7packed"},
	{"system_id": "latin", "default_alphabet": "latin1"},
	{"system_id": "split", "bind_policy": "split"},
	{"system_id": "bysar", "long_messages": "sar"},
	{"system_id": "bypay", "long_messages": "payload"},
	{"system_id": "old33", "interface_version": "3.3"},
	{"system_id": "old34", "interface_version": "3.4"},
	{"system_id": "txonly", "bind_types": []string{"transmitter"}},
	{"system_id": "disabled", "disabled": true},
	{"system_id": "typed", "system_type": "WWW"},
	{"system_id": "nopass", "password": ""},
	{"system_id": "sourced", "default_source": "3636"},
	{"system_id": "cmtonly", "service_types": []string{"", "CMT"}},
	{"system_id": "subonly", "operations": []string{"submit_sm"}},
	{"system_id": "nolists", "operations": []string{"submit_sm", "submit_multi", "data_sm", "query_sm", "cancel_sm", "replace_sm"}},
	{"system_id": "fifteen-letters", "password": "secret78"},
	{"system_id": "longpw", "password": "a-longer-password"},
	{"system_id": "burst", "throttle_rate": slowRate},
	// Add yours here: what it does not set is that of any other account. In the opportunity world it owns the
	// number 3000001 and so on, in this order, unless it sets "numbers".
}

const (
	cannedText = "canned text" // sm_default_msg_id 1
	listName   = "LIST1"       // of listMembers
	shutType   = "SHUT"        // a service_type that is out of service
	deniedType = "DENY"        // a service_type whose content is not allowed
)

// listMembers are the two numbers of LIST1. In the opportunity world they are those of esme1 and esme2.
func listMembers(mode string) []string {
	if mode == opportunityMode {
		return []string{fixtureNumber(0), fixtureNumber(1)}
	}
	return []string{"447700900101", "447700900201"}
}

// worldSettings are those of every world: timers short enough to be waited for.
func worldSettings(mode, hermesURL string) settings {
	return settings{
		"mode":                           mode,
		"clients":                        worldClients(mode),
		"distribution_lists":             []map[string]any{{"name": listName, "members": listMembers(mode)}},
		"canned_messages":                map[string]string{"1": cannedText},
		"service_types":                  map[string]string{shutType: "unavailable", deniedType: "denied"},
		"server.session_init_timeout":    "2s",
		"server.keep_alive_interval":     "2s",
		"server.response_timeout":        "2s",
		"server.inactivity_timeout":      "6s",
		"server.disconnect_after_logout": "1s",
		"server.failed_bind_delay":       "0s",
		"server.max_connections_per_ip":  10000,
		"server.window":                  5,
		"hermes.url":                     hermesURL,
		"hermes.retry":                   []string{"300ms"},
		"hermes.concurrency":             64, // some answers take 3 s
		"admin.listen":                   "",
		"log.level":                      "debug",
		"log.content":                    true,
	}
}

// worldClients are the accounts of every world. In the opportunity world each owns a number, since one that names none
// owns all. A private world may have more: settings{"clients": worldClients(vocalcomMode, map[string]any{…})}.
func worldClients(mode string, more ...map[string]any) []map[string]any {
	opportunity := mode == opportunityMode
	var list []map[string]any
	add := func(number string, changes map[string]any) {
		client := map[string]any{"password": accountSecret, "bind_policy": "pair"}
		if opportunity {
			client["numbers"] = []string{number}
		}
		for key, value := range changes {
			client[key] = value
		}
		list = append(list, client)
	}
	for i := range accounts {
		a := accountOf("a", i)
		add(a.Number, map[string]any{"system_id": a.SystemID})
	}
	if opportunity {
		for i := range owners {
			a := accountOf("b", i)
			add(a.Number, map[string]any{"system_id": a.SystemID})
		}
	}
	for i, f := range fixtures {
		add(fixtureNumber(i), f)
	}
	for i, m := range more {
		add(fixtureNumber(len(fixtures)+i), m)
	}
	return list
}

func accountOf(pool string, i int) account {
	first := map[string]int{"a": 1000001, "b": 2000001}[pool]
	return account{SystemID: fmt.Sprintf("%s%04d", pool, i+1), Password: accountSecret, Number: fmt.Sprint(first + i)}
}

func fixtureNumber(i int) string { return fmt.Sprint(3000001 + i) }
