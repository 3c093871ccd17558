package metrics

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hnetsmpp/pkg/smpp"
	"hnetsmpp/smppserv/sms"
)

// Counters count what happens since the start of the process. Their methods may be called from any goroutine
// and under any lock: they wait for nothing.
type Counters struct {
	accepted  *prometheus.CounterVec
	delivered *prometheus.CounterVec
	failed    *prometheus.CounterVec
	deleted   *prometheus.CounterVec
	retries   *prometheus.CounterVec

	pushes         *prometheus.CounterVec
	pushDuration   prometheus.Histogram
	commitDuration prometheus.Histogram
	bindsRefused   *prometheus.CounterVec
	submitsRefused *prometheus.CounterVec
	clients        clients

	// The series that every message counts in, looked up once.
	fromClient, fromHermes prometheus.Counter
	outcomes               map[recipient]series
	byStatus               [maxStatus]atomic.Pointer[prometheus.Counter] // of pushes
}

// maxStatus bounds the statuses of HTTP that are told apart.
const maxStatus = 600

// recipient is the labels to and kind.
type recipient struct{ to, kind string }

type series struct {
	delivered, deleted, retries prometheus.Counter
	failed                      map[sms.State]prometheus.Counter
}

// NewCounters makes counters at zero.
func NewCounters() *Counters {
	d := define()
	c := &Counters{
		accepted:       d.counters("messages_accepted_total"),
		delivered:      d.counters("messages_delivered_total"),
		failed:         d.counters("messages_failed_total"),
		deleted:        d.counters("messages_deleted_total"),
		retries:        d.counters("messages_retries_total"),
		pushes:         d.counters("pushes_total"),
		pushDuration:   d.histogram("push_duration_seconds", pushBuckets()),
		commitDuration: d.histogram("commit_duration_seconds", commitBuckets()),
		bindsRefused:   d.counters("binds_refused_total"),
		submitsRefused: d.counters("submits_refused_total"),
	}
	c.clients.init(d)
	c.fill()
	return c
}

// fill makes every series exist from the start: a rate of what appears with its first event misses that event.
func (c *Counters) fill() {
	c.fromClient, c.fromHermes = c.accepted.WithLabelValues(atClient), c.accepted.WithLabelValues(atHermes)
	c.outcomes = map[recipient]series{}
	for _, side := range []string{atClient, atHermes} {
		for _, kind := range []string{kindText, kindReceipt, kindIntermediate} {
			s := series{delivered: c.delivered.WithLabelValues(side, kind), deleted: c.deleted.WithLabelValues(side, kind),
				retries: c.retries.WithLabelValues(side, kind), failed: map[sms.State]prometheus.Counter{}}
			for _, state := range []sms.State{sms.Expired, sms.Undeliverable, sms.Rejected} {
				s.failed[state] = c.failed.WithLabelValues(side, kind, state.String())
			}
			c.outcomes[recipient{side, kind}] = s
		}
	}
	c.pushes.WithLabelValues(noAnswer)
	c.pushes.WithLabelValues("200")
	for _, status := range [...]smpp.Status{smpp.RINVPASWD, smpp.RINVSYSID, smpp.RBINDFAIL, smpp.RALYBND, smpp.RSYSERR} {
		c.bindsRefused.WithLabelValues(reason(status))
	}
	for _, status := range [...]smpp.Status{smpp.RTHROTTLED, smpp.RMSGQFUL, smpp.RSYSERR, smpp.RINVDSTADR, smpp.RINVBNDSTS} {
		c.submitsRefused.WithLabelValues(reason(status))
	}
}

func (c *Counters) of(m *sms.Message) series {
	return c.outcomes[recipient{side(m.Recipient), kind(m)}]
}

func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.accepted, c.delivered, c.failed, c.deleted, c.retries, c.pushes, c.pushDuration, c.commitDuration,
		c.bindsRefused, c.submitsRefused, &c.clients}
}

// Accepted counts a message that a client or Hermès handed in, when it is on disk. A duplicate is none.
// Receipts are nobody's to hand in and are not counted.
func (c *Counters) Accepted(m *sms.Message) {
	switch {
	case m.Kind != sms.KindText:
	case m.Submitter == sms.Hermes:
		c.fromHermes.Inc()
	default:
		c.fromClient.Inc()
		if one := c.clients.of(m.Submitter); one != nil {
			one.accepted.Add(1)
		}
	}
}

// Retried counts a try that failed for now; of a long text in parts, with any one of them.
func (c *Counters) Retried(m *sms.Message) {
	c.of(m).retries.Inc()
}

// Concluded counts a message that came to its final state; of a long text in parts, with each of them.
func (c *Counters) Concluded(m *sms.Message, state sms.State) {
	if m.Kind == sms.KindDPF {
		return // nothing that anybody gets
	}
	s := c.of(m)
	c.clients.concluded(m, state)
	switch state {
	case sms.Delivered:
		s.delivered.Inc()
	case sms.Deleted:
		s.deleted.Inc()
	default:
		if known := s.failed[state]; known != nil {
			known.Inc()
			return
		}
		c.failed.WithLabelValues(side(m.Recipient), kind(m), state.String()).Inc()
	}
}

func side(name string) string {
	if name == sms.Hermes {
		return atHermes
	}
	return atClient
}

func kind(m *sms.Message) string {
	switch m.Kind {
	case sms.KindReceipt:
		return kindReceipt
	case sms.KindIntermediate:
		return kindIntermediate
	}
	return kindText
}

// Pushed implements hermes.Observer.
func (c *Counters) Pushed(status int, took time.Duration) {
	c.pushDuration.Observe(took.Seconds())
	if status < 0 || status >= maxStatus {
		status = maxStatus - 1 // which is none of HTTP's
	}
	known := c.byStatus[status].Load()
	if known == nil {
		one := c.pushes.WithLabelValues(statusLabel(status))
		known = &one
		c.byStatus[status].Store(known)
	}
	(*known).Inc()
}

func statusLabel(status int) string {
	switch {
	case status == 0:
		return noAnswer
	case http.StatusText(status) == "":
		return other
	}
	return strconv.Itoa(status)
}

// Committed implements store.Observer.
func (c *Counters) Committed(took time.Duration) { c.commitDuration.Observe(took.Seconds()) }

// Refused implements session.Observer.
func (c *Counters) Refused(command smpp.CommandID, status smpp.Status) {
	switch command {
	case smpp.CmdBindReceiver, smpp.CmdBindTransmitter, smpp.CmdBindTransceiver:
		c.bindsRefused.WithLabelValues(reason(status)).Inc()
	case smpp.CmdSubmitSM, smpp.CmdSubmitMulti, smpp.CmdDataSM:
		c.submitsRefused.WithLabelValues(reason(status)).Inc()
	}
}

// reason is the name of a command_status.
func reason(status smpp.Status) string {
	if name := status.Name(); name != "" {
		return name
	}
	return other
}
