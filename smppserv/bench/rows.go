package main

import (
	"fmt"
	"math"
)

// row is one line of the table, or several that are measured at once.
type row struct {
	name, what string
	load       func(*bench) load // under which go-smpp's server is measured beside it; nil = it is not
	once       bool              // it repeats inside
	long       bool              // also with few messages: a short run leaves it out
	run        func(*trial) []value
	figures    []figure
}

// figure is one number of a row, and its goal.
type figure struct {
	what   string
	unit   unit
	beside string // what it is held against, when that is not the yardstick
	limit  kind
	goal   float64
}

// kind says what a goal bounds.
type kind int

const (
	noGoal     kind = iota
	ratioLeast      // at least so much of what it is held against
	ratioMost
	most // at most, in its own unit
	least
)

// unit is how a value is written.
type unit string

const (
	perSecond unit = "/s"
	ms        unit = " ms"
	micros    unit = " µs"
	seconds   unit = " s"
	megabytes unit = " MB"
	octets    unit = " octets"
	percent   unit = " %"
	tries     unit = " tries"
)

// notMeasured is the value of what this system does not tell.
const notMeasured = -1

// submitLoad is that of the rates: 8 sessions with a window of 64 each.
func submitLoad(b *bench) load { return eight(b.scaled(400_000), b.size) }

