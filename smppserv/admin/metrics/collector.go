// Package metrics is what Prometheus reads of the server: a registry whose names, units and labels stay. Its table is every metric
// of ours, and docs/metrics.md is written from that.
//
// What happens is counted when it does (Counters, which waits for nothing); how things stand is asked for when it is read. Labels
// are bounded: a client is named only if config.toml has it.
package metrics

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"hnetsmpp/pkg/adminapi"
	"hnetsmpp/smppserv/sms"
)

// Source tells how things stand. Its methods are called from any goroutine, and each ends in a bounded time or with ctx.
type Source interface {
	Status(ctx context.Context) (adminapi.Status, error)
	Clients(ctx context.Context) ([]adminapi.Client, error)
	Waiting(ctx context.Context) ([]adminapi.Waiting, error)
	Sessions(ctx context.Context) ([]adminapi.Session, error)
	Settings(ctx context.Context) (adminapi.Settings, error)
	// Membership is this worker among those on the store; ok is false where it has that to itself.
	Membership() (nodes int, leader, holds, ok bool)
}

// Options are fixed for the life of a registry.
type Options struct {
	Version  string // of this program
	Node     string // the name of this worker
	Source   Source // of this worker alone
	Queue    func() sms.QueueStats
	Counters *Counters
	Log      zerolog.Logger
}

const (
	// collectTime bounds a scrape: Prometheus waits for 10 s.
	collectTime = 5 * time.Second
	// maxScrapes is how many may be under way.
	maxScrapes = 4
)

// Handler answers with all metrics, those of Go and of the process included.
func Handler(o Options) http.Handler {
	r := newRegistry(o)
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r, ErrorLog: trouble{o.Log}, MaxRequestsInFlight: maxScrapes})
}

func newRegistry(o Options) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newCollector(o))
	r.MustRegister(o.Counters.collectors()...)
	return r
}

type trouble struct{ log zerolog.Logger }

func (t trouble) Println(v ...any) { t.log.Debug().Interface("error", v).Msg("metrics") }

// sessionStates are the states that are shown even while no session is in them.
var sessionStates = [...]string{"OPEN", "BOUND_TX", "BOUND_RX", "BOUND_TRX", "UNBINDING", "CLOSING"}

// collector asks for the numbers when they are collected.
type collector struct {
	o     Options
	descs map[string]*prometheus.Desc
}

// collected are the metrics that are asked for; the others are counted.
var collected = [...]string{
	"build_info", "nodes", "lease_held", "leader", "ready", "attention", "hermes_up", "hermes_since_timestamp_seconds", "hermes_window", "hermes_in_flight",
	"queue_waiting", "queue_in_flight", "queue_unwritten", "queue_lanes", "waiting", "oldest_waiting_seconds",
	"sessions", "client_sessions", "client_paused", "client_window", "client_in_flight", "tcp_connections", "tcp_lines_total",
	"database_size_bytes", "write_ahead_log_size_bytes", "disk_free_bytes", "disk_size_bytes",
	"config_last_reload_successful", "config_last_reload_success_timestamp_seconds", "config_restart_pending",
}

func newCollector(o Options) *collector {
	c := &collector{o: o, descs: map[string]*prometheus.Desc{}}
	d := define()
	for _, name := range collected {
		c.descs[name] = d.desc(name)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// scrape is one collection.
type scrape struct {
	*collector
	ctx context.Context
	out chan<- prometheus.Metric
}

func (s *scrape) gauge(name string, v float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.descs[name], prometheus.GaugeValue, v, labels...)
}

func (s *scrape) counter(name string, v int64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.descs[name], prometheus.CounterValue, float64(v), labels...)
}

// Collect implements prometheus.Collector. What cannot be told now is left out.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	s := &scrape{c, ctx, out}
	s.gauge("build_info", 1, c.o.Version, runtime.Version(), c.o.Node)
	if nodes, leader, holds, ok := c.o.Source.Membership(); ok {
		s.gauge("nodes", float64(nodes))
		s.gauge("leader", boolean(leader))
		s.gauge("lease_held", boolean(holds))
	}
	q := c.o.Queue()
	s.gauge("queue_waiting", float64(q.Waiting))
	s.gauge("queue_in_flight", float64(q.InFlight))
	s.gauge("queue_unwritten", float64(q.Unwritten))
	s.gauge("queue_lanes", float64(q.Lanes))
	for _, part := range []func() error{s.status, s.sessions, s.parties, s.settings} {
		if err := part(); err != nil {
			c.o.Log.Debug().Err(err).Msg("some metrics cannot be told now")
		}
	}
}

