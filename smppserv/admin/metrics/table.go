package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "hnetsmpp"

// metric is a line of the table below.
type metric struct {
	name   string // without the namespace; its end tells the unit, _total a counter
	typ    metricType
	help   string
	labels []string
}

type metricType string

const (
	gauge     metricType = "gauge"
	counter   metricType = "counter"
	histogram metricType = "histogram"
)

// The table is every metric of ours; docs/metrics.md is written from it. A name, once it was in a version, stays.
func table() []metric {
	return []metric{
		{"build_info", gauge, "Always 1; the labels tell what runs, and as which node.", []string{"version", "goversion", "node"}},
		{"ready", gauge, "1 while messages are accepted, 0 while the database cannot be written.", nil},
		{"attention", gauge, "Notices that an operator should see to, as on the page.", []string{"level"}},

		{"nodes", gauge, "Workers on the store, this one included. Missing where the store is one worker's alone.", nil},
		{"lease_held", gauge, "1 while the node's lease is its own, 0 while it must not work. Missing where the store is one worker's alone.", nil},
		{"leader", gauge, "1 on the node that does what one does for all, such as [[alerts]]. Missing where the store is one worker's alone.", nil},

		{"hermes_up", gauge, "1 while Hermès takes messages or asks for fewer, 0 while it does not answer or fails every push, and is only probed. Missing until the first push.", nil},
		{"hermes_since_timestamp_seconds", gauge, "Since when Hermès stands as it does, in seconds since 1970. Missing until the first push.", nil},
		{"hermes_window", gauge, "Pushes that may be in flight now, as Hermès takes them.", nil},
		{"hermes_in_flight", gauge, "Pushes in flight.", nil},
		{"pushes_total", counter, "Pushes to Hermès by the HTTP status of the answer: none without an answer, other for one that is no status of HTTP.", []string{"status"}},
		{"push_duration_seconds", histogram, "How long pushes took, from the beginning of the try to the end of the answer, or to giving up.", nil},

		{"messages_accepted_total", counter, "Messages accepted, on disk.", []string{"from"}},
		{"messages_delivered_total", counter, "Messages that their recipient has.", []string{"to", "kind"}},
		{"messages_failed_total", counter, "Messages that their recipient will never have, by their final state.", []string{"to", "kind", "state"}},
		{"messages_deleted_total", counter, "Messages cancelled or replaced.", []string{"to", "kind"}},
		{"messages_retries_total", counter, "Tries that failed and will be repeated.", []string{"to", "kind"}},

		{"queue_waiting", gauge, "Messages that are not final, those in flight included.", nil},
		{"queue_in_flight", gauge, "Tries under way.", nil},
		{"queue_unwritten", gauge, "Outcomes on their way to disk.", nil},
		{"queue_lanes", gauge, "Conversations with waiting messages.", nil},
		{"waiting", gauge, "Messages that wait, by whom they are for: hermes, a client of config.toml, or other for all others together.", []string{"recipient", "kind"}},
		{"oldest_waiting_seconds", gauge, "The age of the oldest message that waits, those for later by their sender's wish included; 0 where none waits.", []string{"recipient"}},

		{"sessions", gauge, "SMPP connections by session state.", []string{"state"}},
		{"binds_refused_total", counter, "Binds that were refused, by command_status; other for one that the specification does not name.", []string{"reason"}},
		{"submits_refused_total", counter, "submit_sm, submit_multi and data_sm that were refused, by command_status; other for one that the specification does not name.", []string{"reason"}},
		{"client_sessions", gauge, "Bound sessions of a client.", []string{"client"}},
		{"client_paused", gauge, "1 while an operator has paused the client: nothing is sent to it.", []string{"client"}},
		{"client_window", gauge, "deliver_sm that may be in flight to a client now, over its sessions.", []string{"client"}},
		{"client_in_flight", gauge, "deliver_sm that are in flight to a client.", []string{"client"}},
		{"client_accepted_total", counter, "Messages accepted from a client, on disk.", []string{"client"}},
		{"client_delivered_total", counter, "Messages that a client has taken.", []string{"client", "kind"}},
		{"client_failed_total", counter, "Messages that will never reach their recipient: in for those that the client submitted, out for those that were for it.", []string{"client", "direction"}},

		{"tcp_connections", gauge, "Connections to the TCP port for Hermès.", nil},
		{"tcp_lines_total", counter, "Lines on the TCP port, by what became of them.", []string{"result"}},

		{"commit_duration_seconds", histogram, "How long commits of the database took, the disk included.", nil},
		{"database_size_bytes", gauge, "The size of the database's file.", nil},
		{"write_ahead_log_size_bytes", gauge, "The size of the database's write-ahead log.", nil},
		{"disk_free_bytes", gauge, "What is free on the volume that the database is on. Missing where the system does not tell.", nil},
		{"disk_size_bytes", gauge, "The size of that volume. Missing where the system does not tell.", nil},

		{"config_last_reload_successful", gauge, "1 while config.toml is in force as it is, 0 while a change of it was refused.", nil},
		{"config_last_reload_success_timestamp_seconds", gauge, "When config.toml was last taken up, in seconds since 1970.", nil},
		{"config_restart_pending", gauge, "Keys of config.toml that wait for a restart.", nil},
	}
}

// full is the name that Prometheus reads.
func (m *metric) full() string { return namespace + "_" + m.name }

// Buckets, in seconds.
func pushBuckets() []float64 {
	return []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60}
}
func commitBuckets() []float64 {
	return []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10}
}

// The values of labels that are not a matter of the configuration.
const (
	atClient, atHermes = "client", "hermes"

	kindText         = "text"
	kindReceipt      = "receipt"
	kindIntermediate = "intermediate"

	other    = "other"
	noAnswer = "none"
)

// definitions are the lines of the table by their names.
type definitions map[string]metric

func define() definitions {
	all := definitions{}
	for _, m := range table() {
		all[m.name] = m
	}
	return all
}

// desc is the line as Prometheus' client has it; there must be one.
func (d definitions) desc(name string) *prometheus.Desc {
	m := d[name]
	return prometheus.NewDesc(m.full(), m.help, m.labels, nil)
}

func (d definitions) counters(name string) *prometheus.CounterVec {
	m := d[name]
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.full(), Help: m.help}, m.labels)
}

func (d definitions) histogram(name string, buckets []float64) prometheus.Histogram {
	m := d[name]
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: m.full(), Help: m.help, Buckets: buckets})
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
