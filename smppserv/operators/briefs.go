package operators

import (
	"context"
	"fmt"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// briefs are notices in words that anybody may read: no client, no address, nothing that tells how to get in. Those that are
// missing are not for everybody.
var briefs = map[string]string{
	CodeHermesSilent:     "Hermès does not take messages",
	CodeHermesPausing:    "Hermès takes fewer messages than it is given",
	CodeStandIn:          "messages go to the stand-in for Hermès, and reach nobody",
	CodeLogLarge:         "the write-ahead log of the database has grown too large",
	CodeDiskLow:          "little is free on the disk of the database",
	CodeConfigRefused:    "the changed config.toml is not in force",
	CodeClientUnbound:    "messages wait for a client that is not bound",
	CodeClientPaused:     "a client is paused",
	CodeLineRefused:      "the last line on the TCP port was refused",
	CodeCertificateEnds:  "a certificate ends soon",
	CodeCertificateEnded: "a certificate has ended",
}

// Briefs lists what needs attention, each kind of it once with since when, in words that anybody may read.
func (ops *Operators) Briefs(ctx context.Context) (all []string) {
	s, err := ops.Status(ctx)
	if err != nil {
		return nil
	}
	first, n := map[string]adminapi.Notice{}, map[string]int{}
	for _, one := range s.Attention {
		if f, ok := first[one.Code]; !ok || one.Since.Before(f.Since) {
			first[one.Code] = one
		}
		n[one.Code]++
	}
	for _, code := range Codes {
		words, ok := briefs[code]
		if !ok || n[code] == 0 {
			continue
		}
		words += ", since " + first[code].Since.Format(time.DateTime)
		if n[code] > 1 {
			words += fmt.Sprintf(" (%d of them)", n[code])
		}
		all = append(all, words)
	}
	return all
}
