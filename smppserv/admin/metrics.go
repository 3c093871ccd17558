package admin

import (
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "hnetsmpp"

// sessionStates are the states that are shown even while no session is in them.
var sessionStates = [...]string{"OPEN", "BOUND_TX", "BOUND_RX", "BOUND_TRX", "UNBINDING", "CLOSING"}

func newRegistry(o Options) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newSnapshot(o),
	)
	if o.Counters != nil {
		r.MustRegister(o.Counters.collectors()...)
	}
	return r
}

func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry, ErrorLog: s.errorLog(), MaxRequestsInFlight: 4})
}

// snapshot asks for the numbers when they are collected, so that those of one scrape belong together.
type snapshot struct {
	o                                   Options
	build, sessions                     *prometheus.Desc
	waiting, inFlight, unwritten, lanes *prometheus.Desc
}

func newSnapshot(o Options) *snapshot {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &snapshot{
		o:         o,
		build:     desc("build_info", "Always 1; the labels tell what runs.", "version", "goversion"),
		sessions:  desc("sessions", "SMPP connections by session state.", "state"),
		waiting:   desc("queue_waiting", "Messages that are not final, those in flight included."),
		inFlight:  desc("queue_in_flight", "Tries under way."),
		unwritten: desc("queue_unwritten", "Outcomes on their way to disk."),
		lanes:     desc("queue_lanes", "Conversations with waiting messages."),
	}
}

// Describe implements prometheus.Collector.
func (s *snapshot) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.build, s.sessions, s.waiting, s.inFlight, s.unwritten, s.lanes} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (s *snapshot) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	gauge(s.build, 1, s.o.Version, runtime.Version())
	byState := map[string]int{}
	for _, state := range sessionStates {
		byState[state] = 0
	}
	for _, session := range s.o.Centre.Sessions() {
		byState[session.State]++
	}
	for state, n := range byState {
		gauge(s.sessions, n, state)
	}
	q := s.o.Centre.Queue()
	gauge(s.waiting, q.Waiting)
	gauge(s.inFlight, q.InFlight)
	gauge(s.unwritten, q.Unwritten)
	gauge(s.lanes, q.Lanes)
}
