package operators

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/pkg/mention"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store"
)

// Logs are this node's log files.
type Logs interface {
	// Erase takes the lines that hold a number out of them, and returns how many there were. The error says which files still have some.
	Erase(ctx context.Context, number string) (lines int, err error)
}

const (
	// eraseTime is how long one request erases; then it tells how far it has come, and the next one goes on.
	eraseTime = 8 * time.Second
	// restTime bounds the erasure of what is no message, at one node.
	restTime = 15 * time.Minute
	// triedAgain is how long what was being tried is left to its try, and restAsked between two looks at what nodes erase.
	triedAgain, restAsked = 200 * time.Millisecond, 200 * time.Millisecond
	// cancelsAtOnce is how many messages are cancelled at the same time: one transaction has them all.
	cancelsAtOnce = 64
	// leastNumber is the shortest that is erased: what is shorter stands for too much else in logs.
	leastNumber = 5
	// maxErasures bounds the erasures that are remembered as begun, erasureKept for how long.
	maxErasures, erasureKept = 1000, time.Hour
)

// numberHash names a number in the audit without keeping it: some hundred numbers share it.
func numberHash(number string) string {
	sum := sha256.Sum256([]byte(number))
	return "number #" + hex.EncodeToString(sum[:3])
}

// erasures are those that were begun and go on with the next request, and what is erased at this node besides messages.
type erasures struct {
	mu    sync.Mutex
	begun map[string]*erasure
	rests map[string]*rest
}

type erasure struct {
	at       time.Time
	messages int
}

// begin is an erasure, and whether it begins only now.
func (es *erasures) begin(name string, now time.Time) (e *erasure, anew bool) {
	es.mu.Lock()
	defer es.mu.Unlock()
	for other, e := range es.begun {
		if now.Sub(e.at) > erasureKept || len(es.begun) >= maxErasures {
			delete(es.begun, other)
		}
	}
	if e = es.begun[name]; e != nil {
		return e, false
	}
	if es.begun == nil {
		es.begun = map[string]*erasure{}
	}
	e = &erasure{at: now}
	es.begun[name] = e
	return e, true
}

func (es *erasures) count(e *erasure, n int) int {
	es.mu.Lock()
	defer es.mu.Unlock()
	e.messages += n
	return e.messages
}

func (es *erasures) end(name string) {
	es.mu.Lock()
	defer es.mu.Unlock()
	delete(es.begun, name)
}

// erasing is one request.
type erasing struct {
	ops    *Operators
	until  time.Time
	erased int
	trying int             // messages that were being tried at the last look
	silent map[string]bool // nodes that hold messages and did not answer
}

// Erase implements admin.Operators.
func (ops *Operators) Erase(ctx context.Context, by adminapi.Actor, number string) (adminapi.Erasure, error) {
	number = strings.TrimPrefix(strings.TrimSpace(number), "+")
	if strings.Trim(number, "0123456789 .-()/\u00a0") == "" { // as people write numbers
		number = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, number)
	}
	switch {
	case ops.isCampaign(number):
		return adminapi.Erasure{}, fmt.Errorf("%w: %s is a number of the contact centre: config.toml has it among those of a client, so nothing is erased", adminapi.ErrConflict, number)
	case len(number) < leastNumber || len(number) > maxNumber || strings.ContainsAny(number, "*\r\n\x00"):
		return adminapi.Erasure{}, fmt.Errorf("%w: number is one whole number, of %d characters at least", adminapi.ErrBadRequest, leastNumber)
	}
	if err := ops.writable(); err != nil {
		return adminapi.Erasure{}, err
	}
	name := numberHash(number)
	begun, anew := ops.erasures.begin(name, time.Now())
	if anew {
		ops.note(by, "erase", name, "begun")
	}
	e := &erasing{ops: ops, until: time.Now().Add(eraseTime)}
	if end, ok := ctx.Deadline(); ok && end.Add(-answerTime).Before(e.until) {
		e.until = end.Add(-answerTime)
	}
	whole, err := e.messages(ctx, number)
	all := ops.erasures.count(begun, e.erased)
	ops.forget()
	ops.Changed(TopicStatus | TopicClients | TopicMessages | TopicWaiting)
	a := adminapi.Erasure{Messages: e.erased}
	switch {
	case err != nil:
		return a, fmt.Errorf("%d messages were erased, then: %w", e.erased, failed(err))
	case !whole:
		a.Text = e.goesOn()
		return a, nil
	}
	var missing []adminapi.Text
	a.Lines, missing = ops.eraseRests(ctx, number, e.until)
	if len(missing) > 0 {
		a.Text = adminapi.Say("no message holds the number any more; ask again, since %s", missing[0])
		return a, nil
	}
	ops.erasures.end(name)
	ops.acted(by, "erase", name, fmt.Sprintf("done: %d messages, %d lines of logs", all, a.Lines))
	a.Done, a.Text = true, adminapi.Say("the number is erased: %d messages, %d lines of logs", all, a.Lines)
	return a, nil
}

