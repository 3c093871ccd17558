// Package conformance drives the built programs from outside, over their ports, and holds them against the SMPP
// specification, the contract of the TCP port and of the push, and the SMPP clients that companies really use:
//
//	go-smpp ──┐                    ┌── Hermès, a stub on real HTTP
//	node smpp ┼── smppserv (built) ┤
//	Kannel  ──┘                    └── lines of JSON on the TCP port
//
// A peer that is not installed skips its tests with the command that installs it; where CI is set it fails them.
// SMPPSERV names a built smppserv to test instead of one built from this checkout; see testkit.Program.
//
// # The rows of TestConformance
//
// Each check of the list is a row, in the file of its group (hdr_test.go, bod_test.go, …), in the list's order:
//
//	{"HDR-01", "must", "enquire_link is answered by a header alone, with its sequence_number", enquireLinkIsAHeader},
//
//	func enquireLinkIsAHeader(t *testing.T, s *suite) {
//		w := s.vocalcom(t)                                         // or s.opportunity(t), or s.world(t, settings{…})
//		c := w.bind(t, w.account(t), transceiver, smpp.V34)        // or w.dial(t), then c.SendRaw(bTRX(account))
//		c.SendRaw(e0(8))                                           // a base vector, changed by patch, insert, cut, withTLV
//		c.expectHdr16(8, smpp.CmdEnquireLink, smpp.ROK)            // expectAnswer takes every answer that is allowed
//	}
//
// Several rows run at a time and share the worlds, so a row takes accounts of its own (w.account, w.owner, or w.fixture
// for a special one) and finds its pushes by them: w.awaitPush(t, by(account)). A row with several parameters loops over
// them, with a connection each where one may spoil the next; it names the parameter in its failures.
//
// Expectations end the row that fails; they may only be called by the goroutine that runs it. expectResp, expectAnswer
// and the like keep what came before the awaited PDU for later; expectClose and ExpectSilence fail over what was kept, so
// read everything first. The server's enquire_link is answered in the background and never seen, until
// c.AutoEnquire(false): do that before you send a PDU in pieces. What the server sends may come at any time (a receipt, a
// retry): wait for it by its content.
//
// All octets of all connections are recorded. When the rows have ended, INV-01 to INV-04 and tshark judge them; a
// connection on which the client does not play by the rules is kept out of INV-02 by c.exempt("why"). A row fails with
// the transcripts of its connections and with what smppserv logged about its accounts.
//
// docs/conformance.md is made from the rows: go test ./smppserv/conformance -run TestConformance -update.
package conformance
