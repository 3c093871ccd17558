// Package numbers finds the messages of a number: all of them, the last one of a conversation, the last one in which a client
// wrote it.
//
//	LastWriter ──▶ answers ──▶ index of package runs ──▶ the message itself ──▶ what earlier versions noted
//	LastUse        (memory)    (ids under hashes)        (is it the one?)
//
// The index gives ids that may be those of purged messages, or of another number with the same hash: so each answer is read from
// the message. Where the newest one is not the one, those of the number are looked through, a bounded count. While the index is
// behind, the newest of all messages are.
//
// Answers are kept in memory, also that there is none. They are right because this process alone writes: [Book.Add] gives those
// that it changes what is new.
package numbers
