package sms

import "time"

// State is a message_state (SMPP 3.4, 5.2.28; 5.0, 4.7.15).
type State uint8

const (
	Scheduled     State = 0
	Enroute       State = 1
	Delivered     State = 2
	Expired       State = 3
	Deleted       State = 4
	Undeliverable State = 5
	Accepted      State = 6
	Unknown       State = 7
	Rejected      State = 8
)

var stateNames = [...]string{"SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED", "UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "UNKNOWN"
}

// Final tells whether no state follows.
func (s State) Final() bool { return s != Scheduled && s != Enroute }

// CanBecome tells whether the move is legal: a final state is never left, and nothing becomes SCHEDULED.
func (s State) CanBecome(next State) bool {
	return !s.Final() && next != Scheduled
}

// Verdict is what a try ended in.
type Verdict uint8

const (
	Done     Verdict = iota // the recipient has it
	TryAgain                // it failed for now and counts as an attempt
	Failed                  // it failed for good
	Returned                // it was not tried to an end (a session closed, a stop); no attempt is counted
	// Underway is no end of the try: the recipient has taken a part of the text, as Progress says. Another report follows.
	Underway
	// HandedOn is an end of the try, and none of the message: another worker has it now.
	HandedOn
)

// Outcome is what came of one try.
type Outcome struct {
	Verdict Verdict
	State   State         // the final state for Failed; 0 means Undeliverable
	Code    int           // an HTTP status or a command_status, 0 if there was no answer
	After   time.Duration // for TryAgain: not before this long; 0 leaves it to the schedule
	Reason  string        // in words, for logs and operators

	// Progress is the message's Progress from now on, "" = as it was. It is for what is to be tried again.
	Progress string

	Temporary bool // for Failed: it might have been tried again, but the message allows one try
	Unreached bool // for TryAgain: nobody was there
	// Unjudged is for TryAgain: it says nothing of the message, which takes no step of its schedule and goes again, in its turn,
	// as soon as its outlet takes anything.
	Unjudged bool
	// Fault is for TryAgain: the server's own fault, which the message brings about. With the third the message has failed.
	Fault bool
}

// FinalState is the state that the outcome leads to, Enroute if it is not an end.
func (o Outcome) FinalState() State {
	switch {
	case o.Verdict == Done:
		return Delivered
	case o.Verdict == Failed && o.State == 0:
		return Undeliverable
	case o.Verdict == Failed:
		return o.State
	}
	return Enroute
}

// Bits of registered_delivery (SMPP 3.4, 5.2.17; 5.0, 4.7.21).
const (
	receiptMask      = 0x03
	receiptAlways    = 0x01
	receiptOnFailure = 0x02
	receiptOnSuccess = 0x03
	intermediateBit  = 0x10
)

// esm_class bits that rule receipts out (SMPP 3.4, 5.2.12).
const (
	modeMask        = 0x03
	modeDatagram    = 0x01
	modeTransaction = 0x02
	typeMask        = 0x3C
	typeDeliveryAck = 0x08
)

// OwesReceipt tells whether m's submitter asked for a receipt of this final state.
// Datagram mode has none (2.10.2), in transaction mode the response tells (2.10.3),
// and what acknowledges another message never asks for one (2.11). Hermès asks for all of its messages or for none.
func (m *Message) OwesReceipt(s State, hermesAsks bool) bool {
	if m.FromHermes() {
		return hermesAsks
	}
	if m.Kind != KindText || m.SingleAttempt() || m.IsAck() {
		return false
	}
	switch m.RegisteredDelivery & receiptMask {
	case receiptAlways:
		return true
	case receiptOnFailure:
		return s != Delivered
	case receiptOnSuccess:
		return s == Delivered
	}
	return false
}

// OwesIntermediate tells whether m's submitter asked to hear of a try that failed for now.
func (m *Message) OwesIntermediate(hermesAsks bool) bool {
	return (m.Submitter != Hermes || hermesAsks) && m.Kind == KindText && m.RegisteredDelivery&intermediateBit != 0 && !m.SingleAttempt() && !m.IsAck()
}

// OwesAlert tells whether m's submitter must hear when the recipient can be reached again, now that m has got into a final state;
// late tells that it could not at first.
func (m *Message) OwesAlert(s State, o Outcome, late bool) bool {
	switch {
	case m.Kind == KindDPF:
		return s == Delivered
	case !m.SetDPF:
		return false
	case s == Delivered:
		return late
	}
	// In transaction mode the answer tells that an alert follows (dpf_result), though it took the message back.
	return o.Temporary || s == Expired || s == Deleted && m.Transaction()
}

// SingleAttempt tells whether the message is tried once only: in datagram and in transaction mode (SMPP 3.4, 2.10.2 and 3).
func (m *Message) SingleAttempt() bool {
	return m.Submitter != Hermes && (m.ESMClass&modeMask == modeDatagram || m.ESMClass&modeMask == modeTransaction)
}

// Gathers tells whether a message is a part of a long text that is gathered with the others before it goes to Hermès: not in transaction
// mode, where its submitter waits for what becomes of it.
func (m *Message) Gathers() bool {
	p := m.Part
	return m.Recipient == Hermes && m.Kind == KindText && !m.Transaction() && p.Total >= 2 && p.Seq >= 1 && p.Seq <= p.Total
}

// Transaction tells whether the submitter's request is answered with the outcome.
func (m *Message) Transaction() bool {
	return m.Submitter != Hermes && m.ESMClass&modeMask == modeTransaction
}

// IsAck tells whether a person's or a device's acknowledgement is what m says (SMPP 3.4, 5.2.12).
func (m *Message) IsAck() bool {
	return m.Kind == KindText && m.Submitter != Hermes && m.ESMClass&typeMask != 0
}

// AckName names the kind of acknowledgement: DELIVERY_ACK or USER_ACK.
func (m *Message) AckName() string {
	if m.ESMClass&typeMask == typeDeliveryAck {
		return "DELIVERY_ACK"
	}
	return "USER_ACK"
}