var rows = []row{
	{name: "others", what: "servers that store nothing, under the same load", load: submitLoad, run: others, figures: []figure{
		{what: "submit_sm_resp of a server that answers whole PDUs and does nothing else", unit: perSecond},
		{what: "submit_sm_resp of a server on node's smpp library", unit: perSecond},
	}},
	{name: "submit", what: "submit_sm acknowledged after fsync, as many numbers as messages", load: submitLoad, run: submitNumbers, figures: []figure{
		{what: "submit_sm acknowledged after fsync, 1 000 000 numbers", unit: perSecond, limit: ratioLeast, goal: 0.9},
	}},
	{name: "one-number", what: "the same, all from one number", load: submitLoad, run: submitOneNumber, figures: []figure{
		{what: "the same, one number", unit: perSecond, limit: ratioLeast, goal: 1.1},
	}},
	{name: "one-number-waiting", what: "the same, one number, while a million messages wait", load: submitLoad, run: submitOneNumberWaiting, figures: []figure{
		{what: "the same, one number, 1 000 000 waiting", unit: perSecond, limit: ratioLeast, goal: 1.1},
	}},
	{name: "window-10", what: "one session with a window of 10", load: windowTenLoad, run: submitWindowTen, figures: []figure{
		{what: "one session, window 10", unit: perSecond, limit: ratioLeast, goal: 0.6},
		{what: "… of a server that writes a page to disk before it answers, and does nothing else", unit: perSecond},
	}},
	{name: "life", what: "whole lives: submit, fsync, HTTP push, receipt, deliver_sm_resp", load: submitLoad, run: life, figures: []figure{
		{what: "whole life, 10 000 numbers: submit → fsync → HTTP push → receipt → deliver_sm_resp", unit: perSecond, limit: ratioLeast, goal: 0.18},
	}},
	{name: "lines", what: "Hermès → client: line on the TCP port, fsync, accepted, deliver_sm, answer", load: submitLoad, run: lines, figures: []figure{
		{what: "Hermès → client: line on the TCP port → fsync → accepted → deliver_sm → answer", unit: perSecond, limit: ratioLeast, goal: 0.35},
	}},
	{name: "lines-known", what: "the same, to numbers that have written before", long: true, load: submitLoad, run: linesKnown, figures: []figure{
		{what: "the same, to 10 000 numbers that have written to each client before", unit: perSecond, limit: ratioLeast, goal: 0.35},
	}},
	{name: "opportunity", what: "client to client with receipts", load: submitLoad, run: opportunity, figures: []figure{
		{what: "opportunity mode, client to client with receipts", unit: perSecond, limit: ratioLeast, goal: 0.30},
	}},
	{name: "opportunity-all", what: "opportunity mode, all clients having all numbers", long: true, load: submitLoad, run: opportunityAll, figures: []figure{
		{what: "opportunity mode, all clients having all numbers: who wrote last receives", unit: perSecond, limit: ratioLeast, goal: 0.30},
	}},
	{name: "latency", what: "submit_sm_resp at 1 000/s, from the time at which each was to be sent", run: latency, figures: []figure{
		{what: "submit_sm_resp at 1 000/s, open loop, empty store: p99", unit: ms, limit: most, goal: 1.5},
		{what: "… p99.9", unit: ms, limit: most, goal: 4},
		{what: "the same with 1 000 000 waiting messages: p99", unit: ms, beside: "empty store", limit: ratioMost, goal: 1.5},
		{what: "… p99.9", unit: ms, beside: "empty store", limit: ratioMost, goal: 1.5},
		{what: "1 000/s at a server that writes a page to disk before it answers, and does nothing else: p99", unit: ms},
		{what: "… p99.9", unit: ms},
	}},
	{name: "waiting", what: "memory while a million messages of a million numbers wait, and a restart with them", run: waiting, figures: []figure{
		{what: "memory (RSS) with 1 000 000 waiting for 1 000 000 numbers", unit: megabytes, limit: most, goal: 250},
		{what: "restart with these: from start to ready", unit: seconds, limit: most, goal: 2},
		{what: "memory after that", unit: megabytes, limit: most, goal: 250},
	}},
	{name: "scheduled", what: "4 000 texts of 60 KB scheduled for tomorrow", run: scheduled, figures: []figure{
		{what: "memory (RSS) with 4 000 × 60 KB scheduled for tomorrow", unit: megabytes, limit: most, goal: 100},
	}},
	{name: "sessions", what: "10 000 idle bound sessions, and rate and memory over 1…10 000", once: true, run: sessionsRow, figures: []figure{
		{what: "memory (RSS) with 10 000 idle bound sessions", unit: megabytes, limit: most, goal: 150},
		{what: "binds with plain passwords", unit: perSecond, limit: least, goal: 2000},
	}},
	{name: "stored", what: "submits with up to 10 million stored messages", once: true, run: storedRow, figures: []figure{
		{what: "submit_sm with 10 000 000 stored messages", unit: perSecond, beside: "empty store", limit: ratioLeast, goal: 0.9},
		{what: "… one message by id (query_sm), p99", unit: ms, limit: most, goal: 5},
	}},
	{name: "searches", what: "what operators ask, with 10 million stored messages", once: true, long: true, run: searches, figures: searchFigures("10 000 000 stored messages")},
	{name: "purge", what: "submits while a purge of a million messages runs", long: true, run: purge, figures: []figure{
		{what: "submits while a purge of 1 000 000 runs", unit: perSecond, beside: "before the purge", limit: ratioLeast, goal: 0.9},
		{what: "… p99", unit: ms, beside: "before the purge", limit: ratioMost, goal: 2},
		{what: "… how long the purge takes", unit: seconds},
	}},
	{name: "reader", what: "another program that reads the database for 10 s", run: reader, figures: []figure{
		{what: "a reader that takes 10 s: p99.9 of submits meanwhile", unit: ms, beside: "before it", limit: ratioMost, goal: 2},
		{what: "… until the write-ahead log is below 64 MB again", unit: seconds, limit: most, goal: 60},
		{what: "… how long the log gets", unit: megabytes},
	}},
	{name: "backlog", what: "another client's single message behind a backlog of 5 000", run: backlog, figures: []figure{
		{what: "another client's single message behind a backlog of 5 000 comes after", unit: tries, limit: most, goal: 100},
	}},
	{name: "replace", what: "replace_if_present in a conversation of 50 000", run: replace, figures: []figure{
		{what: "replace_if_present in a conversation of 50 000: CPU of each", unit: ms, limit: most, goal: 1},
	}},
	{name: "known-number", what: "a TCP line to a number known from 200 000 conversations", run: knownNumber, figures: []figure{
		{what: "a TCP line to a number known from 200 000 conversations, beyond what one to a new number takes", unit: ms, limit: most, goal: 1},
	}},
	{name: "expired", what: "what expired while the server was down, 200 000 messages", long: true, run: expired, figures: []figure{
		{what: "200 000 that expired while the server was down: peak of memory beyond a start with as many that wait", unit: megabytes, limit: most, goal: 64},
	}},
	{name: "lone-parts", what: "lone first parts of texts of 255", run: loneParts, figures: []figure{
		{what: "a lone \"part 1 of 255\": memory beyond that of a whole message", unit: octets, limit: most, goal: 300},
	}},
	{name: "encrypted", what: "whole lives with store.encrypt_content", long: true, run: encrypted, figures: []figure{
		{what: "whole life with encrypted texts", unit: perSecond, beside: "without"},
		{what: "… CPU of the server for each", unit: micros, beside: "without"},
	}},
	{name: "postgres", what: "submits on PostgreSQL, acknowledged after fsync", run: postgresSubmit, figures: []figure{
		{what: "submits on PostgreSQL, one worker, 1 000 000 numbers", unit: perSecond, beside: "SQLite", limit: ratioLeast, goal: 0.6},
		{what: "… CPU of each, of worker and database", unit: micros, beside: "SQLite"},
		{what: "… of which the database's", unit: micros},
	}},
	{name: "postgres-life", what: "whole lives on PostgreSQL", run: postgresLife, figures: []figure{
		{what: "whole life on PostgreSQL, 10 000 numbers", unit: perSecond, beside: "SQLite"},
		{what: "… CPU of each, of worker and database", unit: micros, beside: "SQLite"},
		{what: "… of which the database's", unit: micros},
	}},
	{name: "postgres-latency", what: "submit_sm_resp at 1 000/s on PostgreSQL", long: true, run: postgresLatency, figures: []figure{
		{what: "submit_sm_resp at 1 000/s, open loop, on PostgreSQL: p99", unit: ms, beside: "SQLite", limit: ratioMost, goal: 3},
	}},
	{name: "postgres-nodes", what: "three workers on one PostgreSQL", run: postgresNodes, figures: []figure{
		{what: "submits at three workers on one PostgreSQL, eight sessions at each", unit: perSecond, beside: "the 24 at one", limit: ratioLeast, goal: 0.9},
		{what: "… nine sessions, three at each", unit: perSecond, beside: "the nine at one"},
		{what: "… of the CPU time, outside of the database", unit: percent},
	}},
	{name: "postgres-elsewhere", what: "a TCP line for a client that is bound at another worker", run: postgresElsewhere, figures: []figure{
		{what: "Hermès → client at another worker, 100/s: from accepted to deliver_sm, p99", unit: ms, limit: most, goal: 20},
		{what: "… p50", unit: ms},
	}},
	{name: "postgres-stored", what: "submits with 10 million messages stored in PostgreSQL", once: true, long: true, run: postgresStored, figures: []figure{
		{what: "submit_sm with 10 000 000 messages stored in PostgreSQL", unit: perSecond, beside: "empty database", limit: ratioLeast, goal: 0.9},
		{what: "… one message by id (query_sm), p99", unit: ms, limit: most, goal: 5},
	}},
	{name: "postgres-searches", what: "what operators ask, with 10 million messages stored in PostgreSQL", once: true, long: true, run: postgresSearches,
		figures: searchFigures("10 000 000 messages stored in PostgreSQL")},
	{name: "postgres-purge", what: "submits while a purge of a tenth of 10 million messages in PostgreSQL runs", once: true, long: true, run: postgresPurge, figures: []figure{
		{what: "submits while a purge of 1 000 000 of 10 000 000 in PostgreSQL runs", unit: perSecond, beside: "before the purge", limit: ratioLeast, goal: 0.9},
		{what: "… p99", unit: ms, beside: "before the purge", limit: ratioMost, goal: 2},
		{what: "… how long the purge takes", unit: seconds},
	}},
	{name: "idle", what: "a server with nothing to do, for 10 s", long: true, run: idle, figures: []figure{
		{what: "idle: of a core", unit: percent, limit: most, goal: 0.5},
		{what: "… written to disk in 10 s", unit: octets, limit: most, goal: 0},
	}},
}

