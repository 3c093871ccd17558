package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"hnetsmpp/smppserv/sms"
)

// clients are the counters of the clients of config.toml.
type clients struct {
	accepted, delivered, failed *prometheus.Desc
	byID                        atomic.Pointer[map[string]*client]
}

type client struct {
	accepted, texts, receipts, failedIn, failedOut atomic.Int64
}

func (cs *clients) init(d definitions) {
	cs.accepted, cs.delivered, cs.failed = d.desc("client_accepted_total"), d.desc("client_delivered_total"), d.desc("client_failed_total")
	cs.byID.Store(&map[string]*client{})
}

// Clients says which clients are counted, those of the configuration: what was counted of one that stays goes on.
func (c *Counters) Clients(systemIDs []string) {
	before := *c.clients.byID.Load()
	now := make(map[string]*client, len(systemIDs))
	for _, id := range systemIDs {
		if now[id] = before[id]; now[id] == nil {
			now[id] = &client{}
		}
	}
	c.clients.byID.Store(&now)
}

// of is nil for whoever is not counted.
func (cs *clients) of(systemID string) *client { return (*cs.byID.Load())[systemID] }

func (cs *clients) concluded(m *sms.Message, state sms.State) {
	switch state {
	case sms.Deleted:
	case sms.Delivered:
		if to := cs.of(m.Recipient); to != nil && m.Kind == sms.KindText {
			to.texts.Add(1)
		} else if to != nil {
			to.receipts.Add(1)
		}
	default:
		if m.Kind != sms.KindText {
			return
		}
		if from := cs.of(m.Submitter); from != nil {
			from.failedIn.Add(1)
		}
		if to := cs.of(m.Recipient); to != nil {
			to.failedOut.Add(1)
		}
	}
}

// Describe implements prometheus.Collector.
func (cs *clients) Describe(out chan<- *prometheus.Desc) {
	out <- cs.accepted
	out <- cs.delivered
	out <- cs.failed
}

// Collect implements prometheus.Collector.
func (cs *clients) Collect(out chan<- prometheus.Metric) {
	for id, c := range *cs.byID.Load() {
		for _, one := range []struct {
			desc   *prometheus.Desc
			n      *atomic.Int64
			labels []string
		}{{cs.accepted, &c.accepted, []string{id}}, {cs.delivered, &c.texts, []string{id, kindText}}, {cs.delivered, &c.receipts, []string{id, kindReceipt}},
			{cs.failed, &c.failedIn, []string{id, "in"}}, {cs.failed, &c.failedOut, []string{id, "out"}}} {
			out <- prometheus.MustNewConstMetric(one.desc, prometheus.CounterValue, float64(one.n.Load()), one.labels...)
		}
	}
}
