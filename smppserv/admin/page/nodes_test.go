package page_test

import (
	"net/http"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
)

// wantWords looks for what a view must say.
func wantWords(t *testing.T, path, body string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(body, w) {
			t.Errorf("%s does not say %q", path, w)
		}
	}
}

func TestThreeNodesAreShownWithWhatOneDoesNotSay(t *testing.T) {
	fake, h := made(t, claire)
	if body := get(t, h, "/").Body.String(); strings.Contains(body, `href="/nodes"`) {
		t.Error("one node alone has a page of nodes in the menu")
	}
	fake.Share()
	body := get(t, h, "/nodes").Body.String()
	wantWords(t, "/nodes", body, "3 workers share the store", "SRV-SMS-01", "(this one)", "epoch 12", "leader", "SRV-SMS-02", "10.20.9.12:8346",
		"config.toml is not as here: clients, hermes", "SRV-SMS-03", "It does not answer; sessions and what waits are as it said last", "connection refused", "only 1.1", `href="/nodes" aria-current="page"`)
	for _, path := range []string{"/", "/nodes", "/clients", "/messages"} {
		wantWords(t, path, get(t, h, path).Body.String(), "The node SRV-SMS-03 does not answer: what it alone knows is left out")
	}
	if live := get(t, h, "/", "HX-Target", "live").Body.String(); !strings.Contains(live, `id="lacks"`) || !strings.Contains(live, "SRV-SMS-03 does not answer") {
		t.Error("a page that is open is not told that a node does not answer any more")
	}
	wantWords(t, "/nodes", get(t, h, "/nodes", "Accept-Language", "fr").Body.String(), "Nœud", "meneur", "époque 12", "ne répond pas")
}

func TestASessionIsUnboundAtItsNode(t *testing.T) {
	fake, h := made(t, claire)
	fake.Share()
	two := fake.All[0]
	if len(two.Sessions) != 2 || two.Sessions[0].ID != two.Sessions[1].ID {
		t.Fatalf("%+v", two.Sessions)
	}
	body := get(t, h, "/clients/"+two.SystemID).Body.String()
	wantWords(t, two.SystemID, body, "at SRV-SMS-01", "at SRV-SMS-02", `id="session-SRV-SMS-01-12"`, `id="session-SRV-SMS-02-12"`, "/sessions/12/unbind?node=SRV-SMS-02")
	ask := get(t, h, "/sessions/12/unbind?node=SRV-SMS-02").Body.String()
	wantWords(t, "the question", ask, `action="/sessions/12/unbind?node=SRV-SMS-02"`)
	if w := post(t, h, "/sessions/12/unbind?node=SRV-SMS-02", nil); w.Code != http.StatusSeeOther {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if left := fake.All[0].Sessions; len(left) != 1 || left[0].Node != "SRV-SMS-01" {
		t.Errorf("left: %+v", left)
	}
	if w := get(t, h, "/sessions/12/unbind?node=SRV-SMS-09"); w.Code != http.StatusNotFound {
		t.Errorf("a session of no node: %d", w.Code)
	}
	if e := fake.Done[0]; e.What != "unbind" || !strings.Contains(e.More, "SRV-SMS-02") {
		t.Errorf("%+v", e)
	}
}

func TestWhatWaitsAtSeveralNodesSaysWhere(t *testing.T) {
	fake, h := made(t, claire)
	fake.Share()
	path, id := "", ""
	for _, c := range fake.All {
		if len(c.Waiting.Nodes) > 1 {
			path = "/clients/" + c.SystemID
		}
	}
	for _, m := range fake.Stored {
		if m.Node != "" {
			id = m.ID
		}
	}
	if path == "" || id == "" {
		t.Fatal("nothing waits at two nodes")
	}
	wantWords(t, path, get(t, h, path).Body.String(), "at SRV-SMS-02 · 1 at SRV-SMS-01")
	wantWords(t, id, get(t, h, "/messages/"+id).Body.String(), "Node that holds it", "SRV-SMS-02")
}

func TestANodeThatDoesNotAnswerIsAnErrorInWords(t *testing.T) {
	fake, h := made(t, claire)
	fake.Fault = adminapi.ErrNoAnswer
	w := get(t, h, "/clients")
	wantWords(t, "/clients", w.Body.String(), "Another node does not answer", "See Nodes.")
	if w.Code != http.StatusGatewayTimeout {
		t.Errorf("%d", w.Code)
	}
}