// goesOn says why there is something left.
func (e *erasing) goesOn() adminapi.Text {
	switch {
	case len(e.silent) > 0:
		var names []string
		for name := range e.silent {
			names = append(names, name)
		}
		slices.Sort(names)
		return adminapi.Say("%d messages are erased; the node %s holds others, and does not answer: ask again when it does, or when another one has taken over", e.erased, strings.Join(names, ", "))
	case e.trying > 0:
		return adminapi.Say("%d messages are erased; %d others are being tried at this moment: ask again", e.erased, e.trying)
	}
	return adminapi.Say("%d messages are erased, and there are more: ask again, and it goes on", e.erased)
}

// isCampaign tells whether a number is the contact centre's.
func (ops *Operators) isCampaign(number string) bool {
	return slices.ContainsFunc(ops.o.Config().Clients, func(c Client) bool {
		return slices.ContainsFunc(c.Numbers, func(n string) bool { return strings.TrimPrefix(n, "+") == number })
	})
}

// messages erases all that hold the number, and tells whether there are none any more. What waits is cancelled first, and the receipts
// that are owed for it too.
func (e *erasing) messages(ctx context.Context, number string) (whole bool, err error) {
	for _, form := range [...]string{number, "+" + number} {
		for {
			before := e.erased
			left, err := e.pass(ctx, form)
			if err != nil {
				return false, err
			}
			if left == 0 {
				break
			}
			if !time.Now().Before(e.until) {
				return false, nil
			}
			if e.erased == before { // what is left is being tried, or was handed on
				select {
				case <-time.After(triedAgain):
				case <-ctx.Done():
					return false, ctx.Err()
				}
			}
		}
	}
	return true, nil
}

// pass goes once through the messages of a number, and tells how many there were.
func (e *erasing) pass(ctx context.Context, number string) (found int, err error) {
	e.trying, e.silent = 0, nil
	q := store.Search{Number: number, Limit: store.MaxFound}
	for {
		page, err := e.ops.parts.Store.Search(ctx, q)
		if err != nil {
			return 0, err
		}
		found += len(page.Messages)
		var over []sms.ID
		var waiting []*sms.Message
		for _, m := range page.Messages {
			if m.State.Final() {
				over = append(over, m.ID)
			} else {
				waiting = append(waiting, m)
			}
		}
		ended, err := e.cancel(ctx, waiting)
		if err == nil {
			err = e.ops.parts.Store.EraseMessages(ctx, append(over, ended...))
		}
		if err != nil {
			return 0, err
		}
		e.erased += len(over) + len(ended)
		if page.Next == 0 || !time.Now().Before(e.until) {
			return found + int(min(page.Next, 1)), nil
		}
		q.Below = page.Next
	}
}

// cancel ends what waits, wherever it does, and returns what has ended.
func (e *erasing) cancel(ctx context.Context, waiting []*sms.Message) (ended []sms.ID, err error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, cancelsAtOnce)
	for _, m := range waiting {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			_, at, fault := e.ops.atHolder(ctx, m.ID.String(), askCancel, e.ops.cancelHere)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case fault == nil:
				ended = append(ended, m.ID)
			case errors.Is(fault, adminapi.ErrNotFound): // it is gone
			case errors.Is(fault, adminapi.ErrConflict): // it is being tried, or has ended: the next look tells
				e.trying++
			case errors.Is(fault, adminapi.ErrNoAnswer):
				if e.silent == nil {
					e.silent = map[string]bool{}
				}
				e.silent[at] = true
			default:
				err = fault
			}
		})
	}
	all.Wait()
	return ended, err
}

// rest is the erasure of a number from what is no message, at one node.
type rest struct {
	ended bool
	lines int
	fault adminapi.Text // zero = none
}

