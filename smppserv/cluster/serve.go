package cluster

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"hnetsmpp/smppserv/guard"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
)

// maxServed bounds the asks that are served at a time; what is more waits, until it is void.
const maxServed = 128

// answerRetry is the time between two tries to answer: all connections may have broken at once.
const answerRetry = 30 * time.Millisecond

// Handler does what another node asks, and returns its answer of at most MaxBody octets. ctx ends when nobody waits for it any more, and
// has the ask: what is written with that (road.AskOf) is written in time or not at all.
type Handler func(ctx context.Context, from sms.Epoch, body []byte) ([]byte, error)

// served are the asks of others.
type served struct {
	n        *Node
	handlers map[string]Handler
	all      sync.WaitGroup

	mu   sync.Mutex
	busy int
}

func (s *served) init(n *Node) {
	s.n, s.handlers = n, map[string]Handler{}
}

func (s *served) wait() { s.all.Wait() }

// Handle has h answer asks for what, AskProbe among them. It is called before Run.
func (n *Node) Handle(what string, h Handler) { n.served.handlers[what] = h }

// request is an ask of another node.
type request struct {
	id    int64
	from  sms.Epoch
	what  string
	body  []byte
	until time.Duration // from now on
}

func (s *served) room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maxServed - s.busy
}

// add counts asks that begin or, negative, end, and tells whether there was no room before.
func (s *served) add(by int) (full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	full = s.busy >= maxServed
	s.busy += by
	return full
}

// serve begins what others ask.
func (n *Node) serve(ctx context.Context) error {
	s := &n.served
	room := s.room()
	if room == 0 {
		return nil
	}
	all, err := n.takeAsks(ctx, room)
	if err != nil {
		return err
	}
	s.add(len(all))
	for _, r := range all {
		s.all.Go(func() {
			n.answer(ctx, r)
			if s.add(-1) { // some may wait
				n.looks.asks.kick()
			}
		})
	}
	return nil
}

// takeAsks takes what others ask, as far as its time to begin is not over.
func (n *Node) takeAsks(ctx context.Context, most int) ([]request, error) {
	ctx, cancel := n.bound(ctx)
	defer cancel()
	rows, err := n.o.Pool.Query(ctx, `UPDATE asks SET taken_at = clock_timestamp()
		WHERE id = ANY (ARRAY (SELECT id FROM asks WHERE to_epoch = $1 AND answered_at IS NULL AND taken_at IS NULL AND begin_by > clock_timestamp() ORDER BY begin_by LIMIT $2))
		AND taken_at IS NULL AND begin_by > clock_timestamp()
		RETURNING id, from_epoch, what, body, (extract(epoch FROM until - clock_timestamp()) * 1000)::bigint`, int64(n.epoch), most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r request, err error) {
		var left int64
		err = row.Scan(&r.id, (*int64)(&r.from), &r.what, &r.body, &left)
		r.until = time.Duration(left) * time.Millisecond
		return r, err
	})
}

func (n *Node) answer(ctx context.Context, r request) {
	ctx, cancel := context.WithTimeout(ctx, r.until)
	defer cancel()
	body, failed := n.handle(road.WithAsk(ctx, r.id), r)
	if ctx.Err() != nil { // nobody waits for it, but for what was answered in time
		return
	}
	// What is on disk was answered with it.
	const write = `UPDATE asks SET answer = $2, failed = $3, answered_at = clock_timestamp() WHERE id = $1 AND answered_at IS NULL`
	for {
		_, err := n.o.Pool.Exec(ctx, write, r.id, body, failed)
		if err == nil {
			break
		}
		if !pause(ctx, answerRetry) {
			n.o.Log.Warn().Err(undisclosed(err)).Str("what", r.what).Msg("what another worker asked is not answered")
			return
		}
	}
	n.tell.later("answers", strconv.FormatInt(int64(r.from), 10))
}

func (n *Node) handle(ctx context.Context, r request) (body []byte, failed *string) {
	if r.what == AskProbe && n.hasEnded(r.body) {
		return []byte(`{"Gone":true}`), nil
	}
	h := n.served.handlers[r.what]
	if h == nil {
		text := "the worker does not know " + strconv.Quote(r.what) + ": its program is of another version"
		return nil, &text
	}
	var err error
	if fault := guard.Do(func() { body, err = h(ctx, r.from, r.body) }); fault != nil {
		n.o.Log.Error().Err(fault).Str("what", r.what).Str("stack", fault.Stack).Msg("what another worker asked brought about a fault of the server: please report this line")
		err = fault
	}
	if err == nil && len(body) > MaxBody {
		err = ErrTooLong
	}
	if err != nil {
		text := strings.ToValidUTF8(strings.ReplaceAll(err.Error(), "\x00", ""), "?") // the database takes no other
		return nil, &text
	}
	return body, nil
}