// searchFigures are those of what operators ask of so many messages.
func searchFigures(stored string) []figure {
	return []figure{
		{what: stored + ": those of a number and a day", unit: ms, limit: most, goal: 100},
		{what: "… of a number", unit: ms, limit: most, goal: 300},
		{what: "… that failed, of a client", unit: ms, limit: most, goal: 300},
		{what: "… of a client in one hour", unit: ms, limit: most, goal: 300},
		{what: "… of a campaign and a day", unit: ms, limit: most, goal: 300},
		{what: "… whose numbers begin alike, a page of 100", unit: ms, limit: most, goal: 400},
		{what: "… a month's report by campaign", unit: ms, limit: most, goal: 200},
		{what: "… a day's report by hour", unit: ms, limit: most, goal: 200},
		{what: "… the overview, as a page", unit: ms, limit: most, goal: 200},
		{what: "… a number's messages of a day, as a page", unit: ms, limit: most, goal: 100},
		{what: "… a month's report by campaign, as a page", unit: ms, limit: most, goal: 200},
		{what: "… an open overview: CPU a second, beyond that of none", unit: ms, limit: most, goal: 20},
	}
}

func (f figure) goalText() string {
	switch f.limit {
	case ratioLeast:
		return fmt.Sprintf("≥ %g ×", f.goal)
	case ratioMost:
		return fmt.Sprintf("≤ %g ×", f.goal)
	case most:
		return "≤ " + f.write(f.goal)
	case least:
		return "≥ " + f.write(f.goal)
	}
	return "–"
}

// write is a value with its unit, to three digits.
func (f figure) write(v float64) string {
	if v == notMeasured {
		return "not measured"
	}
	digits := 0
	if v := math.Abs(v); v > 0 && v < 100 {
		digits = min(3, max(0, 2-int(math.Floor(math.Log10(v)))))
	}
	if v == math.Trunc(v) {
		digits = 0
	}
	if digits == 0 {
		return thousands(v) + string(f.unit)
	}
	return fmt.Sprintf("%.*f%s", digits, v, f.unit)
}

// reached tells whether the goal is; known is false where there is none, or no value.
func (m measured) reached() (reached, known bool) {
	if m.value == notMeasured {
		return false, false
	}
	switch m.limit {
	case ratioLeast:
		return m.ratio >= m.goal, m.yardstick > 0
	case ratioMost:
		return m.ratio <= m.goal, m.yardstick > 0
	case most:
		return m.value <= m.goal, true
	case least:
		return m.value >= m.goal, true
	}
	return false, false
}
