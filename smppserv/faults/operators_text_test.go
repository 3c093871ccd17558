package faults

import (
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

// severalTexts are clients that write in alphabets of their own, each with its campaign number.
func severalTexts(t *testing.T, hermes string) string {
	t.Helper()
	client := func(name, number string, more map[string]any) map[string]any {
		c := map[string]any{"system_id": name, "password": testkit.Password, "numbers": []string{number}}
		for key, value := range more {
			c[key] = value
		}
		return c
	}
	return testkit.WriteConfig(t, t.TempDir(), testkit.Settings{"hermes.url": hermes, "clients": []map[string]any{
		client("utf8", "3600", map[string]any{"default_alphabet": "utf8"}),
		client("packed", "3601", map[string]any{"default_alphabet": "gsm7packed"}),
		client("latin1", "3602", map[string]any{"default_alphabet": "latin1", "alphabets": map[string]string{"8": "binary", "9": "ucs2"}}),
		client("ascii", "3603", map[string]any{"default_alphabet": "ascii", "long_messages": "payload"}),
		client("typed", "3604", map[string]any{"service_types": []string{"VMS"}}),
		client("hex", "3605", map[string]any{"message_id_format": "hex", "receipt_message_id_format": "decimal"}),
	}})
}

func TestSendWritesAsTheClientDoes(t *testing.T) {
	hermes := testkit.StartHermes(t)
	path := severalTexts(t, hermes.URL())
	testkit.StartWorker(t, path)
	for i, client := range []string{"utf8", "packed", "latin1", "ascii", "typed", "hex"} {
		for _, text := range []string{"été", "prix 5€ [x]", "Zażółć 😀", strings.Repeat("abcdefg€", 50)} {
			out := succeeds(t, "", "send", "--config", path, "--client", client, "--to", "360"+string(rune('0'+i)), "--text", text)
			if parts := strings.Count(out, "message_id"); strings.Count(out, "DELIVRD") != parts {
				t.Errorf("%s: send printed %s", client, out)
			}
			if p := hermes.Next(t); p.Message.Client != client || p.Message.Text != text {
				t.Errorf("%s: Hermès is given %q of %s, want %q", client, p.Message.Text, p.Message.Client, text)
			}
		}
	}
}

func TestReceiveShowsTextsInTheClientsAlphabetAndTheirParts(t *testing.T) {
	path := severalTexts(t, testkit.StartHermes(t).URL())
	testkit.StartWorker(t, path)
	long := strings.Repeat("é", 200)
	for i, c := range []struct{ client, text, want string }{
		{"utf8", "été 😀", ": été 😀\n"},
		{"packed", long, " (part 1 of 2): " + long[:2*152]},
		{"latin1", "été", ": été\n"},
		{"ascii", strings.Repeat("a", 300), ": " + strings.Repeat("a", 300) + "\n"},
	} {
		succeeds(t, "", "reply", "--config", path, "--from", "360"+string(rune('0'+i)), "--to", "33612345678", "--text", c.text)
		if out := succeeds(t, "", "receive", "--config", path, "--client", c.client, "--wait", "2s"); !strings.Contains(out, c.want) {
			t.Errorf("%s: receive printed %q, want %q", c.client, out, c.want)
		}
	}
}
