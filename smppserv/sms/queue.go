package sms

// QueueStats counts what is in the queue.
type QueueStats struct {
	Waiting   int // messages that are not final, those in flight included
	InFlight  int // tries under way
	Unwritten int // outcomes on their way to disk
	Lanes     int // conversations with waiting messages
}
