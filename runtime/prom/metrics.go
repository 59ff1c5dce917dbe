package prom

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eliza-go/eliza/runtime"
	"github.com/eliza-go/eliza/runtime/core"
)

const patience = time.Second // for what is asked of the database when metrics are collected

// Bounds of histograms, in seconds.
var (
	quick = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow  = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
)

// metrics are one collector: all of it is registered, or nothing.
type metrics struct {
	all     []prometheus.Collector
	waiting *prometheus.Desc
	gauges  runtime.Gauges
	reg     prometheus.Registerer

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	requesting,
	turning prometheus.Gauge
	events     *prometheus.CounterVec
	accepted   *prometheus.CounterVec
	turns      *prometheus.HistogramVec
	calls      *prometheus.CounterVec
	calling    *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	actions    *prometheus.CounterVec
	evaluators *prometheus.CounterVec
	commits    prometheus.Histogram
	writes     prometheus.Counter
	dropped    prometheus.Counter
	limited    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{reg: reg, waiting: prometheus.NewDesc("eliza_deliveries_waiting", "Messages stored for an agent whose turn has not begun.", nil, nil)}
	m.requests = counters(m, "http_requests_total", "HTTP requests answered, by method, pattern of the route and status.", "method", "route", "code")
	m.durations = histograms(m, "http_request_duration_seconds", "How long HTTP requests took, by method and pattern of the route.", quick, "method", "route")
	m.requesting = keep(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "eliza_http_requests_in_flight", Help: "HTTP requests being answered now."}))
	m.events = counters(m, "socket_events_total", "Events sockets sent, by name and outcome.", "event", "outcome")
	m.accepted = counters(m, "messages_accepted_total", "Messages stored, replies of turns not counted, by who wrote them: user or agent.", "author")
	m.turns = histograms(m, "turn_duration_seconds", "How long turns of agents took, by how they ended.", slow, "status")
	m.turning = keep(m, prometheus.NewGauge(prometheus.GaugeOpts{Name: "eliza_turns_in_progress", Help: "Turns of agents under way now."}))
	m.calls = counters(m, "model_calls_total", "Calls of models, by type and outcome.", "type", "outcome")
	m.calling = histograms(m, "model_call_duration_seconds", "How long calls of models took, by type.", slow, "type")
	m.tokens = counters(m, "model_tokens_total", "Tokens of text models that tell them, by type and kind: input or output.", "type", "kind")
	m.actions = counters(m, "actions_total", "Actions agents ran, by name and outcome.", "action", "outcome")
	m.evaluators = counters(m, "evaluators_total", "Evaluators that ran, by name and outcome.", "evaluator", "outcome")
	m.commits = keep(m, prometheus.NewHistogram(prometheus.HistogramOpts{Name: "eliza_storage_commit_duration_seconds", Help: "How long transactions of the database took, commit included.", Buckets: quick}))
	m.writes = keep(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "eliza_storage_writes_total", Help: "Writes, of which a transaction holds many."}))
	m.dropped = keep(m, prometheus.NewCounter(prometheus.CounterOpts{Name: "eliza_streams_dropped_total", Help: "Server-sent event streams ended because their reader was too far behind."}))
	m.limited = counters(m, "rate_limited_total", "Requests refused by a rate limit, by its name.", "limit")
	return m
}

func keep[C prometheus.Collector](m *metrics, c C) C {
	m.all = append(m.all, c)
	return c
}

func counters(m *metrics, name, help string, labels ...string) *prometheus.CounterVec {
	return keep(m, prometheus.NewCounterVec(prometheus.CounterOpts{Name: "eliza_" + name, Help: help}, labels))
}

func histograms(m *metrics, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return keep(m, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "eliza_" + name, Help: help, Buckets: buckets}, labels))
}

// attach puts the metrics into the registry.
func (m *metrics) attach(g runtime.Gauges) error {
	if g.Sockets != nil {
		keep(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "eliza_sockets_connected", Help: "Sockets connected now."}, number(g.Sockets)))
	}
	if g.SlowSockets != nil {
		keep(m, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "eliza_sockets_dropped_total", Help: "Sockets closed because they read too slowly."}, number(g.SlowSockets)))
	}
	if g.Writes != nil {
		keep(m, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "eliza_storage_writes_waiting", Help: "Writes that wait for the database now."}, number(g.Writes)))
	}
	m.gauges = g
	err := m.reg.Register(m)
	if errors.As(err, new(prometheus.AlreadyRegisteredError)) {
		err = errors.New("the registry has the metrics of a server already: prometheus.WrapRegistererWith gives each labels of its own")
	}
	if err != nil {
		return fmt.Errorf("prom: %w", err)
	}
	return nil
}

func number(f func() int) func() float64 { return func() float64 { return float64(f()) } }

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
	ch <- m.waiting
}

// Collect implements [prometheus.Collector].
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
	if m.gauges.Deliveries == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if n, err := m.gauges.Deliveries(ctx); err == nil { // a database that is closed or busy has no number now
		ch <- prometheus.MustNewConstMetric(m.waiting, prometheus.GaugeValue, float64(n))
	}
}

// outcome is one of ok, cancelled, timeout, limited and error.
func outcome(err error) string {
	switch code := core.CodeOf(err); {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, context.DeadlineExceeded), code == core.CodeTimeout:
		return "timeout"
	case code == core.CodeRateLimit:
		return "limited"
	}
	return "error"
}
