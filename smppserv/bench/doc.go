// Package bench measures the built server from outside, beside two others under the same load in the same run:
// a server that answers and does nothing else, which is what the machine can do, and the test server of go-smpp.
//
//	go test -run '^$' -bench . -benchtime 400000x ./smppserv/bench
package bench
