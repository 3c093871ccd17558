package config

import (
	"reflect"
	"slices"
	"testing"
)

func TestDiffSplitsLiveKeysFromThoseThatNeedARestart(t *testing.T) {
	a, b := valid(), valid()
	if applied, restart := Diff(&a, &b); len(applied)+len(restart) > 0 {
		t.Errorf("equal: got %v, %v", applied, restart)
	}
	b.Mode = ModeOpportunity
	b.Server.ThrottleRate = 5
	b.Server.Window = 5
	b.Server.MaxMessageOctets = 1000
	b.DistributionLists = []DistributionList{{"a", []string{"1"}}}
	b.CannedMessages = map[string]string{"1": "x"}
	b.ServiceTypes = map[string]string{"CMT": ServiceDenied}
	b.Server.TLS.ListenPort = 1
	b.Hermes.Request.Headers = map[string]string{"a": "b"}
	b.TCP.Allow = nil
	b.TCP.Token = "t"
	b.TCP.ListenPort = 9
	b.Log.Level = "debug"
	acme := DefaultClient()
	acme.SystemID = "acme"
	b.Clients[0].Password = "new"
	b.Clients[0].Disabled = true
	b.Clients[0].Operations = []string{"submit_sm"}
	b.Clients[0].Alphabets = map[string]string{"3": "utf8"}
	b.Clients = append([]Client{acme}, b.Clients...)
	applied, restart := Diff(&a, &b)
	if want := []string{"server.throttle_rate", "server.max_message_octets",
		"clients[admin].password", "clients[admin].disabled", "clients[admin].operations", "clients[admin].alphabets", "clients[acme]",
		"distribution_lists", "canned_messages", "service_types",
		"hermes.request.headers", "tcp.allow", "tcp.token", "log.level"}; !reflect.DeepEqual(applied, want) {
		t.Errorf("applied %v\nwant    %v", applied, want)
	}
	if want := []string{"mode", "server.window", "server.tls.listen_port", "tcp.listen_port"}; !reflect.DeepEqual(restart, want) {
		t.Errorf("restart %v\nwant    %v", restart, want)
	}
	if applied, _ := Diff(&b, &a); !slices.Contains(applied, "clients[acme]") {
		t.Errorf("a client that went: got %v", applied)
	}
}
