package centre

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"hnetsmpp/pkg/config"
	"hnetsmpp/smppserv/cluster"
	"hnetsmpp/smppserv/queue"
	"hnetsmpp/smppserv/road"
	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/smsc"
	"hnetsmpp/smppserv/store"
)

// errTakenOver means that another worker has taken over from this one: everything is closed, and begins afresh.
var errTakenOver = errors.New("another worker on the store has taken over from this one")

// nodes is this worker among those on its store. It tells the queue, the SMPP side and the push what the others do, and those what
// these do. It implements cluster.Duties, queue.Share and smsc.Others.
type nodes struct {
	*cluster.Node
	mc    *centre
	store *store.Store
}

// Pending implements queue.Share.
func (n *nodes) Pending(owner string) int { return n.Node.Pending(owner) }

// HandOn implements queue.Share.
func (n *nodes) HandOn(ids []sms.ID, to sms.Epoch, done func(error)) {
	n.store.HandOn(ids, to, func(err error) {
		if err == nil {
			n.TellRows(to)
		}
		done(err)
	})
}

// Ended implements queue.Share.
func (n *nodes) Ended(handedBy sms.Epoch) { n.TellEnded(handedBy) }

// Take implements smsc.Others.
func (n *nodes) Take(ctx context.Context, p road.Place) (release func(), err error) {
	return n.Node.Take(ctx, cluster.Place(p))
}

// listen has the SMPP side answer what other workers ask.
func (n *nodes) listen() {
	for _, what := range smsc.Asked {
		n.Handle(what, func(ctx context.Context, _ sms.Epoch, body []byte) ([]byte, error) {
			return n.mc.smsc.Answer(ctx, what, body)
		})
	}
	n.Probe(func(_ context.Context, _ string, session uint64) bool { return n.mc.smsc.Probe(session) })
}

// duties are what the parts of this worker do because of others.
type duties struct{ *nodes }

// Lapsed implements cluster.Duties.
func (d duties) Lapsed() {
	d.mc.log.Warn().Msg("the lease is not held: nothing is tried until it is renewed")
	d.mc.push.BreakOff()
}

// Regained implements cluster.Duties.
func (d duties) Regained() {
	d.mc.log.Info().Msg("the lease is held again")
	d.mc.queue.Look()
}

// Away implements cluster.Duties.
func (d duties) Away() {
	d.mc.log.Warn().Msg("the database has been out of reach for three leases: clients are unbound, so that they find another server")
	d.mc.smsc.Away()
}

// Inherit implements cluster.Duties.
func (d duties) Inherit(ctx context.Context, estates []sms.Epoch) error {
	total, err := d.mc.queue.TakeOver(ctx, func(ctx context.Context, f func(*sms.Message) error) error {
		return d.store.WaitingOf(ctx, estates, f)
	})
	if err == nil {
		d.mc.log.Info().Int("messages", total).Msg("what waited at another worker was taken up")
	}
	return err
}

// Arrived implements cluster.Duties.
func (d duties) Arrived(ctx context.Context, ids []sms.ID) error {
	_, err := d.mc.queue.TakeIn(ctx, ids)
	return err
}

// Ended implements cluster.Duties.
func (d duties) Ended(ctx context.Context) error {
	ids := d.mc.queue.Abroad()
	for some := range slices.Chunk(ids, abroadStep) {
		ms, err := d.store.LoadHeads(ctx, some)
		if err != nil {
			return err
		}
		gone := slices.DeleteFunc(slices.Clone(some), func(id sms.ID) bool {
			return slices.ContainsFunc(ms, func(m *sms.Message) bool { return m.ID == id })
		})
		d.mc.queue.Ended(ms, gone)
	}
	return nil
}

// abroadStep is how many messages that are elsewhere are looked up together.
const abroadStep = 200

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
	_ queue.Share    = (*nodes)(nil)
	_ smsc.Others    = (*nodes)(nil)
	_ cluster.Duties = duties{}
)
