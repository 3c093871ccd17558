package road

import "hnetsmpp/smppserv/sms"

// Cancelled is what taking a conversation back came to.
type Cancelled struct {
	N int // messages, at all workers; after an error, at others
	// Missed are those that were being tried, or on their way to another worker. Where N is 0 nothing becomes of them: they are to be superseded if the
	// request is fulfilled elsewhere. Else they are seen to, and not listed.
	Missed []sms.ID
}
