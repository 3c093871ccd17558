package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"hnetsmpp/smppserv/sms"
)

const (
	// AskTime is how long an ask has if its context does not say.
	AskTime = 2 * time.Second
	// MaxBody bounds what is asked and what is answered, in octets.
	MaxBody = 1 << 20
	// answersEvery is how often answers are looked for without a notice, while some are waited for.
	answersEvery = 250 * time.Millisecond
)

var (
	// ErrNoAnswer means that a node has not answered in time, or is not there. What it has not begun by then is void.
	ErrNoAnswer = errors.New("the other worker does not answer")
	// ErrInDoubt means that the database does not tell whether a node has done what it was asked.
	ErrInDoubt = fmt.Errorf("%w: it is not known whether the other worker has done it", sms.ErrUnavailable)
	// ErrTooLong means that an ask or its answer has more than MaxBody octets.
	ErrTooLong = errors.New("more than fits between workers")

	errUnheard = errors.New("the database does not tell whether it has it")
)

// RefusedError is what a handler returned on another node, in its words.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// asking are the asks of this node that wait for their answers, by their ids.
type asking struct {
	mu      sync.Mutex
	waiting map[int64]chan answer
}

type answer struct {
	body   []byte
	failed *string
}

func (a *asking) init() { a.waiting = map[int64]chan answer{} }

func (a *asking) await(id int64) <-chan answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := make(chan answer, 1)
	a.waiting[id] = c
	return c
}

func (a *asking) forget(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
}

func (a *asking) ids() (all []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.waiting {
		all = append(all, id)
	}
	return all
}

func (a *asking) answered(id int64, to answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.waiting[id]; c != nil {
		c <- to
		delete(a.waiting, id)
	}
}

// Ask has another node do something, and returns its answer; to may also be an estate of its. It has until the deadline of ctx, or AskTime where that has none: three
// quarters of that to begin. The error is ErrNoAnswer, ErrInDoubt, ErrTooLong, a *RefusedError, or that of the database.
func (n *Node) Ask(ctx context.Context, to sms.Epoch, what string, body []byte) ([]byte, error) {
	return n.ask(ctx, to, what, body, true)
}

// ask is Ask; without heirs, a node that is over does not answer.
func (n *Node) ask(ctx context.Context, to sms.Epoch, what string, body []byte, heirs bool) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, ErrTooLong
	}
	if to == n.epoch || heirs && slices.Contains(n.Estates(), to) {
		return n.askMyself(ctx, what, body)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, AskTime)
		defer cancel()
	}
	id := rand.Int64()
	c := n.asking.await(id) // it may be written though that is not heard
	to, err := n.putAsk(ctx, id, to, what, body, heirs)
	if errors.Is(err, errUnheard) {
		return n.void(id, c, err)
	}
	if err != nil {
		n.asking.forget(id)
		return nil, undisclosed(err)
	}
	n.tell.later("asks", strconv.FormatInt(int64(to), 10))
	for known := false; ; {
		_, there, changed := n.other(to)
		if known && !there { // somebody has taken over from it
			return n.giveUp(id, c, heirs)
		}
		known = there
		select {
		case a := <-c:
			return a.result()
		case <-changed:
		case <-n.lost: // who takes over takes the ask away, answered or not
			n.asking.forget(id)
			if !heirs {
				return nil, ErrLost
			}
			return nil, fmt.Errorf("%w: %w", ErrInDoubt, ErrLost)
		case <-ctx.Done():
			return n.giveUp(id, c, heirs)
		}
	}
}

func (a answer) result() ([]byte, error) {
	if a.failed != nil {
		return nil, &RefusedError{*a.failed}
	}
	return a.body, nil
}

// askMyself is for a caller that need not know whose an epoch is.
func (n *Node) askMyself(ctx context.Context, what string, body []byte) ([]byte, error) {
	var a answer
	a.body, a.failed = n.handle(ctx, request{from: n.epoch, what: what, body: body})
	return a.result()
}

// putAsk writes an ask, and tells whose it is. Its number is the asker's own: one of the database's would come again after a crash, which
// empties the table.
func (n *Node) putAsk(ctx context.Context, id int64, to sms.Epoch, what string, body []byte, heirs bool) (whose sms.Epoch, err error) {
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline).Milliseconds()
	if body == nil {
		body = []byte{}
	}
	unheard := false
	err = n.o.Pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		err := c.QueryRow(ctx, `INSERT INTO asks (id, to_epoch, from_epoch, what, body, begin_by, until) OVERRIDING SYSTEM VALUE
			SELECT $1, epoch, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms', clock_timestamp() + $7 * interval '1 ms'
			FROM nodes WHERE epoch = coalesce((SELECT owner FROM estates WHERE epoch = $2 AND $8), $2) RETURNING to_epoch`,
			id, int64(to), int64(n.epoch), what, body, left*3/4, left, heirs).Scan((*int64)(&whose))
		refused, ok := errors.AsType[*pgconn.PgError](err)
		unheard = !pgconn.SafeToRetry(err) && (!ok || refused.SeverityUnlocalized != "ERROR") // one that ends the connection may have written it
		return err
	})
	switch {
	case err == nil:
		return whose, nil
	case errors.Is(err, pgx.ErrNoRows):
		return 0, ErrNoAnswer
	case unheard && heirs: // what a probe asks writes nothing
		return 0, fmt.Errorf("%w: %w", errUnheard, err)
	case ctx.Err() != nil:
		return 0, ErrNoAnswer
	}
	return 0, err
}

