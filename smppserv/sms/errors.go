package sms

import "errors"

var (
	// ErrQueueFull means that the owner of the message has as many undelivered ones as it may have.
	ErrQueueFull = errors.New("too many undelivered messages")
	// ErrStopping means that nothing more is taken in.
	ErrStopping = errors.New("the queue is stopping")
	// ErrUnavailable means that no message can be stored now; the store tries by itself to recover.
	ErrUnavailable = errors.New("the store is unavailable")
	// ErrUnknown means that no message has this ID.
	ErrUnknown = errors.New("no such message")
	// ErrUnreadable means that what is stored of a message makes no sense. A wrapping error says which one it is, and what is wrong.
	ErrUnreadable = errors.New("its row cannot be read")
	// ErrNotWaiting means that a message is unknown or its state final.
	ErrNotWaiting = errors.New("the message is not waiting")
	// ErrBeingTried means that a message is on its way to its recipient now.
	ErrBeingTried = errors.New("the message is being tried")
	// ErrHeldElsewhere means that another worker on the store has the message, and was asked in vain.
	ErrHeldElsewhere = errors.New("another worker has the message, and does not answer")
	// ErrNoPlace means that a client has as many sessions as it may have.
	ErrNoPlace = errors.New("its sessions are bound already")
	// ErrTooMany means that more messages match than are taken back together. A wrapping error says how many.
	ErrTooMany = errors.New("too many messages at once")
	// ErrNoClient means that no client is to have what is written from a number. A wrapping error's text is for Hermès.
	ErrNoClient = errors.New("no client owns the number")
	// ErrAddress means that a client cannot be written a number so. A wrapping error's text is for Hermès.
	ErrAddress = errors.New("the number cannot be written")
)
