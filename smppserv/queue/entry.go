package queue

import (
	"hash/maphash"
	"math"

	"hnetsmpp/smppserv/sms"
)

type status uint8

const (
	aside      status = iota // before its time, or a part that waits for the others: in its lane, but not in the line
	waiting                  // in the line of its lane
	taken                    // being tried or about to end: in the line, and for nobody else to touch
	changing                 // being changed or cancelled: in the line, and holds back those behind it
	claimed                  // the same for one from aside, which is in no list meanwhile
	absorbed                 // a part that goes with the first of its group, which prev names
	dpfPending               // a delivery pending flag: in its recipient's list, until that was reached
	concluded                // its final state is on the way to disk; it has no lane any more
)

type flags uint16

const (
	told  flags = 1 << iota // an intermediate notification was sent
	away                    // nobody was there at the last try; of a delivery pending flag, when it was set
	asked                   // due is what the recipient asked for (Retry-After)
	// due is what the submitter asked for; it follows the wall clock until it has come
	scheduled
	period    // sms.Message.Period: expires does not follow the wall clock
	untold    // it may have been tried before a restart, of which nothing is known then
	whole     // sms.Message.Part is zero
	grouped   // a part that waits for the others: in Queue.partOf
	leading   // stands for the parts of a text: in Queue.leads
	held      // its message is in memory: in Queue.held
	awaited   // its submission waits for the outcome: in Queue.submissions
	answering // its submission's answer may not be on the wire for receiptDelay yet: in Queue.answers, session is the place there
	succeeded // another one took its place while it was tried: in Queue.successors
	theirs    // another worker accepted it
	odd       // the last setting of the clock that it has followed; see following
	writing   // its last try, which failed, is on its way to disk, as Queue.unsaved: until then only memory knows of it
)

// entry is a waiting message: what deciding about it takes. It has no pointers. What is rare stands in maps of the queue.
type entry struct {
	id       sms.ID
	due      int64 // in the queue's time, as all times here
	expires  int64
	lane     ref
	prev     ref // in the lane's line, or among those aside, or among delivery pending flags
	next     ref
	before   uint32 // among the deadlines
	after    uint32
	service  uint32 // a hash of service_type
	session  uint32 // of a message, that of its submit, once the answer to that is out; of a receipt, that of the message's
	party    uint32 // who handed it in
	attempts uint16 // 65535 means as many or more
	flags    flags
	status   status
	kind     sms.Kind
	changes  uint8 // replace_sm so far
	seq      uint8 // of a part
}

func (e *entry) set(f flags, on bool) {
	if e.flags &^= f; on {
		e.flags |= f
	}
}

func attempts(n int) uint16 { return uint16(min(n, math.MaxUint16)) }

var seed = maphash.MakeSeed()

// keys are what an entry knows of its message's strings.
type keys struct {
	conversation uint64
	service      uint32
}

type conversation struct{ recipient, source, dest string }

func conversationOf(m *sms.Message) conversation {
	return conversation{m.Recipient, m.Source.Number, m.Dest.Number}
}

func (c conversation) hash() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, s := range [...]string{c.recipient, c.source, c.dest} {
		h.WriteString(s)
		h.WriteByte(0)
	}
	return h.Sum64()
}

func serviceHash(serviceType string) uint32 {
	if serviceType == "" {
		return 0
	}
	return uint32(maphash.String(seed, serviceType))
}

func keysOf(m *sms.Message) keys { return keys{conversationOf(m).hash(), serviceHash(m.ServiceType)} }

// all are the parts that r stands for, or r alone.
func (q *Queue) all(r ref) []ref {
	if q.entries.at(r).flags&leading != 0 {
		return q.leads[r].parts
	}
	return []ref{r}
}

// enter puts a message that is on disk into its lane. came is when it came.
func (q *Queue) enter(m *sms.Message, k keys, came, now int64, stored bool) ref {
	r, e := q.entries.add()
	e.id, e.kind, e.attempts, e.service, e.seq = m.ID, m.Kind, attempts(m.Attempts), k.service, m.Part.Seq
	e.set(odd, q.following.odd)
	e.set(told, triedBefore(m)) // by the first try that failed
	e.set(whole, m.Part == sms.Part{})
	p := q.parties.get(handedIn(m))
	p.entries++
	e.party = p.number
	e.set(theirs, m.AcceptedBy != 0)
	q.reckon(e, m, came, now, stored)
	q.byID.add(r)
	q.sees(m)
	e.lane = q.lane(k.conversation, m.Recipient)
	l := q.lanes.at(e.lane)
	if len(q.apart) > 0 {
		q.rejoined(l.hash, e.id)
	}
	q.grow(l, e, 1)
	to := q.recipientOf(l)
	switch {
	case m.Kind == sms.KindDPF:
		e.set(away, m.Receipt.Away)
		to.setDPF(r, e)
		if q.arm(r, now); to.back > came { // it bound meanwhile
			q.end(r, reached)
		}
	case q.isPart(m):
		q.park(r, e, m, came, now)
	case e.attempts == 0 && e.due > now:
		q.putAside(r, e)
		q.arm(r, now)
	default:
		if stored { // others of its conversation may have come since
			q.putByAge(r, e)
		} else {
			q.append(r, e)
		}
		q.arm(r, now)
		if q.ready(e.lane); e.attempts > 0 {
			to.failed[e.lane] = struct{}{}
		}
	}
	return r
}

// sees notes which IDs are known here.
func (q *Queue) sees(m *sms.Message) {
	q.lastSeen = max(q.lastSeen, m.ID)
	if m.AcceptedBy == 0 {
		q.last = max(q.last, m.ID)
	}
}

// forget takes a concluded entry out of memory.
func (q *Queue) forget(r ref) {
	e := q.entries.at(r)
	q.evict(r)
	delete(q.faults, r)
	if e.flags&succeeded != 0 {
		delete(q.successors, r)
	}
	if e.flags&writing != 0 {
		delete(q.unsaved, r)
	}
	p := q.parties.byNumber[e.party]
	p.entries--
	q.parties.forget(p)
	q.byID.remove(r)
	q.entries.drop(r)
}
