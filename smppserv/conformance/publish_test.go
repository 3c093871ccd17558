package conformance

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateFlag = flag.Bool("update", false, "TestConformance writes docs/conformance.md")

// listed is how many checks the list has, by priority.
var listed = map[string]int{"must": 119, "should": 53, "v5": 8}

const publishedAs = "docs/conformance.md"

// publish holds docs/conformance.md against what this run of all rows found, or writes it.
func (s *suite) publish(t *testing.T) {
	t.Helper()
	path := filepath.Join("..", "..", filepath.FromSlash(publishedAs))
	want := s.report()
	if *updateFlag {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Errorf("%s is not what this run found: run go test ./smppserv/conformance -run TestConformance -update", publishedAs)
	}
}

// report is docs/conformance.md.
func (s *suite) report() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := map[string]int{}
	var table bytes.Buffer
	for _, g := range groups {
		for _, r := range g.rows {
			result := s.outcomes[r.ID]
			if result == held {
				count[r.Priority]++
			}
			fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", r.ID, r.Priority, cell(r.What), cell(result))
		}
	}
	total := listed["must"] + listed["should"] + listed["v5"]
	var b bytes.Buffer
	b.WriteString(reportHead)
	fmt.Fprintf(&b, "%d of %d checks hold (must %d/%d, should %d/%d, v5 %d/%d).\n\n", count["must"]+count["should"]+count["v5"], total,
		count["must"], listed["must"], count["should"], listed["should"], count["v5"], listed["v5"])
	b.WriteString("| ID | Priority | What | Result |\n|---|---|---|---|\n")
	b.Write(table.Bytes())
	return b.Bytes()
}

func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

const reportHead = `# SMPP conformance

What an SMPP client may expect of this message centre, checked one by one against the specifications of SMPP 3.4
(issue 1.2) and 5.0; 3.3 is spoken for backward compatibility.

Each check starts the built ` + "`smppserv`" + `, drives it over TCP (or TLS) with octets made by hand, and judges the octets
that come back; Wireshark's decoder judges all of them once more. *must* is what the specification demands or what no
message centre can do without; *should* is advised, or a point on which the versions differ; *v5* needs a session that
was bound with interface_version 0x50.

Where the specifications leave a choice, this one is made:

- Refused binds: unknown system_id RINVSYSID, wrong password RINVPASWD, not permitted RBINDFAIL, a session too many
  RALYBND. The answer is sent, then the connection closes. Error responses are a header alone; bind_transceiver_resp
  has an empty system_id.
- sc_interface_version is the lower of the two sides'. 3.3 sessions get no TLVs, and ids of at most 8 characters.
- More submits in flight than the session may have: the socket is not read, nothing is refused. Over throttle_rate:
  RTHROTTLED. Over max_queued: RMSGQFUL. Store unavailable: RSYSERR, as on a full disk.
- deliver_sm answered with RX_T_APPN, RSYSERR, generic_nack or not at all is sent again after 1 s, 5 s, 15 s, then every
  minute; any other error is final. RTHROTTLED and RMSGQFUL are about the session: nothing is sent on it for a second, then
  one deliver_sm, and when that is taken more and more; no message is put off for it.
- A session that leaves a deliver_sm unanswered for response_timeout is probed with enquire_link, and dropped when it has
  not answered within 5 s. What it did not answer goes through the client's other session, if there is one.
- Of a text in several deliver_sm each is settled by itself: what was answered ROK is not sent again, and the others keep
  alphabet, cuts and reference, also on another session and after a restart. A part refused for good ends the text.
- cancel_sm without message_id cancels all that match in one transaction, 200 000 at most, or is refused and cancels none.
- One stray NUL behind short_message is forgiven; reserved TON, NPI and flags get their own status; reserved data_coding
  is passed through; a TLV in a PDU that does not have it is ignored; of one that may not repeat, the first counts.
- Each part of a long text has its own message_id and receipt. Receipts are deliver_sm in the form of appendix B, and
  bear the id in the form of the response.
- Transaction mode is answered with the outcome, within response_timeout; it and datagram mode have no receipts.
  address_range is ignored. Broadcast operations are unknown: generic_nack RINVCMDID.

This file is written by ` + "`go test ./smppserv/conformance -run TestConformance -update`" + `; without -update the same test
fails when the file and the server differ. With ` + "`-capture FILE`" + ` the test leaves a pcap file of every connection.

`
