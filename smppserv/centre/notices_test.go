package centre

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/testkit"

	"github.com/rs/zerolog"
)

// What needs attention is told by /readyz too, and what a notice leads to is there.
func TestHermesThatDoesNotAnswerIsToldByReadyzAndTheNoticeLeadsToWhatWaits(t *testing.T) {
	cfg := configOf(t, named("alice", false))
	cfg.Admin.Listen, cfg.Hermes.URL = "127.0.0.1:0", "http://127.0.0.1:1/"
	mc, err := begin("config.toml", cfg, "test", nil, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if err := mc.open(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	mc.serve()
	defer func() { _ = mc.close() }()
	c := testkit.Bind(t, mc.plain.Addr().String(), smpp.CmdBindTransceiver, "alice", "secret")
	defer c.Close()
	c.Send(&smpp.SubmitSM{Source: smpp.Address{Addr: "336"}, Dest: smpp.Address{Addr: "3600"}, ShortMessage: []byte("x")})
	c.Expect(smpp.CmdSubmitSMResp)
	var silent adminapi.Notice
	testkit.Await(t, "Hermès needs attention", func() bool {
		s, err := mc.operators.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(s.Attention, func(n adminapi.Notice) bool { return n.Code == adminapi.CodeHermesSilent })
		if at >= 0 {
			silent = s.Attention[at]
		}
		return at >= 0
	})
	if status, text, _ := asked(t, mc, "/readyz"); status != http.StatusOK || !strings.HasPrefix(text, "ok\nHermès does not take messages, since ") || strings.Contains(text, "127.0.0.1") {
		t.Errorf("/readyz: %d %q", status, text)
	}
	if status, text, _ := asked(t, mc, silent.Link); status != http.StatusOK || !strings.Contains(text, "alice") {
		t.Errorf("%s: %d %.300s", silent.Link, status, text)
	}
}
