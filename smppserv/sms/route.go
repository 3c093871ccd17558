package sms

// Conversation tells which client last wrote from Number to Campaign, and the TON and NPI that it gave them.
type Conversation struct {
	Client           string // system_id
	Number, Campaign Address
}

// Route is who receives what Hermès writes, and how the numbers are written for that client.
type Route struct {
	Recipient string // system_id
	MaxQueued int    // undelivered messages that it may have, 0 = any number
	Source    Address
	Dest      Address
}
