// Package faults breaks things around the built programs, and looks at what is lost: nothing may be.
//
//	                    ┌────────────┐ kill -9, kill -9 …
//	ESMEs under load ───┤  smppserv  ├─── Hermès, a stub on real HTTP
//	that come back      └─────┬──────┘    that remembers every push
//	                      launcher        wrong ports, files, folders, databases, passwords
//
// Tests wait for what is to happen: a bind that is granted, a push, a line of the log, an exit.
package faults
