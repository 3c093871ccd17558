// Package simulation lives random lives of the queue and the store in simulated time, and holds them against what is promised.
//
// A life has clients, numbers, a Hermès, a disk and a clock; all of them misbehave. What happens is chosen by a seed, time passes only
// when nobody has anything to do (testing/synctest), and the disk is one in memory that loses what was not on it when the power goes.
// So a hundred seeds take a second, hours in them nothing, and a seed that fails fails again:
//
//	go test ./smppserv/simulation                    a thousand seeds, others each time
//	go test ./smppserv/simulation -seeds 10000       more of them
//	go test ./smppserv/simulation -seed 4711 -v      one, and what happened in it
//
// What the seed does not choose is which of two goroutines that are ready at the same moment goes first: -repeat 100 has a seed run
// so often.
package simulation