// giveUp is void, but for a probe.
func (n *Node) giveUp(id int64, c <-chan answer, heirs bool) ([]byte, error) {
	if heirs {
		return n.void(id, c, nil)
	}
	defer n.asking.forget(id)
	if a, answered, err := n.close(id); err == nil && answered {
		return a.result()
	}
	return nil, ErrNoAnswer
}

// void takes an ask away, whose time is over, or of which it is not known whether it is written: that failed. That decides: what is being
// written for it is written before, and the ask is answered, or is not written. It waits for that as long as the lease runs.
func (n *Node) void(id int64, c <-chan answer, failed error) ([]byte, error) {
	defer n.asking.forget(id)
	for begun := time.Now(); ; {
		a, answered, err := n.close(id)
		switch {
		case err == nil && answered:
			return a.result()
		case err == nil:
			return nil, ErrNoAnswer
		case errors.Is(err, pgx.ErrNoRows): // its answer was found just now, it went although that failed, or the database has forgotten it in a crash
			select {
			case a := <-c:
				return a.result()
			case <-time.After(answersEvery):
			}
			if failed == nil {
				return nil, ErrInDoubt
			}
			return nil, fmt.Errorf("%w: %w", ErrInDoubt, undisclosed(failed))
		case !n.Holds() || time.Since(begun) > n.o.Lease:
			return nil, fmt.Errorf("%w: %w", ErrInDoubt, undisclosed(err))
		}
		failed = err
		select {
		case a := <-c:
			return a.result()
		case <-n.lost:
		case <-time.After(answersEvery):
		}
	}
}

// close ends the time of an ask, tells whether it was answered before, and takes it away after that: a reply of the database that is lost
// is asked for again.
func (n *Node) close(id int64) (a answer, answered bool, err error) {
	ctx, cancel := n.bound(context.Background())
	defer cancel()
	err = n.o.Pool.QueryRow(ctx, `UPDATE asks SET until = 'epoch', begin_by = 'epoch' WHERE id = $1 RETURNING answered_at IS NOT NULL, answer, failed`, id).
		Scan(&answered, &a.body, &a.failed)
	if err == nil {
		_ = n.takeAway(ctx, []int64{id}) // else the sweep does
	}
	return a, answered, err
}

// lookForAnswers takes up the answers that have come. They are in the database until they are known here.
func (n *Node) lookForAnswers(ctx context.Context) error {
	ids := n.asking.ids()
	if len(ids) == 0 {
		return nil
	}
	ctx, cancel := n.bound(ctx)
	defer cancel()
	rows, err := n.o.Pool.Query(ctx, `SELECT id, answer, failed FROM asks WHERE id = ANY ($1) AND answered_at IS NOT NULL`, ids)
	if err != nil {
		return err
	}
	var id int64
	var a answer
	var known []int64
	_, err = pgx.ForEachRow(rows, []any{&id, &a.body, &a.failed}, func() error {
		n.asking.answered(id, a)
		known = append(known, id)
		a = answer{}
		return nil
	})
	if len(known) == 0 {
		return err
	}
	return errors.Join(err, n.takeAway(ctx, known))
}

func (n *Node) takeAway(ctx context.Context, ids []int64) error {
	_, err := n.o.Pool.Exec(ctx, `DELETE FROM asks WHERE id = ANY ($1)`, ids)
	return err
}

// Answer is what one node said.
type Answer struct {
	Name string // of the node
	Body []byte
	Err  error // as of Ask
}

// AskAll asks all other nodes at the same time.
func (n *Node) AskAll(ctx context.Context, what string, body []byte) map[sms.Epoch]Answer {
	var mu sync.Mutex
	var all sync.WaitGroup
	answers := map[sms.Epoch]Answer{}
	for _, e := range n.others() {
		o, _, _ := n.other(e)
		all.Go(func() {
			body, err := n.Ask(ctx, e, what, body)
			mu.Lock()
			defer mu.Unlock()
			answers[e] = Answer{o.name, body, err}
		})
	}
	all.Wait()
	return answers
}
