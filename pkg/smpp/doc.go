// Package smpp turns the octets of SMPP 3.3, 3.4 and 5.0 into typed PDUs and back. It opens no
// sockets, keeps no session and makes no choice that depends on the version of the peer.
//
// Sections are those of SMPP 3.4 issue 1.2, where "v5" does not say SMPP 5.0.
//
// # The protocol
//
// Two parties exchange PDUs over one TCP connection: the ESME, a client, and the SMSC
// (in 5.0: the MC), the message centre. Every PDU starts with a header of 16 octets
// (3.2.1), four big-endian integers:
//
//	command_length   octets of the whole PDU, these four included
//	command_id       which PDU; a response is its request with bit 31 set
//	command_status   0 in requests; the outcome in responses
//	sequence_number  chosen by the sender of a request, echoed in its response
//
// The mandatory fields of the body follow in a fixed order: integers, C-octet strings
// that end in NUL, and octets with a length before them (3.1). After them come TLVs,
// each a tag and a length of two octets and the value (3.2.4), in any order. To a 3.3
// peer no TLV may be sent (3.4).
//
// # The states of a session (2.2)
//
//	          bind_transmitter ──► BOUND_TX  ── submit_sm, submit_multi, data_sm,
//	         ╱                                  query_sm, cancel_sm, replace_sm ►
//	OPEN ───── bind_receiver ────► BOUND_RX  ◄ deliver_sm, data_sm, alert_notification ──
//	 ▲       ╲
//	 │        bind_transceiver ──► BOUND_TRX   both
//	outbind                            │
//	(SMSC connects, 2.2.1)             └── unbind, unbind_resp, close ──► CLOSED
//
// Either side may send enquire_link, generic_nack and unbind. Requests may be pipelined;
// each gets one response with its sequence_number, in any order (2.5). A PDU whose
// command_id is not known, or whose command_length cannot be, is answered by
// generic_nack (4.3); any other fault by the request's own response.
//
// # Using it
//
// [ReadPDU] takes one PDU off a stream, and bounds its length before it allocates.
// [Decode] returns the struct of its command, [DecodeBody] fills one that the caller
// keeps. Requests are decoded strictly: a [DecodeError] names the field and carries the
// [Status] to answer with. Responses are decoded leniently, since there is nobody to
// answer: what is missing stays zero, what is too much is ignored. [AppendPDU] encodes.
//
// Octet fields alias the body they were decoded from; strings are copies.
package smpp
