// Package simulation lives random lives of the queue and the store in simulated time, and holds them against what is promised.
//
// A life has clients, numbers, a Hermès, a disk and a clock; all of them misbehave. What happens is chosen by a seed, time passes only
// when nobody has anything to do (testing/synctest), and the disk is one in memory that loses what was not on it when the power goes.
// So a hundred seeds take a second, hours in them nothing, and a seed that fails fails again:
//
//	go test ./smppserv/simulation                            some seeds, others each time
//	go test ./smppserv/simulation -run Whatever -seeds 10000 more of one worker
//	go test ./smppserv/simulation -run Several -seeds 1000   more of several
//	go test ./smppserv/simulation -run Several -seed 4711 -v one, and what happened in it
//
// Where CI is set they are the same each time, so that what fails there is what has changed.
//
// What the seed does not choose is which of two goroutines that are ready at the same moment goes first: -repeat 100 has a seed run
// so often.
//
// # Several workers
//
// Two or three workers on one disk stand still for leases, lose the way to the disk, are killed, stop politely and come back, and take over
// from each other. Real are the queue, the store with its epochs, what hands messages on and takes them up (cluster.Forwarder,
// cluster.Rows). In memory are the disk with its fences, estates and holders, which refuses by the fence as PostgreSQL does
// (smppserv/store/memory), and, in the place of cluster.Node, the lease with its margin, the take-over, the slots and the notices, of which some
// are lost.
//
// Held are: a message is tried by one worker at a time, by that which has it, and only while that one's lease holds; nothing is written by
// whoever lost its lease, and of a message only by the worker that has it; what was accepted ends once, with its receipts; what Hermès has comes
// again only when who knew so was killed or taken over from, and under the same key; and what holds of one worker. But there is no order over
// workers: only among messages of a conversation that one worker accepted.
//
// Not covered, but by the tests of smppserv/cluster on a PostgreSQL: the SQL of Node, that a client has two sessions in all (the stand-in for slots sees
// to that), asks between workers, counts of what waits elsewhere, transactions that can be seen in another order than they began, and settings of
// the clock.
package simulation
