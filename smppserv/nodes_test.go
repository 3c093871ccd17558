package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/commandline"
)

// asked is a command that asks a server, with what it writes.
func asked(t *testing.T, answers http.HandlerFunc, args ...string) (out, errs string, code int) {
	t.Helper()
	h := httptest.NewServer(answers)
	defer h.Close()
	var stdout, stderr bytes.Buffer
	code = smppserv(context.Background(), append(args, "--addr", h.URL), commandline.Console{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	return stdout.String(), stderr.String(), code
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Add(adminapi.LacksHeader, "the node c does not answer: what it alone knows is left out")
	_ = json.NewEncoder(w).Encode(v)
}

func wants(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

func TestTheCommandsShowNodesAndWhatAnAnswerLacks(t *testing.T) {
	nodes := []adminapi.Node{{Name: "a", Self: true, Leader: true, Epoch: 12, Lag: 400, Sessions: 4, Waiting: 52, Version: "2.0.0 (commit unknown, go1.26)", Parts: []adminapi.Part{{Name: adminapi.PartHermes, Level: adminapi.Bad}}},
		{Name: "c", Epoch: 11, Lag: 5000, Missing: adminapi.Say("it does not answer"), Differs: []string{"clients"}}}
	serve := func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.RequestURI() {
		case "GET /api/v1/nodes":
			answer(w, nodes)
		case "GET /api/v1/status":
			answer(w, adminapi.Status{Node: "a", Ready: true, Nodes: nodes, Load: adminapi.Load{Waiting: 1, Receipts: 1, Unwritten: 1}})
		case "GET /api/v1/sessions":
			answer(w, []adminapi.Session{{ID: 12, Node: "a", SystemID: "acme", State: "BOUND_TX"}, {ID: 12, Node: "b", SystemID: "acme", State: "BOUND_RX"}})
		case "GET /api/v1/waiting?by=recipient":
			answer(w, []adminapi.Waiting{{Recipient: "acme", Count: 7, Why: adminapi.Say("paused"), Nodes: []adminapi.WaitingAt{{Node: "b", Count: 6}, {Node: "a", Count: 1}}}})
		case "DELETE /api/v1/sessions/12?node=b":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.NotFound(w, r)
		}
	}
	const lacking = "the node c does not answer: what it alone knows is left out"
	out, errs, code := asked(t, serve, "nodes")
	wants(t, "nodes", out, "NODE", "EPOCH", "0.4 s ago", "5.0 s ago", "bad", "this one; leader", "it does not answer; config.toml is not as here: clients")
	if wants(t, "nodes", errs, lacking); code != 0 {
		t.Errorf("nodes ends with %d", code)
	}
	out, errs, _ = asked(t, serve, "status")
	if wants(t, "status", out, "EPOCH", "this one; leader", "1 (texts 0, receipts 1), 0 being tried; 1 outcomes"); strings.Contains(out, "oldest") {
		t.Errorf("status tells of an oldest one where none is known:\n%s", out)
	}
	wants(t, "status", errs, lacking)
	out, _, _ = asked(t, serve, "sessions")
	wants(t, "sessions", out, "NODE")
	out, errs, _ = asked(t, serve, "waiting", "--json")
	if wants(t, "waiting", errs, lacking); strings.Contains(out, lacking) || !json.Valid([]byte(out)) {
		t.Errorf("waiting --json: %s", out)
	}
	out, _, _ = asked(t, serve, "waiting")
	wants(t, "waiting", out, "paused (6 at b, 1 at a)")
	if out, _, code = asked(t, serve, "unbind", "12", "--node", "b"); code != 0 {
		t.Errorf("unbind: %d %s", code, out)
	}
}

func TestASessionOfOneNodeAloneHasNoNode(t *testing.T) {
	out, errs, _ := asked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode([]adminapi.Session{{ID: 12, SystemID: "acme"}})
	}, "sessions")
	if strings.Contains(out, "NODE") || errs != "" {
		t.Errorf("%s%s", out, errs)
	}
}
