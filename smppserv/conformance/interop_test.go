package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hnetsmpp/smppserv/testkit"
)

const campaign = "3600"

// Texts that need escapes, surrogate pairs, and parts. The long ones are odd in length before their first pair, so
// that every client that cuts octets cuts a pair: at 152, 153 or 306 septets, at 66, 67 or 134 UCS-2 units.
var (
	textEuro      = "Prix : 12 € à payer dès l'été [réf. {7}]~"
	textEmoji     = "Merci 👍 à bientôt – 你好"
	textLong      = "Long : " + strings.Repeat("€", 155) + " fin."
	textLongEmoji = "é" + strings.Repeat("😀", 80) + " fin"
)

// interopPeers are the clients that companies really use.
var interopPeers = []struct {
	name  string
	start func(*testing.T, endpoint) peer
	own   string // a text for the library's own default; empty where there is none
	kinds []kind
}{
	{
		name:  "go-smpp",
		start: func(t *testing.T, at endpoint) peer { return startGoSMPP(t, at) },
		own:   "12 € à l'été", // Latin1, which in go-smpp is Windows-1252
		kinds: []kind{gsm7, ucs2, gsm7Parts, ucs2Parts, ownDefault},
	},
	{
		name:  "node's smpp",
		start: func(t *testing.T, at endpoint) peer { return startNode(t, at) },
		own:   "12 € à l'été", // GSM 03.38 under data_coding 1
		kinds: []kind{gsm7, ucs2, gsm7Parts, ucs2Parts, gsm7Payload, ownDefault},
	},
	{
		name:  "Kannel with a transceiver",
		start: func(t *testing.T, at endpoint) peer { return startKannel(t, at, kannelTransceiver) },
		kinds: []kind{gsm7, ucs2, gsm7Parts, ucs2Parts},
	},
	{
		name:  "Kannel split in transmitter and receiver",
		start: func(t *testing.T, at endpoint) peer { return startKannel(t, at, kannelSplit) },
		kinds: []kind{gsm7, ucs2, gsm7Parts, ucs2Parts},
	},
}

func TestInterop(t *testing.T) {
	for _, client := range interopPeers {
		t.Run(client.name, func(t *testing.T) {
			hermes := startHermes(t)
			server := startServer(t, settings{"hermes.url": hermes.URL(), "hermes.retry": []string{"100ms"}})
			p := &inbox{peer: client.start(t, server.endpoint())}
			for i, k := range client.kinds {
				t.Run(fmt.Sprintf("a text as %v reaches Hermès once and whole, and its receipt bears the id of the response", k), func(t *testing.T) {
					text := map[kind]string{gsm7: textEuro, ucs2: textEmoji, ucs2Parts: textLongEmoji, ownDefault: client.own}[k]
					if text == "" {
						text = textLong
					}
					m := outgoing{From: fmt.Sprintf("336123456%02d", i), To: campaign, Kind: k, Text: text}
					checkToHermes(t, p, hermes, m)
				})
			}
			t.Run("a text that Hermès refuses gets a receipt that says so, with the HTTP status", func(t *testing.T) {
				checkRefused(t, p, outgoing{From: "33612345690", To: "9404", Text: "Nobody is here"})
			})
			t.Run("a text that Hermès cannot take at once is pushed again under the same key", func(t *testing.T) {
				checkTriedAgain(t, p, hermes, outgoing{From: "33612345691", To: "9503", Text: "In a moment"})
			})
			line := dialTCPPort(t, server.ready.TCP)
			for i, text := range []string{textEuro, textEmoji, textLong, textLongEmoji} {
				t.Run(fmt.Sprintf("an agent's answer of %d characters reaches the client as the same text", len([]rune(text))), func(t *testing.T) {
					checkFromHermes(t, p, line, agentAnswer{
						ID:   fmt.Sprintf("h-%d", i),
						From: campaign,
						To:   fmt.Sprintf("336123457%02d", i),
						Text: text,
					})
				})
			}
			// What came twice came before this.
			checkFromHermes(t, p, line, agentAnswer{ID: "h-last", From: campaign, To: "33612345700", Text: "Bye"})
			p.assertNothingTwice(t)
		})
	}
}