func (s *scrape) status() error {
	st, err := s.o.Source.Status(s.ctx)
	if err != nil {
		return err
	}
	s.gauge("ready", boolean(st.Ready))
	levels := map[adminapi.Level]int{adminapi.Bad: 0, adminapi.Warning: 0}
	for _, n := range st.Attention {
		levels[n.Level]++
	}
	for level, n := range levels {
		s.gauge("attention", float64(n), string(level))
	}
	for _, p := range st.Parts {
		switch p.Name {
		case adminapi.PartHermes:
			if up, known := p.Figures["up"]; known {
				s.gauge("hermes_up", float64(up))
				s.gauge("hermes_since_timestamp_seconds", unix(p.Since))
			}
			s.figure("hermes_window", p, "window")
			s.figure("hermes_in_flight", p, "in_flight")
		case adminapi.PartTCP:
			s.figure("tcp_connections", p, "connections")
			s.counter("tcp_lines_total", p.Figures["accepted"], "accepted")
			s.counter("tcp_lines_total", p.Figures["rejected"], "rejected")
		case adminapi.PartStore:
			s.figure("database_size_bytes", p, "database")
			s.figure("write_ahead_log_size_bytes", p, "log")
		case adminapi.PartDisk:
			s.figure("disk_free_bytes", p, "disk_free")
			s.figure("disk_size_bytes", p, "disk_total")
		}
	}
	return nil
}

// figure is one of a part, if it has it.
func (s *scrape) figure(name string, p adminapi.Part, figure string) {
	if v, ok := p.Figures[figure]; ok {
		s.gauge(name, float64(v))
	}
}

func (s *scrape) sessions() error {
	all, err := s.o.Source.Sessions(s.ctx)
	if err != nil {
		return err
	}
	byState := map[string]int{}
	for _, state := range sessionStates {
		byState[state] = 0
	}
	for _, session := range all {
		byState[session.State]++
	}
	for state, n := range byState {
		s.gauge("sessions", float64(n), state)
	}
	return nil
}

// parties are the clients of config.toml, and what waits for each recipient.
func (s *scrape) parties() error {
	clients, err := s.o.Source.Clients(s.ctx)
	if err != nil {
		return err
	}
	waiting, err := s.o.Source.Waiting(s.ctx)
	if err != nil {
		return err
	}
	type sum struct {
		texts, receipts int
		oldest          time.Time
	}
	sums := map[string]*sum{adminapi.Hermes: {}, other: {}}
	for i := range clients {
		c := &clients[i]
		if !c.Configured {
			continue
		}
		sums[c.SystemID] = &sum{}
		window, inFlight := 0, 0
		for _, session := range c.Sessions {
			if session.State != "BOUND_TX" { // nothing is sent on it
				window += session.Window
				inFlight += session.InFlight
			}
		}
		s.gauge("client_sessions", float64(len(c.Sessions)), c.SystemID)
		s.gauge("client_paused", boolean(c.Paused != nil), c.SystemID)
		s.gauge("client_window", float64(window), c.SystemID)
		s.gauge("client_in_flight", float64(inFlight), c.SystemID)
	}
	for _, w := range waiting {
		to := sums[w.Recipient]
		if to == nil {
			to = sums[other]
		}
		to.texts += w.Texts
		to.receipts += w.Receipts
		if !w.Oldest.IsZero() && (to.oldest.IsZero() || w.Oldest.Before(to.oldest)) {
			to.oldest = w.Oldest
		}
	}
	now := time.Now()
	for recipient, of := range sums {
		s.gauge("waiting", float64(of.texts), recipient, kindText)
		s.gauge("waiting", float64(of.receipts), recipient, kindReceipt)
		age := time.Duration(0)
		if !of.oldest.IsZero() {
			age = max(now.Sub(of.oldest), 0)
		}
		s.gauge("oldest_waiting_seconds", age.Seconds(), recipient)
	}
	return nil
}

func (s *scrape) settings() error {
	st, err := s.o.Source.Settings(s.ctx)
	if err != nil {
		return err
	}
	s.gauge("config_last_reload_successful", boolean(st.Fault == ""))
	s.gauge("config_last_reload_success_timestamp_seconds", unix(st.Taken))
	s.gauge("config_restart_pending", float64(len(st.Pending)))
	return nil
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
