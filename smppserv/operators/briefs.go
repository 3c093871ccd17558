package operators

import (
	"context"
	"time"
)

// briefs are notices in words that anybody may read: no client, no address, nothing that tells how to get in. Those that are
// missing are not for everybody.
var briefs = map[string]string{
	CodeLeaseLost:        "the lease is not held",
	CodeHermesSilent:     "Hermès does not take messages",
	CodeHermesPausing:    "Hermès takes fewer messages than it is given",
	CodeStandIn:          "messages go to the stand-in for Hermès, and reach nobody",
	CodeStoreUnsafe:      "messages that were acknowledged can be lost: PostgreSQL is not set up for what is promised",
	CodeLogLarge:         "the write-ahead log of the database has grown too large",
	CodeDiskLow:          "little is free on the disk of the database",
	CodeConfigRefused:    "the changed config.toml is not in force",
	CodeClientUnbound:    "messages wait for clients that are not bound",
	CodeClientPaused:     "clients are paused",
	CodeLineRefused:      "the last line on the TCP port was refused",
	CodeCertificateEnds:  "certificates end soon",
	CodeCertificateEnded: "certificates have ended",
}

// Briefs lists what needs attention here, each kind of it once with since when, in words that anybody may read.
func (ops *Operators) Briefs(ctx context.Context) (all []string) {
	s, err := ops.statusHere(ctx)
	if err != nil {
		return nil
	}
	since := map[string]time.Time{}
	for _, n := range s.Attention {
		if first, ok := since[n.Code]; !ok || n.Since.Before(first) {
			since[n.Code] = n.Since
		}
	}
	for _, code := range Codes {
		first, is := since[code]
		if words, ok := briefs[code]; is && ok {
			all = append(all, words+", since "+first.Format(time.DateTime))
		}
	}
	return all
}
