// Package runs is an index from 64-bit keys to message_ids that is appended to, never changed in place.
//
// A b-tree over phone numbers dirties a page for each message, somewhere. Here a message costs some thirty octets,
// written one after the other:
//
//	commit ── Add ──▶ tail ── full ──▶ sealed tails ── sorted, in steps ──▶ run, level 0 ┐
//	                  (memory)         (memory, until their run is whole)               │ fanIn runs of a level
//	                                                                                     ▼ become one of the next
//	messages ── catching up: at the start, and after whatever went wrong ──▶ tail       run, level 1 …
//
// # Pairs
//
// An entry is a message_id with the keys under which it is found ([NumberKey], [ConversationKey], [UseKey]). A key is a hash:
// whoever finds an id reads the message and looks whether it is what was asked for. That is needed anyway, since the index
// outlives the messages: ids of purged ones are found for a while, and of a key whose top bit is set ([Key.NewestOnly])
// only the newest id of each tail and run is kept.
//
// # Tail
//
// The newest messages are in memory: a hash table from keys to their newest ids, each with a chain to the older ones. A full
// tail is sealed. It is searched until its run is whole. Nothing is written when the index is closed: the next start reads
// the messages behind the last run again.
//
// # Runs
//
// A run holds the pairs of a range of ids, in the order of key and id, in pieces of at most [PieceSize] octets with checksums:
// blocks of pairs, a directory of the blocks' first pairs, and a Bloom filter over the keys of which only the newest id counts.
// The ranges of two runs have nothing in common, so the newest id of a key is in the newest run that has the key.
// Runs of one level are neighbours. Those of a level become one of the next; when merging lags, more at a time.
// What lies below the horizon (Forget) is left out, and a run that lies there whole is removed.
//
// A run is Growing while it is written. One Step makes it Whole and those that it replaces Leaving; the pieces of these are
// then cleared. A start clears those that are Growing too: a merge that was broken off begins again.
//
// # Searches
//
// A search goes from the newest pair to the oldest: tail, sealed tails, runs. It takes the list of the runs once, and when a
// piece that it wants has been cleared meanwhile it takes the list anew and goes on below the last id that it gave.
//
// # Damage
//
// The index has nothing that the messages do not have. So when a piece is missing, cut or fails its checksum, or tails pile up
// because steps are refused, searches say so (ErrDamaged, then ErrBehind), and the keeper, the one goroutine that reads and
// writes in the background, makes the index anew from the messages or catches up with them.
package runs
