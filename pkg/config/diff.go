package config

import (
	"reflect"
	"slices"
	"strings"

	"hnetsmpp/pkg/tomlstrict"
)

// liveKeys take effect without a restart, each with all that is below it.
func liveKeys() []string {
	return []string{
		"server.throttle_rate", "server.max_message_octets", "server.proxy_networks", "server.tls.cert_file", "server.tls.key_file", "server.tls.client_ca_file", "clients", "distribution_lists", "canned_messages", "service_types",
		"hermes", "tcp.allow", "tcp.token", "tcp.token_file", "tcp.tls.cert_file", "tcp.tls.key_file", "tcp.tls.client_ca_file", "alerts", "mail", "log",
	}
}

// Diff names the keys whose values differ: applied take effect at a reload,
// needRestart do not. Clients are told apart by their system_id, as in
// clients[acme].password; one that came or went is clients[acme].
func Diff(old, new *Config) (applied, needRestart []string) {
	var changed []string
	diffStruct("", reflect.ValueOf(*old), reflect.ValueOf(*new), &changed)
	for _, key := range changed {
		// Whether users are asked for at all is settled at the start.
		if isLive(key) || key == "admin.users" && len(old.Admin.Users) > 0 && len(new.Admin.Users) > 0 {
			applied = append(applied, key)
		} else {
			needRestart = append(needRestart, key)
		}
	}
	return applied, needRestart
}

func isLive(key string) bool {
	return slices.ContainsFunc(liveKeys(), func(live string) bool {
		rest, ok := strings.CutPrefix(key, live)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

func diffStruct(path string, old, new reflect.Value, changed *[]string) {
	for i := range old.NumField() {
		key := tomlstrict.Join(path, old.Type().Field(i).Tag.Get("toml"))
		a, b := old.Field(i), new.Field(i)
		switch {
		case a.Type() == reflect.TypeFor[[]Client]():
			diffClients(key, a.Interface().([]Client), b.Interface().([]Client), changed)
		case a.Kind() == reflect.Struct:
			diffStruct(key, a, b, changed)
		case !reflect.DeepEqual(a.Interface(), b.Interface()):
			*changed = append(*changed, key)
		}
	}
}

func diffClients(path string, old, new []Client, changed *[]string) {
	find := func(clients []Client, id string) *Client {
		for i := range clients {
			if clients[i].SystemID == id {
				return &clients[i]
			}
		}
		return nil
	}
	for _, a := range old {
		key := path + "[" + a.SystemID + "]"
		if b := find(new, a.SystemID); b != nil {
			diffStruct(key, reflect.ValueOf(a), reflect.ValueOf(*b), changed)
		} else {
			*changed = append(*changed, key)
		}
	}
	for _, b := range new {
		if find(old, b.SystemID) == nil {
			*changed = append(*changed, path+"["+b.SystemID+"]")
		}
	}
}