// eraseWhat is a number that a node is to erase from all that it has besides messages.
type eraseWhat struct{ Number string }

// restErased is how far it is with that.
type restErased struct {
	Node  string
	Ended bool
	Lines int
	Fault adminapi.Text
}

// eraseAsked begins to erase a number from what this node has besides messages, or tells how that stands. Its end is told once.
func (ops *Operators) eraseAsked(_ context.Context, q eraseWhat) (restErased, error) {
	es := &ops.erasures
	es.mu.Lock()
	defer es.mu.Unlock()
	r := es.rests[q.Number]
	switch {
	case r == nil:
		if es.rests == nil {
			es.rests = map[string]*rest{}
		}
		r = &rest{}
		es.rests[q.Number] = r
		go ops.eraseRest(q.Number, r)
	case r.ended:
		delete(es.rests, q.Number)
		return restErased{Node: ops.o.Node, Ended: true, Lines: r.lines, Fault: r.fault}, nil
	}
	return restErased{Node: ops.o.Node}, nil
}

func (ops *Operators) eraseRest(number string, r *rest) {
	ctx, cancel := context.WithTimeout(context.Background(), restTime)
	defer cancel()
	holds := mention.Of(number).In
	ops.o.Lines.Erase(holds)
	ops.parts.Port.Erase(holds)
	ops.parts.Push.Erase(holds)
	if ops.parts.Traces != nil {
		ops.parts.Traces.Erase(holds)
	}
	var fault adminapi.Text
	fail := func(err error) {
		if err != nil && fault.IsZero() {
			fault = adminapi.Verbatim(oneLine(err.Error()))
		}
	}
	fail(ops.parts.Store.EraseNumber(ctx, number))
	fail(ops.parts.Store.Scrub(ctx))
	lines := 0
	if ops.parts.Logs != nil {
		n, err := ops.parts.Logs.Erase(ctx, number)
		fail(err)
		lines = n
	}
	ops.erasures.mu.Lock()
	defer ops.erasures.mu.Unlock()
	r.ended, r.lines, r.fault = true, lines, fault
	time.AfterFunc(erasureKept, func() { // nobody asked
		ops.erasures.mu.Lock()
		defer ops.erasures.mu.Unlock()
		if ops.erasures.rests[number] == r {
			delete(ops.erasures.rests, number)
		}
	})
}

// eraseRests has all nodes erase what they have besides messages. What is missing says why some have not.
func (ops *Operators) eraseRests(ctx context.Context, number string, until time.Time) (lines int, missing []adminapi.Text) {
	ended := map[sms.Epoch]bool{}
	q := eraseWhat{number}
	take := func(r restErased) {
		lines += r.Lines
		if !r.Fault.IsZero() {
			missing = append(missing, adminapi.Say("not all was done at %s: %s", r.Node, r.Fault))
		}
	}
	here := false
	for {
		if !here {
			r, _ := ops.eraseAsked(ctx, q)
			if here = r.Ended; here {
				take(r)
			}
		}
		var silent, busy []string
		bounded, cancel := context.WithTimeout(ctx, answerTime)
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, n := range ops.others() {
			if ended[n.Epoch] {
				continue
			}
			all.Go(func() {
				r, err := askOne[restErased](bounded, ops, n, askErase, q)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					silent = append(silent, n.Name)
				case r.Ended:
					ended[n.Epoch] = true
					take(r)
				default:
					busy = append(busy, n.Name)
				}
			})
		}
		all.Wait()
		cancel()
		if here && len(busy)+len(silent) == 0 {
			return lines, missing
		}
		if !time.Now().Add(restAsked).Before(until) || ctx.Err() != nil {
			slices.Sort(silent)
			if len(silent) > 0 {
				missing = append(missing, adminapi.Say("the node %s does not answer: its logs may hold the number", strings.Join(silent, ", ")))
			}
			if !here || len(busy) > 0 {
				missing = append(missing, adminapi.Say("log files are still being written anew"))
			}
			return lines, missing
		}
		select {
		case <-time.After(restAsked):
		case <-ctx.Done():
		}
	}
}

// Erase lets go of the lines that match.
func (l *Lines) Erase(match func(line []byte) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.ring {
		if match(l.ring[i]) {
			kept := []byte(`{"level":"info","message":"(erased)"}`)
			l.octets += len(kept) - len(l.ring[i])
			l.ring[i] = kept
		}
	}
}
