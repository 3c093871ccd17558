package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/operators"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc"
)

// errTakenOver means that another worker has taken over from this one: everything is closed, and begins afresh.
var errTakenOver = errors.New("another worker on the store has taken over from this one")

// nodes is this worker among those on its store. It tells the SMPP side and operators what the others do, and those what this one does.
// It implements smsc.Others and operators.Others.
type nodes struct {
	*cluster.Node
	*cluster.Forwarder
	rows *cluster.Rows // once there is a queue
	mc   *centre

	end   context.CancelFunc // of its part among the others; nil = it has none yet
	ended chan struct{}
}

// Holds implements operators.Others.
func (n *nodes) Holds() bool { return n.Node.Holds() }

// begin has this worker take part.
func (n *nodes) begin() {
	n.listen()
	ctx, end := context.WithCancel(context.Background())
	n.end, n.ended = end, make(chan struct{})
	go func() {
		defer close(n.ended)
		forwarding := make(chan struct{})
		go func() {
			defer close(forwarding)
			n.Forwarder.Run(ctx, n.mc.queue)
		}()
		n.Node.Run(ctx, duties{n, n.rows})
		<-forwarding
	}()
}

// stop has it take no part any more: nothing is asked of it, and nothing taken in.
func (n *nodes) stop() {
	if n.end != nil {
		n.end()
		<-n.ended
	}
}

// Pending implements queue.Share.
func (n *nodes) Pending(owner string) int { return n.Node.Pending(owner) }

// Supersede implements queue.Share.
func (n *nodes) Supersede(id, by sms.ID) { n.mc.smsc.Supersede(id, by) }

// TakeIn implements smsc.Others.
func (n *nodes) TakeIn(ctx context.Context) error { return n.Node.TakeIn(ctx, duties{n, n.rows}) }

// Nodes implements operators.Others.
func (n *nodes) Nodes() (all []operators.Neighbour) {
	for _, o := range n.Node.Nodes() {
		all = append(all, operators.Neighbour(o))
	}
	return all
}

// Ask implements operators.Others and smsc.Others.
func (n *nodes) Ask(ctx context.Context, to sms.Epoch, what string, body []byte) ([]byte, error) {
	answer, err := n.Node.Ask(ctx, to, what, body)
	if errors.Is(err, cluster.ErrNoAnswer) {
		err = fmt.Errorf("%w: %w", operators.ErrNoAnswer, err)
	}
	return answer, err
}

// listen has this worker answer what others ask.
func (n *nodes) listen() {
	for _, what := range smsc.Asked {
		n.Handle(what, func(ctx context.Context, _ sms.Epoch, body []byte) ([]byte, error) {
			return n.mc.smsc.Answer(ctx, what, body)
		})
	}
	for what, h := range n.mc.operators.Handlers() {
		n.Handle(what, h)
	}
}

// duties are what the parts of this worker do because of others.
type duties struct {
	*nodes
	*cluster.Rows
}

// Lapsed implements cluster.Duties, which says so in the log.
func (d duties) Lapsed() {
	d.mc.push.BreakOff()
	d.mc.smsc.BreakOff()
}

// Regained implements cluster.Duties.
func (d duties) Regained() {
	d.mc.queue.Look()
}

// Away implements cluster.Duties.
func (d duties) Away() {
	d.mc.smsc.Away()
}

// Displaced implements cluster.Duties.
func (d duties) Displaced(_ string, session uint64) { d.mc.smsc.Displaced(session) }

// Reshared implements cluster.Duties.
func (d duties) Reshared() { d.mc.smsc.Reshare() }

// sharedParts are those of config.toml that are to be the same at all workers on a store.
var sharedParts = []string{"mode", "clients", "hermes", "jobs"}

// hashes are what tells whether they are, secrets left out: who reads the database must not be able to try passwords.
func hashes(file *config.File) map[string]string {
	texts := map[string]*strings.Builder{}
	for _, part := range sharedParts {
		texts[part] = &strings.Builder{}
	}
	for _, v := range file.Values() {
		part := v.Key
		if at := strings.IndexAny(part, ".["); at >= 0 {
			part = part[:at]
		}
		if text := texts[part]; text != nil && !v.Secret {
			text.WriteString(v.Key + "=" + v.Text + "\n")
		}
	}
	sums := map[string]string{}
	for part, text := range maps.All(texts) {
		sum := sha256.Sum256([]byte(text.String()))
		sums[part] = hex.EncodeToString(sum[:8])
	}
	return sums
}

// compared are the hashes of the configuration in force.
func (mc *centre) compared() map[string]string {
	if sums := mc.sums.Load(); sums != nil {
		return *sums
	}
	return nil
}

// takenOver tells once all is closed whether the worker begins afresh.
func (mc *centre) takenOver() bool {
	if mc.nodes == nil {
		return false
	}
	select {
	case <-mc.nodes.Lost():
		return true
	default:
		return false
	}
}

// lost is closed when another worker has taken over from this one; nil = there is none that could.
func (mc *centre) lost() <-chan struct{} {
	if mc.nodes == nil {
		return nil
	}
	return mc.nodes.Lost()
}

// leads tells whether this worker does the jobs that are done once for all.
func (mc *centre) leads() bool { return mc.nodes == nil || mc.nodes.Leader() }

// calls tells whether it is this worker that calls a client, for so long.
func (mc *centre) calls(ctx context.Context, systemID string, d time.Duration) bool {
	if mc.nodes == nil {
		return true
	}
	if _, elsewhere := mc.nodes.Receiver(systemID); elsewhere {
		return false
	}
	return mc.nodes.Once(ctx, "outbind "+systemID, d)
}

var (
	_ queue.Share      = (*nodes)(nil)
	_ smsc.Others      = (*nodes)(nil)
	_ operators.Others = (*nodes)(nil)
	_ cluster.Duties   = duties{}
)