// submit submits m and returns the ids that owe a receipt.
func submit(t *testing.T, p *inbox, m outgoing) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ids, err := p.Submit(ctx, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) == 0 || slices.Contains(ids, "") {
		t.Fatalf("a submit_sm_resp bears no id: %q", ids)
	}
	return ids
}

// awaitReceipts waits for one receipt of each id. None may contradict itself.
func awaitReceipts(t *testing.T, p *inbox, ids []string) []receipt {
	t.Helper()
	var receipts []receipt
	owed := slices.Clone(ids)
	for len(owed) > 0 {
		r := *p.await(t, fmt.Sprintf("a receipt for one of %q", owed), func(r received) bool {
			// ENROUTE is the intermediate notification that Kannel's dlr-mask asks for: it is no receipt yet.
			return r.Receipt != nil && r.Receipt.Stat != "ENROUTE" && slices.Contains(owed, r.Receipt.ID)
		}).Receipt
		if r.TLV != "" && r.TLV != r.ID {
			t.Errorf("receipted_message_id is %q, and the receipt's text says %q", r.TLV, r.ID)
		}
		owed = slices.DeleteFunc(owed, func(id string) bool { return id == r.ID })
		receipts = append(receipts, r)
	}
	return receipts
}

// checkToHermes submits m, and waits for its push and for a receipt of each id that was returned.
func checkToHermes(t *testing.T, p *inbox, hermes *testkit.Hermes, m outgoing) {
	ids := submit(t, p, m)
	pushed := awaitText(t, hermes, m.From, m.Text)
	if pushed.Message.To != m.To {
		t.Errorf("the push is to %q, want %q", pushed.Message.To, m.To)
	}
	if pushed.Key != ids[0] { // ids rise, so the first part's is the lowest
		t.Errorf("the push has the id %q, want the lowest of the responses', %q", pushed.Key, ids)
	}
	if len(ids) > 1 && (pushed.Message.Parts != len(ids) || !slices.Equal(pushed.Message.PartIDs, ids)) {
		t.Errorf("the push has %d parts with the ids %q, want those of the responses, %q", pushed.Message.Parts, pushed.Message.PartIDs, ids)
	}
	for _, r := range awaitReceipts(t, p, ids) {
		if r.Stat != "DELIVRD" || r.Err != "000" {
			t.Errorf("the receipt is %+v, want DELIVRD with 000", r)
		}
	}
	assertOnce(t, hermes, m.From)
}

// checkRefused submits m, which Hermès answers with 404.
func checkRefused(t *testing.T, p *inbox, m outgoing) {
	for _, r := range awaitReceipts(t, p, submit(t, p, m)) {
		if r.Stat != "UNDELIV" || r.Err != "404" {
			t.Errorf("the receipt is %+v, want UNDELIV with 404", r)
		}
	}
}

// checkTriedAgain submits m, which Hermès answers with 503 once.
func checkTriedAgain(t *testing.T, p *inbox, hermes *testkit.Hermes, m outgoing) {
	ids := submit(t, p, m)
	for _, r := range awaitReceipts(t, p, ids) {
		if r.Stat != "DELIVRD" {
			t.Errorf("the receipt is %+v, want DELIVRD", r)
		}
	}
	pushes := hermes.Pushes(from(m.From))
	if len(pushes) != 2 || pushes[0].Status != 503 || pushes[0].Key != ids[0] || pushes[1].Key != ids[0] {
		t.Errorf("want two pushes with the key %s, the first answered with 503; there were %v", ids[0], pushes)
	}
	assertOnce(t, hermes, m.From)
}

// checkFromHermes writes an agent's answer to the TCP port, and waits for it at the client.
func checkFromHermes(t *testing.T, p *inbox, line *tcpLine, a agentAnswer) {
	if r := line.send(t, a); r.Status != "accepted" || r.ID != a.ID || r.MessageID == "" {
		t.Fatalf("the TCP port answered %+v, want accepted with a message_id", r)
	}
	p.await(t, fmt.Sprintf("%q", a.Text), func(r received) bool {
		return r.Receipt == nil && r.From == a.From && r.To == a.To && r.Text == a.Text
	})
}
