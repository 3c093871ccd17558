// Package smstext turns the user data of short messages into text and back:
// alphabets (3GPP 23.038), user data headers (3GPP 23.040 9.2.3.24), and
// the splitting and joining of long messages. Its functions are pure.
//
// The road of a received message:
//
//	data_coding ── Codings ──► Alphabet
//	short_message ── ParseUDH (if UDHI) ──► UDH ─┬─ Concat ──► which part of what
//	                                   │         └─ Languages ──► tables
//	                                   └──► payload ── Read, with the other parts ──► text
//
// and of a sent one:
//
//	text ── Choose ──► Alphabet and data_coding
//	  └── Split ──► parts, each sent behind AppendConcat8, or with sar_* TLVs
//
// # Choices
//
// Decode never fails. What an alphabet does not know becomes U+FFFD, except
// in GSM 03.38, where 23.038 6.2.1.1 says what to show: an escape pair that
// is in no table shows the character of the default table, an escape with
// nothing to escape a space. Septets have no eighth bit; an octet of 0x80 and
// more under unpacked GSM is read as Latin-1, which is what clients that
// forgot to convert send.
//
// What came as IA5 is judged by its octets (JudgeASCII): clients label Latin-1 and
// GSM 7-bit so. UTF-16 is big-endian; a byte order mark that a text begins with
// is no character, and tells where a client writes it the other way round. Both
// are judged over the joined parts.
//
// National language tables are read: where the single shift table has nothing
// the locking table shows, where that has nothing the default table. Nothing is
// written with them.
//
// Encode drops nothing. What does not fit is written in letters that do
// (œ as oe) or as '?', and the caller is told.
//
// Binary has no text. Where one is asked for, octet n is the rune U+00n, so
// that nothing is lost either way.
package smstext
