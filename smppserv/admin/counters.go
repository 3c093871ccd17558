package admin

import (
	"github.com/prometheus/client_golang/prometheus"

	"hnetsmpp/smppserv/sms"
)

// Counters count messages since the start of the process. Their methods may be called from any goroutine
// and under any lock: they wait for nothing.
type Counters struct {
	accepted  *prometheus.CounterVec
	delivered *prometheus.CounterVec
	failed    *prometheus.CounterVec
	deleted   *prometheus.CounterVec
	retries   *prometheus.CounterVec

	// The series that every message counts in, looked up once.
	fromClient, fromHermes prometheus.Counter
	outcomes               map[recipient]series
}

// recipient is the labels to and kind.
type recipient struct{ to, kind string }

type series struct {
	delivered, deleted, retries prometheus.Counter
	failed                      map[sms.State]prometheus.Counter
}

// The values of the labels from, to and kind.
const (
	atClient, atHermes = "client", "hermes"

	kindText         = "text"
	kindReceipt      = "receipt"
	kindIntermediate = "intermediate"
)

// NewCounters makes counters at zero.
func NewCounters() *Counters {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "messages", Name: name, Help: help}, labels)
	}
	c := &Counters{
		accepted:  vec("accepted_total", "Messages accepted, on disk.", "from"),
		delivered: vec("delivered_total", "Messages that their recipient has.", "to", "kind"),
		failed:    vec("failed_total", "Messages that their recipient will never have, by their final state.", "to", "kind", "state"),
		deleted:   vec("deleted_total", "Messages cancelled or replaced.", "to", "kind"),
		retries:   vec("retries_total", "Tries that failed and will be repeated.", "to", "kind"),
	}
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
}

func (c *Counters) of(m *sms.Message) series {
	return c.outcomes[recipient{side(m.Recipient), kind(m)}]
}

func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.accepted, c.delivered, c.failed, c.deleted, c.retries}
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
