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
	for _, side := range []string{atClient, atHermes} {
		c.accepted.WithLabelValues(side)
		for _, kind := range []string{kindText, kindReceipt, kindIntermediate} {
			c.delivered.WithLabelValues(side, kind)
			c.deleted.WithLabelValues(side, kind)
			c.retries.WithLabelValues(side, kind)
			for _, state := range []sms.State{sms.Expired, sms.Undeliverable, sms.Rejected} {
				c.failed.WithLabelValues(side, kind, state.String())
			}
		}
	}
}

func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.accepted, c.delivered, c.failed, c.deleted, c.retries}
}

// Accepted counts a message that a client or Hermès handed in, when it is on disk. A duplicate is none.
// Receipts are nobody's to hand in and are not counted.
func (c *Counters) Accepted(m *sms.Message) {
	if m.Kind == sms.KindText {
		c.accepted.WithLabelValues(side(m.Submitter)).Inc()
	}
}

// Retried counts a try that failed for now; of a long text in parts, with any one of them.
func (c *Counters) Retried(m *sms.Message) {
	c.retries.WithLabelValues(side(m.Recipient), kind(m)).Inc()
}

// Concluded counts a message that came to its final state; of a long text in parts, with each of them.
func (c *Counters) Concluded(m *sms.Message, state sms.State) {
	if m.Kind == sms.KindDPF {
		return // nothing that anybody gets
	}
	to := side(m.Recipient)
	switch state {
	case sms.Delivered:
		c.delivered.WithLabelValues(to, kind(m)).Inc()
	case sms.Deleted:
		c.deleted.WithLabelValues(to, kind(m)).Inc()
	default:
		c.failed.WithLabelValues(to, kind(m), state.String()).Inc()
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
