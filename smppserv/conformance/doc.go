// Package conformance drives the built programs from outside, over their ports, and holds them against the SMPP
// specification, the contract of the TCP port and of the push, and the SMPP clients that companies really use:
//
//	go-smpp ──┐                    ┌── Hermès, a stub on real HTTP
//	node smpp ┼── smppserv (built) ┤
//	Kannel  ──┘                    └── lines of JSON on the TCP port
//
// A peer that is not installed skips its tests with the command that installs it; where CI is set it fails them.
// SMPPSERV names a built smppserv to test instead of one built from this checkout.
package conformance
