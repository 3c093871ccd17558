// Package cluster tells which of the workers on one store does what. A worker that takes part is a node.
//
// # Lease
//
// A node has an epoch, which is never used twice, and a lease on it: a row of the table nodes that it renews at least each quarter of the
// lease, in one round trip that also reads the rows of all others. Its own monotonic clock says whether it holds:
//
//	0            the last renewal that succeeded was sent
//	1/4 lease    the next one is due; each ends after half a lease
//	7/8 lease    the node does not hold any more: no try begins, pushes under way are broken off, sessions get no more of what they were given (Duties.Lapsed)
//	1 lease      from here on others may take over, not earlier
//	3 leases     clients are unbound, so that they go elsewhere (Duties.Away)
//
// A wall clock that has moved against the monotonic one by more than a second means that the machine may have slept: the node does
// not hold until it has renewed. A lapsed lease that nobody took over is renewed under the same epoch (Duties.Regained).
//
// # Take-over
//
// A node takes over from another when it has renewed without a gap for a whole lease, and has for a whole lease of its own monotonic
// clock seen the other's beat unchanged, and the database's clock says so, too. That clock may be set: where it says that the other
// has more than its lease left, it says nothing. After a gap, as when the database was away, everybody has a whole lease anew.
//
// Taking over is one transaction. The row of the other is deleted, if its beat is still the same, its connections are ended, its
// fence is deleted (which waits for a transaction that is under way, and lets no later one of it through), its slots are freed, and
// its rows become an estate:
//
//	holder of a waiting message = an epoch ── a node's own, or that of an estate it owns
//
// So no row of a message is written, and one node alone wins. If the owner dies in its turn, its estates go on with its own epoch. What was
// handed to the owner is taken up before an estate: of a conversation that went through both, it is the older part. A polite stop
// (Node.Leave) leaves an estate without an owner, which whoever looks first takes, unless it is about to stop itself (Node.Retire). A node
// that was taken over (Node.Lost) writes nothing any more; its worker starts afresh, with a new epoch. Who joins under the name of another
// node waits for its lease, takes over, and goes on.
//
// An estate bears the name of its node. By that one's clock are the times of what it accepted in any of its lives: whoever has such a
// message applies to them how that clock was set since (table clock_steps), not how its own was.
//
// # Looks and notices
//
// What concerns another node is told by a NOTIFY on a connection of its own, after the commit, at most each 3 ms. A notice only says
// where to look, and may be lost: each 2 s everything is looked at without one, and all of it from the start when the connection on
// which notices are heard was made anew: the database may be another one then, which had followed the first.
//
//	rows to an epoch     messages were handed to it (Duties.Arrived)
//	ended to an epoch    messages that it handed on have ended (Duties.Ended)
//	asks, answers to an epoch
//	slots                clients have other sessions now
//	nodes                somebody joined, left or was taken over
//
// A row that arrived and cannot be read waits, as the log says once, and holds up no other (queue.TakeIn).
//
// Rows that arrived, and slots that changed, are found by the transaction that wrote them, from the oldest one on that was under way at
// the last look: never by a highest id, since what has a lower one may become visible later.
//
// # Asks
//
// A node asks another to do something, with an end (2 s): Node.Ask and Node.Handle. The one asked begins within three quarters of that
// or not at all, and has at least the last quarter for it. What it writes is written in one transaction with its answer (road.Ask), which fails
// when the time is over by the database's clock, or the ask is gone: at the end the asker takes it away, and so waits for such a transaction,
// and has its answer; where the database does not tell within a lease, or has lost the ask in a crash, it is in doubt. So what is late is not
// done, and what is done is answered. What writes nothing, as a retry, is not begun late.
//
// # Slots
//
// A client has two sessions over all nodes at most: (client, slot) is a key. Whose bind finds another node's session in its way has
// that node probe it; where the node is dead, it waits for the take-over. A place outlives a lease that lapsed, as nobody else takes it
// before the take-over. Where a client is written to follows from its slots: here, if it has a receiving session here, else at the node
// of the lowest slot that receives. To that one the Forwarder hands on what waits for it here. A session that leaves what it is sent
// unanswered (Node.Mute) counts only where the client has no other one: until it answers, its place is given back, or it is tried anew.
//
// # Once for all
//
// One node leads (Node.Leader) until it is over; a job of which each is to be done by one node, such as calling a client, is taken by
// Node.Once. How many undelivered messages an owner has elsewhere (Node.Pending) is what the others said a second or two ago.
package cluster
